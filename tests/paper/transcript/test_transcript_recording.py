from __future__ import annotations

import errno
import json
import logging
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pytest

from apps.domain.errors import InvalidInput
from apps.paper.clock import ManualClock
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.transcript.entries import Kind
from apps.paper.transcript.plain import plain
from apps.paper.transcript.reading import read_transcript
from apps.paper.transcript.recorder import Recorder
from apps.paper.transcript.writer import LineWriter
from apps.paper.wire import PriceCondition
from tests.paper.paper_client import OPEN, raw_client
from tests.paper.transcript.recorded import bars_and_time, recorded, recording


async def test_session_is_one_json_object_a_line_with_fields_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    await recorded(path, bars_and_time)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"transcript": 1, "market": "2026-11-19T14:30:00.000Z", "seed": 7}
    assert [each["kind"] for each in lines[1:4]] == ["opened", "greeted", "request"]
    asked = next(each for each in lines if each.get("message") == "ReqRealTimeBars")
    assert asked == {
        "kind": "request",
        "direction": "in",
        "connection": 1,
        "client": 1,
        "version": 176,
        "market": "2026-11-19T14:30:00.000Z",
        "elapsed_s": 0.0,
        "message": "ReqRealTimeBars",
        "values": {
            "req_id": 5,
            "contract": {
                "symbol": "AAPL",
                "sec_type": "STK",
                "exchange": "SMART",
                "currency": "USD",
            },
            "use_rth": True,
        },
        "raw": asked["raw"],
    }
    assert asked["raw"][:3] == ["50", "3", "5"]
    bar = next(each for each in lines if each.get("message") == "RealTimeBar")
    assert (bar["direction"], bar["market"]) == ("out", "2026-11-19T14:30:30.000Z")
    assert bar["values"]["time"] == OPEN // 1000
    assert isinstance(bar["values"]["open"], float)
    assert lines[-1]["kind"] == "closed"
    assert lines[-1]["values"] == {"by_gateway": False}


async def test_same_seed_gives_the_same_transcript_and_another_seed_another(tmp_path: Path) -> None:
    names = ("a", "b", "c")
    for name, seed in zip(names, (7, 7, 8), strict=True):
        await recorded(tmp_path / name, bars_and_time, seed)
    first, second, other = ((tmp_path / name).read_bytes() for name in names)
    assert first == second
    assert first != other


