"""What a client is told of orders besides the orders themselves: status, executions, fees."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.paper.wire.codecs import DECIMAL, INT, LONG, OPTIONAL_DECIMAL, TEXT, UNSET_DECIMAL
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import CONTRACT_WITHOUT_PRIMARY, REQ_ID, Message, message_version
from apps.paper.wire.responses.numbers import Number
from apps.paper.wire.values import Contract

__all__ = [
    "MESSAGES",
    "CommissionReport",
    "CompletedOrdersEnd",
    "ExecutionDetails",
    "ExecutionDetailsEnd",
    "OpenOrderEnd",
    "OrderBound",
    "OrderStatus",
]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OpenOrderEnd:
    """All open orders have been told."""


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """How an order stands. ``client_id`` must be the placing client's, or it cannot cancel."""

    order_id: int
    status: str
    filled: Number
    remaining: Number
    avg_fill_price: Number = _ZERO
    perm_id: int = 0
    parent_id: int = 0
    last_fill_price: Number = _ZERO
    client_id: int = 0
    why_held: str = ""
    market_cap_price: Number = _ZERO


@dataclass(frozen=True, slots=True)
class OrderBound:
    """An order made by hand now has an id that a client can name."""

    perm_id: int
    client_id: int
    order_id: int


@dataclass(frozen=True, slots=True)
class CompletedOrdersEnd:
    """All completed orders have been told."""


@dataclass(frozen=True, slots=True)
class ExecutionDetails:
    """One execution; ``req_id`` is −1 when nobody asked for it.

    ``time`` is YYYYMMDD HH:MM:SS, with the zone's name after it from version 174 on; ``side`` is
    BOT or SLD.
    """

    req_id: int
    order_id: int
    contract: Contract
    exec_id: str
    time: str
    account: str
    exchange: str
    side: str
    shares: Number
    price: Number
    perm_id: int
    client_id: int
    liquidation: int = 0
    cum_qty: Number = _ZERO
    avg_price: Number = _ZERO
    order_ref: str = ""
    ev_rule: str = ""
    ev_multiplier: Number | None = None
    model_code: str = ""
    last_liquidity: int = 0


@dataclass(frozen=True, slots=True)
class ExecutionDetailsEnd:
    """All executions on ``req_id`` have been told."""

    req_id: int


@dataclass(frozen=True, slots=True)
class CommissionReport:
    """What one execution cost and brought; it comes after the execution, never before.

    ``realized_pnl`` is None for an execution that opens; it goes out as IB's unset.
    """

    exec_id: str
    commission: Number
    currency: str
    realized_pnl: Number | None = None
    yield_: Number | None = None
    yield_redemption_date: int = 0


MESSAGES = (
    Message.of(53, OpenOrderEnd, message_version(1)),
    Message.of(102, CompletedOrdersEnd),
    Message.of(
        100,
        OrderBound,
        Field("perm_id", LONG),
        Field("client_id", INT),
        Field("order_id", INT),
    ),
    Message.of(
        3,
        OrderStatus,
        Field("order_id", INT),
        Field("status", TEXT),
        Field("filled", DECIMAL),
        Field("remaining", DECIMAL),
        Field("avg_fill_price", DECIMAL),
        Field("perm_id", LONG),
        Field("parent_id", INT),
        Field("last_fill_price", DECIMAL),
        Field("client_id", INT),
        Field("why_held", TEXT),
        Field("market_cap_price", DECIMAL),
    ),
    Message.of(
        11,
        ExecutionDetails,
        REQ_ID,
        Field("order_id", INT),
        CONTRACT_WITHOUT_PRIMARY,
        Field("exec_id", TEXT),
        Field("time", TEXT),
        Field("account", TEXT),
        Field("exchange", TEXT),
        Field("side", TEXT),
        Field("shares", DECIMAL),
        Field("price", DECIMAL),
        Field("perm_id", LONG),
        Field("client_id", INT),
        Field("liquidation", INT),
        Field("cum_qty", DECIMAL),
        Field("avg_price", DECIMAL),
        Field("order_ref", TEXT),
        Field("ev_rule", TEXT),
        Field("ev_multiplier", OPTIONAL_DECIMAL),
        Field("model_code", TEXT),
        Field("last_liquidity", INT),
    ),
    Message.of(55, ExecutionDetailsEnd, message_version(1), REQ_ID),
    Message.of(
        59,
        CommissionReport,
        message_version(1),
        Field("exec_id", TEXT),
        Field("commission", DECIMAL),
        Field("currency", TEXT),
        Field("realized_pnl", UNSET_DECIMAL),
        Field("yield_", UNSET_DECIMAL),
        Field("yield_redemption_date", INT),
    ),
)
