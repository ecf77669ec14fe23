"""What the desk's own fills add up to, and what the account holds, as known without asking.

At home here: what is the desk's own (a reference of ours, and our client id, for only that client
can change the order; what we trade for the account as a whole is not), the day's executions of
that, the account's positions as of the last time
they were asked for and moved on by every execution since, and the newest price of each contract.
The arithmetic is `apps.domain.pnl`'s. An entry is judged by this book, so everything it is judged
by is kept ready: no fills are added up on the way of a bar. The day's result is
`apps.engine.risk.day_book`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from math import inf

from apps.domain.account import Position
from apps.domain.bars import Bar
from apps.domain.day_result import Opening
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.intents import is_of_desk, is_ours
from apps.domain.orders import Fill, OrderState
from apps.domain.pnl import OwnPosition, last_word, own_positions
from apps.domain.sessions import Span
from apps.domain.ticks import to_decimal
from apps.engine.ports import Broker
from apps.engine.risk.day_book import DayBook

__all__ = ["OwnBook"]

_ZERO = Decimal(0)


class OwnBook:
    """Own fills, own positions, marks, and the account's holdings."""

    def __init__(self, client_id: int) -> None:
        self._client_id = client_id
        self._fills: dict[int, dict[str, Fill]] = {}
        self._carried: dict[int, OwnPosition] = {}
        self._executed_before: dict[tuple[int, str], Decimal] = {}
        self._own: dict[int, OwnPosition] = {}
        self._holdings: dict[int, Decimal] = {}
        self._symbols: dict[int, str] = {}
        self._pairs: set[int] = set()
        self._executions: dict[str, Fill] = {}
        self._marks: dict[int, Decimal] = {}
        self._last_closes: dict[int, Decimal] = {}
        self.day = DayBook()
        self.on_session: Callable[[], None] = lambda: None
        """Called when the day has begun anew."""
        self.version = 0
        """Grows with every execution: what was asked of the broker before is older than it."""

    def is_own(self, said: OrderState | Fill) -> bool:
        """Tell whether an order or an execution is of this desk's brackets.

        One for the account as a whole is not: it is no part of what the desk holds.
        """
        return said.client_id == self._client_id and is_of_desk(said.order_ref)

    def is_sent_by_us(self, said: OrderState | Fill) -> bool:
        """Tell whether an order or an execution is of this program's, whatever it was for."""
        return said.client_id == self._client_id and is_ours(said.order_ref)

    def note_pair(self, con_id: int) -> None:
        """Take note that a contract is a currency pair: what is held of it is cash, not a risk."""
        self._pairs.add(con_id)

    def on_fill(self, fill: Fill) -> None:
        """Take note of an execution of the account, ours or not; repeats and corrections happen."""
        known = self._executions.get(fill.execution)
        latest = fill if known is None else last_word((known, fill))[0]
        self._executions[fill.execution] = latest
        moved = _signed(latest) - (_ZERO if known is None else _signed(known))
        if moved:
            self._symbols[fill.con_id] = fill.symbol
            self._holdings[fill.con_id] = self.holding(fill.con_id) + moved
            if known is None:  # a correction is of a price that was
                self._marks[fill.con_id] = fill.price
            self.version += 1
        if self.is_own(fill):
            self._keep(fill)

    async def ask_positions(self, broker: Broker) -> tuple[Position, ...] | None:
        """Ask for the account's positions, and count with them from here on.

        None when an execution overtook the answer: it may be older than that. Raises what
        `Broker.positions` raises.
        """
        version = self.version
        positions = await broker.positions()
        if self.version != version:
            return None
        self.on_positions(positions)
        return positions

    def on_positions(self, positions: Iterable[Position]) -> None:
        """Take the account's positions as the broker has just given them."""
        self._holdings.clear()
        for position in positions:
            self._symbols[position.con_id] = position.symbol
            self._holdings[position.con_id] = position.quantity
            if position.kind == InstrumentKind.FOREX.value:
                self._pairs.add(position.con_id)
            if position.market_price is not None:
                self._marks[position.con_id] = position.market_price

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Take the newest price of a contract; a bar without one (−1, NaN) says nothing."""
        session = self.day.session
        if session is None or bar.start >= session.end:
            self.begin_session(instrument.hours.regular_at(bar.start))
        if 0.0 < bar.close < inf:
            close = to_decimal(bar.close)
            self._marks[instrument.con_id] = self._last_closes[instrument.con_id] = close

    def carry(self, positions: Iterable[Position], orders: Iterable[OrderState]) -> None:
        """Take over what is ours from before today, once, when the desk opens.

        Executions reach back to midnight only. What was entered before is known by its exits:
        orders of ours that still work and whose entry is not among today's executions. They
        stand for their quantity, up to the account's position.
        """
        entered = {fill.order_ref for fills in self._fills.values() for fill in fills.values()}
        held = {position.con_id: position for position in positions}
        for order in orders:
            missing = max(_ZERO, order.filled - self.executed(order))
            self._executed_before[order.order_id, order.order_ref] = missing
            position = held.get(order.con_id)
            if position is None or not self.is_own(order):
                continue
            if order.order_ref in entered:
                self._carry_untold(order, missing, position)
                continue
            if position.quantity * order.side.sign < 0 and order.stop_price is not None:
                self._carry_one(position, order)

    def restore(self, fills: Iterable[Fill]) -> None:
        """Take over executions of earlier days, which the broker does not tell any more.

        They make positions, and nothing of the day's result.
        """
        for fill in fills:
            self._fills.setdefault(fill.con_id, {}).setdefault(fill.exec_id, fill)
            self._symbols.setdefault(fill.con_id, fill.symbol)
            self._reckon(fill.con_id)

    def write_off(self, con_id: int, order_ref: str) -> None:
        """Count no longer with the executions of an intent of which nothing is left."""
        fills = self._fills.get(con_id, {})
        for exec_id in [each for each, fill in fills.items() if fill.order_ref == order_ref]:
            del fills[exec_id]
        if con_id in self._own:
            del self._own[con_id]
        self._reckon(con_id)

    def own_quantities(self) -> dict[int, Decimal]:
        """Our signed quantity of every contract in which we have traded."""
        return {con_id: own.quantity for con_id, own in self._own.items()}

    def holding(self, con_id: int) -> Decimal:
        """The account's signed quantity of a contract, whoever bought it."""
        return self._holdings.get(con_id, _ZERO)

    def quantity(self, con_id: int) -> Decimal:
        """Our signed quantity of a contract."""
        position = self._own.get(con_id)
        return _ZERO if position is None else position.quantity

    def executed(self, order: OrderState) -> Decimal:
        """How many shares an order of ours traded, by its executions, those of earlier days too."""
        fills = last_word(self._fills.get(order.con_id, {}).values())
        mine = (
            fill.quantity
            for fill in fills
            if (fill.order_id, fill.order_ref) == (order.order_id, order.order_ref)
        )
        before = self._executed_before.get((order.order_id, order.order_ref), _ZERO)
        return sum(mine, before)

    def quantity_of(self, symbol: str) -> Decimal:
        """Our own signed quantity of a symbol."""
        return sum((own.quantity for own in self._own.values() if own.symbol == symbol), _ZERO)

    def mark(self, con_id: int) -> Decimal | None:
        """The newest price known of a contract."""
        return self._marks.get(con_id)

    def own_symbols(self) -> frozenset[str]:
        """The symbols in which we hold something."""
        return frozenset(own.symbol for own in self._own.values() if own.quantity)

    def open_symbols(self) -> frozenset[str]:
        """The symbols in which the account holds something."""
        symbols, pairs = self._symbols, self._pairs
        return frozenset(
            [symbols[each] for each, held in self._holdings.items() if held and each not in pairs]
        )

    def account_exposure(self) -> Decimal | None:
        """What all that the account holds is worth, without sign; None while one has no price."""
        worth = _ZERO
        for con_id, held in self._holdings.items():
            if held and con_id not in self._pairs:
                mark = self._marks.get(con_id)
                if mark is None:
                    return None
                worth += abs(held) * mark
        return worth

    def exposure(self) -> Decimal | None:
        """What our own positions are worth, without sign; None while one has no price."""
        worth = _ZERO
        for con_id, own in self._own.items():
            if own.quantity:
                mark = self._marks.get(con_id)
                if mark is None:
                    return None
                worth += abs(own.quantity) * mark
        return worth

    def day_pnl(self) -> Decimal | None:
        """Our own result since the session began, fees included; None while a price is missing."""
        if self.day.session is None and self._is_carrying():
            return None
        return self.day.result(self._marks)

    def begin_session(self, session: Span | None) -> None:
        """Count the day anew, by the last prices seen in the session before.

        A contract of which no bar has been seen yet has no such price; it is missing then.
        """
        if session is None:
            return
        self.day.begin(session, [self._opening(own) for own in self._own.values()])
        self.on_session()

    def _opening(self, own: OwnPosition) -> Opening:
        """Give our shares of a contract, no more than the account has of them."""
        held = self.holding(own.con_id)
        is_there = own.quantity * held > 0
        quantity = min(own.quantity, held, key=abs) if is_there else _ZERO
        # by bars alone: an execution may be of the session that begins, ahead of its first bar
        return Opening(own.con_id, own.symbol, quantity, self._last_closes.get(own.con_id))

    def _is_carrying(self) -> bool:
        """Something is ours that was not traded in the session that is not known yet."""
        own = (each for each in self._own.values() if each.quantity)
        return any(each.quantity != self.day.quantity(each.con_id) for each in own)

    def _keep(self, fill: Fill) -> None:
        fills = self._fills.setdefault(fill.con_id, {})
        known = fills.get(fill.exec_id)
        self.day.on_fill(fill)
        # all of the day's are told again every minute: to reckon for each would take seconds
        if known is None or known.commission is None:
            fills[fill.exec_id] = fill
            self._reckon(fill.con_id)

    def _carry_untold(self, order: OrderState, missing: Decimal, position: Position) -> None:
        """Count what an order filled on an earlier day while nobody wrote it down."""
        if missing:
            price = order.avg_fill_price or order.limit_price or position.average_cost
            known = self._carried.get(order.con_id, OwnPosition(order.con_id, order.symbol))
            moved = missing * order.side.sign
            cost = known.cost + moved * price
            self._carried[order.con_id] = replace(known, quantity=known.quantity + moved, cost=cost)
            self._reckon(order.con_id)

    def _carry_one(self, position: Position, order: OrderState) -> None:
        known = self._carried.get(position.con_id, OwnPosition(position.con_id, position.symbol))
        sign = -order.side.sign
        quantity = min(abs(known.quantity) + order.remaining, abs(position.quantity)) * sign
        cost = quantity * position.average_cost
        self._carried[position.con_id] = replace(known, quantity=quantity, cost=cost)
        self._reckon(position.con_id)

    def _reckon(self, con_id: int) -> None:
        carried = self._carried.get(con_id)
        fills = self._fills.get(con_id, {}).values()
        self._own.update(own_positions(fills, () if carried is None else (carried,)))


def _signed(fill: Fill) -> Decimal:
    return fill.quantity * fill.side.sign
