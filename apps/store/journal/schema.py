"""The tables of a journal, and their versions. How a file is known is `apps.store.database`'s."""

from __future__ import annotations

from apps.domain.errors import JournalRefused
from apps.store.database import DatabaseKind, copy_of, version_of

__all__ = [
    "APPLICATION_ID",
    "JOURNAL",
    "VERSIONS",
    "copy_of",
    "is_ours",
    "migrate",
    "refusal_of",
    "version_of",
]

APPLICATION_ID = 0x42444A4C
"""'BDJL', in the four bytes that SQLite leaves to the application."""

_FIRST = """
CREATE TABLE desks (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, client_id INTEGER NOT NULL,
    trading_mode TEXT NOT NULL, at TEXT
);
CREATE TABLE commands (number INTEGER PRIMARY KEY, text TEXT NOT NULL, at TEXT);
CREATE TABLE intents (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL UNIQUE, label TEXT NOT NULL,
    con_id INTEGER NOT NULL, symbol TEXT NOT NULL, primary_exchange TEXT NOT NULL,
    side TEXT NOT NULL, quantity TEXT NOT NULL, reference TEXT NOT NULL, rests INTEGER NOT NULL,
    at TEXT
);
CREATE TABLE drops (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, reason TEXT NOT NULL, at TEXT
);
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, parent_id INTEGER NOT NULL, role TEXT NOT NULL,
    con_id INTEGER NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL,
    order_type TEXT NOT NULL, limit_price TEXT, stop_price TEXT, time_in_force TEXT NOT NULL,
    at TEXT
);
CREATE TABLE changes (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, change TEXT NOT NULL, quantity TEXT, limit_price TEXT,
    stop_price TEXT, at TEXT
);
CREATE TABLE statuses (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, perm_id INTEGER NOT NULL, status TEXT NOT NULL,
    quantity TEXT NOT NULL, filled TEXT NOT NULL, remaining TEXT NOT NULL, avg_fill_price TEXT,
    limit_price TEXT, stop_price TEXT, why_held TEXT NOT NULL, warning TEXT NOT NULL, at TEXT
);
CREATE TABLE notices (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, code INTEGER NOT NULL, text TEXT NOT NULL, at TEXT
);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY, exec_id TEXT NOT NULL UNIQUE, execution TEXT NOT NULL,
    revision INTEGER NOT NULL, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, perm_id INTEGER NOT NULL, account TEXT NOT NULL,
    con_id INTEGER NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL,
    price TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE commissions (
    number INTEGER PRIMARY KEY, exec_id TEXT NOT NULL UNIQUE, order_ref TEXT NOT NULL,
    commission TEXT NOT NULL, realized_pnl TEXT, at TEXT
);
CREATE TABLE alerts (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, symbol TEXT NOT NULL,
    watcher_id TEXT NOT NULL, order_ref TEXT NOT NULL, at TEXT
);
CREATE TABLE links (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, epoch INTEGER NOT NULL, reason TEXT NOT NULL,
    at TEXT
);
CREATE TABLE balances (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, currency TEXT NOT NULL,
    net_liquidation TEXT, cash TEXT, buying_power TEXT, available_funds TEXT, initial_margin TEXT,
    maintenance_margin TEXT, unrealized_pnl TEXT, realized_pnl TEXT, at TEXT
);
CREATE TABLE positions (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, con_id INTEGER NOT NULL,
    symbol TEXT NOT NULL, quantity TEXT NOT NULL, average_cost TEXT NOT NULL, market_price TEXT,
    at TEXT
);
CREATE TABLE watchers (
    number INTEGER PRIMARY KEY, watcher_id TEXT NOT NULL, symbol TEXT NOT NULL,
    phase TEXT NOT NULL, terms TEXT NOT NULL, state TEXT NOT NULL, has_ended INTEGER NOT NULL,
    reason TEXT NOT NULL, at TEXT
);
CREATE INDEX drops_of_intent ON drops (order_ref);
CREATE INDEX orders_of_intent ON orders (order_ref);
CREATE INDEX changes_of_intent ON changes (order_ref);
CREATE INDEX statuses_of_intent ON statuses (order_ref);
CREATE INDEX notices_of_intent ON notices (order_ref);
CREATE INDEX executions_of_intent ON executions (order_ref);
CREATE INDEX commissions_of_intent ON commissions (order_ref);
CREATE INDEX alerts_of_intent ON alerts (order_ref) WHERE order_ref <> '';
CREATE INDEX watchers_by_id ON watchers (watcher_id);
"""

