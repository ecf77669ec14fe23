"""What a routine that trades for the account asks, and how it sends: nothing twice, all told.

At home here: prices and balances for a plan, ending what an earlier run left working, and sending
orders one after the other until something speaks against it. What is to be sent is decided by the
plans of the domain; what may be sent by the gate; what becomes of it is `AccountOrders`'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from apps.domain.account import AccountSummary, CurrencyCash, Position
from apps.domain.errors import DeskError, NotConnected, Refused
from apps.domain.instruments import Instrument
from apps.domain.intents import AccountLabel
from apps.domain.orders import Side, Ticket
from apps.domain.quotes import Quote
from apps.engine.orders.account_order import AccountOrder, AccountOrderState, AccountOrderView
from apps.engine.orders.account_orders import AccountOrders, Wanted
from apps.engine.orders.execution import Execution
from apps.engine.ports import Broker, Clock, MarketData
from apps.engine.prices.last_prices import LastPrices
from apps.engine.risk.own_book import OwnBook
from apps.engine.together import all_done

__all__ = ["AccountTrading", "NotSent", "Priced", "Sending"]

QUOTES_AT_ONCE = 20
"""How many quotes are asked for at a time: each costs a market-data line while it is asked."""

_GOOD = frozenset(
    {AccountOrderState.FILLED, AccountOrderState.PARTLY_FILLED, AccountOrderState.WORKING}
)


@dataclass(frozen=True, slots=True)
class Priced:
    """An instrument with its market; ``age_s`` is how old that is on this machine's clock."""

    instrument: Instrument
    quote: Quote | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class NotSent:
    """An order that was planned and not sent, and why."""

    symbol: str
    side: Side
    quantity: Decimal
    why: str


class Sending:
    """Orders on their way: what was sent, and what was not. Nothing is ever sent again."""

    def __init__(self, orders: AccountOrders) -> None:
        self._orders = orders
        self._sent: list[AccountOrder] = []
        self.not_sent: list[NotSent] = []
        self.why_stopped = ""

    @property
    def sent(self) -> tuple[AccountOrderView, ...]:
        """What was sent, as it stands now."""
        return tuple(each.view() for each in self._sent)

    @property
    def is_good(self) -> bool:
        """All was sent, and the broker has taken all of it."""
        return not self.not_sent and all(each.state in _GOOD for each in self._sent)

    def send(self, wanted: Wanted) -> AccountOrder | None:
        """Send one, unless one before it could not be sent; what is refused ends the sending."""
        if not self.why_stopped:
            try:
                order = self._orders.place(wanted)
            except DeskError as error:
                self.why_stopped = error.message
            else:
                self._sent.append(order)
                return order
        self.leave(wanted.instrument, wanted.ticket, self.why_stopped)
        return None

    def leave(self, instrument: Instrument, ticket: Ticket, why: str) -> None:
        """Say that an order is not sent."""
        self.not_sent.append(NotSent(instrument.symbol, ticket.side, ticket.quantity, why))

    async def settled(self, timeout_s: float, *, is_enough_to_work: bool = False) -> None:
        """Wait until what was sent is over, or working where that is enough; or the time is up."""

        def holds() -> bool:
            if is_enough_to_work:
                return all(each.state.is_known for each in self._sent)
            return all(each.is_over for each in self._sent)

        await self._orders.until(holds, timeout_s)

    def proceeds(self) -> tuple[Decimal, Decimal]:
        """Give what sells and buys that were sent have traded so far."""
        worth = {Side.SELL: Decimal(0), Side.BUY: Decimal(0)}
        for each in self._sent:
            worth[each.ticket.side] += each.worth
        return worth[Side.SELL], worth[Side.BUY]

    @property
    def in_the_dark(self) -> tuple[str, ...]:
        """The symbols of orders of which the broker has said nothing."""
        return tuple(each.instrument.symbol for each in self._sent if not each.state.is_known)


