"""Tick-by-tick data, historical ticks and market depth of a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from apps.paper.feed.depth import BookSide, Change, DepthBook, Operation, Row, apply, book_of
from apps.paper.feed.thinned import HistoryPolicy
from apps.paper.session.quotes.smart import books_of
from apps.paper.wire import (
    CancelMarketDepth,
    CancelTickByTick,
    Contract,
    HistoricalTicks,
    HistoricalTicksBidAsk,
    HistoricalTicksTrades,
    MarketDepth,
    MarketDepthExchanges,
    MarketDepthL2,
    ReqHistoricalTicks,
    ReqMarketDepth,
    ReqMarketDepthExchanges,
    ReqSmartComponents,
    ReqTickByTick,
    Response,
    SmartComponents,
    TickBidAsk,
    TickMidPoint,
    TickTrade,
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
    only,
    texts,
    unsubscribed,
)

ISLAND = Contract(symbol="AAPL", sec_type="STK", exchange="ISLAND", currency="USD")


def stamp(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y%m%d-%H:%M:%S")


def past(req_id: int, **fields: Any) -> ReqHistoricalTicks:
    fields = {"contract": AAPL, "number_of_ticks": 1000, "use_rth": True, **fields}
    return ReqHistoricalTicks(req_id, **fields)


# -- tick by tick ----------------------------------------------------------------------------------


def test_trades_that_streamed_are_those_of_historical_ticks() -> None:
    watcher = Watcher()
    begin = watcher.world.now
    watcher.ask(ReqTickByTick(1, AAPL, "Last"))
    streamed = only(watcher.play(MINUTE), TickTrade)
    [answer] = only(
        watcher.ask(past(2, start_date_time=stamp(begin), what_to_show="TRADES")),
        HistoricalTicksTrades,
    )
    assert len(streamed) > 20
    assert [(t.time, t.price, t.size, t.exchange) for t in streamed] == [
        (t.time, t.price, t.size, t.exchange) for t in answer.ticks
    ]
    assert {tick.tick_type for tick in streamed} == {1}


def test_quotes_that_streamed_are_those_of_historical_ticks() -> None:
    watcher = Watcher(tick_by_tick_interval_s=None)
    begin = watcher.world.now
    watcher.ask(ReqTickByTick(1, AAPL, "BidAsk"), ReqTickByTick(2, AAPL, "MidPoint"))
    said = watcher.play(MINUTE)
    start = stamp(begin)
    [quotes] = only(
        watcher.ask(past(3, start_date_time=start, what_to_show="BID_ASK")), HistoricalTicksBidAsk
    )
    [middles] = only(
        watcher.ask(past(4, start_date_time=start, what_to_show="MIDPOINT")), HistoricalTicks
    )
    assert [(t.time, t.bid, t.ask, t.bid_size, t.ask_size) for t in only(said, TickBidAsk)] == [
        (t.time, t.bid, t.ask, t.bid_size, t.ask_size) for t in quotes.ticks
    ]
    assert [(t.time, t.mid_point) for t in only(said, TickMidPoint)] == [
        (t.time, t.price) for t in middles.ticks
    ]
    assert len(middles.ticks) < len(quotes.ticks)


def test_changes_of_size_alone_are_left_out_when_they_are_to_be_ignored() -> None:
    watcher = Watcher(tick_by_tick_interval_s=None)
    watcher.ask(
        ReqTickByTick(1, AAPL, "BidAsk"), ReqTickByTick(2, AAPL, "BidAsk", ignore_size=True)
    )
    said = only(watcher.play(MINUTE), TickBidAsk)
    every = [tick for tick in said if tick.req_id == 1]
    priced = [tick for tick in said if tick.req_id == 2]
    assert 0 < len(priced) < len(every)
    pairs = [(tick.bid, tick.ask) for tick in priced]
    assert all(before != after for before, after in pairwise(pairs))


def test_past_ticks_come_first_when_they_are_asked_for_and_none_is_missing_between() -> None:
    watcher = Watcher(tick_by_tick_interval_s=None)
    watcher.play(3 * MINUTE + 137)
    said = watcher.ask(ReqTickByTick(1, AAPL, "AllLast", number_of_ticks=50)) + watcher.play(MINUTE)
    assert isinstance(said[0], HistoricalTicksTrades)
    assert len(said[0].ticks) == 50
    streamed = only(said, TickTrade)
    assert {tick.tick_type for tick in streamed} == {2}
    seen = [(t.time, t.price, t.size) for t in said[0].ticks]
    seen += [(t.time, t.price, t.size) for t in streamed]
    end = stamp(watcher.world.now + SECOND)
    [later] = only(
        watcher.ask(past(2, end_date_time=end, what_to_show="TRADES", number_of_ticks=len(seen))),
        HistoricalTicksTrades,
    )
    assert [(t.time, t.price, t.size) for t in later.ticks][-len(seen) :] == seen


def test_cancelled_before_its_past_was_sent_a_request_says_nothing() -> None:
    watcher = Watcher()
    watcher.session.handle(ReqTickByTick(1, AAPL, "Last", number_of_ticks=50))
    assert watcher.ask(CancelTickByTick(1)) == []
    assert watcher.play(MINUTE) == []
    assert len(watcher.world.vendor.tick_by_tick) == 0


@pytest.mark.parametrize(
    ("contract", "kind", "code"),
    [
        (EURUSD, "Last", 10189),
        (EURUSD, "AllLast", 10189),
        (SPX, "BidAsk", 10189),
        (AAPL, "Everything", 321),
    ],
)
def test_ticks_that_there_are_not_are_refused(contract: Contract, kind: str, code: int) -> None:
    said = Watcher().ask(ReqTickByTick(1, contract, kind))
    assert codes(said) == [code]


def test_refusal_of_forex_trades_is_in_ibs_words() -> None:
    said = Watcher().ask(ReqTickByTick(1, EURUSD, "Last"))
    refusal = "Last tick-by-tick requests are not supported for EUR.USD."
    assert texts(said) == [f"Failed to request tick-by-tick data.{refusal}"]


def test_sixth_tick_by_tick_stream_is_refused_and_the_next_after_a_cancel_is_not() -> None:
    watcher = Watcher(tick_by_tick_interval_s=None)
    for req_id in range(5):
        assert codes(watcher.ask(ReqTickByTick(req_id, AAPL, "Last"))) == []
    said = watcher.ask(ReqTickByTick(5, AAPL, "Last"))
    assert codes(said) == [10190]
    assert texts(said) == ["Max number of tick-by-tick requests has been reached."]
    watcher.ask(CancelTickByTick(0))
    assert codes(watcher.ask(ReqTickByTick(5, AAPL, "Last"))) == []
    assert codes(watcher.ask(CancelTickByTick(77))) == [300]


def test_one_instrument_is_asked_for_once_in_fifteen_seconds_and_a_refusal_holds_no_line() -> None:
    watcher = Watcher()
    watcher.ask(ReqTickByTick(1, AAPL, "Last"))
    assert codes(watcher.ask(ReqTickByTick(2, AAPL, "BidAsk"))) == [10189]
    assert len(watcher.world.vendor.tick_by_tick) == 1
    assert len(watcher.world.vendor.lines) == 1
    assert codes(watcher.ask(ReqTickByTick(3, EURUSD, "BidAsk"))) == []
    watcher.play(15 * SECOND)
    assert codes(watcher.ask(ReqTickByTick(2, AAPL, "BidAsk"))) == []


# -- historical ticks ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 10, 200])
def test_number_of_ticks_is_kept_up_to_the_second_that_holds_the_last(number: int) -> None:
    watcher = Watcher(hub(OPEN + HOUR))
    asked = {"what_to_show": "TRADES", "number_of_ticks": number}
    start = past(1, start_date_time=stamp(OPEN + 10 * MINUTE), **asked)
    [forward] = only(watcher.ask(start), HistoricalTicksTrades)
    times = [tick.time for tick in forward.ticks]
    assert times[0] >= (OPEN + 10 * MINUTE) // 1000
    assert len(times) >= number
    assert set(times[number - 1 :]) == {times[number - 1]}
    end = past(2, end_date_time=stamp(OPEN + 10 * MINUTE), **asked)
    [backward] = only(watcher.ask(end), HistoricalTicksTrades)
    times = [tick.time for tick in backward.ticks]
    assert times == sorted(times)
    assert times[-1] < (OPEN + 10 * MINUTE) // 1000
    assert set(times[: len(times) - number + 1]) == {times[-number]}


def test_no_more_than_a_thousand_and_a_second_are_given() -> None:
    watcher = Watcher(hub(OPEN + 2 * HOUR))
    asked = past(1, start_date_time=stamp(OPEN), what_to_show="TRADES", number_of_ticks=5000)
    [answer] = only(watcher.ask(asked), HistoricalTicksTrades)
    assert 1000 <= len(answer.ticks) <= 1010


def test_ticks_before_the_open_are_found_in_the_session_before() -> None:
    watcher = Watcher(hub(OPEN))
    asked = past(1, end_date_time=stamp(OPEN), what_to_show="TRADES", number_of_ticks=5)
    [answer] = only(watcher.ask(asked), HistoricalTicksTrades)
    assert len(answer.ticks) >= 5
    assert answer.ticks[-1].time < (OPEN - 17 * HOUR) // 1000
    [extended] = only(
        watcher.ask(
            past(
                2,
                end_date_time=stamp(OPEN),
                what_to_show="TRADES",
                number_of_ticks=5,
                use_rth=False,
            )
        ),
        HistoricalTicksTrades,
    )
    assert extended.ticks[-1].time > (OPEN - HOUR) // 1000


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"what_to_show": "TRADES"}, 321),
        ({"start_date_time": "20261119-14:30:00", "end_date_time": "20261119-14:31:00"}, 321),
        ({"start_date_time": "20261119-14:30:00", "number_of_ticks": 0}, 321),
        ({"start_date_time": "soon"}, 321),
        ({"start_date_time": "20261119-14:30:00", "what_to_show": "BARS"}, 10187),
        ({"start_date_time": "20261119-14:30:00", "contract": EURUSD}, 10187),
    ],
)
def test_request_for_ticks_that_cannot_be_answered_is_refused(
    fields: dict[str, Any], code: int
) -> None:
    assert codes(Watcher().ask(past(1, **fields))) == [code]


def test_ticks_of_the_future_are_none() -> None:
    watcher = Watcher()
    [answer] = only(
        watcher.ask(past(1, start_date_time=stamp(watcher.world.now + HOUR))),
        HistoricalTicksTrades,
    )
    assert answer.ticks == ()
    assert answer.done


def test_thinned_history_lacks_some_of_the_trades() -> None:
    watcher = Watcher(hub(OPEN + HOUR))
    asked = past(1, start_date_time=stamp(OPEN + 30 * MINUTE), number_of_ticks=1000)
    [exact] = only(watcher.ask(asked), HistoricalTicksTrades)
    watcher.world.vendor.history_policy = HistoryPolicy.THINNED
    [thin] = only(watcher.ask(asked), HistoricalTicksTrades)
    until = exact.ticks[-1].time
    assert {tick for tick in thin.ticks if tick.time <= until} < set(exact.ticks)


def test_ticks_of_a_market_that_is_not_subscribed_are_refused() -> None:
    watcher = unsubscribed()
    assert codes(watcher.ask(ReqTickByTick(1, AAPL, "Last"))) == [10189]
    said = watcher.ask(past(2, start_date_time=stamp(OPEN)))
    assert codes(said) == [10187]
    assert texts(said) == [
        "Failed to request historical ticks:No market data permissions for ISLAND STK"
    ]
    assert codes(watcher.ask(ReqMarketDepth(3, ISLAND))) == [354]


# -- market depth ----------------------------------------------------------------------------------


def followed(book: DepthBook, said: Sequence[Response]) -> DepthBook:
    """Keep a client's copy of a book."""
    messages = [
        Change(
            BookSide(each.side),
            Operation(each.operation),
            each.position,
            Row(
                Decimal(each.price),
                int(each.size),
                each.market_maker if isinstance(each, MarketDepthL2) else "",
            ),
        )
        for each in said
        if isinstance(each, MarketDepth | MarketDepthL2)
    ]
    return apply(book, messages)


