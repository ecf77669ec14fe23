"""In-memory stand-ins for the engine's ports, and a clock that is turned by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from apps.domain.account import AccountSummary, CurrencyCash, Position, WhatIf
from apps.domain.activities import KeptActivity
from apps.domain.bars import Bar
from apps.domain.day_result import KeptDay
from apps.domain.errors import NotConnected, NotFound
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.orders import Bracket, Fill, OrderState, OrderStatus, OrderType, Ticket
from apps.domain.quotes import Quote
from apps.domain.reconciling.open_intents import OpenIntent
from apps.domain.records import BarsHeard, KeptWatcher, OrderReserved, Record
from apps.domain.sessions import Span, TradingHours
from apps.domain.ticks import TickRule
from apps.domain.trade_reconciliation import TradingRecords
from apps.engine.ports import BrokerListener, BrokerNotice, Link, LinkState
from apps.store.journal.file import JournalFile

OPEN = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 19, 21, 0, tzinfo=UTC)
ACCOUNT = "DU1234567"
CLIENT_ID = 7


def an_instrument(
    symbol: str = "AAPL", con_id: int = 265598, kind: InstrumentKind = InstrumentKind.STOCK
) -> Instrument:
    session = Span(OPEN, CLOSE)
    return Instrument(
        con_id=con_id,
        symbol=symbol,
        kind=kind,
        exchange="SMART",
        primary_exchange="NASDAQ",
        currency="USD",
        ticks=TickRule.of("0.01"),
        hours=TradingHours((session,), (session,)),
    )


AAPL = an_instrument()
MSFT = an_instrument("MSFT", 272093)
SPX = an_instrument("SPX", 416904, InstrumentKind.INDEX)


def a_bar(index: int, open_: float, close: float, *, count: int = 10) -> Bar:
    """The bar that begins ``index`` × 5 s after the open."""
    start = OPEN + timedelta(seconds=5 * index)
    high, low = max(open_, close), min(open_, close)
    return Bar(start, 5, open_, high, low, close, 1000.0, (open_ + close) / 2, count)


async def settle() -> None:
    """Let every task run until all wait."""
    for _ in range(40):
        await asyncio.sleep(0)


class FakeClock:
    """A monotonic clock that moves only when it is turned."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self.now_s + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Turn the clock on, waking each sleeper at its own moment."""
        goal_s = self.now_s + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= goal_s:
            due_s, _, future = heappop(self._sleepers)
            self.now_s = max(self.now_s, due_s)
            if not future.done():
                future.set_result(None)
                await settle()
        self.now_s = goal_s
        await settle()


class FakeSubscription:
    def __init__(self, on_close: Callable[[], None]) -> None:
        self._on_close = on_close
        self.is_closed = False

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._on_close()


class FakeQuoteStream(FakeSubscription):
    def __init__(self, market: FakeMarket, con_id: int) -> None:
        super().__init__(lambda: None)
        self._market, self._con_id = market, con_id

    def latest(self) -> Quote | None:
        return self._market.quotes.get(self._con_id)


