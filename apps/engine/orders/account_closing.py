"""Closing what the account holds besides the desk's own: other programs' positions, and old ones.

Not on the way of `close` or of a halt: only who asks for it in so many words gets here. Each
position is sent to SMART, though the broker names its listing exchange; our own orders for the
account in it are cancelled first, and flat is what the broker says. Orders of others are left
standing, for only its sender can change an order: what there is against them is the broker's
global cancel, which ends ours too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.domain.account import Position
from apps.domain.errors import DeskError, NotFound
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.intents import AccountLabel
from apps.domain.numerals import plain
from apps.domain.orders import OrderState, OrderType, Side, Ticket
from apps.engine.exits.exit_routine import CloseOutcome
from apps.engine.orders.account_order import AccountOrder
from apps.engine.orders.account_orders import AccountOrders, Wanted
from apps.engine.ports import Broker, Clock, MarketData
from apps.engine.risk.own_book import OwnBook

__all__ = ["AccountClosing", "ForeignPosition"]

FILL_TIMEOUT_S = 30.0
"""How long the closing orders of all positions together may take to fill."""

CONFIRM_TIMEOUT_S, CONFIRM_LOOK_S = 10.0, 0.5
"""How long the broker may take to say that a position is flat, and how often it is asked."""

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class ForeignPosition:
    """What of a position is not the desk's: ``quantity`` is signed."""

    position: Position
    quantity: Decimal


