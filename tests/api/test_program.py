"""The program as a process: pipes, signals and exit codes, on the embedded gateway."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parents[2]
TIME_LIMIT_S = 20.0


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


def running_desk(home: Path, *words: str, **settings: str) -> subprocess.Popen[bytes]:
    """Start the program with a pipe at each end."""
    return subprocess.Popen(
        [sys.executable, "-m", "apps.api.cli", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home, settings),
        cwd=home,
    )


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


def test_stdout_into_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    process = running_desk(tmp_path)
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


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_to_end_ends_a_session_and_disconnects(
    tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    process = running_desk(tmp_path)
    type_in(process, b"breakout start AAPL --level +5%\nwait 60\n")
    read_until(process, b"w1")
    process.send_signal(number)
    code, out, err = finish(process)
    assert code == expected
    assert out.endswith(b"Disconnected.\n")
    assert b"Watchers stopped: w1." in out
    assert_quiet(out + err)


def test_ctrl_c_ends_a_one_shot_with_130(tmp_path: Path) -> None:
    process = running_desk(tmp_path, "breakout", "start", "AAPL", "--level", "+5%")
    read_until(process, b"Money at risk", stream="stderr")
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert code == 130
    assert_quiet(out + err)


def test_ctrl_c_ends_a_session_without_a_terminal(tmp_path: Path) -> None:
    process = running_desk(tmp_path)
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


def test_second_desk_on_a_folder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    first = running_desk(tmp_path)
    read_until(first, b"simulated")
    done = desk(tmp_path, "account")
    assert done.returncode == 1
    assert f"process {first.pid}, since".encode() in done.stderr
    type_in(first, b"quit\n")
    assert finish(first)[0] == 0


def test_client_id_in_use_is_told_at_once(tmp_path: Path) -> None:
    gateway = subprocess.Popen(
        [sys.executable, "-m", "apps.paper", "--port", "0"],
        stdout=subprocess.PIPE,
        env=environment(tmp_path, {}),
    )
    line = read_until(gateway, b"listening on").decode()
    where = {"IB_HOST": "127.0.0.1", "IB_PORT": line.rpartition(":")[2].strip()}
    first = running_desk(tmp_path, **where)
    read_until(first, b"Connected to")
    other = tmp_path / "other"
    other.mkdir()
    done = desk(other, "account", script=b"", **where)
    assert done.returncode == 3
    assert b"Client id 1 is in use" in done.stderr
    type_in(first, b"quit\n")
    assert finish(first)[0] == 0
    gateway.terminate()
    finish(gateway)