class FakeMarket:
    """Instruments, bars on demand, quotes that are set, a market clock that is set."""

    def __init__(self, clock: FakeClock, *instruments: Instrument) -> None:
        self.clock = clock
        self.instruments = {each.symbol: each for each in instruments or (AAPL, MSFT, SPX)}
        self.quotes: dict[int, Quote] = {}
        self.at = OPEN
        self.speed = 1.0
        self.began_s = clock.now_s
        self.bar_listeners: dict[int, list[Callable[[Bar], None]]] = {}
        self.subscriptions: list[int] = []
        self.quote_streams: list[FakeQuoteStream] = []
        self.subscribe_error: Exception | None = None
        self.link_is_up = True
        self.past: dict[int, tuple[Bar, ...]] = {}
        self.made: dict[int, dict[datetime, Bar]] = {}
        """Every bar that was emitted: they are history too, unless `past` is given."""
        self.bars_wait: Callable[[int], float] = lambda _nth: 0.0
        self.history_error: Exception | None = None
        self.history_asks = 0
        self.on_ends: dict[int, Callable[[str], None] | None] = {}

    async def qualify(self, symbol: str) -> Instrument:
        try:
            listed = self.instruments.get(symbol)
            return listed or self.instruments[symbol.partition("@")[0]]
        except KeyError:
            raise NotFound(f"{symbol}: no such instrument", code=200) from None

    async def subscribe_bars(
        self,
        instrument: Instrument,
        on_bar: Callable[[Bar], None],
        on_end: Callable[[str], None] | None = None,
    ) -> FakeSubscription:
        await asyncio.sleep(0)
        if not self.link_is_up:
            raise NotConnected("no link to the broker")
        if self.subscribe_error is not None:
            raise self.subscribe_error
        self.subscriptions.append(instrument.con_id)
        self.on_ends[instrument.con_id] = on_end
        listeners = self.bar_listeners.setdefault(instrument.con_id, [])
        listeners.append(on_bar)
        return FakeSubscription(lambda: listeners.remove(on_bar))

    def emit(self, instrument: Instrument, bar: Bar) -> None:
        self.made.setdefault(instrument.con_id, {})[bar.start] = bar
        for on_bar in tuple(self.bar_listeners.get(instrument.con_id, ())):
            on_bar(bar)

    def bars_wait_s(self, nth: int = 1) -> float:
        return self.bars_wait(nth)

    def set_quote(self, instrument: Instrument, bid: str, ask: str, last: str = "") -> None:
        self.quotes[instrument.con_id] = Quote(
            bid=Decimal(bid),
            ask=Decimal(ask),
            last=Decimal(last or bid),
            close=None,
            bid_size=Decimal(100),
            ask_size=Decimal(100),
            received_s=self.clock.now_s,
        )

    def subscribe_quote(self, instrument: Instrument) -> FakeQuoteStream:
        stream = FakeQuoteStream(self, instrument.con_id)
        self.quote_streams.append(stream)
        return stream

    async def quote(self, instrument: Instrument) -> Quote:
        quote = self.quotes.get(instrument.con_id)
        if quote is None:
            raise NotFound(f"no quote of {instrument.symbol}")
        return replace(quote, received_s=self.clock.now_s)

    async def history(
        self, instrument: Instrument, *, seconds: int, duration_s: int
    ) -> tuple[Bar, ...]:
        self.history_asks += 1
        await asyncio.sleep(0)
        if self.history_error is not None:
            raise self.history_error
        made = self.made.get(instrument.con_id, {})
        return self.past.get(instrument.con_id) or tuple(made[each] for each in sorted(made))

    async def market_time(self) -> datetime:
        passed_s = int((self.clock.now_s - self.began_s) * self.speed)
        return self.at + timedelta(seconds=passed_s)


