"""Live trading's two confirmations, without a terminal: what opens, what only shows, what errs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from apps.api.command_line import OpenMenu
from apps.api.commands.bracket import SendBracket
from apps.api.commands.halt import HaltTrading
from apps.api.dialogue import agreed_to_open
from apps.api.live import confirmation
from apps.api.replies import LiveOpening
from apps.api.session import Session
from apps.api.views.render import render
from apps.domain.breakout import BreakoutRule
from apps.domain.errors import BadSetting, InvalidInput, RiskRefused
from apps.domain.exits.session_end import SessionEndRule
from apps.domain.levels import Direction
from apps.domain.records import WatcherSeen
from apps.domain.risk import RiskLimits
from apps.domain.trading_state import HaltCause, Trading, TradingState
from apps.domain.watching.terms import WatcherTerms
from apps.domain.watching.text import terms_text
from tests.api.programs import paper_gateway
from tests.api.stand_ins import FakeDesk, a_bracket_preview, a_session, an_account, some_settings
from tests.api.test_program import assert_quiet, desk

ACCOUNT = "U7654321"
LIVE = some_settings(trading_mode="live", ib_host="127.0.0.1")
OPENING = LiveOpening(ACCOUNT, "127.0.0.1:4001, client 1", an_account(), RiskLimits())
BRACKET = SendBracket("buy", "AAPL", "1", None, None, None, confirmed=False)


@pytest.fixture(scope="module")
def live_account() -> Iterator[dict[str, str]]:
    with paper_gateway("--account", ACCOUNT) as (_, where):
        yield where | {"TRADING_MODE": "live"}


# ---------------------------------------------------------------- who is asked


async def test_named_account_is_compared_with_the_brokers() -> None:
    console = a_session(FakeDesk(), interactive=False)[0].console
    right = confirmation(BRACKET, LIVE, console, ACCOUNT, one_shot=True)
    wrong = confirmation(BRACKET, LIVE, console, "U1234567", one_shot=True)
    assert right is not None
    assert wrong is not None
    await right(OPENING)
    with pytest.raises(RiskRefused, match=r"'U1234567' is not the account U7654321"):
        await wrong(OPENING)


@pytest.mark.parametrize("command", [OpenMenu(), BRACKET])
def test_what_may_trade_is_an_error_where_nobody_can_confirm(command: object) -> None:
    console = a_session(FakeDesk(), interactive=False)[0].console
    one_shot = not isinstance(command, OpenMenu)
    with pytest.raises(InvalidInput, match="--confirm-live ACCOUNT"):
        confirmation(command, LIVE, console, "", one_shot=one_shot)


def test_halt_is_never_held_up_for_want_of_a_confirmation() -> None:
    console = a_session(FakeDesk(), interactive=False)[0].console
    halt = HaltTrading(reduce=False, flatten=False)
    assert confirmation(halt, LIVE, console, "", one_shot=True) is None


def test_confirming_live_for_a_paper_desk_is_an_error() -> None:
    console = a_session(FakeDesk())[0].console
    with pytest.raises(InvalidInput, match="TRADING_MODE is paper"):
        confirmation(BRACKET, some_settings(), console, ACCOUNT, one_shot=True)


def test_live_on_the_embedded_gateway_is_an_error() -> None:
    console = a_session(FakeDesk())[0].console
    with pytest.raises(BadSetting, match="IB_HOST is empty"):
        confirmation(BRACKET, some_settings(trading_mode="live"), console, ACCOUNT, one_shot=True)


# ---------------------------------------------------------------- what is shown before it


def in_view(value: LiveOpening) -> str:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(render(value))
    return capture.get()


def test_what_goes_on_by_itself_is_shown_before_the_account_is_typed() -> None:
    terms = WatcherTerms(
        265598,
        "AAPL",
        "NASDAQ",
        BreakoutRule(Decimal("190.50"), Direction.LONG),
        Decimal(5),
        None,
        None,
    )
    seen = WatcherSeen("w3", "AAPL", "armed", terms_text(terms), "", False, "", None)
    damaged = replace(seen, watcher_id="w4", terms="[]")
    halted = Trading(TradingState.HALTED, HaltCause.COMMAND)
    opening = replace(
        OPENING,
        guard_is_on=False,
        session_end=SessionEndRule(timedelta(minutes=5)).sentence,
        watchers=(seen, damaged),
        trading=halted,
    )
    shown = in_view(opening)
    words = " ".join(shown.split())
    assert "These 2 watchers come back, and may enter: w3 AAPL long 5 at 190.50, armed;" in words
    assert "w4 AAPL, which cannot be read" in words
    assert "GUARD is off: a stop that is lost is not replaced." in words
    assert "Positions are closed 5 min before the session's end." in words
    assert "Trading is halted by the halt command." in words
    assert len(shown.splitlines()) < 22, "it has to be seen as a whole"


@pytest.mark.parametrize(
    ("one_shot", "fresh", "named"),
    [(False, False, True), (False, True, False), (True, False, False)],
)
async def test_watchers_are_shown_where_they_come_back(
    one_shot: bool, fresh: bool, named: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    session, _ = a_session(FakeDesk(), ACCOUNT)
    confirm = confirmation(BRACKET, LIVE, session.console, "", one_shot=one_shot, fresh=fresh)
    seen = WatcherSeen("w3", "AAPL", "armed", "[]", "", False, "", None)
    assert confirm is not None
    await confirm(replace(OPENING, watchers=(seen,)))
    assert ("w3 AAPL" in capsys.readouterr().out) is named


# ---------------------------------------------------------------- each opening order


def a_live_session(*lines: str, interactive: bool = True) -> Session:
    session, _ = a_session(FakeDesk(), *lines, interactive=interactive)
    return Session(session.console, LIVE, session.connected)


@pytest.mark.parametrize(("typed", "sent"), [("yes", True), ("", False), ("y", False)])
async def test_opening_order_wants_yes_in_full(typed: str, sent: bool) -> None:
    session = a_live_session(typed)
    preview = a_bracket_preview()
    assert await agreed_to_open(session, "Send it?", preview, already=False) is sent


async def test_opening_order_of_a_script_wants_it_said() -> None:
    session = a_live_session(interactive=False)
    assert await agreed_to_open(session, "Send it?", a_bracket_preview(), already=True)
    with pytest.raises(InvalidInput, match="--yes"):
        await agreed_to_open(session, "Send it?", a_bracket_preview(), already=False)


# ---------------------------------------------------------------- over a real socket


def error_of(out: bytes) -> str:
    return str(json.loads(out)["error"]["message"])


def test_live_shows_without_a_confirmation_and_trades_with_one(
    tmp_path: Path, live_account: dict[str, str]
) -> None:
    shown = desk(tmp_path, "account", "--json", script=b"", **live_account)
    assert shown.returncode == 0
    assert b"read-only" in shown.stderr
    bracket = ("bracket", "buy", "AAPL", "1", "--limit", "1", "--yes", "--json")
    assert desk(tmp_path, *bracket, script=b"", **live_account).returncode == 2
    wrong = desk(tmp_path, "--confirm-live", "U1234567", *bracket, script=b"", **live_account)
    assert wrong.returncode == 4
    assert "not the account" in error_of(wrong.stdout)
    far = {"MAX_PRICE_DISTANCE_PCT": "100"}
    sent = desk(tmp_path, "--confirm-live", ACCOUNT, *bracket, script=b"", **live_account, **far)
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["state"] == "working"
    assert b"REAL MONEY" in sent.stderr
    cancelled = desk(
        tmp_path, "--confirm-live", ACCOUNT, "cancel", "all", script=b"", **live_account
    )
    assert cancelled.returncode == 0, cancelled.stderr
    assert_quiet(cancelled.stderr)


@pytest.mark.parametrize(
    ("account", "mode", "words"),
    [("DU7654321", "live", "is a paper account"), (ACCOUNT, "paper", "not look like a paper")],
)
def test_account_of_the_other_kind_is_refused(
    tmp_path: Path, account: str, mode: str, words: str
) -> None:
    with paper_gateway("--account", account) as (_, where):
        refused = desk(tmp_path, "positions", "--json", script=b"", TRADING_MODE=mode, **where)
    assert refused.returncode == 4
    assert words in error_of(refused.stdout)
