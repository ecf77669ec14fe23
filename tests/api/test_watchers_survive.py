"""Watchers that outlive the program: killed without a word, quit, and begun without them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.api.state import JOURNAL_NAME
from apps.domain.records import WatcherSeen
from apps.store.journal.reading import JournalReader
from tests.api.programs import ROOT, ended_with_the_test

TIME_LIMIT_S = 30


@contextmanager
def a_desk(home: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The program with a pipe at each end, on the state in ``home``."""
    settings = {"DESK_HOME": str(home / "state"), "PYTHONPATH": str(ROOT), "HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "apps.api.cli", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], **settings},
        cwd=home,
    )
    with ended_with_the_test(process):  # type: ignore[arg-type]  # pipes of text close alike
        yield process


def type_in(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"{words!r} never came: {seen}")


def run_desk(home: Path, *words: str, script: str = "") -> tuple[int, str, str]:
    with a_desk(home, *words) as process:
        out, err = process.communicate(script, timeout=TIME_LIMIT_S)
        return process.returncode, out, err


def wait_until_armed(process: subprocess.Popen[str], home: Path) -> None:
    """Wait until a watcher stands in the journal."""
    assert process.stderr is not None
    while "Money at risk" not in process.stderr.readline():
        assert process.poll() is None
    (path,) = home.glob(f"state/*/{JOURNAL_NAME}")
    gives_up_s = time.monotonic() + TIME_LIMIT_S
    while time.monotonic() < gives_up_s:
        with JournalReader.open(path) as reader:
            if any(isinstance(each.record, WatcherSeen) for each in reader.everything()):
                return
    raise AssertionError("nothing was armed")


def test_watchers_of_a_killed_desk_are_back_and_those_of_a_fresh_one_are_not(
    tmp_path: Path,
) -> None:
    with a_desk(tmp_path) as process:
        type_in(process, "breakout start AAPL --level +5%\nbreakout start MSFT --level +5%\n")
        read_until(process, "w2 ")
        process.send_signal(signal.SIGKILL)
        process.wait(TIME_LIMIT_S)
    code, out, err = run_desk(tmp_path, "positions")
    assert (code, "w1" in out) == (0, False), "a single command wakes none"
    code, out, err = run_desk(
        tmp_path, script="breakout stop w2\nbreakout start SPY --level +5%\nbreakout list\nquit\n"
    )
    assert (code, err) == (0, "")
    assert "2 watchers are back: w1 AAPL, w2 MSFT." in out
    assert "w3   SPY" in out
    assert "Watchers w1, w3 come back at the next start; --fresh starts without." in out
    code, out, err = run_desk(tmp_path, "--fresh", script="quit\n")
    assert (code, err) == (0, "")
    assert "Begun without the watchers of the last session: w1, w3." in out
    code, out, err = run_desk(tmp_path, script="breakout list\nquit\n")
    assert "No watchers." in out


def test_watcher_of_a_single_command_ends_with_it(tmp_path: Path) -> None:
    with a_desk(tmp_path, "breakout", "start", "AAPL", "--level", "+5%") as process:
        wait_until_armed(process, tmp_path)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIME_LIMIT_S)
    assert process.returncode == 143
    assert "Watchers stopped: w1." in err
    _, out, _ = run_desk(tmp_path, script="breakout start MSFT --level +5%\nquit\n")
    assert "back" not in out.partition("w2")[0]
    assert "w2" in out


def test_fresh_is_for_a_session_and_no_single_command(tmp_path: Path) -> None:
    code, _, err = run_desk(tmp_path, "--fresh", "positions")
    assert code == 2
    assert "--fresh begins a session" in err
