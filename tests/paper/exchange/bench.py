"""An exchange with a market that the test moves by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from apps.domain.orders import OrderStatus, Side
from apps.domain.ticks import TickRule
from apps.paper.books.ledger import Account, AccountRates
from apps.paper.exchange.brackets import DEFAULT_POLICY, BracketPolicy
from apps.paper.exchange.events import (
    CommissionReported,
    Event,
    Executed,
    OrderAccepted,
    Refused,
    StatusChanged,
    Warned,
)
from apps.paper.exchange.exchange import Exchange
from apps.paper.exchange.orders import Order, OrderSnapshot
from apps.paper.exchange.policies import DEFAULT_RULES, ExchangePolicy
from apps.paper.feed.market import BarSource, MarketBar, Millis, Print, Touch
from apps.paper.hours.calendar import CalendarName, SessionCalendar
from apps.paper.instruments.listing import Listing, MarketCharacter, SecType
from apps.paper.limits import IB_LIMITS, Limits

NEW_YORK = ZoneInfo("America/New_York")


def D(value: str | int) -> Decimal:  # noqa: N802 - short, for tables of numbers
    return Decimal(value)


def new_york(text: str) -> Millis:
    """Give the milliseconds of a wall time in New York, ``2026-11-18 09:30``."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp() * 1000)


OPEN = new_york("2026-11-18 09:30")
CLOSE = new_york("2026-11-18 16:00")
NEXT_OPEN = new_york("2026-11-19 09:30")


def listing(con_id: int = 1, **changes: object) -> Listing:
    stock = Listing(
        con_id=con_id,
        symbol="AAPL",
        sec_type=SecType.STOCK,
        currency="USD",
        exchange="SMART",
        primary_exchange="NASDAQ",
        local_symbol="AAPL",
        trading_class="NMS",
        market_name="NMS",
        long_name="APPLE INC",
        ticks=TickRule.of("0.01"),
        market_rule_id=26,
        valid_exchanges=("SMART",),
        calendar=CalendarName.US_EQUITY,
        time_zone="US/Eastern",
        market=MarketCharacter(
            reference=Decimal(100),
            volatility=0.2,
            volume=1000,
            trade_size=100,
            since=date(2020, 1, 1),
        ),
    )
    return replace(stock, **changes)  # type: ignore[arg-type]  # the field names are checked at run time


class Quotes:
    """A market that stands where it was put."""

    def __init__(self) -> None:
        self.now = Touch(D("99.99"), D("100.01"), 1000, 1000)
        self.trade = Print(OPEN, D("100.00"), 100)

    def touch(self, listing: Listing, at: Millis) -> Touch:
        return self.now

    def last(self, listing: Listing, at: Millis) -> Print:
        return self.trade

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        return D("100.00")

    def prints(self, listing: Listing, after: Millis, until: Millis) -> list[Print]:
        return [self.trade] if after < self.trade.at <= until else []

    def bars(
        self,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,
    ) -> list[MarketBar]:
        return []


