"""`doctor`, against every kind of gateway and port that it has to cope with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from apps.api.config import Settings
from apps.api.doctor import arrangement, examination, link, surroundings
from apps.api.doctor.examination import examine
from apps.api.doctor.findings import Diagnosis, Finding, Severity, failed, ok, warning
from apps.api.outcomes import ExitCode
from apps.api.state import account_folder
from apps.domain.records import DeskOpened
from apps.store.journal.file import JournalFile
from tests.api.programs import paper_gateway
from tests.api.stand_ins import some_settings
from tests.api.test_program import (  # noqa: F401  a fixture
    Start,
    assert_quiet,
    desk,
    finish,
    read_until,
    running_desk,
    type_in,
)

BROKER = ["Event loop", "Account", "Clock", "Market data", "Bars", "Order path"]
FAST = ("--speed", "60")


def at(where: dict[str, str], home: Path, **more: str) -> Settings:
    return some_settings(
        ib_host=where["IB_HOST"], ib_port=where["IB_PORT"], desk_home=str(home), **more
    )


def line(diagnosis: Diagnosis, topic: str) -> Finding:
    return next(each for each in diagnosis.findings if each.topic == topic)


def topics(diagnosis: Diagnosis) -> list[str]:
    return [each.topic for each in diagnosis.findings]


# ---------------------------------------------------------------- all is well


async def test_everything_is_asked_in_order_and_nothing_is_left_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    diagnosis = await examine(some_settings(desk_home=str(home), paper_speed="60"))
    assert diagnosis.worst is not Severity.FAILED, diagnosis
    assert topics(diagnosis) == [
        *("Python", "Libraries", "Configuration", "State folder", "Embedded gateway"),
        *("Port", "Client id", "Client", *BROKER, "Journal", "History", "Terminal"),
    ]
    assert "nothing was sent" in line(diagnosis, "Order path").text
    assert "arrived" in line(diagnosis, "Bars").text
    assert not home.exists()


def test_beside_a_desk_that_runs_it_takes_an_id_of_its_own_and_changes_nothing(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    with paper_gateway(*FAST) as (_, where):
        process = running_desk(**where)
        read_until(process, b"Connected to")
        done = desk(tmp_path, "doctor", "--json", script=b"", **where)
        assert_quiet(done.stderr)
        told = {each["topic"]: each for each in json.loads(done.stdout)["findings"]}
        assert told["Client id"]["text"].startswith("1 is in use by a desk of yours (process")
        assert f"(process {process.pid}, since" in told["State folder"]["text"]
        assert told["Journal"]["severity"] == "ok"
        assert {told[each]["severity"] for each in ("Client", "Account", "Order path")} == {"ok"}
        type_in(process, b"orders\nexecutions\nlink\nquit\n")
        code, out, err = finish(process)
    assert (code, err) == (0, b"")
    assert b"No working orders." in out
    assert b"It was not lost in this session." in out


# ---------------------------------------------------------------- ports that are no gateway


@asynccontextmanager
async def a_port(answer: bytes | None) -> AsyncIterator[dict[str, str]]:
    """A port that says ``answer`` to the end of a line, or nothing at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while word := await reader.read(1024):
            if answer is not None and b"\n" in word:
                writer.write(answer)
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield {"IB_HOST": "127.0.0.1", "IB_PORT": str(server.sockets[0].getsockname()[1])}


