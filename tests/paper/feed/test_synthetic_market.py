import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.paper.feed.market import BarSource, MarketBar, Print
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.hours.calendar import CalendarName, session_at, sessions
from apps.paper.instruments.catalogue import Catalogue, Listing
from apps.paper.wire.values import Contract

NEW_YORK = ZoneInfo("America/New_York")
CATALOGUE = Catalogue.load()
MARKET = SyntheticMarket(seed=11)
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
QUOTES = (BarSource.MIDPOINT, BarSource.BID, BarSource.ASK)


def listing(symbol: str, currency: str = "USD") -> Listing:
    return next(each for each in CATALOGUE if (each.symbol, each.currency) == (symbol, currency))


def millis(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=NEW_YORK).timestamp() * 1000)  # type: ignore[arg-type, misc]  # year, month, day, …


OPEN = millis(2026, 11, 20, 9, 30)
AAPL, SEB, F = listing("AAPL"), listing("SEB"), listing("F")
EURO, SPX = listing("EUR"), listing("SPX")
[ES] = CATALOGUE.find(Contract(symbol="ES", last_trade_date="202612"), OPEN)
FRANKFURT = listing("AMD", "EUR")
LIKELY = (AAPL, SEB, F, EURO, SPX, ES, FRANKFURT)


CLOSE = millis(2026, 11, 20, 16)
HALF_DAY_OPEN, HALF_DAY_CLOSE = millis(2026, 11, 27, 9, 30), millis(2026, 11, 27, 13)


def source_of(each: Listing) -> BarSource:
    return BarSource.MIDPOINT if each is EURO else BarSource.TRADES


def bars(
    each: Listing,
    seconds: int,
    start: int,
    end: int,
    *,
    source: BarSource | None = None,
    regular_only: bool = True,
    market: SyntheticMarket = MARKET,
) -> Sequence[MarketBar]:
    return market.bars(
        each, source or source_of(each), seconds, start, end, regular_only=regular_only
    )


def added_up(parts: Sequence[MarketBar]) -> tuple[Decimal, Decimal, Decimal, Decimal, int, int]:
    return (
        parts[0].open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        parts[-1].close,
        sum(part.volume for part in parts) if parts[0].count >= 0 else -1,
        sum(part.count for part in parts) if parts[0].count >= 0 else -1,
    )


def prices_of(bar: MarketBar) -> tuple[Decimal, Decimal, Decimal, Decimal, int, int]:
    return (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count)


@pytest.mark.parametrize("each", LIKELY, ids=lambda each: each.local_symbol)
@pytest.mark.parametrize(
    ("fine", "coarse"), [(1, 5), (5, 10), (5, 60), (60, 180), (60, 1800), (1800, 3600)]
)
def test_bars_of_one_size_add_up_to_those_of_another(each: Listing, fine: int, coarse: int) -> None:
    session = session_at(each.calendar, OPEN + HOUR)
    assert session is not None
    start = session.regular[0]
    end = start + max(2 * coarse * SECOND, 10 * MINUTE)
    parts = bars(each, fine, start, end)
    whole = bars(each, coarse, start, end)
    assert len(whole) > 1
    for bar, following in pairwise(whole):
        within = [part for part in parts if bar.start <= part.start < following.start]
        assert added_up(within) == prices_of(bar)


@pytest.mark.parametrize("each", LIKELY, ids=lambda each: each.local_symbol)
@pytest.mark.parametrize("regular_only", [True, False])
def test_half_hours_of_a_session_add_up_to_its_day_bar(each: Listing, regular_only: bool) -> None:
    session = session_at(each.calendar, OPEN + HOUR)
    assert session is not None
    edges = (session.start, session.end)
    (day,) = bars(each, 86_400, *edges, regular_only=regular_only)
    parts = bars(each, 1_800, *edges, regular_only=regular_only)
    assert added_up(parts) == prices_of(day)
    assert day.start == (session.regular[0] if regular_only else session.start)


