"""Whole runs of the program within this process, on the embedded gateway."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from apps.api.cli import run
from apps.api.command_line import request_of
from apps.api.config import SETTINGS
from apps.domain.errors import InvalidInput

Run = Callable[..., Awaitable[int]]
Output = pytest.CaptureFixture[str]

BAD_LINES = b"""\
# every line below is one sentence, and nothing else happens
positins
quote XYZZY
quote 'AAPL
breakout start AAPL --level abc
breakout start AAPL --level 0.5%
breakout start AAPL --level 1 --direction long
breakout start AAPL --level +1% --qty 0
breakout start AAPL --level +1% --qty 1.5
breakout start EUR.USD --level +1%
bracket buy AAPL -5
bracket buy AAPL 10 --sl -1
bracket hold AAPL 10
bracket buy AAPL 100000
cancel 12
cancel x
close AAPL
breakout stop w9
orders
quote A\xff\xfe\r
executions"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The program, with ``script`` as its stdin and settings as its environment."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("DESK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "script"

    async def run_program(*words: str, script: bytes = b"", **settings: str) -> int:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        path.write_bytes(script)
        with path.open(encoding="utf-8") as typed:
            monkeypatch.setattr(sys, "stdin", typed)
            return await run(request_of(words))

    yield run_program
    for log in tmp_path.rglob("desk.log"):
        text = log.read_text(encoding="utf-8")
        assert not any(bad in text for bad in ("Traceback", "destroyed", "never retrieved")), text


async def test_script_with_every_kind_of_bad_line_goes_on_to_its_end(
    program: Run, capsys: Output
) -> None:
    assert await program(script=BAD_LINES) == 0
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 18, err
    assert "No working orders." in out
    assert out.endswith("No executions.\nDisconnected.\n")


async def test_exit_on_error_ends_a_script_with_the_code_of_the_line(
    program: Run, capsys: Output
) -> None:
    script = b"orders\nquote XYZZY\nexecutions\n"
    assert await program("--exit-on-error", script=script) == 5
    out = capsys.readouterr().out
    assert "No working orders." in out
    assert "No executions." not in out


async def test_bracket_of_a_script_fills_and_what_stays_is_listed(
    program: Run, capsys: Output
) -> None:
    script = b"bracket buy AAPL 10\npositions\nquit\n"
    assert await program(script=script, PAPER_SPEED="10") == 0
    out = capsys.readouterr().out
    assert "simulated" in out
    assert "Money at risk" in out
    assert "protected" in out
    assert "These orders go on working when the embedded gateway is started again" in out


async def test_breakout_of_a_one_shot_stays_until_its_trade_is_over(
    program: Run, capsys: Output
) -> None:
    words = "breakout start AAPL --level +0.02% --qty 10 --tp 0.03 --sl 0.03 --json"
    assert await program(*words.split(), PAPER_SPEED="600") == 0
    watcher = json.loads(capsys.readouterr().out)
    assert watcher["readiness"] == "ended"
    assert watcher["trade"]["state"] == "closed"


async def test_json_of_a_one_shot_stands_alone_on_stdout(program: Run, capsys: Output) -> None:
    assert await program("account", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["net_liquidation"] == "250000"
    assert "simulated" in err


@pytest.mark.parametrize(
    ("words", "settings", "code", "name"),
    [
        (("quote", "XYZZY"), {}, 5, "not_found"),
        (("quote",), {}, 2, "usage"),
        (("bracket", "buy", "AAPL", "1"), {"TRADING_MODE": "live"}, 2, "usage"),
        (("account",), {"IB_ACCOUNT": "U1234567"}, 4, "rejected"),
    ],
)
async def test_failure_of_a_one_shot_has_its_exit_code_and_json(
    program: Run,
    capsys: Output,
    words: tuple[str, ...],
    settings: dict[str, str],
    code: int,
    name: str,
) -> None:
    assert await program(*words, "--json", script=b"", **settings) == code
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == name
    assert error["message"]


@pytest.mark.parametrize(
    "line",
    [
        "breakout start AAPL --level ten",
        "breakout start AAPL --level 0.5%",
        "breakout start AAPL --level +1% --qty 0",
        "breakout start AAPL --level +1% --qty 1.5",
        "breakout start AAPL --level +1% --tp 0",
        "breakout start AAPL --level +1% --sl 0",
        "breakout start AAPL --level +1% --bar 7s",
        "breakout start AAPL --level +1% --direction up",
        "breakout start AAPL --level +1% --on-false-break wait",
        "breakout start AAPL --level +1% --entry soon",
        "bracket hold AAPL 10",
        "bracket buy AAPL ten",
        "bracket buy AAPL 10 --limit low",
        "bracket buy AAPL 10 --tp nan",
        "bars AAPL --bar 7s",
        "wait soon",
    ],
)
async def test_value_that_cannot_be_is_refused_before_anything_is_opened(
    program: Run, capsys: Output, tmp_path: Path, line: str
) -> None:
    words = [*line.split(), "--json"]
    if line.startswith(("bars", "wait")):
        with pytest.raises(InvalidInput):
            request_of(words)
        return
    # nobody listens there: with a connection it would be 3
    assert await program(*words, IB_HOST="127.0.0.1", IB_PORT="1") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"
    assert not (tmp_path / "home").exists()


async def test_gateway_that_is_not_there_is_told_with_what_was_tried(
    program: Run, capsys: Output
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert await program("account", IB_HOST="127.0.0.1", IB_PORT=str(port)) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert f"127.0.0.1:{port}" in err
    assert len(err.splitlines()) == 1


async def test_demo_tells_its_story_and_the_books_agree(program: Run, capsys: Output) -> None:
    assert await program("demo", "--seed", "7", "--json") == 0
    out, err = capsys.readouterr()
    verdict = json.loads(out)
    assert verdict["seed"] == 7
    assert verdict["holds"] is True
    assert len(verdict["checks"]) == 7
    assert "Watchers are armed" in err
