"""The fixture that others use, and the thread that it runs in."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest

from apps.domain.errors import InvalidInput
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.thread import GatewayThread
from tests.paper.paper_client import OPEN

pytest_plugins = ["pytester"]

_DEADLINE_S = 10


def greeting(host: str, port: int) -> list[str]:
    """Give what a gateway answers to a client's hello."""
    with socket.create_connection((host, port), _DEADLINE_S) as client:
        hello = b"v157..176"
        client.sendall(b"API\0" + struct.pack(">I", len(hello)) + hello)
        with client.makefile("rb") as stream:
            (length,) = struct.unpack(">I", stream.read(4))
            return bytes(stream.read(length)).decode().split("\0")[:-1]


def market_time(paper: PaperGateway) -> int:
    return paper.hub.now


def test_a_client_of_any_kind_can_connect() -> None:
    with GatewayThread(GatewaySettings(seed=7)) as gateway:
        assert greeting(gateway.host, gateway.port)[0] == "176"


def test_the_port_is_free_again_after_the_block() -> None:
    with GatewayThread() as gateway:
        host, port = gateway.host, gateway.port
    with pytest.raises(ConnectionRefusedError):
        greeting(host, port)


def test_a_port_in_use_is_told_to_whoever_starts_it() -> None:
    with GatewayThread() as gateway, pytest.raises(OSError, match="in use"):
        GatewayThread(GatewaySettings(port=gateway.port)).__enter__()


def test_settings_that_cannot_be_are_told_at_once() -> None:
    settings = GatewaySettings(speed=-1)
    with pytest.raises(InvalidInput, match="speed must be above 0"):
        GatewayThread(settings).__enter__()


def test_an_error_of_a_call_comes_back_to_its_caller() -> None:
    def fail(_: PaperGateway) -> None:
        raise LookupError("nothing there")

    with GatewayThread() as gateway, pytest.raises(LookupError, match="nothing there"):
        gateway.call(fail)


def test_time_that_runs_by_itself_cannot_be_advanced() -> None:
    with GatewayThread() as gateway, pytest.raises(RuntimeError, match="runs by itself"):
        gateway.advance(5)


def test_the_fixture_gives_a_gateway_as_the_marker_says(pytester: pytest.Pytester) -> None:
    root = Path(__file__).parents[2]
    pytester.makepyfile(
        f"""
        import pytest
        from tests.paper.test_pytest_plugin import greeting, market_time

        def test_plain(paper_gateway):
            assert greeting(paper_gateway.host, paper_gateway.port)[0] == "176"

        @pytest.mark.paper_gateway(manual=True, accounts=("DU1", "DU2"))
        def test_marked(paper_gateway):
            paper_gateway.advance(5)
            assert paper_gateway.call(market_time) == {OPEN} + 5000
            assert paper_gateway.call(lambda paper: list(paper.hub.accounts)) == ["DU1", "DU2"]
        """
    )
    pytester.syspathinsert(root)
    result = pytester.runpytest_inprocess("-p", "apps.paper.pytest_plugin", "-p", "no:asyncio")
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("spede=60", "*does not take 'spede': write NAME=VALUE, with a NAME of host, port, *"),
        ("60", "*does not take 60: write NAME=VALUE*"),
        ("accounts='DU1'", "*write accounts=('DU1',)*"),
    ],
)
def test_marker_that_makes_no_sense_is_one_sentence(
    pytester: pytest.Pytester, marked: str, words: str
) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.paper_gateway({marked})
        def test_marked(paper_gateway):
            pass
        """
    )
    pytester.syspathinsert(Path(__file__).parents[2])
    result = pytester.runpytest_inprocess("-p", "apps.paper.pytest_plugin", "-p", "no:asyncio")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([words])
    result.stdout.no_fnmatch_line("*Traceback*")