@pytest.mark.parametrize("source", QUOTES)
def test_bars_of_quotes_add_up_over_the_edge_of_regular_hours(source: BarSource) -> None:
    hour = bars(AAPL, 3600, OPEN - HOUR // 2, OPEN, source=source, regular_only=False)
    parts = bars(AAPL, 5, OPEN - HOUR // 2, OPEN + HOUR // 2, source=source, regular_only=False)
    assert [added_up(parts)] == [prices_of(bar) for bar in hour]


@pytest.mark.parametrize("each", [AAPL, SEB, ES], ids=lambda each: each.local_symbol)
def test_five_second_bars_are_the_sum_of_their_prints(each: Listing) -> None:
    last = MARKET.last(each, OPEN - 1).price
    for bar in bars(each, 5, OPEN, OPEN + 10 * MINUTE):
        prints = MARKET.prints(each, bar.start - 1, bar.start + 5 * SECOND - 1)
        if not prints:
            assert prices_of(bar) == (last, last, last, last, 0, 0)
            assert bar.wap == last
            continue
        prices = [trade.price for trade in prints]
        volume = sum(trade.size for trade in prints)
        money = sum((trade.price * trade.size for trade in prints), Decimal(0))
        assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            volume,
        )
        assert abs(bar.wap - money / volume) <= each.min_tick / 1000
        last = bar.close


@settings(deadline=None, max_examples=40)
@given(
    each=st.sampled_from(LIKELY),
    seconds=st.sampled_from([1, 5, 30, 60, 300, 1800, 3600, 14_400, 86_400]),
    start=st.integers(-3 * 24 * HOUR, 3 * 24 * HOUR),
    lengths=st.tuples(st.integers(0, 90), st.integers(0, 90)),
    regular_only=st.booleans(),
)
def test_bars_do_not_depend_on_the_window_asked_for(
    each: Listing, seconds: int, start: int, lengths: tuple[int, int], regular_only: bool
) -> None:
    first = OPEN + start
    middle = first + lengths[0] * seconds * SECOND // 7
    end = middle + lengths[1] * seconds * SECOND // 7
    whole = bars(each, seconds, first, end, regular_only=regular_only)
    halves = [
        *bars(each, seconds, first, middle, regular_only=regular_only),
        *bars(each, seconds, middle, end, regular_only=regular_only),
    ]
    assert halves == list(whole)
    assert all(first <= bar.start < end for bar in whole)
    assert [bar.start for bar in whole] == sorted({bar.start for bar in whole})
    assert all(bar.low <= bar.wap <= bar.high for bar in whole if bar.count >= 0)


@settings(deadline=None, max_examples=40)
@given(
    each=st.sampled_from(LIKELY),
    after=st.integers(0, 7 * HOUR),
    lengths=st.tuples(st.integers(0, 60_000), st.integers(0, 60_000)),
)
def test_prints_do_not_depend_on_the_window_asked_for(
    each: Listing, after: int, lengths: tuple[int, int]
) -> None:
    first = OPEN + after
    middle, end = first + lengths[0], first + lengths[0] + lengths[1]
    whole = MARKET.prints(each, first, end)
    assert [*MARKET.prints(each, first, middle), *MARKET.prints(each, middle, end)] == list(whole)
    assert all(first < trade.at <= end for trade in whole)


@settings(deadline=None, max_examples=60)
@given(each=st.sampled_from(LIKELY), at=st.integers(-9 * 24 * HOUR, 9 * 24 * HOUR))
def test_last_print_stands_within_the_touch_of_its_moment(each: Listing, at: int) -> None:
    newest = MARKET.last(each, OPEN + at)
    assert newest.at <= OPEN + at
    assert MARKET.last(each, newest.at) == newest
    for moment in (OPEN + at, newest.at):
        touch = MARKET.touch(each, moment)
        assert touch.bid <= newest.price <= touch.ask
        assert all(each.ticks.is_on_tick(price) for price in (touch.bid, touch.ask, newest.price))
    assert MARKET.prints(each, newest.at, OPEN + at) == []


def test_touch_has_the_spread_of_its_listing_and_a_wider_one_in_extended_hours() -> None:
    goldman = listing("GS")
    widths = []
    for at in (OPEN + HOUR, OPEN - HOUR):
        touch = MARKET.touch(goldman, at)
        assert min(touch.bid_size, touch.ask_size) > 0
        widths.append((touch.ask - touch.bid) / goldman.min_tick)
    assert widths == [25, 75]


@pytest.mark.parametrize("source", QUOTES)
def test_bars_of_quotes_go_through_the_touch_at_each_print(source: BarSource) -> None:
    for bar in bars(AAPL, 5, OPEN, OPEN + 2 * MINUTE, source=source):
        prints = MARKET.prints(AAPL, bar.start - 1, bar.start + 5 * SECOND - 1)
        touches = [MARKET.touch(AAPL, trade.at) for trade in prints]
        quoted = [
            {
                BarSource.BID: touch.bid,
                BarSource.ASK: touch.ask,
                BarSource.MIDPOINT: (touch.bid + touch.ask) / 2,
            }[source]
            for touch in touches
        ]
        assert (bar.open, bar.high, bar.low, bar.close) == (
            quoted[0],
            max(quoted),
            min(quoted),
            quoted[-1],
        )
        assert bar.volume == bar.wap == bar.count == -1


@pytest.mark.parametrize("each", list(CATALOGUE), ids=lambda each: f"{each.local_symbol}")
def test_every_listing_keeps_its_ticks_and_stays_near_its_reference(each: Listing) -> None:
    if each.last_trade_date:
        start, end = millis(2026, 9, 1), millis(2026, 9, 30)
    else:
        start, end = millis(2017, 1, 1), millis(2017, 2, 1)
    source = BarSource.BID if each.sec_type == "CASH" else BarSource.TRADES
    made = MARKET.bars(each, source, 86_400, start, end, regular_only=False)
    assert len(made) > 15
    reference = each.market.reference
    for bar in made:
        for price in (bar.open, bar.high, bar.low, bar.close):
            assert each.ticks.is_on_tick(price)
            assert reference / 10 <= price <= reference * 10


def test_another_seed_is_another_market() -> None:
    other = SyntheticMarket(seed=12)
    assert bars(AAPL, 60, OPEN, CLOSE) != bars(AAPL, 60, OPEN, CLOSE, market=other)
    assert other.last(AAPL, OPEN).price != MARKET.last(AAPL, OPEN).price


def test_what_is_kept_does_not_change_an_answer() -> None:
    fresh = SyntheticMarket(seed=11)
    for back in range(40):  # more days than are needed to push others out of what is kept
        bars(AAPL, 1_800, OPEN - back * 24 * HOUR, OPEN, regular_only=False)
    at = OPEN + 17 * MINUTE
    assert fresh.touch(AAPL, at) == MARKET.touch(AAPL, at)
    assert bars(AAPL, 5, OPEN, OPEN + HOUR, market=fresh) == bars(AAPL, 5, OPEN, OPEN + HOUR)


_TRANSCRIPT = f"""
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.feed.market import BarSource
from apps.paper.feed.synthetic import SyntheticMarket
market = SyntheticMarket(seed=11)
for con_id in (265598, {SEB.con_id}):
    listing = Catalogue.load().by_con_id(con_id)
    print(market.touch(listing, {OPEN} + 123456), market.last(listing, {OPEN} + 123456))
    print(market.prints(listing, {OPEN}, {OPEN} + 60000))
    print(market.bars(listing, BarSource.TRADES, 3600, {OPEN}, {CLOSE}, regular_only=True))
"""


def test_every_process_sees_the_same_market() -> None:
    transcripts = {
        subprocess.run(
            [sys.executable, "-c", _TRANSCRIPT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "4711")
    }
    assert len(transcripts) == 1
    assert repr(MARKET.touch(AAPL, OPEN + 123456)).encode() in transcripts.pop()


def test_hour_bars_are_cut_at_the_edges_of_regular_hours() -> None:
    starts = [bar.start for bar in bars(AAPL, 3600, OPEN, CLOSE)]
    assert starts == [OPEN, *range(OPEN + HOUR // 2, CLOSE, HOUR)]


def test_half_day_ends_at_one_and_its_evening_at_five() -> None:
    day = (HALF_DAY_OPEN - 6 * HOUR, HALF_DAY_CLOSE + 12 * HOUR)
    regular = bars(AAPL, 300, *day)
    assert (regular[0].start, regular[-1].start) == (HALF_DAY_OPEN, HALF_DAY_CLOSE - 5 * MINUTE)
    extended = bars(AAPL, 300, *day, regular_only=False)
    assert extended[-1].start == millis(2026, 11, 27, 16, 55)
    assert bars(AAPL, 300, millis(2026, 11, 26), millis(2026, 11, 27)) == []


@pytest.mark.parametrize(
    ("day", "hour_utc"), [(date(2026, 3, 6), 14), (date(2026, 3, 9), 13), (date(2026, 11, 2), 14)]
)
def test_regular_hours_keep_to_new_york_when_its_clocks_change(day: date, hour_utc: int) -> None:
    made = bars(
        AAPL, 1_800, millis(day.year, day.month, day.day), millis(day.year, day.month, day.day, 23)
    )
    first = datetime.fromtimestamp(made[0].start / 1000, UTC)
    assert (first.hour, first.minute, len(made)) == (hour_utc, 30, 13)


def test_four_hour_bars_keep_to_the_wall_clock_on_the_sunday_of_a_change() -> None:
    made = bars(EURO, 14_400, millis(2026, 3, 8), millis(2026, 3, 9, 16))
    walls = [datetime.fromtimestamp(bar.start / 1000, NEW_YORK) for bar in made]
    assert [(wall.hour, wall.minute) for wall in walls] == [
        (17, 15),
        (20, 0),
        (0, 0),
        (4, 0),
        (8, 0),
        (12, 0),
    ]


def test_a_quiet_name_has_flat_bars_without_trades_and_a_busy_one_has_none() -> None:
    quiet, busy = bars(SEB, 5, OPEN, CLOSE), bars(AAPL, 5, OPEN, OPEN + HOUR)
    idle = [(before, bar) for before, bar in pairwise(quiet) if bar.count == 0]
    assert len(idle) > len(quiet) / 2
    for before, bar in idle:
        assert prices_of(bar) == (*(before.close,) * 4, 0, 0)
        assert bar.wap == bar.close
    assert all(bar.count > 0 for bar in busy)


def test_volume_is_u_shaped_and_thin_outside_regular_hours() -> None:
    shares = dict.fromkeys(("first", "noon", "last", "before"), 0)
    for session in sessions(CalendarName.US_EQUITY, millis(2026, 8, 1), millis(2026, 11, 1)):
        opens, closes = session.regular
        halves = bars(AAPL, 1_800, session.start, session.end, regular_only=False)
        volume = {bar.start: bar.volume for bar in halves}
        shares["first"] += volume[opens]
        shares["noon"] += volume[opens + 3 * HOUR]
        shares["last"] += volume[closes - HOUR // 2]
        shares["before"] += volume[opens - 2 * HOUR]
    assert shares["first"] > 2 * shares["noon"]
    assert shares["last"] > 1.5 * shares["noon"]
    assert shares["before"] < shares["noon"] / 5


def test_levels_near_the_open_break_within_minutes_in_either_direction() -> None:
    seconds_to_break, up = [], 0
    for seed in range(24):
        market = SyntheticMarket(seed)
        first, *rest = bars(AAPL, 5, OPEN, OPEN + HOUR, market=market)
        up_at = next((bar for bar in rest if bar.close >= first.open * Decimal("1.0005")), None)
        down_at = next((bar for bar in rest if bar.close <= first.open * Decimal("0.9995")), None)
        broken = [bar.start for bar in (up_at, down_at) if bar is not None]
        assert broken
        seconds_to_break.append((min(broken) - OPEN) // SECOND)
        up += up_at is not None and up_at.start == min(broken)
    assert sorted(seconds_to_break)[12] < 120
    assert max(seconds_to_break) < 900
    assert 5 < up < 19


def test_day_is_worth_a_percent_or_two() -> None:
    moves = sorted(
        abs(bar.close / bar.open - 1)
        for bar in bars(AAPL, 86_400, millis(2021, 1, 1), millis(2026, 1, 1))
    )
    assert Decimal("0.005") < moves[len(moves) // 2] < Decimal("0.02")
    assert moves[-1] < Decimal("0.12")


def test_price_gaps_over_night_but_not_within_a_session() -> None:
    days = bars(AAPL, 86_400, millis(2026, 10, 1), millis(2026, 11, 1))
    assert sum(before.close != after.open for before, after in pairwise(days)) > len(days) / 2
    minutes = bars(AAPL, 60, OPEN, CLOSE)
    assert max(abs(after.open - before.close) for before, after in pairwise(minutes)) <= Decimal(
        "0.01"
    )


def test_previous_close_is_that_of_the_regular_session_before() -> None:
    thursday, friday = (
        bars(AAPL, 86_400, millis(2026, 11, day), millis(2026, 11, day, 23))[0].close
        for day in (19, 20)
    )
    for at in (OPEN - HOUR, OPEN, CLOSE - 1, CLOSE + HOUR):
        assert MARKET.previous_close(AAPL, at) == thursday
    assert MARKET.previous_close(AAPL, millis(2026, 11, 21, 12)) == friday
    assert MARKET.previous_close(AAPL, millis(2026, 11, 23, 10)) == friday


def test_market_stands_still_between_sessions() -> None:
    saturday, sunday = millis(2026, 11, 21, 12), millis(2026, 11, 22, 12)
    assert MARKET.touch(AAPL, saturday) == MARKET.touch(AAPL, sunday)
    assert MARKET.prints(AAPL, saturday, sunday) == []
    assert bars(AAPL, 5, saturday, sunday, regular_only=False) == []


def test_history_begins_at_the_head() -> None:
    head = MARKET.head(AAPL)
    assert datetime.fromtimestamp(head / 1000, UTC).date() == AAPL.market.since
    first = bars(AAPL, 60, head - 7 * 24 * HOUR, head + HOUR, regular_only=False)[0]
    assert first.start == head
    assert MARKET.prints(AAPL, head - 24 * HOUR, head - 1) == []


def test_forex_has_quotes_and_no_trades() -> None:
    assert bars(EURO, 5, OPEN, OPEN + MINUTE, source=BarSource.TRADES) == []
    assert len(bars(EURO, 5, OPEN, OPEN + MINUTE, source=BarSource.MIDPOINT)) == 12
    changes = MARKET.prints(EURO, OPEN, OPEN + MINUTE)
    assert changes
    assert {change.size for change in changes} == {0}


def test_index_has_values_and_no_quotes() -> None:
    made = bars(SPX, 5, OPEN, OPEN + MINUTE)
    assert {bar.volume for bar in made} == {0}
    assert any(bar.count for bar in made)
    assert bars(SPX, 5, OPEN, OPEN + MINUTE, source=BarSource.BID) == []
    touch = MARKET.touch(SPX, OPEN + MINUTE)
    assert touch.bid == touch.ask == MARKET.last(SPX, OPEN + MINUTE).price


def test_future_stands_still_after_its_expiry() -> None:
    expiry = millis(2026, 12, 18, 17)
    assert bars(ES, 60, expiry - HOUR, expiry)
    assert bars(ES, 60, expiry, expiry + 5 * 24 * HOUR, regular_only=False) == []
    last = MARKET.last(ES, expiry - 1)
    assert MARKET.last(ES, expiry + 30 * 24 * HOUR) == last
    assert MARKET.prints(ES, expiry - 1, expiry + 5 * 24 * HOUR) == []


def test_half_days_trade_less() -> None:
    half, whole = millis(2026, 11, 27, 9, 30), millis(2026, 11, 20, 9, 30)
    day = 24 * HOUR
    stocks = [each for each in CATALOGUE if each.currency == "USD" and each.sec_type == "STK"]
    volumes = [
        sum(bars(each, 86_400, at, at + day)[0].volume / each.market.volume for each in stocks)
        for at in (half, whole)
    ]
    # 3.5 hours of 6.5, and what chance does to sixty stocks
    assert 0.45 < volumes[0] / volumes[1] < 0.65


def test_etf_and_future_follow_the_walk_of_their_index() -> None:
    at = millis(2026, 11, 20, 15, 59)
    worth = [
        MARKET.last(each, at).price / scale
        for each, scale in ((SPX, 1), (listing("SPY"), Decimal("0.1")), (ES, 1))
    ]
    assert max(worth) / min(worth) < Decimal("1.03")


@pytest.mark.parametrize("seconds", [0, -5, 7, 86_401])
def test_size_that_does_not_divide_a_day_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidInput, match="does not divide a day"):
        bars(AAPL, seconds, OPEN, CLOSE)


def test_prints_are_rising_in_time_and_sized() -> None:
    prints: Sequence[Print] = MARKET.prints(AAPL, OPEN, OPEN + 10 * MINUTE)
    assert all(before.at < after.at for before, after in pairwise(prints))
    assert all(trade.size > 0 for trade in prints)