class FakeJournal:
    """Keeps records in memory; ``error`` is what writing raises while it is set."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.error: Exception | None = None

    def write(self, *records: Record) -> None:
        if self.error is not None:
            raise self.error
        self.records.extend(records)

    def highest_order_id(self, client_id: int) -> int:
        ids = [
            each.order_id
            for each in self.records
            if isinstance(each, OrderReserved) and each.client_id == client_id
        ]
        return max(ids, default=0)

    def open_intents(self, client_id: int, also: Iterable[str] = ()) -> tuple[OpenIntent, ...]:
        with JournalFile.open(Path(":memory:")) as kept:
            kept.write(*self.records)
            return kept.open_intents(client_id, also)

    def watchers(self) -> tuple[KeptWatcher, ...]:
        with JournalFile.open(Path(":memory:")) as kept:
            kept.write(*self.records)
            return kept.watchers()

    def highest_watcher(self) -> int:
        with JournalFile.open(Path(":memory:")) as kept:
            kept.write(*self.records)
            return kept.highest_watcher()

    def has_reserved(self, label: str, since: datetime) -> bool:
        with JournalFile.open(Path(":memory:")) as kept:
            kept.write(*self.records)
            return kept.has_reserved(label, since)

    def activity_of_key(self, request_key: str) -> KeptActivity | None:
        with JournalFile.open(Path(":memory:")) as kept:
            kept.write(*self.records)
            return kept.activity_of_key(request_key)

    def activity_of_signature(
        self, signature: str, but_not: Collection[str] = ()
    ) -> KeptActivity | None:
        with JournalFile.open(Path(":memory:")) as kept:
            kept.write(*self.records)
            return kept.activity_of_signature(signature, but_not)

    def trading_records(self, start: datetime, end: datetime) -> TradingRecords:
        with JournalFile.open(Path(":memory:")) as kept:
            kept.write(*self.records)
            return kept.trading_records(start, end)

    def kept_day(self) -> KeptDay | None:
        with JournalFile.open(Path(":memory:")) as kept:
            kept.write(*self.records)
            return kept.kept_day()

    def bars_heard(self) -> tuple[BarsHeard, ...]:
        with JournalFile.open(Path(":memory:")) as kept:
            kept.write(*self.records)
            return kept.bars_heard()


@dataclass
class Placed:
    """An order that the fake broker holds, and what became of it."""

    instrument: Instrument
    ticket: Ticket
    state: OrderState


class FakeBroker:
    """Holds what is sent; the test says what becomes of it.

    With ``obeys`` (the default) a cancellation or a change of one of its orders is confirmed at
    once, and cancelling one leg ends those that belong to it.
    """

    def __init__(self) -> None:
        self.account = ACCOUNT
        self.client_id = CLIENT_ID
        self.link = Link(LinkState.READY, 0)
        self.orders: dict[int, Placed] = {}
        self.brackets: list[Bracket] = []
        self.sent: list[str] = []
        self.fills: list[Fill] = []
        self.holdings: tuple[Position, ...] = ()
        self.obeys = True
        self._listeners: list[BrokerListener] = []
        self._order_ids = count(101)
        self._exec_ids = count(1)
        self.foreign_orders: list[OrderState] = []
        self.unlisted: set[int] = set()
        """Orders that the open orders leave out, though nothing was said of their end."""
        self.position_asks = 0
        self.cash: tuple[CurrencyCash, ...] = (CurrencyCash("USD", Decimal(250000), Decimal(1)),)
        self.summary = AccountSummary(
            ACCOUNT,
            "USD",
            Decimal(250000),
            Decimal(250000),
            Decimal(250000),
            Decimal(250000),
            Decimal(0),
            Decimal(0),
            None,
            None,
        )

    def listen(self, listener: BrokerListener) -> FakeSubscription:
        self._listeners.append(listener)
        return FakeSubscription(lambda: self._listeners.remove(listener))

    # what the engine asks for

    def keep_ids_above(self, order_id: int) -> None:
        self._order_ids = count(max(101, order_id + 1))

    def reserve_ids(self, count: int) -> tuple[int, ...]:
        self._require_link()
        return tuple(next(self._order_ids) for _ in range(count))

    def place_bracket(self, bracket: Bracket, order_ids: tuple[int, ...] = ()) -> tuple[int, ...]:
        self._require_link()
        self.brackets.append(bracket)
        ids = order_ids or self.reserve_ids(len(bracket.legs))
        for order_id, ticket in zip(ids, bracket.legs, strict=True):
            parent_id = 0 if order_id == ids[0] else ids[0]
            self._hold(order_id, bracket.instrument, ticket, parent_id)
        self.sent.append(f"bracket {ids[0]}")
        return ids

    def place(
        self,
        instrument: Instrument,
        ticket: Ticket,
        order_id: int | None = None,
        *,
        opens: bool = False,
    ) -> int:
        self._require_link()
        order_id = next(self._order_ids) if order_id is None else order_id
        self._hold(order_id, instrument, ticket, 0)
        self.sent.append(f"place {order_id}")
        return order_id

    def modify(self, order_id: int, ticket: Ticket) -> None:
        self._require_link()
        placed = self._placed(order_id)
        placed.ticket = ticket
        self.sent.append(f"modify {order_id}")
        if self.obeys:
            self._change(
                order_id,
                quantity=ticket.quantity,
                limit_price=ticket.limit_price,
                stop_price=ticket.stop_price,
                remaining=ticket.quantity - placed.state.filled,
            )
            if placed.state.filled == ticket.quantity:
                self.set_status(order_id, OrderStatus.FILLED)

    def cancel(self, order_id: int) -> None:
        self._require_link()
        self._placed(order_id)
        self.sent.append(f"cancel {order_id}")
        if self.obeys:
            self.end(order_id)

    def discard(self, order_id: int) -> None:
        self._require_link()
        self.sent.append(f"discard {order_id}")

    def cancel_everything(self) -> None:
        self._require_link()
        self.sent.append("cancel everything")
        for order_id, placed in tuple(self.orders.items()):
            if not placed.state.status.is_done:
                self.end(order_id)
        self.foreign_orders = []

    def known_orders(self) -> tuple[OrderState, ...]:
        return tuple(placed.state for placed in self.orders.values())

    async def open_orders(self) -> tuple[OrderState, ...]:
        self._require_link()
        own = [
            placed.state
            for order_id, placed in self.orders.items()
            if not placed.state.status.is_done and order_id not in self.unlisted
        ]
        return (*own, *self.foreign_orders)

    async def completed_orders(self) -> tuple[OrderState, ...]:
        self._require_link()
        ended = [each.state for each in self.orders.values() if each.state.status.is_done]
        return tuple(replace(each, order_id=0, client_id=-1, parent_id=0) for each in ended)

    async def executions(self) -> tuple[Fill, ...]:
        self._require_link()
        return tuple(self.fills)

    async def positions(self) -> tuple[Position, ...]:
        self._require_link()
        self.position_asks += 1
        return self.holdings

    async def account_summary(self) -> AccountSummary:
        return self.summary

    async def cash_by_currency(self) -> tuple[CurrencyCash, ...]:
        return self.cash

    async def what_if(self, instrument: Instrument, ticket: Ticket) -> WhatIf:
        return WhatIf(None, None, None)

    # what the test makes happen

    def set_link(self, state: LinkState, reason: str = "", *, epoch: int | None = None) -> None:
        self.link = Link(state, self.link.epoch if epoch is None else epoch, reason)
        for listener in tuple(self._listeners):
            listener.on_link(self.link)

    def accept(self, *order_ids: int) -> None:
        """Acknowledge orders: entries and targets work, stops wait to be elected."""
        for order_id in order_ids:
            is_stop = self.orders[order_id].ticket.order_type is OrderType.STOP
            status = OrderStatus.PRE_SUBMITTED if is_stop else OrderStatus.SUBMITTED
            self.set_status(order_id, status)

    def set_status(self, order_id: int, status: OrderStatus) -> None:
        self._change(order_id, perm_id=900000 + order_id, status=status)

    def end(self, order_id: int) -> None:
        """Cancel an order, and its children and siblings with it."""
        state = self.orders[order_id].state
        family = state.parent_id or order_id
        for other in sorted(self.orders):
            of_family = other == family or self.orders[other].state.parent_id == family
            is_entry = self.orders[other].state.parent_id == 0
            touched = other == order_id or (of_family and not (is_entry and other != order_id))
            if touched and not self.orders[other].state.status.is_done:
                self.set_status(other, OrderStatus.CANCELLED)

    def reject(self, order_id: int, code: int, text: str) -> None:
        """Turn an order down, in the order of messages that IB sends."""
        self.notice(code, text, order_id)
        self.set_status(order_id, OrderStatus.INACTIVE)

    def notice(self, code: int, text: str, order_id: int | None = None) -> None:
        for listener in tuple(self._listeners):
            listener.on_notice(BrokerNotice(code, text, order_id))

    def fill(
        self, order_id: int, quantity: str, price: str, *, commission: str | None = "1.00"
    ) -> Fill:
        """Execute some of an order: the execution, then the status, then the commission."""
        placed = self.orders[order_id]
        fill = Fill(
            exec_id=f"0000e0d5.{next(self._exec_ids):08x}.01.01",
            order_id=order_id,
            perm_id=900000 + order_id,
            client_id=CLIENT_ID,
            account=ACCOUNT,
            con_id=placed.instrument.con_id,
            symbol=placed.instrument.symbol,
            side=placed.ticket.side,
            quantity=Decimal(quantity),
            price=Decimal(price),
            at=OPEN,
            order_ref=placed.ticket.order_ref,
        )
        self.send_fill(fill)
        filled = placed.state.filled + fill.quantity
        remaining = placed.state.quantity - filled
        status = OrderStatus.FILLED if remaining <= 0 else OrderStatus.SUBMITTED
        self._change(order_id, filled=filled, remaining=remaining, status=status)
        self._move_holding(fill)
        if commission is not None:
            self.send_fill(replace(fill, commission=Decimal(commission)))
        return fill

    def send_fill(self, fill: Fill) -> None:
        self.fills = [each for each in self.fills if each.exec_id != fill.exec_id] + [fill]
        for listener in tuple(self._listeners):
            listener.on_fill(fill)

    def hold(self, instrument: Instrument, quantity: str, average_cost: str = "100") -> None:
        """Give the account a position that the desk did not open."""
        others = tuple(each for each in self.holdings if each.con_id != instrument.con_id)
        position = Position(
            account=ACCOUNT,
            con_id=instrument.con_id,
            symbol=instrument.symbol,
            kind="STK",
            currency="USD",
            quantity=Decimal(quantity),
            average_cost=Decimal(average_cost),
        )
        self.holdings = (*others, position) if position.quantity else others

    def _move_holding(self, fill: Fill) -> None:
        held = next((each for each in self.holdings if each.con_id == fill.con_id), None)
        before = held.quantity if held else Decimal(0)
        after = before + fill.side.sign * fill.quantity
        instrument = self.orders[fill.order_id].instrument
        self.hold(instrument, str(after), str(fill.price))

    def _hold(self, order_id: int, instrument: Instrument, ticket: Ticket, parent_id: int) -> None:
        state = OrderState(
            order_id=order_id,
            perm_id=0,
            client_id=CLIENT_ID,
            account=ACCOUNT,
            con_id=instrument.con_id,
            symbol=instrument.symbol,
            side=ticket.side,
            quantity=ticket.quantity,
            order_type=ticket.order_type.value,
            limit_price=ticket.limit_price,
            stop_price=ticket.stop_price,
            time_in_force=ticket.time_in_force.value,
            order_ref=ticket.order_ref,
            parent_id=parent_id,
            oca_group=f"{parent_id}" if parent_id else ticket.oca_group,
            status=OrderStatus.PENDING_SUBMIT,
            filled=Decimal(0),
            remaining=ticket.quantity,
            avg_fill_price=None,
        )
        self.orders[order_id] = Placed(instrument, ticket, state)

    def _change(self, order_id: int, **changes: object) -> None:
        placed = self.orders[order_id]
        placed.state = replace(placed.state, **changes)  # type: ignore[arg-type]  # any field
        for listener in tuple(self._listeners):
            listener.on_order(placed.state)

    def _placed(self, order_id: int) -> Placed:
        try:
            return self.orders[order_id]
        except KeyError:
            raise NotFound(f"order {order_id} is not one of ours") from None

    def _require_link(self) -> None:
        if self.link.state is not LinkState.READY:
            raise NotConnected("no link to the broker; nothing was sent")
