"""One symbol in trouble: the guard's hands, from the first sign of it until all is well again.

The view is put together anew after every event of the broker's, `apps.domain.exits.guard` decides,
and what it decides is done here. Seconds count only while something can be done: not while the link
is down or the symbol is halted. A quote, which costs a market-data line, is opened only once the
patience is over.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

from apps.domain.errors import DeskError, NotFound
from apps.domain.exits.guard import decide
from apps.domain.exits.guard_steps import (
    CancelExit,
    CloseSymbol,
    Correct,
    GuardAction,
    GuardProgress,
    PlaceStop,
    PlaceTarget,
    ReadAgain,
    ResizeExit,
    Well,
)
from apps.domain.exits.guard_view import GuardView, Reading
from apps.domain.instruments import Instrument
from apps.domain.orders import OrderType, Side, Ticket, TimeInForce
from apps.domain.quotes import Quote
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.deadlines import Changes
from apps.engine.exits.closings import Closings
from apps.engine.exits.guard_words import said
from apps.engine.exits.guarded import guard_view, live_exit_ids
from apps.engine.orders.execution import Execution
from apps.engine.orders.legs import LegRole
from apps.engine.orders.trades import Trade
from apps.engine.ports import Broker, Clock, MarketData, QuoteStream
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.own_book import OwnBook

__all__ = ["Vigil"]

LOOK_S = 0.25
"""How often time is looked at while nothing is heard, in seconds of this machine."""


class Vigil:
    """Sees to one symbol. Told of events by `hear`, of a lost link by `forget`."""

    def __init__(
        self,
        instrument: Instrument,
        *,
        patience_s: float,
        broker: Broker,
        market: MarketData,
        clock: Clock,
        market_clock: MarketClock,
        execution: Execution,
        book: OwnBook,
        closings: Closings,
        alerts: AlertSink,
    ) -> None:
        self._instrument = instrument
        self._patience_s = patience_s
        self._broker = broker
        self._market = market
        self._clock = clock
        self._market_clock = market_clock
        self._execution = execution
        self._book = book
        self._closings = closings
        self._alerts = alerts
        self._progress = GuardProgress()
        self._readings: tuple[Reading, ...] = ()
        self._quote: QuoteStream | None = None
        self._counted_s = 0.0
        self._looked_s = clock.monotonic()
        self._heard = 0
        self._changes = Changes()
        self._trouble_told = ""

    def hear(self) -> None:
        """Take note that something happened in the symbol."""
        self._heard += 1
        self._changes.announce()

    def forget(self) -> None:
        """Take note that the link was lost: what was read and asked for may not hold any more."""
        self._readings = ()
        kept = self._progress
        self._progress = GuardProgress(
            since=kept.since, told=kept.told, closings=kept.closings, closed_s=kept.closed_s
        )
        self.hear()

    async def run(self) -> None:
        """Watch until all is well."""
        try:
            while True:
                heard = self._heard
                if self._can_act() and await self._step():
                    return
                await self._hear_more(heard)
        finally:
            if self._quote is not None:
                self._quote.close()

    async def _hear_more(self, heard: int) -> None:
        await self._changes.until(lambda: self._heard != heard, LOOK_S, self._clock)

    def _can_act(self) -> bool:
        """Count the seconds since the last look, if something can be done in them."""
        now_s = self._clock.monotonic()
        passed_s, self._looked_s = now_s - self._looked_s, now_s
        quote = self._newest_quote()
        if not self._broker.link.takes_orders or (quote is not None and quote.halted):
            return False
        self._counted_s += passed_s
        return True

    async def _step(self) -> bool:
        """Decide once and act; tell whether all is well."""
        view = self._view()
        progress, actions = decide(view, self._progress, self._patience_s)
        if isinstance(actions[0], Well):
            return True
        try:
            for action in actions:
                await self._act(view, action)
        except DeskError as error:
            self._tell_once(error.message)
        else:
            self._progress = progress  # only of what was done
        return False

    def _view(self) -> GuardView:
        return guard_view(
            self._instrument,
            self._execution.trades_in(self._instrument.con_id),
            account_position=self._book.holding(self._instrument.con_id),
            at=self._market_clock.now,
            now_s=self._counted_s,
            quote=self._newest_quote(),
            readings=self._readings,
        )

    async def _act(self, view: GuardView, action: GuardAction) -> None:
        if isinstance(action, CloseSymbol | ReadAgain):
            self._tell(said(view.symbol, action))
            await (self._read() if isinstance(action, ReadAgain) else self._close())
            return
        self._send(action)
        self._tell(said(view.symbol, action))

    def _send(self, action: GuardAction) -> None:
        match action:
            case PlaceStop(order_ref, side, quantity, price):
                trade = self._trade(order_ref)
                ticket = _exit(order_ref, side, quantity, OrderType.STOP, stop_price=price)
                # unlike any name before it: no order id comes twice
                group = f"{order_ref}/{max(leg.order_id for leg in trade.legs)}"
                ticket = replace(ticket, oca_group=group)
                self._execution.protect(trade, LegRole.STOP_LOSS, ticket)
            case PlaceTarget(order_ref, side, quantity, price, oca_group):
                ticket = _exit(order_ref, side, quantity, OrderType.LIMIT, limit_price=price)
                ticket = replace(ticket, oca_group=oca_group)
                self._execution.protect(self._trade(order_ref), LegRole.TAKE_PROFIT, ticket)
            case Correct(order_ref, side, quantity):
                ticket = _exit(order_ref, side, quantity, OrderType.MARKET)
                ticket = replace(ticket, time_in_force=TimeInForce.DAY)
                self._execution.protect(self._trade(order_ref), LegRole.CORRECTION, ticket)
            case ResizeExit(order_ref, order_id, quantity):
                leg = self._trade(order_ref).leg(order_id)
                leg.ticket = replace(leg.ticket, quantity=quantity)
                self._execution.modify(order_id, leg.ticket)
            case CancelExit(_, order_id):
                with suppress(NotFound):  # it has ended, or never got so far
                    self._execution.cancel(order_id)
            case _:
                pass  # Report and Wait

    async def _read(self) -> None:
        """Ask for everything anew. What was missed arrives as events before this returns."""
        self._open_quote()
        asked_s, epoch = self._counted_s, self._broker.link.epoch
        trades = self._execution.trades_in(self._instrument.con_id)
        asked = live_exit_ids(trades)
        await self._market_clock.ask()
        for fill in await self._broker.executions():
            self._book.on_fill(fill)
            self._execution.on_fill(fill)
        standing = await self._broker.open_orders()
        for order in standing:
            self._execution.on_order(order)
        self._execution.on_open_orders(standing)
        is_taken = await self._book.ask_positions(self._broker) is not None
        if is_taken and self._broker.link.epoch == epoch:
            listed = {each.order_id for each in standing if self._book.is_own(each)}
            held = self._book.holding(self._instrument.con_id)
            reading = Reading(asked_s, asked - listed, held)
            self._readings = (*self._readings, reading)[-2:]
        if self._view().is_open is None:  # the hours of a week are known at a time
            self._instrument = await self._market.qualify(self._instrument.symbol)
        self.hear()

    async def _close(self) -> None:
        outcome = await self._closings.close(self._instrument)
        self._tell((AlertKind.CLOSED if outcome.ok else AlertKind.ERROR, outcome.text))

    def _open_quote(self) -> None:
        if self._quote is None:
            with suppress(DeskError):  # no line is left: then nothing is known of the market
                self._quote = self._market.subscribe_quote(self._instrument)

    def _newest_quote(self) -> Quote | None:
        return None if self._quote is None else self._quote.latest()

    def _trade(self, order_ref: str) -> Trade:
        trade = self._execution.trade_of_ref(order_ref)
        if trade is None:
            raise NotFound(f"{order_ref} is not a trade of this desk.")
        return trade

    def _tell_once(self, text: str) -> None:
        if text != self._trouble_told:
            self._trouble_told = text
            self._tell((AlertKind.ERROR, f"guard: {self._instrument.symbol}: {text}"))

    def _tell(self, told: tuple[AlertKind, str] | None) -> None:
        if told is not None:
            kind, text = told
            self._alerts(Alert(kind, text, self._market_clock.now, self._instrument.symbol))


def _exit(
    order_ref: str,
    side: Side,
    quantity: Decimal,
    order_type: OrderType,
    *,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
) -> Ticket:
    return Ticket(
        side=side,
        quantity=quantity,
        order_type=order_type,
        limit_price=limit_price,
        stop_price=stop_price,
        time_in_force=TimeInForce.GTC,
        outside_rth=False,
        order_ref=order_ref,
    )