class Bench:
    """One exchange, one stock, one account of 250,000 USD; the clock stands at 10:00."""

    def __init__(
        self,
        policy: BracketPolicy = DEFAULT_POLICY,
        cash: int = 250_000,
        at: str = "2026-11-18 10:00",
        *,
        rules: ExchangePolicy = DEFAULT_RULES,
        limits: Limits = IB_LIMITS,
        rates: AccountRates | Mapping[str, Decimal] = MappingProxyType({}),
    ) -> None:
        self.quotes = Quotes()
        self.account = Account("DU1", Decimal(cash), rates=rates)
        self.exchange = Exchange(
            [self.account],
            quotes=self.quotes,
            sessions=SessionCalendar(),
            policy=replace(rules, brackets=policy),
            limits=limits,
        )
        self.stock = listing()
        self.now = new_york(at)

    # -- asking

    def order(
        self, order_id: int, side: str, quantity: str | int, kind: str, **more: object
    ) -> Order:
        """Describe an order; ``limit`` and ``stop`` may be strings."""
        prices = {
            "limit_price": _price(more.pop("limit", None)),
            "stop_price": _price(more.pop("stop", None)),
        }
        fields = {"client_id": 7, "account": "DU1", "listing": self.stock, **prices, **more}
        return Order(
            order_id=order_id,
            side=Side(side),
            quantity=Decimal(quantity),
            order_type=kind,
            **fields,  # type: ignore[arg-type]  # as above
        )

    def place(
        self, order_id: int, side: str, quantity: str | int, kind: str, **more: object
    ) -> list[Event]:
        return self.exchange.place(self.order(order_id, side, quantity, kind, **more), self.now)

    def bracket(
        self,
        first_id: int = 1,
        side: str = "BUY",
        quantity: int = 100,
        *,
        kind: str = "LMT",
        limit: str = "100.01",
        profit: str = "102",
        stop: str = "99",
        tif: str = "DAY",
    ) -> list[Event]:
        """Send parent, take-profit and stop; children are GTC."""
        out = "SELL" if side == "BUY" else "BUY"
        parent = {"parent_id": first_id, "time_in_force": "GTC"}
        entry = {} if kind == "MKT" else {"limit": limit}
        return [
            *self.place(first_id, side, quantity, kind, **entry, transmit=False, time_in_force=tif),
            *self.place(first_id + 1, out, quantity, "LMT", limit=profit, transmit=False, **parent),
            *self.place(first_id + 2, out, quantity, "STP", stop=stop, **parent),
        ]

    def cancel(self, order_id: int, client_id: int = 7) -> list[Event]:
        return self.exchange.cancel(client_id, order_id, self.now)

    # -- the market

    def stand(self, bid: str, ask: str, bid_size: int = 1000, ask_size: int = 1000) -> None:
        """Put the touch somewhere without telling the exchange."""
        self.quotes.now = Touch(D(bid), D(ask), bid_size, ask_size)

    def market(
        self,
        bid: str,
        ask: str,
        last: str | None = None,
        *,
        bid_size: int = 1000,
        ask_size: int = 1000,
        size: int = 100,
        after_ms: int = 1000,
    ) -> list[Event]:
        """Move the market, a second later unless said otherwise; ``last`` is a trade there."""
        self.now += after_ms
        self.stand(bid, ask, bid_size, ask_size)
        trade = None
        if last is not None:
            trade = self.quotes.trade = Print(self.now, D(last), size)
        return self.exchange.on_market(self.stock, self.quotes.now, trade, self.now)

    def go_to(self, at: Millis) -> list[Event]:
        self.now = at
        return self.exchange.on_time(at)

    # -- looking

    def state(self, order_id: int, client_id: int = 7) -> OrderSnapshot:
        orders = (*self.exchange.working_orders(), *self.exchange.completed_orders())
        return next(order for order in orders if order.key == (client_id, order_id))

    def status(self, order_id: int) -> str:
        return self.state(order_id).status.value

    def statuses(self, *order_ids: int) -> list[str]:
        return [self.status(order_id) for order_id in order_ids]

    @property
    def position(self) -> Decimal:
        return self.account.holding(self.stock).quantity


def _price(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def fills(events: Iterable[Event]) -> list[tuple[int, str, str]]:
    """Give order id, quantity and price of the executions among ``events``."""
    return [
        (event.execution.order_id, str(event.execution.quantity), str(event.execution.price))
        for event in events
        if isinstance(event, Executed)
    ]


def codes(events: Iterable[Event]) -> list[int]:
    """Give IB's codes among ``events``."""
    return [event.code for event in events if isinstance(event, Refused | Warned)]


def story(events: Iterable[Event]) -> list[str]:
    """Give the events as a session would speak them, one word or two each."""
    return [_word(event) for event in events]


def _word(event: Event) -> str:
    match event:
        case OrderAccepted(order):
            return f"new {order.order.order_id} {order.status.value}"
        case StatusChanged(order):
            return f"{order.order.order_id} {order.status.value}"
        case Executed(order):
            return f"fill {order.order.order_id}"
        case CommissionReported():
            return "commission"
        case Refused() | Warned():
            return f"error {event.code} {event.order_id}"
    return type(event).__name__


DONE = {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.INACTIVE}
