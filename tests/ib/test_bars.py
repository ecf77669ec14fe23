from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest

from apps.domain.bars import Bar
from apps.domain.errors import BrokerError, DeadlineExceeded, InvalidInput, NotConnected
from apps.domain.quotes import Quote
from apps.engine.ports import LinkState
from apps.ib.pacing import Limits
from tests.ib.desk_side import AAPL, BRACKET, PATIENT, SHORT, DeskSide
from tests.ib.tws_stub import Fields, Peer, TwsStub

OPEN = 1_795_185_000
FIRST = Bar(
    start=datetime.fromtimestamp(OPEN, UTC),
    seconds=5,
    open=190.0,
    high=190.2,
    low=189.9,
    close=190.1,
    volume=1200.0,
    wap=190.05,
    count=31,
)


def bar(peer: Peer, req_id: str, epoch_s: int = OPEN) -> None:
    peer.send(50, 3, req_id, epoch_s, 190.0, 190.2, 189.9, 190.1, 1200, 190.05, 31)


def stream(peer: Peer, message: Fields) -> None:
    bar(peer, message[2])


async def test_a_bar_reaches_its_listener_as_a_value(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[50] = stream
    bars: list[Bar] = []
    await desk.gateway.market_data.subscribe_bars(AAPL, bars.append)
    assert bars == [FIRST]
    (asked,) = tws.sent(50)
    assert asked[3:5] == ["265598", "AAPL"]
    assert asked[-4:] == ["5", "TRADES", "1", ""]


async def test_a_bracket_sent_from_a_bar_is_on_the_wire_before_the_handler_returns(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    tws.answers[50] = stream
    written: list[int] = []

    def send(_: Bar) -> None:
        conn = desk.gateway.connection.session.client.conn
        before = conn.numMsgSent
        desk.gateway.broker.place_bracket(BRACKET)
        written.append(conn.numMsgSent - before)

    await desk.gateway.market_data.subscribe_bars(AAPL, send)
    assert written == [3]
    assert len(await tws.got(3, 3)) == 3


async def test_a_handler_that_raises_is_told_and_gets_the_next_bar(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    tws.answers[50] = stream
    seen: list[Bar] = []

    def fail_once(one: Bar) -> None:
        seen.append(one)
        if len(seen) == 1:
            raise ValueError("no level")

    await desk.gateway.market_data.subscribe_bars(AAPL, fail_once)
    assert desk.errors == ["AAPL bars failed: ValueError: no level"]
    bar(tws.peer, tws.sent(50)[0][2], OPEN + 5)
    tws.peer.error(-1, 2106, "after the bar")
    await desk.heard.notice(2106)
    assert len(seen) == 2


async def test_a_listener_that_nobody_else_holds_is_kept(tws: TwsStub, desk: DeskSide) -> None:
    class Watcher:
        def __init__(self, bars: list[Bar]) -> None:
            self.bars = bars

        def on_bar(self, one: Bar) -> None:
            self.bars.append(one)

    await desk.gateway.connect()
    bars: list[Bar] = []
    await desk.gateway.market_data.subscribe_bars(AAPL, Watcher(bars).on_bar)
    gc.collect()
    (asked,) = await tws.got(50)
    bar(tws.peer, asked[2])
    tws.peer.error(-1, 2106, "after the bar")
    await desk.heard.notice(2106)
    assert bars == [FIRST]


async def test_bars_are_not_kept_by_the_library(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()

    def many(peer: Peer, message: Fields) -> None:
        for step in range(1000):
            bar(peer, message[2], OPEN + 5 * step)

    tws.answers[50] = many
    bars: list[Bar] = []
    done = asyncio.Event()

    def count(one: Bar) -> None:
        bars.append(one)
        if len(bars) == 1000:
            done.set()

    await desk.gateway.market_data.subscribe_bars(AAPL, count)
    await asyncio.wait_for(done.wait(), 5)
    wrapper = desk.gateway.connection.session.wrapper
    assert wrapper.reqId2Subscriber == {}
    assert wrapper._results == {}


async def test_a_refused_subscription_raises_with_ibs_code(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[50] = lambda peer, message: peer.error(message[2], 420, "Invalid Real-time Query")
    with pytest.raises(BrokerError, match=r"AAPL bars: IB 420: .* ten minutes") as caught:
        await desk.gateway.market_data.subscribe_bars(AAPL, lambda _: None)
    assert caught.value.code == 420
    assert [one for one in desk.heard.notices if one.code == 420] == []
    # its market-data line is free again
    assert desk.gateway.market_data._pacer.lines.used == 0


async def test_a_later_end_of_a_subscription_is_a_notice(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[50] = stream
    await desk.gateway.market_data.subscribe_bars(AAPL, lambda _: None)
    tws.peer.error(tws.sent(50)[0][2], 10197, "No market data during competing live session")
    notice = await desk.heard.notice(10197)
    assert notice.text == "AAPL bars: No market data during competing live session"
    assert desk.gateway.market_data._pacer.lines.used == 0


async def test_a_bust_ends_the_subscription_and_is_told_to_whoever_holds_it(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    tws.answers[50] = stream
    ends: list[str] = []
    await desk.gateway.market_data.subscribe_bars(AAPL, lambda _: None, ends.append)
    tws.peer.error(tws.sent(50)[0][2], 10225, "Bust event occurred")
    await tws.got(51)
    await desk.heard.notice(10225)
    assert len(ends) == 1
    assert "10225" in ends[0]
    assert desk.gateway.market_data._pacer.lines.used == 0
    assert len(tws.sent(50)) == 1, "whoever holds it subscribes anew, and fills the gap"


async def test_the_wait_for_the_nth_next_subscription_is_that_of_ibs_window(tws: TwsStub) -> None:
    async with DeskSide(tws.port, limits=Limits(bar_subscriptions=2)).gateway as gateway:
        await gateway.connect()
        tws.answers[50] = stream
        await gateway.market_data.subscribe_bars(AAPL, lambda _: None)
        waits = [gateway.market_data.bars_wait_s(nth) for nth in (1, 2, 3, 4)]
        assert [round(each, -1) for each in waits] == [0, 600, 600, 1200]


async def test_a_closed_subscription_is_cancelled_once_and_silent(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    tws.answers[50] = stream
    bars: list[Bar] = []
    subscription = await desk.gateway.market_data.subscribe_bars(AAPL, bars.append)
    subscription.close()
    subscription.close()
    await tws.got(51)
    bar(tws.peer, tws.sent(50)[0][2], OPEN + 5)
    tws.peer.error(-1, 2106, "after the bar")
    await desk.heard.notice(2106)
    assert len(bars) == 1
    assert len(tws.sent(51)) == 1


async def test_disconnecting_cancels_what_is_subscribed(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[50] = stream
    subscription = await desk.gateway.market_data.subscribe_bars(AAPL, lambda _: None)
    desk.gateway.market_data.subscribe_quote(AAPL)
    await desk.gateway.disconnect()
    await tws.got(51)
    await tws.got(2)
    subscription.close()
    with pytest.raises(NotConnected):
        await desk.gateway.market_data.subscribe_bars(AAPL, lambda _: None)


async def test_a_link_lost_while_subscribing_is_told_as_such(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[50] = lambda peer, _: peer.hang_up()
    gateway = desk.gateway
    gateway.market_data._timeouts = PATIENT  # nothing but the loss may end the wait
    gateway.market_data._timeouts = replace(PATIENT, refusal_s=5)
    with pytest.raises(NotConnected, match="AAPL bars"):
        await gateway.market_data.subscribe_bars(AAPL, lambda _: None)
    await desk.heard.link(LinkState.DISCONNECTED)


async def test_a_bar_subscription_beyond_ibs_budget_is_refused_here(tws: TwsStub) -> None:
    async with DeskSide(tws.port, limits=Limits(bar_subscriptions=1)).gateway as gateway:
        await gateway.connect()
        tws.answers[50] = stream
        await gateway.market_data.subscribe_bars(AAPL, lambda _: None)
        with pytest.raises(BrokerError, match="the next may be asked for in 600 s"):
            await gateway.market_data.subscribe_bars(AAPL, lambda _: None)


async def test_a_line_beyond_ibs_lines_is_refused_here(tws: TwsStub) -> None:
    async with DeskSide(tws.port, limits=Limits(market_data_lines=1)).gateway as gateway:
        await gateway.connect()
        stream_of_quotes = gateway.market_data.subscribe_quote(AAPL)
        with pytest.raises(BrokerError, match="market-data lines are in use"):
            gateway.market_data.subscribe_quote(AAPL)
        stream_of_quotes.close()
        gateway.market_data.subscribe_quote(AAPL).close()


def ticks(peer: Peer, message: Fields) -> None:
    req_id = message[2]
    peer.send(58, 1, req_id, 1)
    peer.send(1, 6, req_id, 1, 190.04, 300, 1)
    peer.send(1, 6, req_id, 2, 190.05, 200, 1)
    peer.send(1, 6, req_id, 4, 190.05, 100, 0)
    peer.send(1, 6, req_id, 9, 188.5, 0, 0)


async def test_a_running_quote_follows_its_ticks(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    quote = desk.gateway.market_data.subscribe_quote(AAPL)
    assert quote.latest() is None
    (asked,) = await tws.got(1)
    ticks(tws.peer, asked)
    tws.peer.send(2, 6, asked[2], 0, 500)
    tws.peer.send(45, 6, asked[2], 49, 2.0)
    tws.peer.error(-1, 2106, "after the ticks")
    await desk.heard.notice(2106)
    latest = quote.latest()
    assert latest is not None
    assert latest == Quote(
        bid=Decimal("190.04"),
        ask=Decimal("190.05"),
        last=Decimal("190.05"),
        close=Decimal("188.5"),
        bid_size=Decimal(500),
        ask_size=Decimal(200),
        received_s=latest.received_s,
        halted=True,
    )
    tws.peer.send(1, 6, asked[2], 1, -1, 0, 1)
    tws.peer.send(45, 6, asked[2], 49, 0)
    tws.peer.error(-1, 2107, "after the ticks")
    await desk.heard.notice(2107)
    gone = quote.latest()
    assert gone is not None
    assert (gone.bid, gone.bid_size, gone.halted) == (None, None, False)
    for unset in ("nan", "inf", "1.7976931348623157e308", "0"):
        tws.peer.send(1, 6, asked[2], 2, unset, 100, 1)
        tws.peer.error(-1, 2108, f"after {unset}")
        await desk.heard.until(partial(_heard_of, desk, unset))
        without = quote.latest()
        assert without is not None
        assert (without.ask, without.ask_size) == (None, None), unset
    quote.close()
    await tws.got(2)


def _heard_of(desk: DeskSide, words: str) -> bool:
    return desk.heard.notices[-1].text.endswith(words)


async def test_a_quote_asked_for_once_is_given_when_it_is_complete(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    tws.answers[1] = ticks
    quote = await desk.gateway.market_data.quote(AAPL)
    assert (quote.bid, quote.ask, quote.last) == (
        Decimal("190.04"),
        Decimal("190.05"),
        Decimal("190.05"),
    )
    assert desk.gateway.market_data._pacer.lines.used == 0


async def test_a_quote_that_ends_empty_is_an_error(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[1] = lambda peer, message: peer.send(57, 1, message[2])
    with pytest.raises(BrokerError, match="no quote of AAPL"):
        await desk.gateway.market_data.quote(AAPL)


async def test_a_quote_that_ib_refuses_carries_its_code(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[1] = lambda peer, message: peer.error(message[2], 354, "Not subscribed")
    with pytest.raises(BrokerError, match="354") as caught:
        await desk.gateway.market_data.quote(AAPL)
    assert caught.value.code == 354


@pytest.mark.parametrize(("kind", "is_frozen"), [(1, False), (2, True), (4, True)])
async def test_quote_of_the_last_close_says_so(
    tws: TwsStub, desk: DeskSide, kind: int, is_frozen: bool
) -> None:
    def frozen(peer: Peer, message: Fields) -> None:
        ticks(peer, message)
        peer.send(58, 1, message[2], kind)
        peer.error(-1, 2106, "after the ticks")

    await desk.gateway.connect()
    tws.answers[1] = frozen
    stream = desk.gateway.market_data.subscribe_quote(AAPL)
    await desk.heard.notice(2106)
    quote = stream.latest()
    assert quote is not None
    assert (quote.frozen, quote.delayed) == (is_frozen, kind == 4)
    stream.close()


async def test_delayed_quotes_say_so(tws: TwsStub, desk: DeskSide) -> None:
    def delayed(peer: Peer, message: Fields) -> None:
        peer.error(message[2], 10167, "Displaying delayed market data.")
        peer.send(58, 1, message[2], 3)
        peer.send(1, 6, message[2], 66, 190.04, 300, 1)
        peer.send(1, 6, message[2], 67, 190.05, 300, 1)
        peer.send(1, 6, message[2], 68, 190.05, 300, 1)

    await desk.gateway.connect()
    tws.answers[1] = delayed
    quote = await desk.gateway.market_data.quote(AAPL)
    assert quote.delayed
    assert desk.heard.notices[-1].code == 10167


async def test_a_quote_without_an_answer_ends_at_its_deadline(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, timeouts=replace(SHORT, heartbeat_every_s=60))
    async with desk.gateway as gateway:
        await gateway.connect()
        with pytest.raises(DeadlineExceeded, match="No quote of AAPL"):
            await gateway.market_data.quote(AAPL)


def history(peer: Peer, message: Fields) -> None:
    req_id = message[1]
    bars = [(OPEN + 5 * n, 190, 190.2, 189.9, 190.1, 1200, 190.05, 31) for n in range(4)]
    flat = [value for one in bars for value in one]
    peer.send(17, req_id, "20261120  09:30:00", "20261120  09:30:20", len(bars), *flat)


async def test_history_gives_bars_as_the_stream_has_them(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[20] = history
    bars = await desk.gateway.market_data.history(AAPL, seconds=5, duration_s=15)
    assert [one.start.timestamp() for one in bars] == [OPEN + 5, OPEN + 10, OPEN + 15]
    assert replace(bars[0], start=FIRST.start) == FIRST
    (asked,) = tws.sent(20)
    assert asked[15:22] == ["", "5 secs", "15 S", "1", "TRADES", "2", "0"]


async def test_history_without_trading_is_empty_and_other_errors_are_errors(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    market_data = desk.gateway.market_data
    tws.answers[20] = lambda peer, message: peer.error(
        message[1], 162, "Historical Market Data Service error message:HMDS query returned no data"
    )
    assert await market_data.history(AAPL, seconds=60, duration_s=600) == ()
    tws.answers[20] = lambda peer, message: peer.error(message[1], 162, "pacing violation")
    with pytest.raises(BrokerError, match="pacing violation"):
        await market_data.history(AAPL, seconds=60, duration_s=600)
    with pytest.raises(InvalidInput, match="no bars of 7 s"):
        await market_data.history(AAPL, seconds=7, duration_s=70)


async def test_history_without_an_answer_is_taken_back_at_its_deadline(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, timeouts=replace(SHORT, heartbeat_every_s=60))
    async with desk.gateway as gateway:
        await gateway.connect()
        with pytest.raises(DeadlineExceeded, match="1 min bars of AAPL"):
            await gateway.market_data.history(AAPL, seconds=60, duration_s=600)
        await tws.got(25)


async def test_history_that_ib_would_refuse_is_not_asked_for(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, timeouts=replace(PATIENT, history_s=1))
    async with desk.gateway as gateway:
        await gateway.connect()
        tws.answers[20] = history
        await gateway.market_data.history(AAPL, seconds=5, duration_s=15)
        with pytest.raises(BrokerError, match="none twice within 15 s"):
            await gateway.market_data.history(AAPL, seconds=5, duration_s=15)
        assert len(tws.sent(20)) == 1
