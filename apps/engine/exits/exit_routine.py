"""Closing what is ours in one symbol: the hands of the exit routine, whose head is in the domain.

Here is the asking, sending and waiting: the view is put together anew after every event of the
broker's, the decisions are carried out, and what comes of them is awaited with a deadline. Once
the routine is done the account's position is asked for again: flat is what the broker says.
What the account holds beyond our own executions is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from apps.domain.errors import DeskError, NotFound
from apps.domain.exits.routine import (
    CancelStop,
    CancelTakeProfit,
    Done,
    ExitAction,
    ExitOrder,
    ExitProgress,
    ExitRole,
    ExitView,
    ReduceEntry,
    RepriceTakeProfit,
    SendMarket,
    Stuck,
    Wait,
    WithdrawEntry,
    decide,
)
from apps.domain.instruments import Instrument
from apps.domain.numerals import plain
from apps.domain.orders import OrderState, OrderType, Ticket, TimeInForce
from apps.engine.deadlines import Changes
from apps.engine.orders.execution import Execution
from apps.engine.orders.legs import LegRole
from apps.engine.orders.trades import Trade
from apps.engine.ports import Broker, Clock, MarketData, QuoteStream
from apps.engine.risk.order_gate import OrderGate
from apps.engine.risk.own_book import OwnBook

__all__ = ["CloseOutcome", "ExitRoutine"]

CLOSE_TIMEOUT_S = 60.0
"""How long a closing may take as a whole."""

STEP_TIMEOUT_S = 5.0
"""After so long without a word from the broker the decision is taken anew."""

QUOTE_TIMEOUT_S, QUOTE_LOOK_S = 2.0, 0.05
"""How long a first quote is waited for, and how often it is looked for."""

_ROLES = {
    LegRole.ENTRY: ExitRole.ENTRY,
    LegRole.TAKE_PROFIT: ExitRole.TAKE_PROFIT,
    LegRole.STOP_LOSS: ExitRole.STOP,
    LegRole.EXIT: ExitRole.MARKET,
    LegRole.CORRECTION: ExitRole.MARKET,
}

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class CloseOutcome:
    """What became of closing one symbol; quantities are shares without sign, bought back or sold.

    ``left`` is what of ours is still open, ``foreign`` what the account holds besides ours.
    """

    symbol: str
    ok: bool
    sold: Decimal
    left: Decimal
    foreign: Decimal
    text: str


class ExitRoutine:
    """Closes positions of the desk."""

    def __init__(
        self,
        broker: Broker,
        market: MarketData,
        clock: Clock,
        execution: Execution,
        book: OwnBook,
        gate: OrderGate,
    ) -> None:
        self._broker = broker
        self._market = market
        self._clock = clock
        self._execution = execution
        self._book = book
        self._gate = gate
        self._sent: set[tuple[int, str]] = set()
        self._changes = Changes()
        self._heard = 0

    async def close(self, instrument: Instrument) -> CloseOutcome:
        """Close what is ours of ``instrument``, entries under way included.

        Raises RiskRefused or NotConnected where no order may be sent at all, NotFound where
        there is nothing of ours; everything else is an outcome.
        """
        self._gate.check_any()
        before = self._book.quantity(instrument.con_id)
        if not before and not self._has_live_orders(instrument.con_id):
            raise NotFound(
                f"nothing of ours is open in {instrument.symbol}; what others hold there is not "
                "touched. See `positions`."
            )
        trades = self._trades(instrument)
        quote = self._market.subscribe_quote(instrument)
        try:
            with self._gate.closing(instrument.symbol), _being_closed(trades):
                await self._first_quote(quote)
                problem = await self._run(instrument, quote)
                outcome = await self._outcome(instrument, before, problem)
        finally:
            quote.close()
        if outcome.ok:
            for trade in trades:
                trade.close_elsewhere()
        return outcome

    def is_own_entry(self, order: OrderState) -> bool:
        """Tell whether an order is one of ours that opens, of this session or an earlier one."""
        return self._book.is_own(order) and self._order(order).role is ExitRole.ENTRY

    def on_event(self) -> None:
        """Take note that the broker said something."""
        self._heard += 1
        self._changes.announce()

    async def _run(self, instrument: Instrument, quote: QuoteStream) -> str:
        """Decide and act until it is done; give what stands in the way, empty if nothing does."""
        progress, epoch = ExitProgress(), self._broker.link.epoch
        deadline = self._clock.monotonic() + CLOSE_TIMEOUT_S
        waiting_for = ""
        while self._clock.monotonic() < deadline:
            if self._broker.link.epoch != epoch:  # what was asked for may have been lost
                progress, epoch = ExitProgress(), self._broker.link.epoch
            heard = self._heard
            try:
                view = await self._view(instrument, quote)
                next_progress, actions = decide(view, progress)
                for action in actions:
                    self._act(instrument, view, action)
                progress = next_progress  # only of what was sent
            except DeskError as error:
                actions = (Wait(error.message),)
            if isinstance(actions[0], Done):
                return ""
            if isinstance(actions[0], Stuck):
                return actions[0].reason
            waiting_for = actions[0].reason if isinstance(actions[0], Wait) else waiting_for
            await self._hear(heard)
        return f"not closed within {CLOSE_TIMEOUT_S:.0f} s, waiting for {waiting_for}"

    async def _hear(self, heard: int) -> None:
        """Wait for the broker's next word, or until the decision is due anew."""
        await self._changes.until(lambda: self._heard != heard, STEP_TIMEOUT_S, self._clock)

    async def _first_quote(self, quote: QuoteStream) -> None:
        deadline = self._clock.monotonic() + QUOTE_TIMEOUT_S
        while quote.latest() is None and self._clock.monotonic() < deadline:
            await self._clock.sleep(QUOTE_LOOK_S)

    async def _view(self, instrument: Instrument, quote: QuoteStream) -> ExitView:
        con_id = instrument.con_id
        account_position = await self._account_position(con_id) if self._ours(con_id) else None
        return ExitView(
            symbol=instrument.symbol,
            ticks=instrument.ticks,
            ours=self._ours(con_id),
            account_position=account_position,
            orders=tuple(self._order(order) for order in self._own_orders(con_id)),
            quote=quote.latest(),
            mark=self._book.mark(con_id),
        )

    async def _account_position(self, con_id: int) -> Decimal | None:
        """Ask for the account's position; None when an execution came while it was asked."""
        positions = await self._book.ask_positions(self._broker)
        if positions is None:
            return None
        held = (position.quantity for position in positions if position.con_id == con_id)
        return sum(held, _NONE)

    def _ours(self, con_id: int) -> Decimal:
        return self._book.quantity(con_id)

    def _own_orders(self, con_id: int) -> list[OrderState]:
        """Give our orders in the contract, save those that were over before this session."""
        return [
            order
            for order in self._broker.known_orders()
            if order.con_id == con_id
            and self._book.is_own(order)
            and (not order.status.is_done or self._is_of_this_session(order))
        ]

    def _is_of_this_session(self, order: OrderState) -> bool:
        is_of_a_trade = self._execution.trade_of(*_key(order)) is not None
        return is_of_a_trade or _key(order) in self._sent

    def _has_live_orders(self, con_id: int) -> bool:
        return any(not order.status.is_done for order in self._own_orders(con_id))

    def _order(self, order: OrderState) -> ExitOrder:
        trade = self._execution.trade_of(*_key(order))
        role = _role_by_look(order) if trade is None else _ROLES[trade.leg(order.order_id).role]
        return ExitOrder(role, order, self._book.executed(order))

    def _act(self, instrument: Instrument, view: ExitView, action: ExitAction) -> None:
        match action:
            case WithdrawEntry(order_id) | CancelStop(order_id) | CancelTakeProfit(order_id):
                self._execution.cancel(order_id)
            case ReduceEntry(order_id, quantity):
                self._execution.modify(
                    order_id, replace(_ticket(view, order_id), quantity=quantity)
                )
            case RepriceTakeProfit(order_id, price, quantity):
                asked = _ticket(view, order_id)
                asked = replace(asked, limit_price=price, quantity=quantity)
                self._execution.modify(order_id, asked)
            case SendMarket():
                self._send_market(instrument, action)
            case _:
                pass  # Wait, Done and Stuck are the loop's

    def _send_market(self, instrument: Instrument, action: SendMarket) -> None:
        open_trades = [trade for trade in self._trades(instrument) if trade.open_quantity]
        trade = open_trades[0] if len(open_trades) == 1 else None
        order_ref = trade.order_ref if trade else self._execution.new_order_ref("close")
        ticket = Ticket(
            side=action.side,
            quantity=action.quantity,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            order_ref=order_ref,
        )
        order_id = self._execution.exit_at_market(trade, instrument, ticket)
        self._sent.add((order_id, order_ref))

    def _trades(self, instrument: Instrument) -> list[Trade]:
        trades = self._execution.trades
        return [each for each in trades if each.instrument == instrument and not each.is_over]

    async def _outcome(self, instrument: Instrument, before: Decimal, problem: str) -> CloseOutcome:
        symbol, held = instrument.symbol, None
        try:
            while held is None:
                held = await self._account_position(instrument.con_id)
        except DeskError as error:
            left = self._ours(instrument.con_id)
            unread = f"the account's position could not be read: {error.message}"
            text = "; ".join(part for part in (problem, unread) if part)
            return CloseOutcome(symbol, False, abs(before - left), abs(left), _NONE, text)
        left = self._ours(instrument.con_id)
        foreign = held - left
        text = problem or _done_words(symbol, before)
        if foreign:
            text += f"; {plain(abs(foreign))} shares that are not the desk's were not touched"
        ok = not problem and not left
        return CloseOutcome(symbol, ok, abs(before - left), abs(left), abs(foreign), text)


