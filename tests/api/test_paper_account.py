"""The embedded gateway's account: kept from one desk to the next, until it is reset."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.api.cli import run
from apps.api.command_line import request_of
from apps.api.commands.paper import ResetPaper
from apps.api.config import SETTINGS
from apps.api.embedded import start_of_market
from apps.api.outcomes import ExitCode
from apps.api.state import account_folder, hold
from apps.domain.errors import Refused
from apps.paper.clock import millis_of, time_at
from apps.paper.state.file import StateFile
from tests.api.stand_ins import END, FakeDesk, a_session, some_settings

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """A whole desk with ``script`` as its stdin; gives its exit code, stdout and stderr."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("DESK_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    async def run_desk(line: str, script: str = "", **settings: str) -> tuple[int, str, str]:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        path = tmp_path / "script"
        path.write_text(script, encoding="utf-8")
        with path.open(encoding="utf-8") as typed:
            monkeypatch.setattr(sys, "stdin", typed)
            code = await run(request_of(line.split()))
        return code, *capsys.readouterr()

    return run_desk


def state_of(home: Path) -> Path:
    return home / "paper-embedded" / "gateway.state"


async def results(desk: Run, line: str) -> Any:
    code, out, _ = await desk(f"{line} --json")
    assert code == 0
    return json.loads(out)


async def test_next_desk_finds_the_bracket_and_closes_it(desk: Run) -> None:
    assert (await desk("bracket buy AAPL 10 --tp 20 --sl 20"))[0] == 0
    (position,) = await results(desk, "positions")
    assert position["position"]["quantity"] == "10"
    assert position["protection"]["state"] == "protected"
    assert len(await results(desk, "orders")) == 2
    code, out, _ = await desk("", "close all\npositions\nbracket buy MSFT 5\nexecutions\nquit\n")
    assert code == 0
    assert "closed 10 AAPL" in out
    assert "No positions." in out
    assert out.count("AAPL") > 2
    assert len(await results(desk, "executions")) == 3


async def test_reset_has_the_account_begin_afresh(desk: Run, tmp_path: Path) -> None:
    await desk("bracket buy AAPL 10")
    assert await desk("paper reset --yes") == (0, "The paper account begins afresh.\n", "")
    assert not state_of(tmp_path).exists()
    assert await results(desk, "positions") == []
    assert await results(desk, "executions") == []


async def test_reset_of_an_account_that_never_was_says_so(desk: Run) -> None:
    code, out, _ = await desk("paper reset")
    assert code == 0
    assert out.startswith("There was nothing to forget")


async def test_reset_within_a_desk_is_done_at_the_next_start(desk: Run) -> None:
    code, out, _ = await desk("", "bracket buy AAPL 10\npaper reset\npositions\nquit\n")
    assert code == 0
    assert "begins afresh at the next start" in out
    assert "protected" in out
    assert await results(desk, "positions") == []
    await desk("bracket buy AAPL 10")
    assert len(await results(desk, "positions")) == 1


async def test_reset_beside_a_running_desk_is_refused(desk: Run, tmp_path: Path) -> None:
    await desk("bracket buy AAPL 10")
    with hold(account_folder(tmp_path, mode="paper", account="embedded")):
        code, out, err = await desk("paper reset --yes")
    assert (code, out) == (ExitCode.ERROR, "")
    assert "Another desk" in err
    assert len(await results(desk, "positions")) == 1


async def test_reset_while_another_gateway_has_the_file_is_refused(
    desk: Run, tmp_path: Path
) -> None:
    await desk("positions")
    with StateFile.open(state_of(tmp_path)):
        code, _, err = await desk("paper reset --yes")
    assert code == ExitCode.ERROR
    assert "in use by another gateway" in err


async def test_reset_of_a_desk_with_a_gateway_of_its_own_is_refused() -> None:
    session, _ = a_session(FakeDesk())
    session = replace(session, settings=some_settings(ib_host="10.0.0.1"))
    with pytest.raises(Refused, match="IB_HOST names a gateway"):
        await ResetPaper(confirmed=True).run(session)


async def test_file_that_no_gateway_can_begin_from_is_one_sentence_with_a_way_out(
    desk: Run, tmp_path: Path
) -> None:
    await desk("positions")
    whole = state_of(tmp_path).read_bytes()
    state_of(tmp_path).write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    code, out, err = await desk("positions")
    assert (code, out) == (ExitCode.ERROR, "")
    assert "is damaged" in err
    assert "`paper reset`" in err
    assert (await desk("paper reset --yes"))[0] == 0
    assert (await desk("positions"))[0] == 0


async def test_other_account_is_added_and_two_are_named_when_none_is_asked_for(desk: Run) -> None:
    await desk("positions")
    code, _, err = await desk("account", IB_ACCOUNT="DU42")
    assert code == 0
    assert "PAPER account DU42" in err
    code, _, err = await desk("account", IB_ACCOUNT="")
    assert code != 0
    assert "DU1234567" in err
    assert "DU42" in err


NIGHT_OF_THE_19TH = datetime(2026, 11, 20, 2, tzinfo=UTC)
MORNING_OF_THE_20TH = datetime(2026, 11, 20, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("saved", "wall", "start"),
    [
        # nothing was kept: the open of the latest session
        (None, NIGHT_OF_THE_19TH, "2026-11-19 14:30"),
        # stopped at 15:59, started the same evening, and the next day
        ("2026-11-19 20:59", NIGHT_OF_THE_19TH, "2026-11-19 20:59"),
        ("2026-11-19 20:59", MORNING_OF_THE_20TH, "2026-11-20 14:30"),
        # a market that ran ahead: on Saturday there is none, on Monday there is
        ("2026-11-21 17:00", MORNING_OF_THE_20TH, "2026-11-23 14:30"),
        # before the open, and after the close
        ("2026-11-20 12:00", NIGHT_OF_THE_19TH, "2026-11-20 14:30"),
        ("2026-11-19 21:00", NIGHT_OF_THE_19TH, "2026-11-20 14:30"),
    ],
)
def test_market_goes_on_where_it_was_or_at_an_open_that_is_later(
    saved: str | None, wall: datetime, start: str
) -> None:
    kept = None if saved is None else millis_of(datetime.fromisoformat(f"{saved}+00:00"))
    found = start_of_market(kept, wall)
    assert found == datetime.fromisoformat(f"{start}+00:00")
    assert kept is None or found >= time_at(kept)


@pytest.mark.parametrize(("answer", "forgets"), [("", True), ("n", False), (END, False)])
async def test_terminal_is_asked_first(tmp_path: Path, answer: str, forgets: bool) -> None:
    account_folder(tmp_path, mode="paper", account="embedded")
    with StateFile.open(state_of(tmp_path)):
        pass
    session, _ = a_session(FakeDesk(), answer)
    session = replace(session, settings=some_settings(desk_home=str(tmp_path)), connected=None)
    try:
        await ResetPaper(confirmed=False).run(session)
    except EOFError:
        assert answer == END
    assert state_of(tmp_path).exists() is not forgets


async def test_reset_puts_the_journal_aside_with_the_account(desk: Run, tmp_path: Path) -> None:
    await desk("positions")
    journal = tmp_path / "paper-embedded" / "journal.sqlite"
    assert journal.exists()
    written = journal.read_bytes()
    assert (await desk("paper reset --yes"))[0] == 0
    assert not journal.exists()
    assert journal.with_name("journal.sqlite.1").read_bytes() == written