class AccountClosing:
    """Closes positions of the account that are not the desk's."""

    def __init__(
        self,
        *,
        broker: Broker,
        market: MarketData,
        clock: Clock,
        book: OwnBook,
        orders: AccountOrders,
    ) -> None:
        self._broker = broker
        self._market = market
        self._clock = clock
        self._book = book
        self._orders = orders

    def foreign(self, positions: Iterable[Position]) -> tuple[ForeignPosition, ...]:
        """Give what of ``positions`` is not the desk's; balances of currencies are no positions."""
        rest = (
            ForeignPosition(each, each.quantity - self._book.quantity(each.con_id))
            for each in positions
            if each.kind != InstrumentKind.FOREX.value
        )
        return tuple(each for each in rest if each.quantity)

    async def close_foreign(self, positions: Iterable[Position]) -> tuple[CloseOutcome, ...]:
        """Close what of ``positions`` is not the desk's, all at once; give what became of each.

        What of them is held now counts, not what was when they were asked for. Raises AlreadyDone
        where something else trades for the account, NotConnected and BrokerError where the
        positions cannot be read; what is refused of one of them is an outcome. A caller that is
        cancelled leaves sent orders to be filled.
        """
        asked = {each.con_id: each.symbol for each in positions}
        with self._orders.alone("closing"), self._orders.holding(asked.values()):
            refused = await self._cancel_ours(set(asked))
            # as it is now: whoever else trades there may have closed it meanwhile
            foreign = self.foreign(each for each in await self._held() if each.con_id in asked)
            sent: dict[int, AccountOrder] = {}
            problems: dict[int, str] = {}
            for each in foreign:
                con_id = each.position.con_id
                try:
                    if con_id in refused:
                        raise NotFound(refused[con_id])
                    sent[con_id] = self._orders.place(await self._wanted(each))
                except DeskError as error:
                    problems[con_id] = error.message
            await self._orders.until(
                lambda: all(order.is_over for order in sent.values()), FILL_TIMEOUT_S
            )
            return await self._outcomes(foreign, sent, problems)

    def cancel_everything(self) -> None:
        """Ask for the end of all orders of the account, of all clients. Raises NotConnected."""
        self._orders.check_any()
        self._broker.cancel_everything()

    async def still_standing(self, timeout_s: float) -> tuple[OrderState, ...]:
        """Give the orders that stand at the broker; wait up to ``timeout_s`` for there to be none.

        Raises BrokerError, NotConnected.
        """
        deadline = self._clock.monotonic() + timeout_s
        while (orders := await self._broker.open_orders()) and self._clock.monotonic() < deadline:
            await self._clock.sleep(CONFIRM_LOOK_S)
        return orders

    async def _held(self) -> tuple[Position, ...]:
        while (held := await self._book.ask_positions(self._broker)) is None:
            pass  # an execution overtook the answer
        return held

    async def _cancel_ours(self, con_ids: set[int]) -> dict[int, str]:
        """Cancel our orders for the account in contracts; say in which one is not known to end."""
        refused: dict[int, str] = {}
        for order in self._orders.unfinished(*AccountLabel):
            con_id = order.instrument.con_id
            if con_id in con_ids and not (await self._orders.cancel(order)).state.is_over:
                refused[con_id] = (
                    f"order {order.order_id} of ours is not known to be over: nothing was sent. "
                    "Try again, or see `reconcile`."
                )
        return refused

    async def _wanted(self, foreign: ForeignPosition) -> Wanted:
        position = foreign.position
        instrument = await self._instrument(position)
        quantity = abs(foreign.quantity)
        whole = quantity - quantity % max(instrument.size_increment, Decimal(1))
        if not whole:
            raise NotFound(
                f"{plain(quantity)} {position.symbol} are less than can be ordered: close them in "
                "TWS."
            )
        side = Side.SELL if foreign.quantity > 0 else Side.BUY
        ticket = Ticket(side, whole, OrderType.MARKET)
        price = position.market_price or position.average_cost
        return Wanted(instrument, ticket, AccountLabel.CLOSING, price, closes=True)

    async def _instrument(self, position: Position) -> Instrument:
        """Give the instrument of a position, routed to SMART. Raises NotFound, NotTradableYet."""
        instrument = await self._market.qualify(position.symbol)
        instrument.require_tradable()
        if instrument.con_id != position.con_id:
            raise NotFound(
                f"{position.symbol} is another contract than the one that is held: close it in TWS."
            )
        return instrument

    async def _outcomes(
        self,
        foreign: tuple[ForeignPosition, ...],
        sent: dict[int, AccountOrder],
        problems: dict[int, str],
    ) -> tuple[CloseOutcome, ...]:
        left = await self._left({each.position.con_id: each for each in foreign}, sent)
        return tuple(
            _outcome(each, sent.get(each.position.con_id), left, problems) for each in foreign
        )

    async def _left(
        self, foreign: dict[int, ForeignPosition], sent: dict[int, AccountOrder]
    ) -> dict[int, Decimal] | str:
        """Give what is left of each by the broker's word, or why that cannot be told."""
        deadline = self._clock.monotonic() + CONFIRM_TIMEOUT_S
        while True:
            try:
                held = await self._book.ask_positions(self._broker)
            except DeskError as error:
                return error.message
            if held is not None:
                quantities = {each.con_id: each.quantity for each in held}
                left = {
                    con_id: quantities.get(con_id, _NONE) - self._book.quantity(con_id)
                    for con_id in foreign
                }
                filled = [con_id for con_id, order in sent.items() if order.is_over]
                is_late = any(
                    abs(left[each]) > abs(foreign[each].quantity) - sent[each].filled
                    for each in filled
                )
                if not is_late or self._clock.monotonic() >= deadline:
                    return left
            await self._clock.sleep(CONFIRM_LOOK_S)


def _outcome(
    foreign: ForeignPosition,
    order: AccountOrder | None,
    left: dict[int, Decimal] | str,
    problems: dict[int, str],
) -> CloseOutcome:
    symbol, con_id = foreign.position.symbol, foreign.position.con_id
    traded = _NONE if order is None else order.filled
    if isinstance(left, str):
        text = f"{symbol}: the account's position could not be read: {left}"
        return CloseOutcome(symbol, False, traded, _NONE, abs(foreign.quantity) - traded, text)
    rest = abs(left[con_id])
    if not rest:
        text = f"closed {plain(abs(foreign.quantity))} {symbol} that were not the desk's"
        return CloseOutcome(symbol, True, traded, _NONE, _NONE, text)
    why = problems.get(con_id, "")
    if not why and order is not None:
        view = order.view()
        why = f"order {view.order_id} is {view.state.value}" + (
            f": {view.text}" if view.text else ""
        )
    text = f"{symbol}: {plain(rest)} that are not the desk's are left: {why}"
    return CloseOutcome(symbol, False, traded, _NONE, rest, text)