@pytest.mark.parametrize(
    ("answer", "text", "remedy"),
    [
        (None, "accepts connections and says nothing", "a second factor"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it is not TWS", "Check IB_PORT"),
    ],
)
async def test_port_that_is_not_tws_ends_the_questions_to_it_and_no_others(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes | None,
    text: str,
    remedy: str,
) -> None:
    monkeypatch.setattr(link, "_PROBE_S", 0.2)
    async with a_port(answer) as where:
        diagnosis = await examine(at(where, tmp_path))
    port = line(diagnosis, "Port")
    assert port.severity is Severity.FAILED
    assert text in port.text
    assert remedy in port.remedy
    assert diagnosis.exit_code is ExitCode.NO_CONNECTION
    assert topics(diagnosis)[-4:] == ["Event loop", "Journal", "History", "Terminal"]


async def test_port_that_nobody_has(tmp_path: Path) -> None:
    diagnosis = await examine(at({"IB_HOST": "127.0.0.1", "IB_PORT": "1"}, tmp_path))
    assert "nobody listens there" in line(diagnosis, "Port").text
    assert "`gateway start`" in line(diagnosis, "Port").remedy
    assert diagnosis.exit_code is ExitCode.NO_CONNECTION


# ---------------------------------------------------------------- gateways with something wrong


async def test_client_id_of_another_program_is_told_and_the_rest_is_asked(tmp_path: Path) -> None:
    with paper_gateway(*FAST) as (_, where):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(where["IB_PORT"]))
        hello, start = b"v157..176", b"71\x002\x007\x00\x00"
        for frame in (hello, start):
            head = b"API\0" if frame is hello else b""
            writer.write(head + len(frame).to_bytes(4, "big") + frame)
            await reader.read(64)
        diagnosis = await examine(at(where, tmp_path, ib_client_id="7"))
        writer.close()
    finding = line(diagnosis, "Client id")
    assert "7 is in use by another program (IB 326)" in finding.text
    assert line(diagnosis, "Client").severity is Severity.OK
    assert diagnosis.exit_code is ExitCode.NO_CONNECTION


async def test_gateway_that_answers_nothing_more_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_ANSWER_S", 0.3)
    with paper_gateway("--fault", "drop on=reqAllOpenOrders times=0") as (_, where):
        diagnosis = await examine(at(where, tmp_path))
    assert line(diagnosis, "Client").severity is Severity.FAILED
    assert diagnosis.exit_code is ExitCode.TIMEOUT
    assert "Account" not in topics(diagnosis)


async def test_all_of_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "LIMIT_S", 0.2)
    async with a_port(None) as where:
        diagnosis = await examine(at(where, tmp_path))
    assert line(diagnosis, "Time").exit_code is ExitCode.TIMEOUT
    assert topics(diagnosis)[-1] == "Terminal"


READ_ONLY = "Error validating request.-'bF' : The API interface is currently in Read-Only mode."


@pytest.mark.parametrize("request_name", ["reqAllOpenOrders", "placeOrder"])
async def test_api_that_only_reads_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_name: str
) -> None:
    monkeypatch.setattr(link, "_ANSWER_S", 0.5)
    id_of = " req_id=-1" if request_name == "reqAllOpenOrders" else ""
    faults = (
        f'error on={request_name} times=0 code=321{id_of} text="{READ_ONLY}"',
        f"drop on={request_name} times=0",
    )
    words = [word for fault in faults for word in ("--fault", fault)]
    with paper_gateway(*FAST, *words) as (_, where):
        diagnosis = await examine(at(where, tmp_path))
    topic = "Client" if request_name == "reqAllOpenOrders" else "Order path"
    assert "read-only" in line(diagnosis, topic).text.lower()
    assert "Untick Read-Only API" in line(diagnosis, topic).remedy
    assert diagnosis.exit_code is ExitCode.REJECTED


async def test_missing_subscription_fails_prices_and_bars_and_leaves_the_order_path(
    tmp_path: Path,
) -> None:
    missing = ("--market-data", "permissions.symbols=AAPL")
    with paper_gateway(*FAST, *missing) as (_, where):
        live = await examine(at(where, tmp_path))
        delayed = await examine(at(where, tmp_path, market_data_type="delayed"))
    assert "354" in line(live, "Market data").text
    assert line(live, "Bars").severity is Severity.FAILED
    assert line(live, "Order path").severity is Severity.OK
    assert line(delayed, "Market data").severity is Severity.WARNING
    assert "delayed" in line(delayed, "Market data").text
    assert "no bars of delayed data" in line(delayed, "Bars").remedy


