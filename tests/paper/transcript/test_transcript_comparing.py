from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.paper.transcript.__main__ import main
from apps.paper.transcript.comparing import Comparison, compare
from apps.paper.transcript.entries import FORMAT, Entry, Header, Kind
from apps.paper.transcript.reading import Transcript, read_transcript
from tests.paper.transcript.recorded import bars_and_time, recorded

Lines = list[dict[str, Any]]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    await recorded(tmp_path / "a", bars_and_time)
    return tmp_path / "a"


def changed(path: Path, change: Callable[[Lines], object]) -> Path:
    """Give a transcript like ``path``'s, but for a change of its lines."""
    lines: Lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    other = path.with_name("b")
    other.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return other


def place(lines: Lines, message: str, number: int = 0) -> int:
    return [n for n, line in enumerate(lines) if line.get("message") == message][number]


def differences(left: Path, right: Path, comparison: Comparison | None = None) -> list[str]:
    return [
        str(each) for each in compare(read_transcript(left), read_transcript(right), comparison)
    ]


def test_transcript_is_like_itself(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(path), str(path)]) == 0
    assert capsys.readouterr().out.startswith("No difference, ")


def test_field_that_differs_is_named_with_both_values_and_lines(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: Lines) -> None:
        lines[place(lines, "RealTimeBar", 2)]["values"] |= {"close": 1.5, "extra": 2}

    other = changed(path, change)
    assert main(["diff", str(path), str(other)]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert "response RealTimeBar (connection 1, client 1): close: " in first
    assert first.endswith(" ≠ 1.5; extra: 'nothing' ≠ 2")
    assert first.startswith("A:")
    assert last.startswith("1 differences, ")
    assert not differences(
        path, other, Comparison(ignored=frozenset({"close", "RealTimeBar.extra"}))
    )
    assert main(["diff", str(path), str(other), "--ignore", "close", "--ignore", "extra"]) == 0


def test_nested_fields_are_compared_one_by_one(path: Path) -> None:
    def change(lines: Lines) -> None:
        lines[place(lines, "ReqRealTimeBars")]["values"]["contract"]["symbol"] = "MSFT"

    [difference] = differences(path, changed(path, change))
    assert difference.endswith("contract.symbol: 'AAPL' ≠ 'MSFT'")


def test_missing_and_additional_messages_are_told_and_the_rest_still_compared(path: Path) -> None:
    def change(lines: Lines) -> None:
        lines.insert(place(lines, "ReqRealTimeBars"), lines[place(lines, "CurrentTime")])
        del lines[place(lines, "RealTimeBar", 3)]

    one, two, *more = differences(path, changed(path, change))
    assert one.startswith("B:")
    assert one.endswith("response CurrentTime (connection 1, client 1): only in B")
    assert two.endswith("response RealTimeBar (connection 1, client 1): only in A") or more


def test_least_that_can_be_missing_is_missing() -> None:
    def transcript(*messages: str) -> Transcript:
        market = "2026-11-19T14:30:00Z"
        made = (
            Entry(Kind.RESPONSE, market, 0.0, 1, message=message, line=line)
            for line, message in enumerate(messages, start=2)
        )
        return Transcript(Path("a"), Header(FORMAT), tuple(made))

    found = compare(transcript("x", "y", "z"), transcript("y", "z", "x"))
    assert [(each.left_line, each.right_line) for each in found] == [(2, 0), (0, 4)]


def test_transcript_that_stops_early_lacks_the_rest(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    shorter = path.with_name("b")
    shorter.write_text("".join(lines[:-3]))
    assert [each.split(":")[-1] for each in differences(path, shorter)] == [" only in A"] * 3
    assert [each.split(":")[-1] for each in differences(shorter, path)] == [" only in B"] * 3


def test_seconds_of_the_machine_count_only_when_asked_for(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: Lines) -> None:
        for line in lines[1:]:
            line["elapsed_s"] += 1.25

    other = changed(path, change)
    assert main(["diff", str(path), str(other)]) == 0
    assert main(["diff", str(path), str(other), "--elapsed", "--most", "2"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4
    assert "elapsed_s: 0.0 ≠ 1.25" in said[1]


def test_market_time_counts_unless_it_is_left_out(path: Path) -> None:
    def change(lines: Lines) -> None:
        lines[5]["market"] = "2026-11-19T14:31:00.000Z"

    other = changed(path, change)
    assert main(["diff", str(path), str(other)]) == 1
    assert main(["diff", str(path), str(other), "--no-market-time"]) == 0


def test_same_values_written_otherwise_are_a_difference_of_raw_fields(path: Path) -> None:
    def change(lines: Lines) -> None:
        lines[place(lines, "ReqRealTimeBars")]["raw"][7] = "0"

    [difference] = differences(path, changed(path, change))
    assert difference.endswith("raw[7]: '0.0' ≠ '0'")


def test_file_that_is_cut_short_is_compared_as_far_as_it_goes(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = path.with_name("b")
    other.write_bytes(path.read_bytes()[:-5])
    assert main(["diff", str(path), str(other)]) == 1
    assert "was cut short" in capsys.readouterr().out


def test_foreign_file_is_one_sentence_and_its_own_exit_code(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = path.with_name("b")
    other.write_text("hello\n")
    assert main(["diff", str(path), str(other)]) == 2
    said = capsys.readouterr()
    assert said.err == f"{other} is not a transcript: it is not a JSON object.\n"
    assert said.out == ""