@pytest.mark.parametrize(
    ("contract", "is_smart", "kind"),
    [(AAPL, True, MarketDepthL2), (ISLAND, False, MarketDepth), (EURUSD, False, MarketDepth)],
)
def test_copy_of_a_book_is_the_book_at_every_moment(
    contract: Contract, is_smart: bool, kind: type
) -> None:
    watcher = Watcher()
    world = watcher.world
    [listing] = [
        each
        for each in world.catalogue
        if each.symbol == contract.symbol
        and each.sec_type == contract.sec_type
        and each.currency == "USD"
    ]
    venues = books_of(listing) if is_smart else ()
    said = watcher.ask(ReqMarketDepth(1, contract, 10, is_smart))
    assert {type(each) for each in said} == {kind}
    assert len(said) == 20
    book = followed(DepthBook(), said)
    for _ in range(30):
        said = watcher.play(2 * SECOND)
        book = followed(book, said)
        touch = world.market.touch(listing, world.now)
        assert book.bids[0].price == touch.bid
        assert book.asks[0].price == touch.ask
        last = world.market.prints(listing, world.now - 10 * MINUTE, world.now)[-1].at
        assert book == book_of(listing, touch, last, 10, venues)
    assert watcher.ask(CancelMarketDepth(1, is_smart)) == []
    assert watcher.play(MINUTE) == []