@contextmanager
def _being_closed(trades: Iterable[Trade]) -> Iterator[None]:
    """Let nobody be told that a stop is gone while it is taken away on purpose."""
    kept = tuple(trades)
    for trade in kept:
        trade.is_being_closed = True
    try:
        yield
    finally:
        for trade in kept:
            trade.is_being_closed = False
            trade.changes.announce()


def _key(order: OrderState) -> tuple[int, str]:
    return order.order_id, order.order_ref


def _role_by_look(order: OrderState) -> ExitRole:
    """Tell what an order of an earlier session is for: our exits last until cancelled."""
    if order.order_type == OrderType.MARKET.value and order.parent_id == 0:
        return ExitRole.MARKET
    is_exit = order.parent_id != 0 or order.time_in_force == TimeInForce.GTC.value
    if not is_exit:
        return ExitRole.ENTRY
    return ExitRole.STOP if order.stop_price is not None else ExitRole.TAKE_PROFIT


def _ticket(view: ExitView, order_id: int) -> Ticket:
    """Give the ticket of an order as it stands at the broker, to be sent again with a change."""
    order = next(each.order for each in view.orders if each.order_id == order_id)
    return Ticket(
        side=order.side,
        quantity=order.quantity,
        order_type=OrderType(order.order_type),
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        time_in_force=TimeInForce(order.time_in_force),
        order_ref=order.order_ref,
    )


def _done_words(symbol: str, before: Decimal) -> str:
    return f"closed {plain(abs(before))} {symbol}" if before else f"nothing of ours in {symbol}"
