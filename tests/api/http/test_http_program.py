"""HTTP as a program: it serves, ends in time whatever callers do, and says what is in its way."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.api.programs import ROOT, ended_with_the_test

TIME_LIMIT_S = 20.0
PROMISE_S = 5.0

Start = Callable[..., "subprocess.Popen[bytes]"]


def environment(home: Path, settings: dict[str, str]) -> dict[str, str]:
    given = {"DESK_HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return given | {"HTTP_PORT": "0"} | settings


def ended(
    home: Path, *words: str, script: bytes = b"", **settings: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        input=script,
        capture_output=True,
        env=environment(home, settings),
        cwd=home,
        timeout=TIME_LIMIT_S,
        check=False,
    )


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Start]:
    """Starts the program that serves."""
    with ExitStack() as stack:

        def start(*words: str, **settings: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", *(words or ("apps.api.http",))],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(tmp_path, settings),
                cwd=tmp_path,
            )
            stack.enter_context(ended_with_the_test(process))
            return process

        yield start


def address_of(process: subprocess.Popen[bytes]) -> str:
    """Read what it says until it has said where it serves."""
    assert process.stderr is not None
    assert process.stdout is not None
    seen = b""
    for line in process.stderr:
        seen += line
        if b"is served on " in line:
            return line.decode().split("is served on ")[1].strip().rstrip(".")
    raise AssertionError(seen)


def token_in(home: Path) -> str:
    (found,) = home.glob("*/http.token")
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    return found.read_text().strip()


def caller(address: str, token: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=address, headers=headers, timeout=10, trust_env=False)


def assert_quiet(home: Path, *texts: bytes) -> None:
    log = b"".join(each.read_bytes() for each in home.rglob("desk.log"))
    for bad in (b"Traceback", b"Task was destroyed", b"never awaited", b"Exception in ASGI"):
        assert bad not in b"".join(texts) + log, log.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_in_time_with_callers_that_read_and_that_do_not(
    serving: Start, tmp_path: Path, number: signal.Signals
) -> None:
    process = serving()
    address = address_of(process)
    token = token_in(tmp_path)
    port = int(address.rpartition(":")[2])
    asked = f"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    with (
        caller(address, token) as reads,
        socket.create_connection(("127.0.0.1", port)) as rests,
        socket.create_connection(("127.0.0.1", port)) as says_nothing,
        reads.stream("GET", "/events") as stream,
    ):
        rests.sendall(asked.encode())
        assert says_nothing.fileno() >= 0
        lines = stream.iter_lines()
        assert next(lines).startswith("retry")
        with caller(address, token) as other:
            assert other.get("/summary").json()["result"]["account"]["account"] == "DU1234567"
        began_s = time.monotonic()
        process.send_signal(number)
        assert any("quitting" in line for line in lines)
        out, err = process.communicate(timeout=TIME_LIMIT_S)
        assert time.monotonic() - began_s < PROMISE_S
    assert process.returncode == (143 if number == signal.SIGTERM else 130)
    assert b"Disconnected." in err
    assert_quiet(tmp_path, out, err)
    assert token.encode() not in b"".join(each.read_bytes() for each in tmp_path.rglob("*.log"))


def test_a_watcher_that_was_started_over_http_is_back_at_the_next_start(
    serving: Start, tmp_path: Path
) -> None:
    process = serving()
    with caller(address_of(process), token_in(tmp_path)) as calls:
        body = {"symbol": "AAPL", "level": "+5%"}
        key = {"idempotency-key": "once"}
        started = calls.post("/watchers", json=body, headers=key).json()
        assert started["result"]["id"] == "w1"
    process.terminate()
    process.communicate(timeout=TIME_LIMIT_S)
    process = serving("apps.api.cli", "http")
    with caller(address_of(process), token_in(tmp_path)) as calls:
        assert [each["id"] for each in calls.get("/watchers").json()] == ["w1"]
        again = calls.post("/watchers", json=body, headers=key)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json()["result"] == started["result"]
        assert len(calls.get("/watchers").json()) == 1
        assert calls.get("/journal").json() == []


def test_a_session_begins_and_ends_to_serve(tmp_path: Path) -> None:
    script = (
        b"http status\nhttp start\nhttp start\nhttp status --json\nhttp stop\nhttp stop\nquit\n"
    )
    done = ended(tmp_path, "apps.api.cli", script=script)
    assert done.returncode == 0
    assert done.stdout.count(b"is not served over HTTP") == 3
    assert b"HTTP is served already" in done.stderr
    report = next(line for line in done.stdout.decode().splitlines() if line.startswith("{"))
    assert json.loads(report)["trading"] == "yes"
    assert_quiet(tmp_path, done.stdout, done.stderr)


def test_a_single_command_goes_through_the_desk_that_serves(serving: Start, tmp_path: Path) -> None:
    process = serving()
    address = address_of(process)
    shown = ended(tmp_path, "apps.api.cli", "http", "status", "--json")
    assert json.loads(shown.stdout)["address"] == address
    assert ended(tmp_path, "apps.api.cli", "positions").returncode == 0
    assert ended(tmp_path, "apps.api.http").returncode != 0  # one is enough
    assert ended(tmp_path, "apps.api.cli", "http", "stop").returncode == 0
    process.communicate(timeout=TIME_LIMIT_S)
    assert process.returncode == 0


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = ended(tmp_path, "apps.api.http", HTTP_PORT=port)
    assert done.returncode == 2
    assert f"HTTP_PORT {port}, where nobody can listen".encode() in done.stderr
    assert_quiet(tmp_path, done.stdout, done.stderr)


def test_a_token_that_others_can_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "paper-embedded"
    folder.mkdir(mode=0o700)
    (folder / "http.token").write_text("x" * 43)
    (folder / "http.token").chmod(0o644)
    done = ended(tmp_path, "apps.api.http")
    assert done.returncode == 2
    assert b"mode 0644" in done.stderr
    assert b"Remove it" in done.stderr


def test_an_address_that_others_reach_is_told_loudly_and_kept(tmp_path: Path) -> None:
    done = ended(tmp_path, "apps.api.cli", script=b"http start\nquit\n", HTTP_HOST="0.0.0.0")  # noqa: S104 - that is what is told
    assert b"WARNING" in done.stdout
    assert b"not encrypted" in done.stdout
    told = b"".join(each.read_bytes() for each in tmp_path.rglob("journal.sqlite*"))
    assert b"not encrypted" in told


def test_live_without_the_account_named_is_refused_before_anything_is_opened(
    tmp_path: Path,
) -> None:
    done = ended(tmp_path, "apps.api.http", TRADING_MODE="live", IB_HOST="127.0.0.1")
    assert done.returncode == 2
    assert b"--confirm-live" in done.stderr


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['uvicorn'] = None; import apps.api.cli as cli; "
        "sys.exit(cli.main(['http']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env=environment(tmp_path, {}),
        cwd=tmp_path,
        timeout=TIME_LIMIT_S,
        check=False,
    )
    assert done.returncode == 1
    assert b"pip install 'breakout-desk[http]'" in done.stderr


def test_what_is_typed_after_http_is_refused(tmp_path: Path) -> None:
    assert ended(tmp_path, "apps.api.cli", "http", "serve").returncode == 2