class AccountTrading:
    """Asks and sends for the account as a whole."""

    def __init__(
        self,
        *,
        broker: Broker,
        market: MarketData,
        clock: Clock,
        last_prices: LastPrices,
        book: OwnBook,
        execution: Execution,
        orders: AccountOrders,
    ) -> None:
        self._broker = broker
        self._market = market
        self._clock = clock
        self._last_prices = last_prices
        self._book = book
        self._execution = execution
        self._orders = orders

    @contextmanager
    def alone(self, who: str) -> Iterator[None]:
        """Let nobody else trade for the account meanwhile. Raises AlreadyDone."""
        with self._orders.alone(who):
            yield

    @contextmanager
    def holding(self, symbols: Iterable[str]) -> Iterator[None]:
        """Let no bracket enter in ``symbols`` meanwhile."""
        with self._orders.holding(symbols):
            yield

    async def priced(self, symbols: Iterable[str]) -> Mapping[str, Priced | DeskError]:
        """Ask for instruments and their markets; an unknown symbol has its error.

        Raises NotConnected.
        """
        turns = asyncio.Semaphore(QUOTES_AT_ONCE)
        names = tuple(dict.fromkeys(symbols))

        async def ask(symbol: str) -> Priced | DeskError:
            async with turns:
                try:
                    return await self._priced(symbol)
                except NotConnected:
                    raise
                except DeskError as error:
                    return error

        found = await all_done(*(ask(each) for each in names)) if names else []
        return dict(zip(names, found, strict=True))

    async def balances(self) -> tuple[AccountSummary, tuple[CurrencyCash, ...]]:
        """Ask for the account's balances, and its cash by currency."""
        return await self._broker.account_summary(), await self._broker.cash_by_currency()

    async def positions(self) -> tuple[Position, ...]:
        """Ask for what the account holds."""
        while (held := await self._book.ask_positions(self._broker)) is None:
            pass  # an execution overtook the answer
        return held

    async def foreign_orders(self, symbols: Iterable[str]) -> tuple[str, ...]:
        """Name the working orders of others in ``symbols``: no plan counts with them."""
        named = set(symbols)
        return tuple(
            f"order {each.order_id} of client {each.client_id} works in {each.symbol} and is not "
            "counted with"
            for each in await self._broker.open_orders()
            if each.symbol in named and not self._book.is_sent_by_us(each)
        )

    def why_not(self, instrument: Instrument) -> str:
        """Say why the account may not trade an instrument as a whole; empty where it may."""
        live = [each for each in self._execution.trades_in(instrument.con_id) if not each.is_over]
        if live:
            return f"a bracket of the desk's is live ({live[0].order_ref}): close it first"
        if self._book.quantity(instrument.con_id):
            return "the desk's own brackets hold it: close that first"
        return ""

    def stale(self, *labels: AccountLabel) -> tuple[AccountOrderView, ...]:
        """Give the orders that an earlier run left working, or of which nobody knows."""
        return tuple(each.view() for each in self._orders.unfinished(*labels))

    async def end_stale(self, *labels: AccountLabel) -> tuple[AccountOrderView, ...]:
        """Cancel what an earlier run left working, and give what became of it.

        Raises Refused where one of them is not known to be over: nothing may be sent then.
        """
        ended = [await self._orders.cancel(each) for each in self._orders.unfinished(*labels)]
        open_still = [each for each in ended if not each.state.is_over]
        if open_still:
            named = ", ".join(
                f"order {each.order_id} in {each.symbol} is {each.state.value}"
                for each in open_still
            )
            raise Refused(
                f"orders of an earlier run are not known to be over ({named}): nothing was sent. "
                "See `orders`, or settle them with `reconcile`."
            )
        return tuple(ended)

    def check_all(self, wanted: Sequence[Wanted]) -> None:
        """Raise RiskRefused or NotConnected where one of ``wanted`` would be refused now."""
        for number, each in enumerate(wanted):
            self._orders.check(each, ahead=number)

    def refusal(self, wanted: Sequence[Wanted]) -> str:
        """Say why one of ``wanted`` would be refused now; empty where none would."""
        try:
            self.check_all(wanted)
        except DeskError as error:
            return error.message
        return ""

    def sending(self) -> Sending:
        """Begin to send."""
        return Sending(self._orders)

    async def _priced(self, symbol: str) -> Priced:
        instrument = await self._market.qualify(symbol)
        try:
            quote = await self._market.quote(instrument)
        except NotConnected:
            raise
        except DeskError:
            return Priced(instrument, None, None)
        self._last_prices.on_quote(instrument, quote)
        return Priced(instrument, quote, quote.age_s(self._clock.monotonic()))