async def test_closed_market_has_no_bars_and_says_until_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.api.doctor.broker._BARS_WITHIN_S", 0.3)
    with paper_gateway("--start", "2026-11-21T12:00:00Z") as (_, where):
        diagnosis = await examine(at(where, tmp_path))
    bars = line(diagnosis, "Bars")
    assert bars.severity is Severity.OK
    assert "closed until Mon 2026-11-23 14:30 UTC" in bars.text
    assert line(diagnosis, "Clock").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("accounts", "topic", "words", "code"),
    [
        (("U7654321",), "Account", "does not look like a paper account", ExitCode.REJECTED),
        (("DU1", "DU2"), "Client", "several accounts: DU1, DU2", ExitCode.USAGE),
    ],
)
async def test_account_that_is_not_the_one_that_is_meant(
    tmp_path: Path, accounts: tuple[str, ...], topic: str, words: str, code: ExitCode
) -> None:
    named = [word for account in accounts for word in ("--account", account)]
    with paper_gateway(*FAST, *named) as (_, where):
        diagnosis = await examine(at(where, tmp_path))
    assert words in line(diagnosis, topic).text
    assert diagnosis.exit_code is code


# ---------------------------------------------------------------- what is arranged and kept


def test_configuration_is_shown_with_its_sources_and_without_its_secrets(tmp_path: Path) -> None:
    secret = {"GATEWAY_COMMAND": "run TWS_PASSWORD=hunter2", "GUARD": "off"}
    done = desk(tmp_path, "doctor", script=b"", PAPER_SPEED="60", **secret)
    out = " ".join(done.stdout.decode().split())  # as it was before it was wrapped
    assert "GATEWAY_COMMAND=(set, not shown) (from the environment)" in out
    assert "hunter2" not in out
    assert "GUARD is off" in out
    assert done.returncode == 1


def test_settings_that_contradict_each_other_fail_as_a_usage_error() -> None:
    limits = some_settings(max_order_notional="50000", max_position_notional="1000")
    live = some_settings(trading_mode="live")
    for settings in (limits, live):
        assert arrangement.configuration(settings).exit_code is ExitCode.USAGE


async def test_damaged_journal_fails_and_is_left_as_it_is(tmp_path: Path) -> None:
    folder = account_folder(tmp_path, mode="paper", account="embedded")
    path = folder / "journal.sqlite"
    with JournalFile.open(path) as journal:
        journal.write(DeskOpened("DU1234567", 1, "paper", None))
    whole = await examine(some_settings(desk_home=str(tmp_path), paper_speed="60"))
    assert "whole, can be written" in line(whole, "Journal").text
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    damaged = await examine(some_settings(desk_home=str(tmp_path), paper_speed="60"))
    assert line(damaged, "Journal").severity is Severity.FAILED
    assert path.read_bytes() == bytes(content)


def test_state_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = arrangement.state_folder(some_settings(desk_home=str(tmp_path / "file" / "home")))
    assert finding.severity is Severity.FAILED
    assert "Set DESK_HOME" in finding.remedy


def test_libraries_are_held_against_the_lock(tmp_path: Path) -> None:
    assert surroundings.libraries().severity is Severity.OK
    lock = tmp_path / "requirements.lock"
    lock.write_text("ib_insync==0.9.85 ; python_version > '3'\nrich==1.0 \\\n    --hash=x\n")
    finding = surroundings.libraries(lock)
    assert finding.severity is Severity.WARNING
    assert "ib-insync 0.9.86, pinned 0.9.85" in finding.text
    assert surroundings.libraries(tmp_path / "none").severity is Severity.OK


# ---------------------------------------------------------------- what lines come to


def test_exit_code_is_that_of_the_worst_line() -> None:
    lines = [ok("a", "")]
    assert Diagnosis.of(lines).exit_code is ExitCode.DONE
    lines.append(warning("b", "", ""))
    assert Diagnosis.of(lines).exit_code is ExitCode.ERROR
    lines.append(failed("c", "", exit_code=ExitCode.TIMEOUT))
    assert Diagnosis.of(lines).exit_code is ExitCode.TIMEOUT
