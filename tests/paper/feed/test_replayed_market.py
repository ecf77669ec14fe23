from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.paper.clock import ManualClock, time_at
from apps.paper.feed.bar_file import BarFile, BarRow
from apps.paper.feed.bar_source import GapPolicy, NamedFile
from apps.paper.feed.bar_spans import spans_of
from apps.paper.feed.market import BarSource, MarketBar, Print
from apps.paper.feed.replayed import ReplayedMarket
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.instruments.catalogue import Catalogue, Listing
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from tests.paper.paper_client import raw_client

NEW_YORK = ZoneInfo("America/New_York")
CATALOGUE = Catalogue.load()
SYNTHETIC = SyntheticMarket(seed=3)


def listing(symbol: str) -> Listing:
    return next(each for each in CATALOGUE if (each.symbol, each.currency) == (symbol, "USD"))


def millis(day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(2026, 11, day, hour, minute, tzinfo=NEW_YORK).timestamp()) * 1000


AAPL, MSFT, EURO, SPX = listing("AAPL"), listing("MSFT"), listing("EUR"), listing("SPX")
OPEN, CLOSE = millis(19, 9, 30), millis(19, 16)
MINUTE = 60_000


def row(start: int, *prices: str, volume: int = 5_000, trades: int | None = None) -> BarRow:
    opens, high, low, close = map(Decimal, prices)
    return BarRow(0, start, opens, high, low, close, volume, trades)


def market(
    rows: Sequence[BarRow], seconds: int = 60, of: Listing = AAPL, *, is_dated: bool = False
) -> ReplayedMarket:
    file = BarFile(Path("a.csv"), seconds, tuple(rows), is_dated)
    return ReplayedMarket({of: spans_of(file, of)}, SYNTHETIC)


def bars(
    played: ReplayedMarket,
    seconds: int,
    start: int = OPEN,
    end: int = CLOSE,
    *,
    of: Listing = AAPL,
    source: BarSource = BarSource.TRADES,
    regular_only: bool = True,
) -> list[MarketBar]:
    return list(played.bars(of, source, seconds, start, end, regular_only=regular_only))


def shape(bar: MarketBar) -> tuple[object, ...]:
    return (bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume)


def added_up(start: int, prints: Sequence[Print]) -> tuple[object, ...]:
    prices = [each.price for each in prints]
    volume = sum(each.size for each in prints)
    return (start, prices[0], max(prices), min(prices), prices[-1], volume)


