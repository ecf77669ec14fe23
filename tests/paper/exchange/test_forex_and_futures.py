"""Orders in forex and futures, on the made-up market, fed as a gateway feeds them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from apps.domain.orders import Side
from apps.paper.books.ledger import Account
from apps.paper.exchange.events import Event, Executed
from apps.paper.exchange.exchange import Exchange
from apps.paper.exchange.orders import Order, OrderSnapshot
from apps.paper.feed.market import Millis
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.hours.calendar import SessionCalendar
from apps.paper.instruments.listing import Listing, MarketCharacter
from apps.paper.limits import NO_LIMITS
from apps.paper.prints import PrintCursor
from tests.paper.exchange import several
from tests.paper.exchange.bench import D, new_york

START = new_york("2026-11-18 10:00")
MINUTE: Millis = 60_000
HOUR = 60 * MINUTE


def made_up(listing: Listing, reference: str, volatility: float, volume: int) -> Listing:
    character = MarketCharacter(
        reference=D(reference),
        volatility=volatility,
        volume=volume,
        trade_size=2,
        since=date(2020, 1, 2),
    )
    return replace(listing, market=character)


PAIR = made_up(several.EURUSD, "1.16000", 0.08, 200_000)
FUTURE = made_up(several.FUTURE, "6700.00", 0.2, 1_200_000)


class Gateway:
    """An exchange on the made-up market, told of every print of the listings that work."""

    def __init__(self, listing: Listing, start: Millis = START) -> None:
        self.market, self.calendar = SyntheticMarket(seed=5), SessionCalendar()
        self.listing = listing
        rates = {"EUR": D("1.16"), "USD": D(1)}
        self.account = Account("DU1", Decimal(10_000_000), rates=rates)
        self.exchange = Exchange(
            [self.account], quotes=self.market, sessions=self.calendar, limits=NO_LIMITS
        )
        self.now = start
        self.seen: list[Event] = []

    def place(self, order_id: int, side: str, quantity: int, kind: str, **more: object) -> Order:
        order = Order(
            client_id=7,
            order_id=order_id,
            account="DU1",
            listing=self.listing,
            side=Side(side),
            quantity=Decimal(quantity),
            order_type=kind,
            **more,  # type: ignore[arg-type]  # the field names are checked at run time
        )
        self.seen += self.exchange.place(order, self.now)
        return order

    def run(self, until: Millis) -> None:
        cursor = PrintCursor(self.market, self.calendar, self.listing, self.now)
        while self.exchange.working_orders() and (at := cursor.next_at()) <= until:
            for trade in cursor.take(at):
                touch = self.market.touch(self.listing, trade.at)
                self.seen += self.exchange.on_market(self.listing, touch, trade, trade.at)
        self.now = until
        self.seen += self.exchange.on_time(until)

    def state(self, order_id: int) -> OrderSnapshot:
        orders = (*self.exchange.working_orders(), *self.exchange.completed_orders())
        return next(order for order in orders if order.order.order_id == order_id)

    def executed(self) -> list[Executed]:
        return [event for event in self.seen if isinstance(event, Executed)]

    def away(self, ticks: int) -> Decimal:
        """Give a price so many ticks above the bid (below, if negative)."""
        bid = self.market.touch(self.listing, self.now).bid
        tick = self.listing.ticks.increment_at(bid)
        return bid + ticks * tick


@pytest.mark.parametrize(("listing", "size"), [(PAIR, 30_000), (FUTURE, 2)])
def test_market_order_takes_the_touch(listing: Listing, size: int) -> None:
    gateway = Gateway(listing)
    gateway.place(1, "BUY", size, "MKT")
    touch = gateway.market.touch(gateway.listing, gateway.now)
    assert gateway.state(1).avg_fill_price == touch.ask
    assert gateway.account.holding(gateway.listing).quantity == size


@pytest.mark.parametrize(("listing", "size"), [(PAIR, 30_000), (FUTURE, 2)])
def test_resting_limit_is_filled_when_the_touch_crosses_it(listing: Listing, size: int) -> None:
    gateway = Gateway(listing)
    limit = gateway.away(-2)
    gateway.place(1, "BUY", size, "LMT", limit_price=limit, time_in_force="GTC")
    assert gateway.state(1).status.value == "Submitted"
    gateway.run(START + 6 * HOUR)
    filled = gateway.executed()
    assert sum(event.execution.quantity for event in filled) == size
    for event in filled:
        at = event.execution.at
        assert event.execution.price == limit
        lowest = min(
            gateway.market.touch(gateway.listing, at).ask,
            gateway.market.last(gateway.listing, at).price,
        )
        assert lowest <= limit


@pytest.mark.parametrize(("listing", "size"), [(PAIR, 30_000), (FUTURE, 2)])
@pytest.mark.parametrize("kind", ["STP", "TRAIL"])
def test_stop_is_elected_and_takes_the_touch(listing: Listing, size: int, kind: str) -> None:
    gateway = Gateway(listing)
    gateway.place(1, "BUY", size, "MKT")
    tick = gateway.listing.ticks.increment_at(gateway.away(0))
    stop = 3 * tick if kind == "TRAIL" else gateway.away(-3)
    gateway.place(2, "SELL", size, kind, stop_price=stop, time_in_force="GTC")
    assert gateway.state(2).why_held == "trigger"
    gateway.run(START + 24 * HOUR)
    sold = gateway.executed()[-1]
    assert sold.execution.order_id == 2
    assert sold.execution.price == gateway.market.touch(gateway.listing, sold.execution.at).bid
    assert gateway.account.holding(gateway.listing).quantity == 0


def test_forex_day_order_ends_at_five_in_new_york() -> None:
    gateway = Gateway(PAIR)
    gateway.place(1, "BUY", 30_000, "LMT", limit_price=D("0.5"))
    assert gateway.exchange.next_deadline() == new_york("2026-11-18 17:00")


def test_forex_order_of_the_weekend_waits_for_sunday_evening() -> None:
    gateway = Gateway(PAIR, start=new_york("2026-11-21 12:00"))
    gateway.place(1, "BUY", 30_000, "MKT")
    assert gateway.state(1).status.value == "PreSubmitted"
    assert gateway.exchange.next_deadline() == new_york("2026-11-22 17:15")
    gateway.run(new_york("2026-11-22 17:15"))
    assert gateway.state(1).status.value == "Filled"


def test_future_good_till_cancelled_trades_at_night() -> None:
    gateway = Gateway(FUTURE, start=new_york("2026-11-18 16:30"))
    limit = gateway.away(-2)
    gateway.place(1, "BUY", 1, "LMT", limit_price=limit, time_in_force="GTC", outside_rth=True)
    gateway.run(new_york("2026-11-19 09:00"))
    assert gateway.state(1).status.value == "Filled"
