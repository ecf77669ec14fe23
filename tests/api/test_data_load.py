"""`data load` as the trader gives it, on the gateway that the desk brings along."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from apps.api.command_line import request_of
from apps.api.counting import counted
from apps.api.outcomes import ExitCode
from apps.domain.errors import InvalidInput
from tests.api.in_process import Program


async def test_a_load_says_what_came_and_the_next_what_was_there(program: Program) -> None:
    line = "data load AAPL SPY --bar 5m --from 2026-11-02 --to 2026-11-13"
    code, out, _ = await program(line)
    assert code == ExitCode.DONE
    assert out.count(" 65.0 ") == 2
    assert "1,560 bars in" in out
    code, out, _ = await program(f"{line} --json")
    told = json.loads(out)
    assert told["is_complete"]
    assert [row["symbol"] for row in told["series"]] == ["AAPL", "SPY"]
    assert [row["requests"] for row in told["series"]] == [0, 0]
    assert [row["there_s"] for row in told["series"]] == [65.0 * 3600] * 2


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("data load NOSUCH AAPL --from 2026-11-18", ExitCode.NOT_FOUND, "IB knows no NOSUCH"),
        ("data load AAPL --from 2199-01-01", ExitCode.USAGE, "no bars of the future"),
        ("data load AAPL --bar 5s --from 2020-01-02", ExitCode.USAGE, "for six months: begin at"),
        ("data load AAPL --bar 1d --from 1960-01-01", ExitCode.USAGE, "goes back to 2016"),
        ("data load SPX --what bid --from 2026-11-18", ExitCode.ERROR, "IB 162"),
        ("data load AAPL --bar 1d --all-hours --from 2026-11-18", ExitCode.USAGE, "regular hours"),
    ],
)
async def test_what_cannot_be_is_one_error_and_nothing_is_kept(
    line: str, code: ExitCode, words: str, program: Program
) -> None:
    ended, out, err = await program(line)
    assert ended == code
    assert words in err
    assert "bars in" not in out
    listed, _, told = await program("data list --json")
    assert (listed, told) == (ExitCode.DONE, "") or listed == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("data load AAPL --bar 7m --from 2026-11-18", "no bars of '7m': the sizes are 1s,"),
        ("data load AAPL --from 2026-11-18 --to 2026-11-02", "ends .* before it begins"),
        ("data load AAPL", "Missing option '--from'"),
        ("data load --from 2026-11-18", "Missing argument 'SYMBOL"),
        ("data load AAPL --from yesterday", "neither a day"),
        ("data load AAPL --from 2026-11-18 --what nonsense", "nonsense"),
        ("data load AAPL --from 2026-11-18 --deadline soon", "soon"),
    ],
)
def test_a_line_that_cannot_be_is_refused_before_anything_is_opened(line: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        request_of(line.split())


async def test_a_load_that_its_deadline_ends_says_so(program: Program) -> None:
    code, out, _ = await program("data load AAPL --bar 5s --from 2026-11-02 --deadline 0 --json")
    told = json.loads(out)
    assert code == ExitCode.TIMEOUT
    assert told["is_cut_short"]


async def test_one_of_several_that_fails_is_told_and_the_others_are_kept(program: Program) -> None:
    code, out, _ = await program("data load SPX AAPL --what bid --bar 5m --from 2026-11-18")
    assert code == ExitCode.ERROR
    assert "IB 162" in out
    _, out, _ = await program("data list --json")
    assert [row["series"]["symbol"] for row in json.loads(out)] == ["AAPL"]


def test_a_terminal_has_a_bar_that_is_gone_at_the_end() -> None:
    drawn = io.StringIO()
    terminal = Console(file=drawn, force_terminal=True, width=80)
    with counted("Loading", terminal, lambda _words: pytest.fail("said as a line")) as count:
        count(5, 20, "390 bars")
        count(20, 20, "1,560 bars")
    assert "Loading" in drawn.getvalue()
    assert "20/20" in drawn.getvalue()
    assert "1,560 bars" in drawn.getvalue()
    assert drawn.getvalue().endswith("\x1b[2K"), "the line is empty again"


def test_elsewhere_there_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("apps.api.counting.time.monotonic", lambda: now[0])
    said: list[object] = []
    with counted("Loading", Console(file=io.StringIO()), said.append) as count:
        for done in range(4):
            now[0] += 4.0
            count(done, 20, "390 bars")
    assert said == ["Loading: 2 of 20, 390 bars"]
