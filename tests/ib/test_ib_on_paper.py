"""The adapter on the paper gateway: unscripted, over a real socket, on a clock of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.domain.bars import Bar
from apps.domain.errors import InvalidInput, NotFound
from apps.domain.instruments import InstrumentKind
from apps.domain.market_data_type import MarketDataType
from apps.domain.orders import Bracket, OrderStatus, OrderType, Side, Ticket, TimeInForce
from apps.paper.clock import ManualClock
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.vendor.permissions import Permissions
from tests.ib.desk_side import DeskSide

OPEN = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
START = OPEN + timedelta(minutes=5)


def ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000


class Play:
    """The desk on a paper gateway whose clock stands until it is told to go on."""

    def __init__(self, paper: PaperGateway, desk: DeskSide) -> None:
        self.paper = paper
        self.desk = desk
        self.now = START

    async def go_on(self, seconds: int) -> None:
        """Let the market go on, and wait until everything it sent was read."""
        self.now += timedelta(seconds=seconds)
        self.paper.advance_to(ms(self.now))
        await self.desk.gateway.market_data.market_time()


@pytest.fixture
async def play() -> AsyncIterator[Play]:
    async with PaperGateway.open(GatewaySettings(seed=7), clock=ManualClock(ms(START))) as paper:
        desk = DeskSide(paper.port)
        async with desk.gateway:
            await desk.gateway.connect()
            yield Play(paper, desk)
        assert desk.errors == []


async def test_market_data_type_is_asked_for_on_each_link() -> None:
    async with PaperGateway.open(GatewaySettings(seed=7), clock=ManualClock(ms(START))) as paper:
        paper.hub.vendor.permissions = Permissions(frozenset({"AAPL"}))
        desk = DeskSide(paper.port, market_data_type=MarketDataType.DELAYED)
        async with desk.gateway:
            for _ in range(2):
                await desk.gateway.connect()
                market = desk.gateway.market_data
                quote = await market.quote(await market.qualify("AAPL"))
                assert (quote.delayed, quote.is_live) == (True, False)
                await desk.gateway.disconnect()


async def test_symbols_are_qualified_with_ticks_and_hours(play: Play) -> None:
    qualify = play.desk.gateway.market_data.qualify
    aapl = await qualify("aapl")
    assert (aapl.con_id, aapl.symbol, aapl.kind) == (265598, "AAPL", InstrumentKind.STOCK)
    assert (aapl.exchange, aapl.primary_exchange, aapl.currency) == ("SMART", "NASDAQ", "USD")
    assert aapl.ticks.increment_at(Decimal(190)) == Decimal("0.01")
    session = aapl.hours.regular_at(START)
    assert session is not None
    assert (session.start, session.end) == (OPEN, OPEN + timedelta(hours=6.5))
    aapl.require_tradable()
    assert await qualify("AAPL@NASDAQ") == aapl
    euro = await qualify("EUR.USD")
    assert (euro.kind, euro.symbol) == (InstrumentKind.FOREX, "EUR.USD")
    assert await qualify("eurusd") == euro
    assert (await qualify("SPX")).kind is InstrumentKind.INDEX


async def test_hours_of_a_later_week_reach_whoever_holds_the_instrument(play: Play) -> None:
    held = await play.desk.gateway.market_data.qualify("AAPL")
    later = START + timedelta(days=11)
    assert held.hours.is_open(later) is None
    play.now = later
    await play.go_on(0)
    asked = await play.desk.gateway.market_data.qualify(held.listing)
    assert asked == held
    assert held.hours.is_open(later) is True
    assert held.hours.regular_at(START) is not None


async def test_unknown_symbols_are_said_to_be_unknown(play: Play) -> None:
    qualify = play.desk.gateway.market_data.qualify
    with pytest.raises(NotFound, match="knows no XXXX"):
        await qualify("XXXX")
    with pytest.raises(NotFound, match="AAPL@NYSE"):
        await qualify("AAPL@NYSE")
    with pytest.raises(InvalidInput, match="not a symbol"):
        await qualify("A$PL")


async def test_bars_of_the_stream_and_of_history_are_the_same(play: Play) -> None:
    market_data = play.desk.gateway.market_data
    aapl = await market_data.qualify("AAPL")
    streamed: list[Bar] = []
    subscription = await market_data.subscribe_bars(aapl, streamed.append)
    await play.go_on(30)
    subscription.close()
    assert [one.start for one in streamed] == [START + timedelta(seconds=5 * n) for n in range(6)]
    fetched = await market_data.history(aapl, seconds=5, duration_s=30)
    assert list(fetched) == streamed


async def test_quotes_time_and_larger_bars(play: Play) -> None:
    market_data = play.desk.gateway.market_data
    aapl = await market_data.qualify("AAPL")
    quote = await market_data.quote(aapl)
    assert quote.bid
    assert quote.ask
    assert quote.bid < quote.ask
    assert aapl.ticks.is_on_tick(quote.bid)
    running = market_data.subscribe_quote(aapl)
    await play.go_on(5)
    assert running.latest() is not None
    running.close()
    assert await market_data.market_time() == play.now
    days = await market_data.history(aapl, seconds=86_400, duration_s=5 * 23_400)
    assert len(days) == 5
    euro = await market_data.qualify("EUR.USD")
    assert all(
        one.count == -1 for one in await market_data.history(euro, seconds=60, duration_s=300)
    )


async def test_a_bracket_fills_and_leaves_the_account_as_the_ledger_says(play: Play) -> None:
    gateway, heard = play.desk.gateway, play.desk.heard
    broker = gateway.broker
    aapl = await gateway.market_data.qualify("AAPL")
    quote = await gateway.market_data.quote(aapl)
    assert quote.ask is not None
    entry = Ticket(
        Side.BUY,
        Decimal(100),
        OrderType.LIMIT,
        aapl.ticks.up(quote.ask * Decimal("1.002")),
        order_ref="desk-9",
    )
    exit_leg = replace(entry, side=Side.SELL, time_in_force=TimeInForce.GTC)
    take_profit = replace(exit_leg, limit_price=aapl.ticks.up(quote.ask * Decimal("1.05")))
    stop_loss = replace(
        exit_leg,
        order_type=OrderType.STOP,
        limit_price=None,
        stop_price=aapl.ticks.down(quote.ask * Decimal("0.95")),
    )
    parent, profit, stop = broker.place_bracket(Bracket(aapl, entry, take_profit, stop_loss))
    await play.go_on(30)
    known = {one.order_id: one for one in broker.known_orders()}
    assert known[parent].status is OrderStatus.FILLED
    assert known[profit].status is OrderStatus.SUBMITTED
    assert known[stop].status is OrderStatus.PRE_SUBMITTED
    assert sum(one.quantity for one in heard.fills if one.commission is None) == 100
    executed = await broker.executions()
    assert {one.order_ref for one in executed} == {"desk-9"}
    assert all(one.commission for one in executed)
    (position,) = await broker.positions()
    assert (position.symbol, position.quantity) == ("AAPL", Decimal(100))
    assert position.market_price is not None
    open_ids = {one.order_id for one in await broker.open_orders()}
    assert open_ids == {profit, stop}

    broker.modify(profit, replace(take_profit, limit_price=take_profit.limit_price))
    broker.cancel(profit)
    await play.go_on(1)
    known = {one.order_id: one for one in broker.known_orders()}
    assert known[profit].status is OrderStatus.CANCELLED

    summary = await broker.account_summary()
    assert summary.currency == "USD"
    assert summary.net_liquidation is not None
    assert summary.unrealized_pnl is not None
    what_if = await broker.what_if(aapl, replace(entry, order_ref=""))
    assert what_if.initial_margin_change


async def test_a_rejected_order_is_told_with_its_code(play: Play) -> None:
    gateway = play.desk.gateway
    aapl = await gateway.market_data.qualify("AAPL")
    off_tick = Ticket(Side.BUY, Decimal(1), OrderType.LIMIT, Decimal("190.001"), order_ref="x")
    order_id = gateway.broker.place(aapl, off_tick)
    notice = await play.desk.heard.notice(110)
    assert notice.order_id == order_id
    await play.desk.heard.until(
        lambda: (
            gateway.broker.known_orders()[-1].status
            in (OrderStatus.CANCELLED, OrderStatus.INACTIVE)
        )
    )


async def test_many_subscriptions_at_once_all_get_their_bars(play: Play) -> None:
    market_data = play.desk.gateway.market_data
    aapl = await market_data.qualify("AAPL")
    bars: list[Bar] = []
    await asyncio.gather(*(market_data.subscribe_bars(aapl, bars.append) for _ in range(20)))
    await play.go_on(5)
    assert len(bars) == 20


async def test_balances_asked_for_in_a_row_stay_within_ibs_rate(play: Play) -> None:
    # each is two messages, for the subscription is ended; IB warns by 100, and the third ends it
    for _ in range(30):
        await play.desk.gateway.broker.account_summary()
    assert [each for each in play.desk.heard.notices if each.code == 100] == []
    assert play.desk.link.takes_orders
