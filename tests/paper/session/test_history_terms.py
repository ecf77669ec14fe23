"""IB's texts for durations, bar sizes and ends, and its table of what goes together."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.paper.session.bars.history_terms import (
    BadHistoryRequest,
    QueryRefused,
    parse_bar_size,
    parse_duration,
    parse_end,
)
from apps.paper.session.quotes.generic_ticks import BadGenericTicks, read_generic_ticks

NOW = int(datetime(2026, 11, 20, 16, tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("duration", "bar_size"),
    [
        ("3600 S", "1 min"),
        ("2000 S", "1 secs"),
        ("1 D", "5 secs"),
        ("365 D", "1 hour"),
        ("1 W", "10 secs"),
        ("1 M", "30 secs"),
        ("68 Y", "1 day"),
    ],
)
def test_what_the_table_has_is_taken(duration: str, bar_size: str) -> None:
    parse_duration(duration).check(parse_bar_size(bar_size), as_printed=True)


@pytest.mark.parametrize(
    ("duration", "bar_size", "text"),
    [
        ("1 D", "1 secs", "invalid step: 1"),
        ("1 W", "5 secs", "invalid step: 5"),
        ("1 M", "15 secs", "invalid step: 15"),
        ("1 Y", "30 secs", "invalid step: 30"),
        ("2001 S", "1 secs", "Time length exceed max."),
        ("86401 S", "1 min", "Time length exceed max."),
        ("366 D", "1 hour", "Time length exceed max."),
        ("53 W", "1 hour", "Time length exceed max."),
        ("13 M", "1 hour", "Time length exceed max."),
        ("69 Y", "1 day", "Time length exceed max."),
    ],
)
def test_what_it_has_not_is_refused_in_ibs_words(duration: str, bar_size: str, text: str) -> None:
    with pytest.raises(QueryRefused, match=text):
        parse_duration(duration).check(parse_bar_size(bar_size), as_printed=False)


def test_bars_larger_than_the_table_s_are_refused_only_when_it_is_taken_at_its_word() -> None:
    month = parse_duration("1 M")
    month.check(86_400, as_printed=False)
    with pytest.raises(QueryRefused, match="invalid step: 86400"):
        month.check(86_400, as_printed=True)


@pytest.mark.parametrize("text", ["", "1", "D", "0 D", "-1 D", "1 X", "1.5 D", "²  D", "one D"])
def test_duration_that_ib_would_not_read_is_refused(text: str) -> None:
    with pytest.raises(BadHistoryRequest, match="duration is invalid"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "7 mins", "1 minute", "5", "1 year"])
def test_bar_size_that_there_is_not_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(BadHistoryRequest, match="Legal ones are: 1 secs, 5 secs"):
        parse_bar_size(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", NOW),
        ("20261120-14:30:00", NOW - 90 * 60_000),
        ("20261120 09:30:00 US/Eastern", NOW - 90 * 60_000),
        ("20261120 09:30:00", NOW - 90 * 60_000),
        ("20301120-14:30:00", NOW),
    ],
)
def test_end_is_read_in_the_zone_it_names_and_never_lies_ahead(text: str, at: int) -> None:
    assert parse_end(text, NOW, "US/Eastern") == at


def test_end_that_is_no_time_is_refused() -> None:
    with pytest.raises(BadHistoryRequest, match="time-zone entered is invalid"):
        parse_end("yesterday", NOW, "US/Eastern")


def test_older_numbers_of_generic_ticks_stand_for_the_newer_ones() -> None:
    assert read_generic_ticks(["221", " 220", "233", "", "mdoff"], "STK") == {232, 221, 233}
    assert read_generic_ticks(["104", "292:BRFG+DJNL"], "STK") == {104, 292}
    assert read_generic_ticks([], "STK") == frozenset()


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (["999"], "STK"),
        (["233", "13"], "STK"),
        (["abc"], "STK"),
        (["292:"], "STK"),
        (["456"], "CASH"),
        (["595"], "IND"),
        (["162"], "STK"),
        (["٢٣٣"], "STK"),
    ],
)
def test_one_bad_generic_tick_refuses_the_list_and_names_the_legal_ones(
    asked: list[str], kind: str
) -> None:
    with pytest.raises(BadGenericTicks) as refused:
        read_generic_ticks(asked, kind)
    text = str(refused.value)
    assert text.startswith(f"Incorrect generic tick list of {','.join(asked)}.  ")
    assert f"Legal ones for ({kind}) are: 100(Option Volume),101(Option Open Interest)," in text
    assert "232/221(Pl Price)" in text