@st.composite
def days(draw: st.DrawFn) -> tuple[int, list[BarRow]]:
    """A morning of bars of one size, with holes, jumps and quiet bars."""
    seconds = draw(st.sampled_from([5, 30, 60, 300, 1800]))
    price, made = draw(st.integers(1_000, 50_000)), []
    numbers = st.integers(0, min(20, 23_400 // seconds - 1))
    for number in sorted(draw(st.sets(numbers, min_size=1, max_size=8))):
        opens = max(10, price + draw(st.integers(-30, 30)))
        close = max(10, opens + draw(st.integers(-30, 30)))
        high = max(opens, close) + draw(st.integers(0, 20))
        low = max(1, min(opens, close) - draw(st.integers(0, 9)))
        prices = [str(Decimal(each) / 100) for each in (opens, high, low, close)]
        volume = draw(st.integers(4, 20_000))
        trades = draw(st.none() | st.integers(1, volume))
        made.append(row(OPEN + number * seconds * 1000, *prices, volume=volume, trades=trades))
        price = close
    return seconds, made


@settings(max_examples=30, deadline=None)
@given(days(), st.sampled_from([1, 5, 15, 60, 120, 300, 1800, 3600, 86_400]))
def test_bars_of_every_size_are_the_prints_added_up(
    day: tuple[int, list[BarRow]], seconds: int
) -> None:
    of_file, rows = day
    played = market(rows, of_file)
    made = bars(played, seconds, end=OPEN + 21 * of_file * 1000)
    for bar in made:
        ends = (
            CLOSE
            if seconds == 86_400
            else bar.start + seconds * 1000 - bar.start % (seconds * 1000)
        )
        prints = played.prints(AAPL, bar.start - 1, min(ends, CLOSE) - 1)
        if bar.count:
            assert shape(bar) == added_up(bar.start, prints)
            assert bar.count >= len(prints)
        else:
            assert not prints
            assert bar.open == bar.high == bar.low == bar.close
    everything = played.prints(AAPL, 0, CLOSE)
    assert sum(bar.volume for bar in made) == sum(each.size for each in everything)
    assert [each.at for each in everything] == sorted({each.at for each in everything})


@settings(max_examples=40, deadline=None)
@given(days())
def test_bars_of_the_files_size_are_the_files(day: tuple[int, list[BarRow]]) -> None:
    seconds, rows = day
    made = {bar.start: bar for bar in bars(market(rows, seconds), seconds)}
    for each in rows:
        bar = made[each.start]
        assert (bar.open, bar.high, bar.low, bar.close) == each[2:6]
        assert bar.volume == each.volume
        assert bar.low <= bar.wap <= bar.high


@settings(max_examples=30, deadline=None)
@given(days(), st.integers(0, 21 * 1800))
def test_last_and_touch_are_those_of_the_newest_print(
    day: tuple[int, list[BarRow]], after_s: int
) -> None:
    seconds, rows = day
    played, at = market(rows, seconds), OPEN + after_s * 1000
    prints = played.prints(AAPL, 0, at)
    last, touch = played.last(AAPL, at), played.touch(AAPL, at)
    assert last == (prints[-1] if prints else Print(at, rows[0].open, 0))
    assert touch.bid < touch.ask
    assert touch.bid <= last.price <= touch.ask
    assert touch.bid_size > 0 < touch.ask_size


SPARSE = [
    row(OPEN + n * 30 * MINUTE, "100", f"100.{20 + n}", "99.9", "100.1", volume=900, trades=12)
    for n in range(13)
]


@pytest.mark.parametrize("seconds", [60, 90, 120, 300, 600])
def test_sparse_bars_split_finely_are_still_the_prints_added_up(seconds: int) -> None:
    played = market(SPARSE, 1_800)
    made = bars(played, seconds)
    assert any(bar.count for bar in made)
    for bar in made:
        prints = played.prints(AAPL, bar.start - 1, bar.start + seconds * 1000 - 1)
        assert bool(bar.count) == bool(prints)
        if prints:
            assert shape(bar) == added_up(bar.start, prints)


def test_print_is_the_last_one_from_its_own_millisecond_on() -> None:
    played = market(SPARSE, 1_800)
    prints = played.prints(AAPL, OPEN - 1, CLOSE)
    for before, each in pairwise(prints):
        assert played.last(AAPL, each.at) == each
        assert played.last(AAPL, each.at - 1) == before
        assert played.prints(AAPL, each.at - 1, each.at) == [each]
        assert played.prints(AAPL, each.at, each.at) == []


def test_windows_of_prints_join_without_loss_or_doubles() -> None:
    played = market(
        [row(OPEN, "100", "101", "99", "100.5"), row(OPEN + MINUTE, "100", "102", "98", "99")]
    )
    whole = played.prints(AAPL, OPEN - 1, OPEN + 2 * MINUTE)
    pieces: list[Print] = []
    for start in range(OPEN - 1, OPEN + 2 * MINUTE, 777):
        pieces += played.prints(AAPL, start, min(start + 777, OPEN + 2 * MINUTE))
    assert pieces == list(whole)


def test_same_file_gives_the_same_prints_in_another_process_order() -> None:
    rows = [row(OPEN + n * MINUTE, "100", "101", "99", "100") for n in range(90)]
    forward, backward = market(rows), market(rows)
    late = backward.prints(AAPL, OPEN + 80 * MINUTE, OPEN + 90 * MINUTE)
    assert forward.prints(AAPL, OPEN - 1, CLOSE)[-len(late) :] == late


def test_hole_is_a_halt_with_flat_bars_and_is_told() -> None:
    rows = [
        row(OPEN, "100", "101", "99", "100.5"),
        row(OPEN + 3 * MINUTE, "105", "105", "104", "104"),
    ]
    played = market(rows)
    one, two, three, four = bars(played, 60)
    assert [two.count, three.count] == [0, 0]
    assert two.open == two.close == three.high == Decimal("100.5")
    assert not played.prints(AAPL, OPEN + MINUTE - 1, OPEN + 3 * MINUTE - 1)
    halted = played.touch(AAPL, OPEN + MINUTE)
    assert played.touch(AAPL, OPEN + 3 * MINUTE - 1) == halted
    assert (one.count, four.open) != (0, four.close)
    assert any("gap of 120 s at 2026-11-19T14:31:00Z" in each for each in played.notices)
    # an aggregate that begins in the hole has the prices that were traded
    [five] = bars(played, 300)
    assert [five.open, five.high] == [100, 105]


def test_gap_can_be_refused() -> None:
    rows = (
        row(OPEN, "100", "101", "99", "100"),
        row(OPEN + 3 * MINUTE, "105", "105", "104", "104"),
    )
    with pytest.raises(InvalidInput, match=r"a\.csv: there is a gap of 120 s"):
        spans_of(BarFile(Path("a.csv"), 60, rows), AAPL, GapPolicy.REFUSE)


def test_missing_days_are_told_and_have_no_bars() -> None:
    rows = [row(millis(day, 0), "100", "101", "99", "100") for day in (16, 17, 19)]
    played = market(
        [each._replace(start=utc(day)) for each, day in zip(rows, (16, 17, 19), strict=True)],
        86_400,
        is_dated=True,
    )
    assert any("1 trading days are missing" in each for each in played.notices)
    assert len(bars(played, 86_400, millis(16, 0), millis(20, 0))) == 3
    assert not bars(played, 60, millis(18, 0), millis(19, 0), regular_only=False)


def utc(day: int) -> int:
    return int(datetime(2026, 11, day, tzinfo=UTC).timestamp()) * 1000


def test_day_bars_fill_regular_hours_and_their_closes_are_previous_closes() -> None:
    rows = [
        row(utc(18), "100", "110", "90", "105", volume=1_000_000),
        row(utc(19), "106", "120", "100", "111", volume=2_000_000),
    ]
    played = market(rows, 86_400, is_dated=True)
    assert played.start == millis(18, 9, 30)
    assert played.prints(AAPL, 0, CLOSE)[-1].at < CLOSE
    assert played.previous_close(AAPL, OPEN) == 105
    assert played.previous_close(AAPL, millis(18, 10)) == 100
    minutes = bars(played, 60)
    assert len(minutes) == 390
    assert minutes[0].open == 106
    # like any day: more at its ends than in its middle
    first, middle, last = (sum(bar.volume for bar in minutes[n : n + 20]) for n in (0, 185, 370))
    assert first > 2 * middle < last
    [day] = bars(played, 86_400)
    assert shape(day) == (OPEN, 106, 120, 100, 111, 2_000_000)


def test_hour_bars_of_regular_hours_end_with_them() -> None:
    starts = [millis(19, hour, 30) for hour in range(9, 16)]
    played = market([row(at, "100", "101", "99", "100") for at in starts], 3_600)
    assert played.prints(AAPL, 0, CLOSE + 3_600_000)[-1].at < CLOSE
    last = [bar for bar in bars(played, 1_800) if bar.start >= millis(19, 15, 30)]
    assert [bar.volume for bar in last] == [5_000]


def test_bar_never_lasts_into_the_next_one() -> None:
    played = market([row(at, "100", "101", "99", "100") for at in (OPEN, millis(19, 10))], 3_600)
    first, second = bars(played, 1_800)[:2]
    assert (first.volume, second.start) == (5_000, millis(19, 10))


def test_rows_outside_trading_hours_are_left_out_and_told() -> None:
    rows = [row(OPEN, "100", "101", "99", "100"), row(millis(19, 21), "1", "1", "1", "1")]
    played = market(rows)
    assert any("1 of 2 bars lie outside trading hours" in each for each in played.notices)
    assert played.last(AAPL, millis(20, 4)).price == 100
    with pytest.raises(InvalidInput, match="no bar that was traded within the hours of AAPL"):
        market([row(millis(21, 12), "1", "1", "1", "1")])


def test_prices_off_the_tick_are_rounded_and_told() -> None:
    played = market([row(OPEN, "100.004", "101.006", "99.001", "100")])
    [bar] = bars(played, 60)
    assert [bar.open, bar.high, bar.low] == [100, Decimal("101.01"), 99]
    assert any("not on the tick of 0.01" in each for each in played.notices)


@pytest.mark.parametrize(
    ("volume", "words"),
    [(0, "prices moved without any volume"), (2, "2 cannot have made 4 prices")],
)
def test_volume_that_cannot_be_is_refused(volume: int, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        market([row(OPEN, "100", "101", "99", "100", volume=volume)])


def test_bar_without_volume_is_no_trade() -> None:
    played = market(
        [row(OPEN, "100", "101", "99", "100"), row(OPEN + MINUTE, "7", "7", "7", "7", volume=0)]
    )
    assert played.last(AAPL, CLOSE).price == 100


def test_after_the_last_bar_nothing_happens_and_before_the_first_nothing_is_known() -> None:
    played = market([row(OPEN + MINUTE, "100", "101", "99", "100.5")])
    assert played.head(AAPL) == OPEN + MINUTE
    assert played.last(AAPL, OPEN) == Print(OPEN, Decimal(100), 0)
    assert [bar.start for bar in bars(played, 60)] == [OPEN + MINUTE]
    assert played.last(AAPL, millis(20, 12)).price == Decimal("100.5")


def test_what_has_no_file_comes_from_the_market_behind() -> None:
    played = market([row(OPEN, "100", "101", "99", "100")])
    assert played.last(MSFT, OPEN + MINUTE) == SYNTHETIC.last(MSFT, OPEN + MINUTE)
    assert played.touch(MSFT, OPEN) == SYNTHETIC.touch(MSFT, OPEN)
    assert played.head(MSFT) == SYNTHETIC.head(MSFT)
    assert played.previous_close(MSFT, OPEN) == SYNTHETIC.previous_close(MSFT, OPEN)
    assert played.prints(MSFT, OPEN, OPEN + 9_000) == SYNTHETIC.prints(MSFT, OPEN, OPEN + 9_000)
    assert bars(played, 60, of=MSFT) == bars_behind(60)


def bars_behind(seconds: int) -> list[MarketBar]:
    return list(SYNTHETIC.bars(MSFT, BarSource.TRADES, seconds, OPEN, CLOSE, regular_only=True))


def test_quotes_stand_as_far_from_the_trades_in_bars_as_at_the_touch() -> None:
    played = market([row(OPEN, "100", "101", "99", "100.5")])
    at = OPEN + MINUTE - 1
    touch = played.touch(AAPL, at)
    [bid] = bars(played, 60, source=BarSource.BID)
    [ask] = bars(played, 60, source=BarSource.ASK)
    [middle] = bars(played, 60, source=BarSource.MIDPOINT)
    assert (bid.close, ask.close) == (touch.bid, touch.ask)
    assert middle.close == (touch.bid + touch.ask) / 2
    assert (bid.volume, bid.count) == (-1, -1)


@pytest.mark.parametrize(
    ("of", "source", "prices"),
    [
        (EURO, BarSource.MIDPOINT, ("1.10000", "1.10500", "1.09500", "1.10200")),
        (SPX, BarSource.TRADES, ("6000.00", "6010.00", "5990.00", "6001.00")),
    ],
)
def test_what_is_not_traded_needs_no_volume_and_prints_none(
    of: Listing, source: BarSource, prices: tuple[str, ...]
) -> None:
    file = BarFile(Path("a.csv"), 60, (row(OPEN, *prices, volume=0),), has_volume=False)
    played = ReplayedMarket({of: spans_of(file, of)}, SYNTHETIC)
    prints = played.prints(of, OPEN - 1, CLOSE)
    assert prints
    assert {each.size for each in prints} == {0}
    assert len(bars(played, 60, of=of, source=source)) == 1


def test_folder_names_its_files_by_symbol_and_reads_other_formats(tmp_path: Path) -> None:
    head = "time,open,high,low,close,volume\n"
    for name in ("AAPL", "msft"):
        lines = [f"2026-11-19T09:3{n}:00-05:00,10,11,9,10,500\n" for n in range(2)]
        (tmp_path / f"{name}.csv").write_text(head + "".join(lines))
    (tmp_path / "notes.txt").write_text("nothing")
    played = ReplayedMarket.of_files(
        [NamedFile("", tmp_path)], catalogue=CATALOGUE, otherwise=SYNTHETIC
    )
    assert played.last(MSFT, OPEN).price == played.last(AAPL, OPEN).price == 10


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (NamedFile("NOSUCH", Path("a.csv")), "there is no NOSUCH in the catalogue"),
        (NamedFile("AAPL", Path("none.csv")), r"none\.csv cannot be read: No such file"),
        (
            NamedFile("AAPL", Path("a.xls")),
            r"a\.xls cannot be read: it is none of \.csv, \.parquet",
        ),
        (NamedFile("AAPL", Path("none.parquet")), "none.parquet cannot be read"),
    ],
)
def test_file_that_cannot_be_played_is_one_sentence(named: NamedFile, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        ReplayedMarket.of_files([named], catalogue=CATALOGUE, otherwise=SYNTHETIC)


def test_two_files_of_one_symbol_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,open,high,low,close,volume\n2026-11-19,10,11,9,10,500\n")
    with pytest.raises(InvalidInput, match="another file of aapl"):
        ReplayedMarket.of_files(
            [NamedFile("AAPL", path), NamedFile("aapl", path)],
            catalogue=CATALOGUE,
            otherwise=SYNTHETIC,
        )


async def test_gateway_streams_the_bars_of_the_file() -> None:
    rows = [
        row(OPEN + n * MINUTE, f"{100 + n}", f"{102 + n}", f"{99 + n}", f"{101 + n}")
        for n in range(3)
    ]
    played = market(rows)
    contract = (0, "AAPL", "STK", "", 0.0, "", "", "SMART", "", "USD", "", "")
    clock = ManualClock(OPEN)
    async with (
        PaperGateway.open(
            GatewaySettings(start=time_at(OPEN)), clock=clock, market=played
        ) as gateway,
        raw_client(gateway) as client,
    ):
        await client.start()
        client.send(50, 3, 1, *contract, 5, "TRADES", 1, "")
        client.send(49, 1)
        await client.until("49")
        gateway.advance_to(OPEN + 2 * MINUTE)
        streamed = [await client.until("50") for _ in range(24)]
    assert streamed[0][4] == "100"
    assert max(float(each[5]) for each in streamed[:12]) == 102
    assert streamed[23][7] == "102"
    assert sum(int(each[8]) for each in streamed) == 10_000
