"""What the engine needs of the world, as small Protocols; the adapters implement them.

Two kinds of call: a plain ``def`` acts at once and never waits (orders, subscriptions of
listeners); an ``async def`` asks the broker, has a deadline of its own, and raises
`DeadlineExceeded`, `BrokerError` or `NotConnected`. A failure is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from apps.domain.account import AccountSummary, CurrencyCash, Position, WhatIf
from apps.domain.activities import KeptActivity
from apps.domain.bars import Bar
from apps.domain.day_result import KeptDay
from apps.domain.history.plan import BarRequest
from apps.domain.history.schedule import Schedule
from apps.domain.history.series import Series
from apps.domain.instruments import Instrument
from apps.domain.link import Link, LinkState
from apps.domain.orders import Bracket, Fill, OrderState, Ticket
from apps.domain.quotes import Quote
from apps.domain.reconciling.open_intents import OpenIntent
from apps.domain.records import BarsHeard, KeptWatcher, Record
from apps.domain.sessions import Span
from apps.domain.trade_reconciliation import TradingRecords

__all__ = [
    "BarListener",
    "Broker",
    "BrokerListener",
    "BrokerNotice",
    "Clock",
    "History",
    "Journal",
    "Link",
    "LinkState",
    "MarketData",
    "PastBars",
    "QuoteStream",
    "Subscription",
]


@dataclass(frozen=True, slots=True)
class BrokerNotice:
    """A message of the broker's: IB's code and text, and the order it speaks of (or None).

    One that ``is_routine`` says that all is well, or what the link's state tells anyhow.
    """

    code: int
    text: str
    order_id: int | None = None
    is_routine: bool = False


class BrokerListener(Protocol):
    """Who wants to hear of the broker. Calls are synchronous and must return at once."""

    def on_order(self, order: OrderState) -> None:
        """An order was seen for the first time or changed; repeats happen."""

    def on_fill(self, fill: Fill) -> None:
        """An execution; sent again with the same exec_id once its commission is known."""

    def on_notice(self, notice: BrokerNotice) -> None:
        """IB sent a code and a text."""

    def on_link(self, link: Link) -> None:
        """The link changed its state, or had a loss; no loss is ever left out."""


class Subscription(Protocol):
    """Something that goes on until it is closed; closing twice does nothing."""

    def close(self) -> None:
        """End it. Returns at once; what is in flight may still arrive."""


class QuoteStream(Subscription, Protocol):
    """A running quote of one instrument."""

    def latest(self) -> Quote | None:
        """Give the newest quote, or None while nothing came."""


BarListener = Callable[[Bar], None]
"""Called with each completed 5-second bar, in order, synchronously; must return at once."""

EndListener = Callable[[str], None]
"""Called with the reason when a subscription has ended by itself; must return at once."""


class Broker(Protocol):
    """Orders and account of one account at one broker."""

    @property
    def account(self) -> str:
        """The account that orders are for."""

    @property
    def client_id(self) -> int:
        """The client id that our orders carry; only the same one may change them."""

    @property
    def link(self) -> Link:
        """The link's state now."""

    def listen(self, listener: BrokerListener) -> Subscription:
        """Send everything that happens to ``listener`` until the subscription is closed."""

    def keep_ids_above(self, order_id: int) -> None:
        """Have every id from here on be above ``order_id``, whatever the broker's counter says."""

    def reserve_ids(self, count: int) -> tuple[int, ...]:
        """Give ``count`` ids that no order has carried, for orders to be sent at once.

        Raises NotConnected.
        """

    def place_bracket(self, bracket: Bracket, order_ids: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Send a bracket as one; give its order ids in the order of ``bracket.legs``.

        ``order_ids`` are those that `reserve_ids` gave for it; without them new ones are taken.
        Never split by the pacing, and never behind another request. Raises NotConnected
        (nothing was sent). Returning says that it was handed to the socket, not that the
        broker accepted it: that comes through the listener.
        """

    def place(
        self,
        instrument: Instrument,
        ticket: Ticket,
        order_id: int | None = None,
        *,
        opens: bool = False,
    ) -> int:
        """Send a single order; give its order id. Raises as `place_bracket`.

        One that ``opens`` waits behind what protects, and is not sent where the link takes no
        such order.
        """

    def modify(self, order_id: int, ticket: Ticket) -> None:
        """Send a changed price or quantity for one of our own orders.

        Echoes the broker's own parent, OCA and TIF fields. Raises NotFound, NotConnected.
        """

    def cancel(self, order_id: int) -> None:
        """Ask for the cancellation of one of our own orders. Raises NotFound, NotConnected."""

    def discard(self, order_id: int) -> None:
        """Ask for the end of an order of ours that the broker does not list, by its id alone.

        It may be held there without being shown, or never have come. Raises NotConnected.
        """

    def cancel_everything(self) -> None:
        """Ask for the end of every order of the account, whoever sent it. Raises NotConnected."""

    def known_orders(self) -> tuple[OrderState, ...]:
        """Give what the session has seen of orders so far, without asking."""

    async def open_orders(self) -> tuple[OrderState, ...]:
        """Ask for the working orders of all clients of the account."""

    async def completed_orders(self) -> tuple[OrderState, ...]:
        """Ask for the orders of the account that ended today, of all clients.

        The broker tells them without order id (0), client id (−1) and parent, and may leave out
        what was asked for: then the quantity is what was filled.
        """

    async def executions(self) -> tuple[Fill, ...]:
        """Ask for the day's executions of the account, with commissions where known."""

    async def positions(self) -> tuple[Position, ...]:
        """Ask for the positions of the account, with market values where known."""

    async def account_summary(self) -> AccountSummary:
        """Ask for the account's balances."""

    async def cash_by_currency(self) -> tuple[CurrencyCash, ...]:
        """Ask for the account's cash in each currency, by name, the base currency too."""

    async def what_if(self, instrument: Instrument, ticket: Ticket) -> WhatIf:
        """Ask what an order would cost; nothing is sent to the market."""


class MarketData(Protocol):
    """Instruments, bars and quotes of one broker."""

    async def qualify(self, symbol: str) -> Instrument:
        """Give the one instrument for ``symbol``.

        ``AAPL`` is a US stock or ETF, ``EUR.USD`` a currency pair, ``SPX`` an index;
        ``AAPL@NASDAQ`` names the listing. Raises NotFound or AmbiguousSymbol.
        """

    async def subscribe_bars(
        self, instrument: Instrument, on_bar: BarListener, on_end: EndListener | None = None
    ) -> Subscription:
        """Stream 5-second bars of regular hours. Raises BrokerError when IB refuses.

        ``on_end`` is called when IB ends an accepted one; the end of the link is not told there.
        """

    def bars_wait_s(self, nth: int = 1) -> float:
        """Give the seconds until the broker takes the ``nth`` next subscription of bars, or 0."""

    def subscribe_quote(self, instrument: Instrument) -> QuoteStream:
        """Begin a running quote (it costs a market-data line until it is closed)."""

    async def quote(self, instrument: Instrument) -> Quote:
        """Ask for a quote once. Raises BrokerError when there is none to be had."""

    async def history(
        self, instrument: Instrument, *, seconds: int, duration_s: int
    ) -> tuple[Bar, ...]:
        """Ask for the bars of regular hours of the last ``duration_s`` seconds of trading."""

    async def market_time(self) -> datetime:
        """Ask the broker's clock; aware UTC, whole seconds."""


class PastBars(Protocol):
    """The broker's bars of any time, for a load: each question waits for its turn.

    Whoever asks here stands behind orders, and behind the gap fills of watchers. Raises what
    `MarketData` raises.
    """

    async def between(
        self, instrument: Instrument, series: Series, request: BarRequest
    ) -> tuple[Bar, ...]:
        """Give the bars that ``request`` reaches, rising; none where the broker has none."""

    async def first_at(self, instrument: Instrument, series: Series) -> datetime:
        """Ask when the broker's history of the instrument begins; aware UTC."""

    async def schedule(
        self, instrument: Instrument, span: Span, *, regular_hours: bool
    ) -> Schedule:
        """Ask when the instrument traded within ``span``, which ends now or before."""

    def wait_s(self, small_requests: int) -> float:
        """Give the seconds until so many more questions for small bars can have been asked."""


class Clock(Protocol):
    """This machine's monotonic clock and the pauses measured by it. Injected, so tests turn it."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Pause for ``seconds`` of this machine's time."""


class Journal(Protocol):
    """What outlives the desk: everything that it does and hears, in order."""

    def write(self, *records: Record) -> None:
        """Keep ``records``, all or none, for good as far as this process can end.

        Returns at once, and waits for no disk. An execution or commission that is known already
        is not kept twice. Raises JournalLost: then none of them is kept.
        """

    def highest_order_id(self, client_id: int) -> int:
        """Give the highest order id that was ever reserved for a client id; 0 for none."""

    def open_intents(self, client_id: int, also: Iterable[str] = ()) -> tuple[OpenIntent, ...]:
        """Give the intents of a client id that are not known to be over, oldest first.

        Quick however much was written: those that are over are not read, save those whose
        references are in ``also``. Raises JournalRefused.
        """

    def watchers(self) -> tuple[KeptWatcher, ...]:
        """Give the last word on each watcher that has not ended, in the order of their ids."""

    def highest_watcher(self) -> int:
        """Give the highest number that a watcher ever had, those that have ended too; 0 for none.

        The names that intents were reserved in count as well.
        """

    def kept_day(self) -> KeptDay | None:
        """Give the newest session that was begun, with its executions; None before the first."""

    def bars_heard(self) -> tuple[BarsHeard, ...]:
        """Give the newest `BarsHeard` of each contract."""

    def trading_records(self, start: datetime, end: datetime) -> TradingRecords:
        """Give all of every intent that began, or traded, in ``[start, end)``.

        It may take as long as there is much: call it in a thread. Raises JournalRefused.
        """

    def has_reserved(self, label: str, since: datetime) -> bool:
        """Tell whether an intent of ``label`` was reserved at ``since`` or later, and not dropped.

        One of which the market's time is not known counts.
        """

    def activity_of_key(self, request_key: str) -> KeptActivity | None:
        """Give the newest run of a routine that was asked for under a key."""

    def activity_of_signature(
        self, signature: str, but_not: Collection[str] = ()
    ) -> KeptActivity | None:
        """Give the newest run of exactly this request that was no dry run.

        Those whose ids are in ``but_not`` are passed over.
        """


class History(Protocol):
    """Bars on disk. Every call may wait for the disk, or for another process: use a thread.

    Several threads may call at once. All raise HistoryRefused for a store that cannot be read, and
    the ones that write HistoryLost where nothing could be written (a full disk, another process
    that writes for too long): then all is as it was before.
    """

    def covered(self, series: Series) -> tuple[Span, ...]:
        """Give what was asked of the broker and kept, merged: also where it had no bars.

        A stretch whose file has turned out to be damaged is not covered any more: see `check`.
        """

    def check(self, series: Series, span: Span) -> None:
        """Look at every byte of the files of ``span``, and set aside those that are damaged."""

    def known_holes(self, series: Series) -> tuple[Span, ...]:
        """Give the stretches of open market that the broker was asked for twice and has no bars of.

        Merged. There is no use in asking again.
        """

    def bars(self, series: Series, start: datetime, end: datetime) -> tuple[Bar, ...]:
        """Give the bars that start in ``[start, end)``, rising, none twice.

        Those of a damaged file are left out, and the file is set aside: see `covered` after it.
        """

    def add(self, series: Series, span: Span, bars: Iterable[Bar]) -> None:
        """Keep the answer to a question for ``span``: it is covered now, whatever bars there were.

        All or none. A bar that is there with the same start is replaced, others stay. Raises
        InvalidInput for a bar that does not start within ``span``, is of another length, comes
        twice, or has a price that is not a number.
        """

    def add_all(
        self,
        series: Series,
        answers: Iterable[tuple[Span, Iterable[Bar]]],
        holes: Iterable[Span] = (),
    ) -> None:
        """Keep several answers, and remember holes, as one: much quicker than one by one.

        All or none; raises as `add`. No moment is in two of ``answers``.
        """

    def note_hole(self, series: Series, span: Span) -> None:
        """Remember that the broker has no bars of ``span``; bars that are added later end it."""

    def schedule(self, series: Series) -> Schedule:
        """Give the sessions of the instrument that were noted, of regular or of all hours."""

    def note_schedule(self, series: Series, schedule: Schedule) -> None:
        """Remember when the instrument trades; where it was known already this word holds."""

    def forget(self, series: Series, span: Span) -> None:
        """Remove the bars and the known holes of ``span``: it is not covered any more."""