async def test_fault_is_a_line_among_those_of_the_messages(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    async with (
        recording(path, fault="drop on=currentTime") as gateway,
        raw_client(gateway) as client,
    ):
        await client.start()
        client.send(49, 1)
        client.send(8, 1, 1)
        await client.until("9")
    entries = read_transcript(path).entries
    kinds = [each.message or each.kind.value for each in entries]
    place = kinds.index("fault")
    assert kinds.index("ReqCurrentTime") < place < len(kinds) - kinds[::-1].index("NextValidId")
    assert entries[place].values["effect"] == "drop"
    assert entries[place].connection is None
    assert "CurrentTime" not in kinds


async def test_connection_that_the_gateway_ends_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    async with recording(path) as gateway, raw_client(gateway) as one, raw_client(gateway) as two:
        await one.start(5)
        await two.hello()
        two.send(71, 2, 5, "")
        assert await two.at_end()
    closed = [each for each in read_transcript(path).entries if each.kind is Kind.CLOSED]
    assert (closed[0].connection, closed[0].values["by_gateway"]) == (2, True)


async def test_request_that_cannot_be_read_is_recorded_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    async with recording(path) as gateway, raw_client(gateway) as client:
        await client.start()
        client.send(50, 3, 4, "nonsense", '\u00e9 "quoted" \\ \n')
        await client.until("4")
    [entry] = [each for each in read_transcript(path).entries if each.message == "MalformedRequest"]
    assert entry.raw == ("50", "3", "4", "nonsense", '\u00e9 "quoted" \\ \n')


async def test_transcript_cut_anywhere_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    await recorded(path, bars_and_time)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    entries = read_transcript(path).entries
    ends = len(lines[0])
    for cut in range(ends, len(whole), 97):
        path.write_bytes(whole[:cut])
        held = read_transcript(path)
        assert held.entries == entries[: whole[:cut].count(b"\n") - 1]
        assert held.is_cut_short == (not whole[:cut].endswith(b"\n"))


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (b"", "has no whole line"),
        (b"time,open\n1,2\n", "is not a transcript: it is not a JSON object"),
        (b'{"a": 1}\n', "is not a transcript: it does not begin with"),
        (b"[1]\n", "is not a transcript: it is not a JSON object"),
        (b'{"transcript": 9}\n', "is of format 9, and this program reads 1"),
        (b'{"transcript": true}\n', "does not begin with"),
        (b"\xff\xfe\n", "is not a transcript: it is not text"),
        (b'{"transcript": 1}\n{"kind": "what"}\n', "line 2: there is no kind 'what'"),
        (b'{"transcript": 1}\n{"kind": "opened"\n', "line 2: it is not a JSON object"),
        (b'{"transcript": 1}\n{"kind": "opened"}\n', "line 2: elapsed_s is missing"),
        (
            b'{"transcript": 1}\n{"kind": "fault", "elapsed_s": 0, "market": "x", "values": {}}\n',
            "line 2: market is 'x', which is no time",
        ),
    ],
)
def test_foreign_or_damaged_file_is_one_sentence(tmp_path: Path, held: bytes, words: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(held)
    with pytest.raises(InvalidInput) as raised:
        read_transcript(path)
    assert raised.value.message.startswith(str(path))
    assert words in raised.value.message


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        read_transcript(tmp_path / "none")


def test_recording_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("precious")
    with pytest.raises(InvalidInput, match="exists already"), Recorder.to(path):
        pass
    assert path.read_text() == "precious"
    with pytest.raises(InvalidInput, match="cannot be written"), Recorder.to(tmp_path / "no" / "a"):
        pass


def test_recording_of_a_gateway_that_never_began_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(OSError, match="in use"), Recorder.to(path):
        raise OSError("the port is in use")
    assert not path.exists()


class FullDisk:
    """A file that takes so many bytes, and then no more."""

    def __init__(self, room: int) -> None:
        self.written = b""
        self._room = room

    def write(self, chunk: bytes) -> int:
        taken = bytes(chunk)[: self._room - len(self.written)]
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written += taken
        return len(taken)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


async def test_full_disk_ends_the_recording_once_and_the_session_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(room=900)
    monkeypatch.setattr(Path, "open", lambda *_, **__: disk)
    with Recorder.to(tmp_path / "a") as recorder:
        monkeypatch.undo()
        async with (
            PaperGateway.open(GatewaySettings(), clock=ManualClock(OPEN), tap=recorder) as gateway,
            raw_client(gateway) as client,
        ):
            await client.start()
            for _ in range(20):
                client.send(49, 1)
                await client.until("49")
            recorder._writer._thread.join(10)
            assert recorder.failure == "No space left on device"
            client.send(49, 1)
            await client.until("49")
    said = [each for each in caplog.records if each.levelno == logging.ERROR]
    sentence = f"the transcript {tmp_path / 'a'} ends here: No space left on device; "
    assert [each.getMessage() for each in said] == [f"{sentence}the session goes on unrecorded"]
    assert len(disk.written) == 900


def test_disk_that_does_not_keep_up_ends_the_recording_not_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.paper.transcript.writer._MOST_WAITING", 0)
    writer = LineWriter[str](tmp_path / "a", str)
    writer.put("one")
    writer.close()
    assert writer.failure == "the disk does not keep up"


def test_lines_are_written_whole_and_in_order(tmp_path: Path) -> None:
    writer = LineWriter[int](tmp_path / "a", lambda number: str(number) * 100)
    for number in range(5_000):
        writer.put(number)
    writer.close()
    assert (tmp_path / "a").read_text().splitlines() == [str(n) * 100 for n in range(5_000)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("190.10"), 190.1),
        (Decimal(100), 100),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Decimal("Infinity"), "Infinity"),
        (float("inf"), "inf"),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({Kind.FAULT: (1, None)}, {"Kind.FAULT": [1, None]}),
        (PriceCondition(con_id=3), {"type": "PriceCondition", "con_id": 3}),
    ],
)
def test_values_become_plain_without_loss(value: object, expected: Any) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)