@pytest.mark.parametrize(
    ("contract", "rows", "code"), [(AAPL, 5, 10092), (SPX, 5, 10092), (ISLAND, 0, 321)]
)
def test_depth_that_there_is_not_is_refused(contract: Contract, rows: int, code: int) -> None:
    assert codes(Watcher().ask(ReqMarketDepth(1, contract, rows))) == [code]


def test_fourth_book_is_refused_but_not_a_second_look_at_one() -> None:
    watcher = Watcher()
    for req_id, symbol in enumerate(("AAPL", "MSFT", "TSLA")):
        contract = Contract(symbol=symbol, sec_type="STK", exchange="SMART", currency="USD")
        assert codes(watcher.ask(ReqMarketDepth(req_id, contract, 5, True))) == []
    assert codes(watcher.ask(ReqMarketDepth(3, AAPL, 5, True))) == []
    said = watcher.ask(ReqMarketDepth(4, EURUSD))
    assert codes(said) == [309]
    assert texts(said) == ["Max number (3) of market depth requests has been reached"]
    watcher.ask(CancelMarketDepth(1))
    assert codes(watcher.ask(ReqMarketDepth(4, EURUSD))) == []
    assert codes(watcher.ask(CancelMarketDepth(99))) == [310]


def test_exchanges_with_books_and_those_behind_the_quote_are_named() -> None:
    watcher = Watcher()
    [answer] = only(watcher.ask(ReqMarketDepthExchanges()), MarketDepthExchanges)
    places = {(each.exchange, each.sec_type) for each in answer.exchanges}
    assert {("ISLAND", "STK"), ("IDEALPRO", "CASH"), ("CME", "FUT")} <= places
    [components] = only(watcher.ask(ReqSmartComponents(1, "9c0001")), SmartComponents)
    assert ("ISLAND", "Q") in {(c.exchange, c.exchange_letter) for c in components.components}
    assert codes(watcher.ask(ReqSmartComponents(2, "a60001"))) == [321]