_WITH_OUTCOMES = """
CREATE TABLE outcomes (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, outcome TEXT NOT NULL,
    is_over INTEGER NOT NULL, reason TEXT NOT NULL, at TEXT
);
CREATE INDEX outcomes_of_intent ON outcomes (order_ref, number);
CREATE INDEX orders_of_client ON orders (client_id, order_id);
"""
"""Which intents are over is known without reading their stories, so a start stays quick."""

_WITH_HEARD = """
CREATE TABLE heard (
    number INTEGER PRIMARY KEY, con_id INTEGER NOT NULL, symbol TEXT NOT NULL, close TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX heard_of_contract ON heard (con_id, number);
"""

_WITH_SESSIONS = """
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY, start TEXT NOT NULL, "end" TEXT NOT NULL, at TEXT
);
CREATE TABLE carried (
    number INTEGER PRIMARY KEY, con_id INTEGER NOT NULL, symbol TEXT NOT NULL,
    quantity TEXT NOT NULL, mark TEXT, at TEXT
);
CREATE TABLE halts (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, cause TEXT NOT NULL, reason TEXT NOT NULL,
    is_flattening INTEGER NOT NULL, at TEXT
);
CREATE INDEX executions_by_time ON executions (at);
CREATE INDEX executions_by_name ON executions (execution);
"""
"""With what the day's result began, and who halted trading."""

_WITH_ACTIVITIES = """
CREATE TABLE activities (
    number INTEGER PRIMARY KEY, activity_id TEXT NOT NULL UNIQUE, routine TEXT NOT NULL,
    signature TEXT NOT NULL, parameters TEXT NOT NULL, trading_mode TEXT NOT NULL,
    configuration TEXT NOT NULL, caller TEXT NOT NULL, is_dry_run INTEGER NOT NULL,
    request_key TEXT NOT NULL, at TEXT
);
CREATE TABLE activity_ends (
    number INTEGER PRIMARY KEY, activity_id TEXT NOT NULL UNIQUE, outcome TEXT NOT NULL,
    error TEXT NOT NULL, error_code INTEGER, answer TEXT NOT NULL, at TEXT
);
CREATE INDEX activities_by_signature ON activities (signature, number);
CREATE INDEX activities_by_key ON activities (request_key, number) WHERE request_key <> '';
"""
"""With the runs of routines."""

_WITHOUT_ORDERS_OF_CLIENT = "DROP INDEX orders_of_client;"
"""Every bracket paid for it, and it was asked once a start, which reads the whole file anyway."""

VERSIONS: tuple[str, ...] = (
    _FIRST,
    _WITH_OUTCOMES,
    _WITH_HEARD,
    _WITH_SESSIONS,
    _WITH_ACTIVITIES,
    _WITHOUT_ORDERS_OF_CLIENT,
)
"""Script *n* makes version *n* + 1 of version *n*; a new file is version 0."""

JOURNAL = DatabaseKind(
    name="journal",
    application_id=APPLICATION_ID,
    refused=JournalRefused,
    so_far="nothing was traded",
    way_out=(
        "Put a copy of it in its place, or move it away to begin a new one: the broker's own "
        "orders and positions are not lost by that."
    ),
)
"""How the file is known, brought to a newer version, and refused."""

is_ours, migrate, refusal_of = JOURNAL.is_ours, JOURNAL.migrate, JOURNAL.refusal_of
