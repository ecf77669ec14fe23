"""Real-time bars, history in all its kinds, what is kept up to date, schedules, heads."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.paper.feed.bar_file import BarFile, BarRow
from apps.paper.feed.bar_spans import spans_of
from apps.paper.feed.market import BarSource
from apps.paper.feed.replayed import ReplayedMarket
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.feed.thinned import HistoryPolicy
from apps.paper.hub import Hub
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.limits import PacingClock
from apps.paper.settings import GatewaySettings
from apps.paper.vendor.permissions import Unsubscribed
from apps.paper.vendor.vendor import StepRule
from apps.paper.wire import (
    CancelHeadTimestamp,
    CancelHistogramData,
    CancelHistoricalData,
    CancelRealTimeBars,
    Contract,
    HeadTimestamp,
    HistogramData,
    HistoricalBar,
    HistoricalData,
    HistoricalDataUpdate,
    HistoricalSchedule,
    RealTimeBar,
    ReqHeadTimestamp,
    ReqHistogramData,
    ReqMarketDataType,
    ReqRealTimeBars,
    Response,
)
from tests.paper.paper_client import OPEN
from tests.paper.session.hub_side import AAPL, hub
from tests.paper.session.market_side import (
    EURUSD,
    HOUR,
    MINUTE,
    SECOND,
    SPX,
    Watcher,
    codes,
    history,
    only,
    texts,
    unsubscribed,
)

CLOSE = OPEN + 6 * HOUR + 30 * MINUTE


def bars(said: list[Response]) -> tuple[HistoricalBar, ...]:
    [answer] = only(said, HistoricalData)
    return answer.bars


def dates(said: list[Response]) -> list[str]:
    return [bar.date for bar in bars(said)]


# -- real-time bars --------------------------------------------------------------------------------


def test_sixty_first_new_subscription_of_real_time_bars_in_ten_minutes_gets_420() -> None:
    watcher = Watcher()
    for req_id in range(60):
        assert codes(watcher.ask(ReqRealTimeBars(req_id, AAPL), CancelRealTimeBars(req_id))) == []
    said = watcher.ask(ReqRealTimeBars(60, AAPL))
    assert codes(said) == [420]
    assert texts(said) == ["Invalid Real-time Query:Historical data request pacing violation"]
    watcher.play(10 * MINUTE)
    assert codes(watcher.ask(ReqRealTimeBars(60, AAPL))) == []


def test_pacing_counts_this_machine_s_seconds_when_it_is_told_to() -> None:
    watcher = Watcher(real_time_bars=1, pacing_clock=PacingClock.WALL)
    wall = [0.0]
    watcher.world.wall_s = lambda: wall[0]
    watcher.ask(ReqRealTimeBars(1, AAPL))
    watcher.play(11 * MINUTE)
    assert codes(watcher.ask(ReqRealTimeBars(2, AAPL))) == [420]
    wall[0] = 600.0
    assert codes(watcher.ask(ReqRealTimeBars(2, AAPL))) == []


@pytest.mark.parametrize(
    ("contract", "what"), [(AAPL, "NONSENSE"), (EURUSD, "TRADES"), (SPX, "BID")]
)
def test_real_time_bars_that_there_are_not_get_420(contract: Contract, what: str) -> None:
    assert codes(Watcher().ask(ReqRealTimeBars(1, contract, what_to_show=what))) == [420]


def test_real_time_bars_are_never_delayed() -> None:
    watcher = unsubscribed()
    said = watcher.ask(ReqMarketDataType(3), ReqRealTimeBars(1, AAPL))
    assert codes(said) == [420]
    assert "No market data permissions for ISLAND STK" in texts(said)[0]


def test_real_time_bars_end_with_their_cancel() -> None:
    watcher = Watcher()
    watcher.ask(ReqRealTimeBars(1, AAPL))
    assert len(only(watcher.play(MINUTE), RealTimeBar)) == 12
    assert watcher.ask(CancelRealTimeBars(1)) == []
    assert watcher.play(MINUTE) == []
    assert codes(watcher.ask(CancelRealTimeBars(1))) == [300]


# -- what bars are made of -------------------------------------------------------------------------


def test_bid_ask_bars_span_from_the_lowest_bid_to_the_highest_ask() -> None:
    watcher = Watcher()
    spread = bars(watcher.ask(history(1, what_to_show="BID_ASK")))
    bid = bars(watcher.ask(history(2, what_to_show="BID")))
    ask = bars(watcher.ask(history(3, what_to_show="ASK")))
    assert len(spread) == len(bid) == len(ask) == 12
    for both, low, high in zip(spread, bid, ask, strict=True):
        assert (both.low, both.high) == (low.low, high.high)
        assert low.low <= both.open <= low.high
        assert high.low <= both.close <= high.high
        assert (both.volume, both.wap, both.count) == (-1, -1, -1)


def test_adjusted_last_is_trades_and_takes_no_end() -> None:
    watcher = Watcher()
    adjusted = bars(watcher.ask(history(1, what_to_show="ADJUSTED_LAST")))
    assert adjusted == bars(watcher.ask(history(2)))
    ended = history(3, what_to_show="ADJUSTED_LAST", end_date_time="20261119-14:31:00")
    assert codes(watcher.ask(ended)) == [321]


@pytest.mark.parametrize(
    ("what", "contract"),
    [
        ("HISTORICAL_VOLATILITY", AAPL),
        ("OPTION_IMPLIED_VOLATILITY", AAPL),
        ("FEE_RATE", AAPL),
        ("NONSENSE", AAPL),
        ("TRADES", EURUSD),
        ("BID_ASK", SPX),
    ],
)
def test_kind_of_data_that_there_is_not_gets_ibs_162(what: str, contract: Contract) -> None:
    fields = {"bar_size": "1 day", "duration": "1 Y"}
    said = Watcher().ask(history(1, what_to_show=what, contract=contract, **fields))
    assert codes(said) == [162]
    assert "message:No data of type EODChart is available for the exchange" in texts(said)[0]
    assert "and '1 y' and '1 day'" in texts(said)[0]


def test_stretch_without_a_market_gets_no_data_in_ibs_words() -> None:
    watcher = Watcher(hub(OPEN))
    said = watcher.ask(
        history(1, end_date_time="19700102-00:00:00", duration="1 M", bar_size="1 day")
    )
    assert codes(said) == [162]
    assert texts(said)[0].endswith("HMDS query returned no data: AAPL@SMART Trades")


@pytest.mark.parametrize("after_the_open", [0, 1, 300, 999])
def test_day_without_a_whole_second_is_not_yet_one(after_the_open: int) -> None:
    watcher = Watcher(hub(OPEN + after_the_open))
    stamped = dates(watcher.ask(history(1, duration="1 D", bar_size="5 mins", format_date=1)))
    assert len(stamped) == 78
    assert stamped[0] == "20261118 09:30:00 US/Eastern"


def test_day_begins_with_its_first_second() -> None:
    watcher = Watcher(hub(OPEN + 5 * SECOND))
    stamped = dates(watcher.ask(history(1, duration="1 D", bar_size="5 mins", format_date=1)))
    assert stamped == ["20261119 09:30:00 US/Eastern"]


def test_day_in_which_a_file_begins_has_a_daily_bar_too() -> None:
    catalogue = Catalogue.load()
    listing = next(each for each in catalogue if each.local_symbol == "AAPL")
    price = Decimal(300)
    rows = [
        BarRow(2, OPEN + HOUR, price, price, price, price, 700, None),
        BarRow(3, OPEN + HOUR + MINUTE, price, price, price, price, 200, None),
    ]
    spans = spans_of(BarFile(Path("aapl.csv"), 60, tuple(rows)), listing)
    market = ReplayedMarket({listing: spans}, SyntheticMarket(seed=7))
    world = Hub(GatewaySettings(), catalogue=catalogue, market=market, start=OPEN + 2 * HOUR)
    [bar] = bars(Watcher(world).ask(history(1, duration="2 D", bar_size="1 day")))
    assert (bar.date, bar.volume) == ("20261119", 900)


# -- sizes, formats and schedules ------------------------------------------------------------------


def test_weeks_and_months_are_joined_days_dated_by_their_last() -> None:
    watcher = Watcher(hub(CLOSE))
    days = bars(watcher.ask(history(1, bar_size="1 day", duration="3 M")))
    weeks = bars(watcher.ask(history(2, bar_size="1 week", duration="3 M")))
    months = bars(watcher.ask(history(3, bar_size="1 month", duration="3 M")))
    friday = weeks[-2]
    assert datetime.strptime(friday.date, "%Y%m%d").replace(tzinfo=UTC).weekday() == 4
    within = [bar for bar in days if "20261109" <= bar.date <= friday.date == "20261113"]
    assert len(within) == 5
    assert (friday.open, friday.close) == (within[0].open, within[-1].close)
    assert friday.high == max(bar.high for bar in within)
    assert friday.volume == sum(bar.volume for bar in within)
    october = [bar for bar in days if bar.date.startswith("202610")]
    assert months[-2].date == "20261030"
    assert months[-2].volume == sum(bar.volume for bar in october)
    assert weeks[-1].date == "20261120"


def test_first_week_is_whole_though_the_duration_begins_within_it() -> None:
    watcher = Watcher(hub(CLOSE))
    days = bars(watcher.ask(history(1, bar_size="1 day", duration="3 M")))
    weeks = bars(watcher.ask(history(2, bar_size="1 week", duration="2 M")))
    within = [bar for bar in days if "20260914" <= bar.date <= weeks[0].date]
    assert weeks[0].date == "20260918"
    assert len(within) == 5
    assert weeks[0].volume == sum(bar.volume for bar in within)
    assert weeks[0].open == within[0].open


@pytest.mark.parametrize(
    ("format_date", "first"),
    [(1, "20261119 09:30:00 US/Eastern"), (2, str(OPEN // 1000)), (3, "1119 09:30:00 US/Eastern")],
)
def test_dates_are_written_as_asked_for(format_date: int, first: str) -> None:
    assert dates(Watcher().ask(history(1, format_date=format_date)))[0] == first


@pytest.mark.parametrize("format_date", [1, 2, 3])
def test_daily_bars_always_have_plain_dates(format_date: int) -> None:
    asked = history(1, format_date=format_date, bar_size="1 day", duration="2 D")
    assert dates(Watcher().ask(asked)) == ["20261118", "20261119"]


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"bar_size": "1 secs", "duration": "1 D"}, 162, "invalid step: 1"),
        ({"bar_size": "1 hour", "duration": "366 D"}, 162, "Time length exceed max."),
        ({"bar_size": "7 mins"}, 321, "bar size setting is invalid"),
        ({"duration": "1 X"}, 321, "duration is invalid"),
        ({"end_date_time": "soon"}, 321, "time-zone entered is invalid"),
        ({"keep_up_to_date": True, "end_date_time": "20261119-14:30:30"}, 321, "keepUpToDate"),
        ({"keep_up_to_date": True, "bar_size": "1 secs"}, 321, "keepUpToDate"),
        ({"keep_up_to_date": True, "what_to_show": "BID_ASK"}, 321, "keepUpToDate"),
    ],
)
def test_request_that_ib_would_not_answer_is_refused(
    fields: dict[str, Any], code: int, text: str
) -> None:
    watcher = Watcher()
    said = watcher.ask(history(1, **fields))
    assert codes(said) == [code]
    assert text in texts(said)[0]
    assert len(watcher.world.vendor.open_history) == 0


def test_small_bars_are_kept_for_six_months() -> None:
    watcher = Watcher()
    old = "20260401-18:00:00"
    assert codes(watcher.ask(history(1, end_date_time=old))) == [162]
    assert len(bars(watcher.ask(history(2, end_date_time=old, bar_size="1 min")))) == 1


def test_sizes_above_the_table_are_answered_unless_the_table_is_taken_at_its_word() -> None:
    watcher = Watcher()
    daily = history(1, bar_size="1 day", duration="1 M")
    assert bars(watcher.ask(daily))
    watcher.world.vendor.step_rule = StepRule.AS_PRINTED
    assert codes(watcher.ask(daily)) == [162]


def test_schedule_gives_sessions_in_the_listing_s_zone() -> None:
    watcher = Watcher()
    asked = history(1, what_to_show="SCHEDULE", bar_size="1 day", duration="2 D")
    [schedule] = only(watcher.ask(asked), HistoricalSchedule)
    assert schedule.time_zone == "US/Eastern"
    last = schedule.sessions[-1]
    assert (last.start_date_time, last.end_date_time, last.ref_date) == (
        "20261119-09:30:00",
        "20261119-16:00:00",
        "20261119",
    )
    assert len(schedule.sessions) == 2
    assert codes(watcher.ask(history(2, what_to_show="SCHEDULE"))) == [321]


# -- kept up to date -------------------------------------------------------------------------------


def test_updates_repeat_the_running_bar_and_none_is_lost() -> None:
    watcher = Watcher()
    watcher.play(7 * SECOND)
    asked = history(1, bar_size="1 min", duration="300 S", keep_up_to_date=True)
    first = bars(watcher.ask(asked))
    updates = [each.bar for each in only(watcher.play(10 * MINUTE), HistoricalDataUpdate)]
    assert len(updates) >= 120
    assert [bar.date for bar in updates] == sorted(bar.date for bar in updates)
    ended = {bar.date: bar for bar in (*first, *updates)}
    watcher.ask(CancelHistoricalData(1))
    later = bars(watcher.ask(history(2, bar_size="1 min", duration="900 S")))
    complete = [bar for bar in later if bar.date in ended][:-1]
    assert len(complete) >= 10
    for bar in complete:
        shown = ended[bar.date]
        assert (shown.open, shown.high, shown.low, shown.close, shown.volume) == (
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume,
        )


def test_bars_that_ended_while_the_answer_was_made_are_not_lost() -> None:
    watcher = Watcher(hub(OPEN + 2 * HOUR))
    watcher.session.handle(history(1, bar_size="5 secs", duration="3600 S", keep_up_to_date=True))
    watcher.world.work()
    watcher.world.advance(watcher.world.now + 30 * SECOND)
    assert only(list(watcher.session.outbox), HistoricalDataUpdate) == []
    seen = dates(answer := watcher.heard())
    assert isinstance(answer[0], HistoricalData)
    updates = [each.bar.date for each in only(watcher.play(10 * SECOND), HistoricalDataUpdate)]
    whole = sorted({int(date) for date in (*seen, *updates)})
    assert whole == list(range(whole[0], whole[-1] + 1, 5))


def test_updates_wait_for_the_next_session_of_a_closed_market() -> None:
    watcher = Watcher(hub(CLOSE + MINUTE))
    first = bars(watcher.ask(history(1, keep_up_to_date=True)))
    assert len(first) == 12
    assert only(watcher.play(17 * HOUR), HistoricalDataUpdate) == []
    assert only(watcher.play(HOUR), HistoricalDataUpdate)


def test_cancel_is_confirmed_with_162_and_of_an_unknown_id_with_366() -> None:
    watcher = Watcher()
    watcher.ask(history(1, keep_up_to_date=True))
    said = watcher.ask(CancelHistoricalData(1))
    assert codes(said) == [162]
    assert texts(said)[0].endswith("API historical data query cancelled: 1")
    assert codes(watcher.ask(CancelHistoricalData(1))) == [366]
    assert watcher.play(MINUTE) == []


def test_cancelled_while_it_is_made_an_answer_never_comes() -> None:
    watcher = Watcher()
    watcher.session.handle(history(1, duration="3600 S"))
    watcher.world.work()
    said = watcher.ask(CancelHistoricalData(1))
    assert codes(said) == [162]
    assert only(said, HistoricalData) == []
    assert len(watcher.world.vendor.open_history) == 0


# -- pacing and open requests ----------------------------------------------------------------------


def test_identical_request_within_fifteen_seconds_is_a_pacing_violation() -> None:
    watcher = Watcher()
    assert bars(watcher.ask(history(1)))
    said = watcher.ask(history(2))
    assert codes(said) == [162]
    assert texts(said)[0].endswith("message:Historical data request pacing violation")
    assert bars(watcher.ask(history(3, duration="30 S")))
    watcher.play(15 * SECOND)
    assert bars(watcher.ask(history(4)))


def test_fifty_first_open_request_is_refused_and_heads_count_until_cancelled() -> None:
    watcher = Watcher(open_historical_requests=2)
    [head] = only(watcher.ask(ReqHeadTimestamp(1, AAPL)), HeadTimestamp)
    assert head.timestamp.count(":") == 2
    watcher.ask(history(1, keep_up_to_date=True))
    said = watcher.ask(history(2, duration="30 S"))
    assert codes(said) == [322]
    assert "Only 2 simultaneous API historical data requests allowed" in texts(said)[0]
    assert watcher.ask(CancelHeadTimestamp(1)) == []
    assert bars(watcher.ask(history(3, duration="90 S")))
    watcher.world.close_session(watcher.session)
    assert len(watcher.world.vendor.open_history) == 0


def test_head_in_regular_hours_is_the_first_of_them() -> None:
    watcher = Watcher()
    [any_time] = only(watcher.ask(ReqHeadTimestamp(1, AAPL, format_date=2)), HeadTimestamp)
    regular = ReqHeadTimestamp(2, AAPL, use_rth=True, format_date=2)
    [in_hours] = only(watcher.ask(regular), HeadTimestamp)
    assert int(in_hours.timestamp) - int(any_time.timestamp) == 5.5 * 3600


# -- permissions, and history that differs from what was live --------------------------------------


def test_history_of_a_market_that_is_not_subscribed_is_refused_or_delayed() -> None:
    watcher = unsubscribed()
    watcher.play(30 * MINUTE)
    said = watcher.ask(history(1))
    assert codes(said) == [162]
    assert "No market data permissions for ISLAND STK" in texts(said)[0]
    delayed = watcher.ask(ReqMarketDataType(3), history(2))
    newest_s = int(bars(delayed)[-1].date)
    assert newest_s * 1000 == watcher.world.now - 15 * MINUTE - 5 * SECOND
    assert codes(watcher.ask(history(3, keep_up_to_date=True))) == [162]


def test_history_is_refused_where_delayed_data_is_not_enabled() -> None:
    watcher = unsubscribed(Unsubscribed.NOT_ENABLED)
    assert codes(watcher.ask(ReqMarketDataType(3), history(1))) == [162]


@pytest.mark.parametrize("bar_size", ["5 secs", "1 min", "5 mins"])
def test_thinned_history_lacks_some_of_what_was_live(bar_size: str) -> None:
    watcher = Watcher(hub(OPEN + HOUR))
    asked = history(1, bar_size=bar_size, duration="1800 S")
    exact = bars(watcher.ask(asked))
    watcher.play(15 * SECOND)
    watcher.world.vendor.history_policy = HistoryPolicy.THINNED
    same_end = "20261119-15:30:00"
    thin = bars(
        watcher.ask(history(2, bar_size=bar_size, duration="1800 S", end_date_time=same_end))
    )
    assert [bar.date for bar in thin] == [bar.date for bar in exact]
    before, after = (sum(int(bar.volume) for bar in each) for each in (exact, thin))
    assert 0.85 * before < after < before
    assert all(bar.low <= bar.open <= bar.high for bar in thin)
    assert all(thin_bar.volume <= bar.volume for thin_bar, bar in zip(thin, exact, strict=True))
    if bar_size == "5 secs":
        assert any(
            (thin_bar.high, thin_bar.low) != (bar.high, bar.low)
            for thin_bar, bar in zip(thin, exact, strict=True)
        )


def test_running_bar_of_a_day_is_what_its_parts_add_up_to() -> None:
    watcher = Watcher(hub(OPEN + 3 * HOUR + 17 * MINUTE + 23 * SECOND))
    [today] = bars(watcher.ask(history(1, bar_size="1 day", duration="1 D")))
    [apple] = [each for each in watcher.world.catalogue if each.con_id == 265598]
    parts = watcher.world.market.bars(
        apple, BarSource.TRADES, 1, OPEN, watcher.world.now, regular_only=True
    )
    assert today.volume == sum(bar.volume for bar in parts)
    assert today.high == max(bar.high for bar in parts)
    assert today.close == parts[-1].close
    assert abs(Decimal(today.wap) - Decimal(today.close)) < Decimal(today.close) / 10


def test_histogram_adds_up_to_the_volume_of_its_period() -> None:
    watcher = Watcher(hub(OPEN + HOUR))
    [histogram] = only(watcher.ask(ReqHistogramData(1, AAPL, True, "30 minutes")), HistogramData)
    traded = bars(watcher.ask(history(2, bar_size="30 mins", duration="1800 S")))
    prices = [bucket.price for bucket in histogram.buckets]
    assert prices == sorted(prices)
    assert sum(bucket.size for bucket in histogram.buckets) == traded[-1].volume
    assert watcher.ask(CancelHistogramData(1)) == []
    assert codes(watcher.ask(ReqHistogramData(3, AAPL, True, "soon"))) == [321]
    assert codes(watcher.ask(ReqHistogramData(4, EURUSD, True, "1 hour"))) == [10188]
