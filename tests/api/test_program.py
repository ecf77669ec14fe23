"""The program as a process: pipes, signals and exit codes, on the embedded gateway."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TIME_LIMIT_S = 20.0


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"DESK_HOME": str(home), "PYTHONPATH": str(ROOT)} | dict(settings)


def desk(
    home: Path, *words: str, script: bytes | None = b"", **settings: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the program to its end with ``script`` as its stdin."""
    return subprocess.run(
        [sys.executable, "-m", "apps.api.cli", *words],
        input=script,
        stdin=None if script is not None else subprocess.DEVNULL,
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
    pipe = getattr(process, stream)
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


# ---------------------------------------------------------------- sessions through a pipe


def test_script_with_every_kind_of_bad_line_goes_on_to_its_end(tmp_path: Path) -> None:
    script = "\n".join(
        [
            "# every line below is one sentence, and nothing else happens",
            "positins",
            "quote XYZZY",
            "quote 'AAPL",
            "breakout start AAPL --level abc",
            "breakout start AAPL --level 0.5%",
            "breakout start AAPL --level 1 --direction long",
            "breakout start AAPL --level +1% --qty 0",
            "breakout start AAPL --level +1% --qty 1.5",
            "breakout start EUR.USD --level +1%",
            "bracket buy AAPL -5",
            "bracket buy AAPL 10 --sl -1",
            "bracket hold AAPL 10",
            "bracket buy AAPL 100000",
            "cancel 12",
            "cancel x",
            "close AAPL",
            "breakout stop w9",
            "orders",
        ]
    ).encode()
    done = desk(tmp_path, script=script + b"\nquote A\xff\xfe\r\nexecutions")
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.decode().splitlines()) == 18, done.stderr.decode()
    assert "No working orders." in done.stdout.decode()
    assert "No executions." in done.stdout.decode()
    assert_quiet(done.stdout + done.stderr)


def test_exit_on_error_ends_a_script_with_the_code_of_the_line(tmp_path: Path) -> None:
    done = desk(tmp_path, "--exit-on-error", script=b"orders\nquote XYZZY\nexecutions\n")
    assert done.returncode == 5
    assert b"No working orders." in done.stdout
    assert b"No executions." not in done.stdout


def test_bracket_of_a_script_fills_and_what_stays_is_listed(tmp_path: Path) -> None:
    done = desk(tmp_path, script=b"bracket buy AAPL 10\npositions\nquit\n", PAPER_SPEED="10")
    out = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "protected" in out
    assert "simulated" in out
    assert "These orders were working" in out


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


# ---------------------------------------------------------------- one-shots


def test_json_of_a_one_shot_stands_alone_on_stdout(tmp_path: Path) -> None:
    done = desk(tmp_path, "account", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["net_liquidation"] == "250000"
    assert b"simulated" in done.stderr


@pytest.mark.parametrize(
    ("words", "settings", "code", "name"),
    [
        (("quote", "XYZZY"), {}, 5, "not_found"),
        (("quote",), {}, 2, "usage"),
        (("bracket", "buy", "AAPL", "1"), {"TRADING_MODE": "live"}, 4, "rejected"),
        (("account",), {"IB_ACCOUNT": "U1234567"}, 4, "rejected"),
        (("account",), {"IB_PORT": "none"}, 2, "usage"),
        (("acount",), {}, 2, "usage"),
    ],
)
def test_failure_of_a_one_shot_has_its_exit_code_and_json(
    tmp_path: Path, words: tuple[str, ...], settings: dict[str, str], code: int, name: str
) -> None:
    done = desk(tmp_path, *words, "--json", **settings)
    assert done.returncode == code, done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["code"] == name
    assert error["message"]
    assert_quiet(done.stderr)


def test_bad_setting_is_one_sentence_on_stderr(tmp_path: Path) -> None:
    done = desk(tmp_path, "--paper-speed", "fast", "account")
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode() == (
        "PAPER_SPEED is 'fast' (from the command line); "
        "it may hold a number above 0 and up to 10000.\n"
    )


def test_gateway_that_is_not_there_is_told_with_what_was_tried(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        done = desk(tmp_path, "account", IB_HOST="127.0.0.1", IB_PORT=str(port))
    assert done.returncode == 3
    assert f"127.0.0.1:{port}".encode() in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert_quiet(done.stderr)


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
    done = desk(other, "account", **where)
    assert done.returncode == 3
    assert b"Client id 1 is in use" in done.stderr
    type_in(first, b"quit\n")
    assert finish(first)[0] == 0
    gateway.terminate()
    finish(gateway)


def test_demo_tells_its_story_and_the_books_agree(tmp_path: Path) -> None:
    done = desk(tmp_path, "demo", "--seed", "7", "--json")
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["seed"] == 7
    assert verdict["holds"] is True
    assert len(verdict["checks"]) == 7
    assert not list(tmp_path.glob("*/desk.lock"))
