"""`gateway start` and `gateway status`, with the paper gateway as the configured command."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from apps.api.gateway.command import without_secrets
from tests.api.programs import ended_with_the_test, paper_gateway
from tests.api.test_program import desk, environment, read_until

PYTHON = shlex.quote(sys.executable)

LATE = """
import socket, sys, time
port = int(sys.argv[1])
silent = socket.create_server(("127.0.0.1", port))
silent.settimeout(30)
peer, _ = silent.accept()
peer.recv(64)
time.sleep(0.1)
peer.close()
silent.close()
sys.argv[1:] = ["--port", str(port), "--account", "DU7"]
from apps.paper.__main__ import main
sys.exit(main())
"""
"""A gateway whose port is open before anybody has logged in."""


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def where(port: int, command: str = "", **more: str) -> dict[str, str]:
    return {"IB_HOST": "127.0.0.1", "IB_PORT": str(port), "GATEWAY_COMMAND": command} | more


@contextmanager
def ended(process: int) -> Iterator[None]:
    """End what the desk has started and left running."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def is_running(process: int) -> bool:
    told = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return bool(told.stdout.strip()) and "Z" not in told.stdout


def test_gateway_is_started_waited_for_left_running_and_not_started_twice(tmp_path: Path) -> None:
    port = a_free_port()
    settings = where(port, f"{PYTHON} -m apps.paper --port {port} --account DU7")
    done = desk(tmp_path, "gateway", "start", "--json", script=b"", **settings)
    assert done.returncode == 0, done.stderr
    up = json.loads(done.stdout)
    with ended(up["process"]):
        assert (up["found"], up["accounts"], up["server_version"]) == ("ready", ["DU7"], 176)
        assert b"the port is closed; the gateway is starting" in done.stderr
        assert b"listening" in (tmp_path / "gateway.log").read_bytes()
        again = desk(tmp_path, "gateway", "start", script=b"", **settings)
        assert again.returncode == 0
        assert b"TWS answers, and takes clients." in again.stdout
        assert b"Nothing was started." in again.stdout
        assert desk(tmp_path, "account", script=b"", **settings).returncode == 0
        status = desk(tmp_path, "gateway", "status", "--json", script=b"", **settings)
        assert (status.returncode, json.loads(status.stdout)["process"]) == (0, None)


def test_open_port_without_a_handshake_is_told_as_a_login_that_is_pending(tmp_path: Path) -> None:
    port = a_free_port()
    (tmp_path / "late.py").write_text(LATE)
    settings = where(port, f"{PYTHON} {tmp_path}/late.py {port}")
    done = desk(tmp_path, "gateway", "start", "--json", script=b"", **settings)
    assert done.returncode == 0, done.stderr
    with ended(json.loads(done.stdout)["process"]):
        assert b"the port is open and " in done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (f"{PYTHON} -c 'import sys; sys.exit(chr(110) + chr(111) + chr(112) + chr(101))'", "nope"),
        ("/nowhere/gatewaystart.sh --inline", "cannot be run"),
    ],
)
def test_command_that_ends_at_once_is_told_with_its_last_lines(
    tmp_path: Path, command: str, words: str
) -> None:
    done = desk(tmp_path, "gateway", "start", "--json", script=b"", **where(a_free_port(), command))
    assert done.returncode == 3
    assert words in json.loads(done.stdout)["error"]["message"]


def test_secret_of_the_command_is_not_in_what_is_told_of_it(tmp_path: Path) -> None:
    script = "import sys; print(sys.argv); sys.exit(3)"
    command = f"{PYTHON} -c {shlex.quote(script)} TWS_PASSWORD=hunter2 --pw hunter3"
    done = desk(tmp_path, "gateway", "start", script=b"", **where(a_free_port(), command))
    assert done.returncode == 3
    assert b"exit code 3" in done.stderr
    assert b"hunter" not in done.stdout + done.stderr


def test_wait_is_bounded_and_what_was_started_goes_on(tmp_path: Path) -> None:
    settings = where(a_free_port(), "sleep 60", GATEWAY_WAIT_S="1")
    done = desk(tmp_path, "gateway", "start", "--json", script=b"", **settings)
    assert done.returncode == 6
    message = json.loads(done.stdout)["error"]["message"]
    assert "takes no clients after" in message
    process = int(message.partition("Process ")[2].partition(" ")[0])
    with ended(process):
        assert is_running(process)


def test_ctrl_c_leaves_the_wait_and_what_was_started_goes_on(tmp_path: Path) -> None:
    waiting = subprocess.Popen(
        [sys.executable, "-m", "apps.api.cli", "gateway", "start"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path, where(a_free_port(), "sleep 60")),
        cwd=tmp_path,
        start_new_session=True,  # a terminal's Ctrl-C reaches all of a group
    )
    with ended_with_the_test(waiting):
        told = read_until(waiting, b"the port is closed", stream="stderr").decode()
        process = int(told.partition("as process ")[2].partition(";")[0])
        with ended(process):
            os.killpg(waiting.pid, signal.SIGINT)
            assert waiting.wait(20) == 130
            assert is_running(process)


def test_what_cannot_be_started_is_one_sentence(tmp_path: Path) -> None:
    embedded = desk(tmp_path, "gateway", "start", script=b"")
    assert (embedded.returncode, embedded.stdout) == (2, b"")
    assert b"the desk brings its own paper gateway along" in embedded.stderr
    unset = desk(tmp_path, "gateway", "start", script=b"", **where(a_free_port()))
    assert unset.returncode == 2
    assert b"GATEWAY_COMMAND is empty" in unset.stderr
    status = desk(tmp_path, "gateway", "status", script=b"", **where(a_free_port()))
    assert status.returncode == 3
    assert b"nobody listens there" in status.stdout


def test_gateway_that_is_up_is_left_alone(tmp_path: Path) -> None:
    with paper_gateway() as (_, there):
        done = desk(tmp_path, "gateway", "start", script=b"", **there)
    assert done.returncode == 0
    assert not (tmp_path / "gateway.log").exists()


def test_words_that_look_like_secrets_are_hidden() -> None:
    words = ("docker", "run", "-e", "TWS_USERID=joe7", "-e", "PORT=4002", "--pw", "s3cret", "-d")
    assert without_secrets("joe7 s3cret 4002 -d", words) == "••• ••• 4002 -d"
