"""Streaming quotes, snapshots, kinds of data, subscriptions, generic ticks and lines."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.paper.feed.disturbed import Disturbance, DisturbedMarket, Shape
from apps.paper.feed.market import BarSource, Touch
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.hub import Hub
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.session.quotes.generic_ticks import Generic
from apps.paper.settings import GatewaySettings
from apps.paper.vendor.permissions import Permissions, Unsubscribed
from apps.paper.vendor.vendor import ClosedQuotes
from apps.paper.wire import (
    CancelMarketData,
    ComboLeg,
    Contract,
    MarketDataType,
    ReqMarketData,
    ReqMarketDataType,
    ReqRealTimeBars,
    ReqTickByTick,
    Response,
    TickGeneric,
    TickPrice,
    TickReqParams,
    TickSize,
    TickSnapshotEnd,
    TickString,
    TickTrade,
)
from tests.paper.paper_client import OPEN
from tests.paper.session.hub_side import AAPL, hub
from tests.paper.session.market_side import (
    EURUSD,
    HOUR,
    MINUTE,
    SPX,
    Watcher,
    codes,
    only,
    texts,
    unsubscribed,
)

CLOSED = OPEN + 12 * HOUR


def quote(req_id: int, contract: Contract = AAPL, generic: str = "") -> ReqMarketData:
    return ReqMarketData(req_id, contract, tuple(generic.split(",")) if generic else ())


def prices(said: list[Response]) -> dict[int, Decimal]:
    return {tick.tick_type: Decimal(tick.price) for tick in only(said, TickPrice)}


def sizes(said: list[Response]) -> dict[int, int]:
    return {tick.tick_type: int(tick.size) for tick in only(said, TickSize)}


def generics(said: list[Response]) -> dict[int, Decimal]:
    return {tick.tick_type: Decimal(tick.value) for tick in only(said, TickGeneric)}


def strings(said: list[Response]) -> dict[int, str]:
    return {tick.tick_type: tick.value for tick in only(said, TickString)}


def test_whole_quote_comes_at_once_and_agrees_with_itself() -> None:
    said = Watcher().ask(quote(1))
    seen = prices(said)
    assert isinstance(said[0], MarketDataType)
    assert only(said, TickReqParams)[0].bbo_exchange == "9c0001"
    assert seen[1] < seen[2]
    assert seen[7] <= seen[4] <= seen[6]
    assert seen[7] <= seen[14] <= seen[6]
    assert {9, 14, 4, 6, 7} <= seen.keys()
    assert {0, 3, 5, 8} <= sizes(said).keys()
    assert {32, 33, 45} <= strings(said).keys()
    assert generics(said) == {49: 0}


def test_day_s_figures_are_the_same_streamed_and_asked_for_later() -> None:
    watcher = Watcher()
    streamed = watcher.ask(quote(1)) + watcher.play(20 * MINUTE + 1_234)
    late = watcher.ask(quote(2))
    for tick in (6, 7, 14, 9):
        assert prices(streamed)[tick] == prices(late)[tick]
    assert sizes(streamed)[8] == sizes(late)[8]


def test_day_s_figures_count_the_print_of_this_very_moment() -> None:
    watcher = Watcher()
    world = watcher.world
    [apple] = [each for each in world.catalogue if each.con_id == 265598]
    streamed = watcher.ask(quote(1))
    coming = world.market.prints(apple, world.now, world.now + MINUTE)
    moment = next(trade.at for trade in coming if trade.at % 1000)
    streamed += watcher.play(moment - world.now)
    assert sizes(watcher.ask(quote(2)))[8] == sizes(streamed)[8]


def test_mark_is_the_last_price_held_within_the_quote(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher()
    high = Touch(Decimal(900), Decimal(901), 100, 100)
    monkeypatch.setattr(watcher.world.market, "touch", lambda *_: high)
    assert prices(watcher.ask(quote(1, generic="232")))[37] == 900


def test_day_s_high_and_low_begin_anew_with_the_next_session() -> None:
    watcher = Watcher(hub(CLOSED))
    watcher.ask(quote(1))
    said = watcher.play(12 * HOUR + 5 * MINUTE)
    late = watcher.ask(quote(2))
    for tick in (6, 7, 9, 14):
        assert prices(said)[tick] == prices(late)[tick]
    assert sizes(said)[8] == sizes(late)[8]


def test_snapshot_ends_with_57_and_holds_no_line() -> None:
    watcher = Watcher(market_data_lines=1)
    said = watcher.ask(ReqMarketData(1, AAPL, snapshot=True))
    assert isinstance(said[-1], TickSnapshotEnd)
    regulatory = watcher.ask(ReqMarketData(2, AAPL, regulatory_snapshot=True))
    assert isinstance(regulatory[-1], TickSnapshotEnd)
    assert watcher.play(MINUTE) == []
    assert len(watcher.world.vendor.lines) == 0


def test_snapshot_with_generic_ticks_is_refused() -> None:
    said = Watcher().ask(ReqMarketData(1, AAPL, ("233",), snapshot=True))
    assert codes(said) == [321]
    assert "not applicable to generic ticks" in texts(said)[0]


def test_used_id_is_refused_and_the_stream_goes_on() -> None:
    watcher = Watcher()
    watcher.ask(quote(1))
    assert codes(watcher.ask(quote(1))) == [322]
    assert only(watcher.play(MINUTE), TickPrice)
    assert watcher.ask(CancelMarketData(1)) == []
    assert watcher.play(MINUTE) == []
    assert codes(watcher.ask(CancelMarketData(1))) == [300]


def test_lines_are_counted_over_quotes_bars_and_ticks_of_all_clients() -> None:
    watcher = Watcher(market_data_lines=3)
    other = Watcher(watcher.world, client_id=2)
    assert codes(watcher.ask(quote(1))) == []
    assert codes(other.ask(ReqRealTimeBars(1, AAPL))) == []
    assert codes(watcher.ask(ReqTickByTick(2, AAPL, "Last"))) == []
    assert codes(other.ask(quote(2))) == [101]
    assert codes(other.ask(ReqRealTimeBars(3, AAPL))) == [101]
    watcher.ask(CancelMarketData(1))
    assert codes(other.ask(quote(2))) == []
    watcher.world.close_session(other.session)
    assert len(watcher.world.vendor.lines) == 1


def test_forex_has_a_quote_and_no_trades() -> None:
    watcher = Watcher()
    said = watcher.ask(quote(1, EURUSD)) + watcher.play(MINUTE)
    assert prices(said).keys() == {1, 2, 9}
    assert strings(said) == {}


def test_index_has_trades_and_no_quote() -> None:
    watcher = Watcher()
    said = watcher.ask(quote(1, SPX)) + watcher.play(MINUTE)
    assert {4, 6, 7, 9, 14} <= prices(said).keys()
    assert not {1, 2} & prices(said).keys()


def test_combination_is_quoted_by_its_legs() -> None:
    watcher = Watcher()
    legs = (ComboLeg(265598, 1, "BUY", "SMART"), ComboLeg(272093, 1, "SELL", "SMART"))
    pair = Contract(
        symbol="AAPL,MSFT", sec_type="BAG", exchange="SMART", currency="USD", combo_legs=legs
    )
    whole = watcher.ask(quote(1, pair))
    assert codes(whole) == []
    apple = prices(watcher.ask(ReqMarketData(2, AAPL, snapshot=True)))
    microsoft = prices(
        watcher.ask(ReqMarketData(3, Contract(con_id=272093, exchange="SMART"), snapshot=True))
    )
    assert prices(whole)[1] == apple[1] - microsoft[2]
    assert prices(whole)[2] == apple[2] - microsoft[1]
    assert only(watcher.play(MINUTE), TickPrice)


# -- kinds of data and subscriptions ---------------------------------------------------------------


def kinds(said: list[Response]) -> list[int]:
    return [each.market_data_type for each in only(said, MarketDataType)]


@pytest.mark.parametrize(("asked", "told"), [(1, 1), (2, 1), (3, 1), (4, 1)])
def test_open_market_is_live_whatever_was_asked(asked: int, told: int) -> None:
    assert kinds(Watcher().ask(ReqMarketDataType(asked), quote(1))) == [told]


def test_frozen_data_shows_the_last_quote_of_a_closed_market_and_thaws_with_it() -> None:
    watcher = Watcher(hub(OPEN + 18 * HOUR + 20 * MINUTE))
    watcher.world.vendor.closed_quotes = ClosedQuotes.NONE
    said = watcher.ask(ReqMarketDataType(2), quote(1))
    assert kinds(said) == [2]
    assert prices(said)[1] > 0
    assert kinds(watcher.play(15 * MINUTE)) == [1]


def test_data_freezes_when_the_market_closes() -> None:
    watcher = Watcher(hub(OPEN + 10 * HOUR + 20 * MINUTE))
    assert kinds(watcher.ask(ReqMarketDataType(4), quote(1))) == [1]
    assert kinds(watcher.play(15 * MINUTE)) == [2]


@pytest.mark.parametrize(("policy", "bid"), [(ClosedQuotes.NONE, -1), (ClosedQuotes.LAST_KNOWN, 1)])
def test_live_quote_of_a_closed_market_is_as_the_policy_says(
    policy: ClosedQuotes, bid: int
) -> None:
    watcher = Watcher(hub(CLOSED))
    watcher.world.vendor.closed_quotes = policy
    said = watcher.ask(quote(1))
    assert kinds(said) == [1]
    assert (prices(said)[1] > 0) == (bid > 0)
    assert (sizes(said)[0] > 0) == (bid > 0)


def test_live_quote_goes_when_the_market_closes() -> None:
    watcher = Watcher(hub(OPEN + 10 * HOUR + 20 * MINUTE))
    watcher.world.vendor.closed_quotes = ClosedQuotes.NONE
    assert prices(watcher.ask(quote(1)))[1] > 0
    said = watcher.play(15 * MINUTE)
    assert prices(said)[1] == prices(said)[2] == -1


def test_kind_that_there_is_not_is_refused() -> None:
    assert codes(Watcher().ask(ReqMarketDataType(5))) == [321]


def test_market_that_is_not_subscribed_gets_354() -> None:
    watcher = unsubscribed()
    said = watcher.ask(quote(1))
    assert codes(said) == [354]
    assert "Delayed market data is available" in texts(said)[0]
    assert watcher.play(MINUTE) == []
    assert codes(watcher.ask(quote(2, EURUSD))) == []


def test_delayed_data_follows_10167_under_its_own_types_fifteen_minutes_late() -> None:
    watcher = unsubscribed()
    watcher.play(30 * MINUTE)
    said = watcher.ask(ReqMarketDataType(3), quote(1))
    assert codes(said) == [10167]
    assert kinds(said) == [3]
    assert prices(said).keys() == {66, 67, 68, 72, 73, 75, 76}
    assert sizes(said).keys() == {69, 70, 71, 74}
    market, now = watcher.world.market, watcher.world.now
    [apple] = [each for each in watcher.world.catalogue if each.con_id == 265598]
    assert prices(said)[68] == market.last(apple, now - 15 * MINUTE).price
    later = watcher.play(MINUTE)
    assert prices(later)[66] == market.touch(apple, watcher.world.now - 15 * MINUTE).bid
    assert strings(later).keys() == {88}
    at_s = int(strings(later)[88])
    assert watcher.world.now - 16 * MINUTE < at_s * 1000 <= watcher.world.now - 15 * MINUTE


@pytest.mark.parametrize(
    ("instead", "code"),
    [(Unsubscribed.NOT_ENABLED, 10168), (Unsubscribed.NOT_ENABLED_10186, 10186)],
)
def test_delayed_data_that_is_not_enabled_is_refused(instead: Unsubscribed, code: int) -> None:
    said = unsubscribed(instead).ask(ReqMarketDataType(3), quote(1))
    assert codes(said) == [code]
    assert only(said, TickPrice) == []


def test_part_that_is_not_subscribed_is_told_and_the_rest_flows() -> None:
    watcher = unsubscribed(Unsubscribed.PART)
    said = watcher.ask(quote(1, generic="233,236")) + watcher.play(MINUTE)
    assert codes(said) == [10090]
    assert {1, 2, 4} <= prices(said).keys()
    assert not {46} & generics(said).keys()


def test_permission_is_by_client_where_the_policy_says_so() -> None:
    watcher = Watcher()
    watcher.world.vendor.permissions = Permissions(frozenset({"*"}), frozenset({2}))
    other = Watcher(watcher.world, client_id=2)
    assert codes(watcher.ask(quote(1))) == []
    assert codes(other.ask(quote(1))) == [354]


# -- generic ticks ---------------------------------------------------------------------------------


def test_unknown_generic_tick_refuses_the_request_in_ibs_words() -> None:
    said = Watcher().ask(quote(1, generic="233,999"))
    assert codes(said) == [321]
    assert "Incorrect generic tick list of 233,999." in texts(said)[0]


def test_generic_ticks_that_the_market_does_not_know_are_taken_without_a_word() -> None:
    watcher = Watcher()
    plain = watcher.ask(quote(1))
    said = watcher.ask(quote(2, generic="100,101,105,106,225,258,292,456,577,588"))
    assert codes(said) == []
    assert [type(each) for each in said] == [type(each) for each in plain]


def test_volume_string_counts_every_trade_of_the_day() -> None:
    watcher = Watcher()
    said = watcher.ask(quote(1, generic="233,375")) + watcher.play(MINUTE)
    lines = [tick.value.split(";") for tick in only(said, TickString) if tick.tick_type == 48]
    assert len(lines) > 5
    assert all(len(line) == 6 and line[5] == "true" for line in lines)
    assert int(lines[-1][3]) == sizes(said)[8]
    assert prices(said)[7] <= Decimal(lines[-1][4]) <= prices(said)[6]
    assert strings(said)[77] == ";".join(lines[-1])


def test_counts_are_those_of_the_market_s_own_bars() -> None:
    watcher = Watcher()
    watcher.play(15 * MINUTE)
    said = watcher.ask(quote(1, generic="293,294,295,595"))
    world = watcher.world
    [apple] = [each for each in world.catalogue if each.con_id == 265598]
    minutes = world.market.bars(
        apple, BarSource.TRADES, 60, world.now - 10 * MINUTE, world.now, regular_only=False
    )
    assert sizes(said)[65] == sum(bar.volume for bar in minutes)
    assert sizes(said)[63] == sum(bar.volume for bar in minutes[-3:])
    assert generics(said)[55] == minutes[-1].count
    assert generics(said)[56] == minutes[-1].volume
    assert generics(said)[54] > sum(bar.count for bar in minutes)


def test_past_is_told_once_and_makes_sense() -> None:
    watcher = Watcher()
    said = watcher.ask(quote(1, generic="104,165,232,318,411"))
    seen = prices(said)
    assert seen[19] <= seen[17] <= seen[15] <= seen[16] <= seen[18] <= seen[20]
    assert seen[1] <= seen[37] <= seen[2]
    assert seen[57] == seen[4]
    assert 0 < generics(said)[23] < 2
    assert generics(said)[23] == generics(said)[58]
    assert sizes(said)[21] > 1_000_000
    assert not {15, 16, 21} & prices(watcher.play(MINUTE)).keys()


def test_shares_to_borrow_are_told_for_stocks_only() -> None:
    watcher = Watcher()
    said = watcher.ask(quote(1, generic="236"))
    assert generics(said)[46] > Decimal("2.5")
    assert sizes(said)[89] > 1_000
    assert 46 not in generics(watcher.ask(quote(2, EURUSD, generic="236")))


@pytest.mark.parametrize("generic", [each.value for each in Generic])
def test_every_generic_tick_may_be_asked_for_everywhere_it_is_legal(generic: int) -> None:
    watcher = Watcher()
    for req_id, contract in enumerate((AAPL, EURUSD, SPX)):
        said = watcher.ask(quote(req_id, contract, str(generic)))
        assert codes(said) in ([], [321])
    watcher.play(10_000)


def test_halt_is_told_when_it_begins_and_when_it_ends() -> None:
    watcher = Watcher()
    world = watcher.world
    [apple] = [each for each in world.catalogue if each.con_id == 265598]
    assert generics(watcher.ask(quote(1)))[49] == 0
    world.publish(world.exchange.halt(apple, world.now))
    assert generics(watcher.play(MINUTE)) == {49: 1}
    assert generics(watcher.play(MINUTE)) == {}
    world.publish(world.exchange.resume(apple, world.now))
    assert generics(watcher.play(MINUTE)) == {49: 0}


def test_market_that_is_disturbed_shows_nothing_of_what_it_would_have_been() -> None:
    market = DisturbedMarket(SyntheticMarket(seed=7))
    watcher = Watcher(Hub(GatewaySettings(), catalogue=Catalogue.load(), market=market, start=OPEN))
    watcher.ask(quote(1), ReqTickByTick(2, AAPL, "Last"))
    watcher.play(MINUTE)
    number = market.disturb(Disturbance(Shape.HALTED, watcher.world.now, symbol="AAPL"))
    said = watcher.play(MINUTE)
    assert only(said, TickPrice) == []
    assert only(said, TickTrade) == []
    market.end(number, watcher.world.now)
    ended_s = watcher.world.now // 1000
    trades = only(watcher.play(30_000), TickTrade)
    [apple] = [each for each in watcher.world.catalogue if each.con_id == 265598]
    there_were = market.prints(apple, ended_s * 1000, watcher.world.now)
    assert [(trade.time, trade.price) for trade in trades] == [
        (each.at // 1000, each.price) for each in there_were
    ]
