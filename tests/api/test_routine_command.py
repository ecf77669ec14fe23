"""Routines as commands: what is asked first, what is refused at once, and what JSON gives."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from apps.api.config import default_settings
from apps.api.outcomes import ExitCode
from apps.api.replies import Note
from apps.api.routine_command import RunRoutine
from apps.api.session import Session
from apps.api.trading import may_trade
from apps.api.tree import COMMANDS, parse
from apps.api.views.as_json import as_json
from apps.api.views.render import render
from apps.domain.errors import BadRequest, InvalidInput
from apps.engine.exits.exit_routine import CloseOutcome
from apps.engine.routines.catalogue import ROUTINES
from apps.engine.routines.close_all import CLOSE_ALL, Closed
from apps.engine.routines.runner import Answered
from tests.api.stand_ins import FakeDesk, a_session
from tests.api.test_views import shown


def test_every_routine_is_a_command() -> None:
    assert {each.name for each in ROUTINES} <= set(COMMANDS)


def test_a_line_becomes_the_request_as_http_would_make_it() -> None:
    command = parse(["close-all", "aapl", "MSFT,spy", "--side", "short", "--dry-run"]).command
    assert isinstance(command, RunRoutine)
    assert command.dry_run
    assert command.routine.asked(command.values) == CLOSE_ALL.asked(
        {"symbols": ["AAPL", "MSFT", "SPY"], "side": "short"}
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("close-all --side up", "side is 'up'; may be both or long or short"),
        ("close-all A$$", "which is no symbol"),
        ("trade-reconciliation --since yesterday", "since is 'yesterday'"),
        ("trade-reconciliation --since 2026-11-20 --until 2026-11-19", "before since"),
    ],
)
def test_a_line_that_cannot_be_is_refused_before_anything_is_opened(line: str, why: str) -> None:
    with pytest.raises(BadRequest, match="Nothing was done") as caught:
        parse(line.split())
    assert why in caught.value.message


def test_only_what_sends_may_trade() -> None:
    assert may_trade(parse(["close-all"]).command)
    assert not may_trade(parse(["close-all", "--dry-run"]).command)
    assert not may_trade(parse(["summary"]).command)


def names(desk: FakeDesk) -> list[str]:
    return [name for name, _ in desk.asked]


async def test_at_a_terminal_the_dry_run_is_shown_and_a_no_sends_nothing() -> None:
    desk = FakeDesk()
    session, typed = a_session(desk, "n")
    reply = await RunRoutine(CLOSE_ALL, {}).run(session)
    assert isinstance(reply.value, Note)
    assert reply.exit_code is ExitCode.ERROR
    assert len(typed.prompts) == 1
    assert "positions" in names(desk)
    assert "close" not in names(desk)


@pytest.mark.parametrize(
    ("interactive", "confirmed", "asks"), [(True, False, 1), (True, True, 0), (False, False, 0)]
)
async def test_what_is_agreed_to_is_done_and_without_a_terminal_nothing_is_asked(
    interactive: bool, confirmed: bool, asks: int
) -> None:
    desk = FakeDesk()
    session, typed = a_session(desk, "", interactive=interactive)
    reply = await RunRoutine(CLOSE_ALL, {}, confirmed=confirmed).run(session)
    assert isinstance(reply.value, Answered)
    assert reply.exit_code is ExitCode.DONE
    assert len(typed.prompts) == asks
    assert names(desk).count("close") == 1


@pytest.mark.parametrize(("typed", "closes"), [("y", 0), ("", 0), ("yes", 1)])
async def test_live_needs_yes_in_full(typed: str, closes: int) -> None:
    desk = FakeDesk()
    session, _ = a_session(desk, typed)
    await RunRoutine(CLOSE_ALL, {}).run(live(session))
    assert names(desk).count("close") == closes


async def test_live_without_a_terminal_needs_it_said() -> None:
    desk = FakeDesk()
    session, _ = a_session(desk, interactive=False)
    with pytest.raises(InvalidInput, match="--yes"):
        await RunRoutine(CLOSE_ALL, {}).run(live(session))
    assert "close" not in names(desk)


def live(session: Session) -> Session:
    settings = default_settings()
    values: dict[str, Any] = {
        name: getattr(settings, name) for name in settings.__dataclass_fields__
    }
    changed = type(settings)(**values | {"trading_mode": "live", "ib_host": "127.0.0.1"})
    return Session(session.console, changed, session.connected, runner=session.runner)


async def test_what_is_left_for_the_trader_is_an_exit_code_and_said_in_json() -> None:
    desk = FakeDesk()
    none = Decimal(0)
    failed = CloseOutcome("AAPL", False, none, Decimal(10), none, "the link was lost")
    answered = Answered("close-all", None, False, "abc", Closed((failed,), (), ()), False)
    found = json.loads(json.dumps(as_json(answered)))
    assert set(found) >= {"intent", "utcTimestamp", "dry_run", "signature", "result"}
    assert found["is_done"] is False
    assert found["result"]["outcomes"][0]["text"] == "the link was lost"
    assert "the link was lost" in shown(render(answered))
    assert desk.asked == []


def test_a_repeated_answer_says_so() -> None:
    answered = Answered("close-all", None, False, "abc", {"left": []}, True, True)
    assert "Done before" in shown(render(answered))
