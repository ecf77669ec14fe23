"""The program as a process: pipes, signals and exit codes, on the embedded gateway."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from tests.api.programs import ROOT, ended_with_the_test, paper_gateway

TIME_LIMIT_S = 20.0

Start = Callable[..., "subprocess.Popen[bytes]"]


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"DESK_HOME": str(home), "PYTHONPATH": str(ROOT)} | dict(settings)


def desk(
    home: Path, *words: str, script: bytes = b"", **settings: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the program to its end with ``script`` as its stdin."""
    return subprocess.run(
        [sys.executable, "-m", "apps.api.cli", *words],
        input=script,
        capture_output=True,
        env=environment(home, settings),
        cwd=home,
        timeout=TIME_LIMIT_S,
        check=False,
    )


@pytest.fixture
def running_desk(tmp_path: Path) -> Iterator[Start]:
    """Starts the program with a pipe at each end."""
    with ExitStack() as stack:

        def start(*words: str, home: Path = tmp_path, **settings: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", "apps.api.cli", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(home, settings),
                cwd=home,
            )
            stack.enter_context(ended_with_the_test(process))
            return process

        yield start


def type_in(process: subprocess.Popen[bytes], text: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()


def read_until(process: subprocess.Popen[bytes], words: bytes, *, stream: str = "stdout") -> bytes:
    """Read lines up to the one that holds ``words``."""
    pipe: IO[bytes] = getattr(process, stream)
    seen = b""
    for line in pipe:
        seen += line
        if words in line:
            return seen
    pytest.fail(f"ended without {words!r}: {seen!r}")


def finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    out, err = process.communicate(timeout=TIME_LIMIT_S)
    return process.returncode, out, err


def assert_quiet(text: bytes) -> None:
    for bad in (b"Traceback", b"Task was destroyed", b"never awaited", b"Exception ignored"):
        assert bad not in text, text.decode(errors="replace")


@pytest.fixture(autouse=True)
def quiet_log(tmp_path: Path) -> Iterator[None]:
    """What asyncio has to say of forgotten tasks goes to the log: there must be nothing."""
    yield
    for path in tmp_path.rglob("desk.log"):
        assert_quiet(path.read_bytes())


# ---------------------------------------------------------------- ends of a session


def test_closed_stdin_is_the_end_of_input(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m apps.api.cli <&-"],
        capture_output=True,
        env=environment(tmp_path, {}),
        cwd=tmp_path,
        timeout=TIME_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_quiet(done.stderr)


def test_stdout_into_a_closed_pipe_ends_quietly(running_desk: Start) -> None:
    process = running_desk()
    assert process.stdout is not None
    read_until(process, b"simulated")
    process.stdout.close()
    type_in(process, b"account\nwait 60\n")
    assert process.wait(TIME_LIMIT_S) == 1
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.close()
    with process.stderr as errors:
        assert errors.read() == b""


def test_ascii_output_loses_signs_but_not_the_session(tmp_path: Path) -> None:
    done = desk(
        tmp_path,
        script=b"quote AAPL\npositions\n",
        PYTHONIOENCODING="ascii",
        PYTHONUTF8="0",
        LC_ALL="C",
    )
    assert done.returncode == 0, done.stderr
    assert_quiet(done.stderr)


def test_reader_that_rests_does_not_stop_the_desk_and_gets_every_line(
    running_desk: Start,
) -> None:
    process = running_desk()
    read_until(process, b"simulated")
    # twice what a pipe holds, and nobody reads
    type_in(process, b"bars AAPL --last 1000 --csv\n" * 3)
    type_in(process, b"bogus\nquit\n")
    # its error comes while stdout is stuck: the session went on
    read_until(process, b"bogus", stream="stderr")
    code, out, err = finish(process)
    assert code == 0
    assert out.count(b"start,open,high,low,close,volume,wap,count\n") == 3
    assert out.count(b"\n20") == 3000
    assert out.endswith(b"Disconnected.\n")
    assert err == b""


def test_signal_ends_a_desk_whose_reader_rests(running_desk: Start) -> None:
    process = running_desk()
    read_until(process, b"simulated")
    type_in(process, b"bars AAPL --last 1000 --csv\n" * 3 + b"bogus\nwait 60\n")
    read_until(process, b"bogus", stream="stderr")
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIME_LIMIT_S) == 143
    assert process.stderr is not None
    assert process.stderr.read() == b"Not all of the output was read, and its end was given up.\n"


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_to_end_ends_a_session_and_disconnects(
    running_desk: Start, number: signal.Signals, expected: int
) -> None:
    process = running_desk()
    type_in(process, b"breakout start AAPL --level +5%\nwait 60\n")
    read_until(process, b"w1")
    process.send_signal(number)
    code, out, err = finish(process)
    assert code == expected
    assert out.endswith(b"Disconnected.\n")
    assert b"Watcher w1 comes back at the next start" in out
    assert_quiet(out + err)


def test_ctrl_c_ends_a_one_shot_with_130(running_desk: Start) -> None:
    process = running_desk("breakout", "start", "AAPL", "--level", "+5%")
    read_until(process, b"Money at risk", stream="stderr")
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert code == 130
    assert_quiet(out + err)


def test_ctrl_c_ends_a_session_without_a_terminal(running_desk: Start) -> None:
    process = running_desk()
    type_in(process, b"wait 60\n")
    read_until(process, b"simulated")
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert code == 130
    assert_quiet(out + err)


# ---------------------------------------------------------------- two desks


def test_bad_setting_is_one_sentence_on_stderr(tmp_path: Path) -> None:
    done = desk(tmp_path, "--paper-speed", "fast", "account")
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode() == (
        "PAPER_SPEED is 'fast' (from the command line); "
        "it may hold a number above 0 and up to 10000.\n"
    )


def test_desk_beside_a_running_one_is_refused_in_a_sentence_that_says_who_has_the_folder(
    tmp_path: Path, running_desk: Start
) -> None:
    first = running_desk()
    read_until(first, b"simulated")
    done = desk(tmp_path)
    assert done.returncode == 1
    assert done.stdout == b""
    told = done.stderr.decode()
    assert f"process {first.pid}, since 20" in told
    assert f"works in {tmp_path / 'paper-embedded'}: give the command there" in told
    assert told.count("\n") == told.count(". ") + 1 == 1
    assert desk(tmp_path, "--help").returncode == 0
    assert desk(tmp_path, "help", "quote").returncode == 0
    type_in(first, b"quit\n")
    assert finish(first)[0] == 0


@pytest.mark.parametrize("account", ["", "DU1234567"])
def test_command_beside_a_desk_on_the_same_gateway_goes_through_it_and_a_desk_is_refused(
    tmp_path: Path, running_desk: Start, account: str
) -> None:
    with paper_gateway() as (_, where):
        first = running_desk(IB_ACCOUNT=account, **where)
        type_in(first, b"account\n")
        read_until(first, b"Realised")
        done = desk(tmp_path, "account", "--json", script=b"", IB_ACCOUNT=account, **where)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["account"] == "DU1234567"
        refused = desk(tmp_path, script=b"", IB_ACCOUNT=account, **where)
        assert refused.returncode == 1
        assert f"Another desk (process {first.pid}, since 20" in refused.stderr.decode()
        type_in(first, b"quit\n")
        assert finish(first)[0] == 0


def test_command_for_another_gateway_does_not_go_through_the_desk_that_runs(
    tmp_path: Path, running_desk: Start
) -> None:
    with paper_gateway() as (_, where), paper_gateway("--account", "DU7") as (_, elsewhere):
        first = running_desk(**where)
        type_in(first, b"account\n")
        read_until(first, b"Realised")
        done = desk(tmp_path, "account", "--json", script=b"", **elsewhere)
        assert json.loads(done.stdout)["account"] == "DU7"
        named = desk(tmp_path, "account", script=b"", **elsewhere, IB_ACCOUNT="DU1234567")
        assert named.returncode == 2
        assert b"IB_PORT is" in named.stderr


def test_client_id_in_use_is_tried_a_few_times_and_then_the_error(
    tmp_path: Path, running_desk: Start
) -> None:
    with paper_gateway() as (_, where):
        first = running_desk(**where)
        read_until(first, b"Connected to")
        other = tmp_path / "other"
        other.mkdir()
        done = desk(other, "account", script=b"", **where)
        assert done.returncode == 3
        assert b"Client id 1 is in use" in done.stderr
        assert done.stdout.count(b"tried again in") == 3
        type_in(first, b"quit\n")
        assert finish(first)[0] == 0
