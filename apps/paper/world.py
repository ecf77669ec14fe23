"""What all clients of a gateway share: instruments, market, exchange, accounts, and the time.

Pure: times come in, events go out to whoever publishes them. Who the clients are is not known
here (`apps.paper.hub`), nor where it is all written down (a `Store`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Protocol

from apps.domain.errors import InvalidInput
from apps.paper.books.currencies import ForexRates
from apps.paper.books.ledger import Account
from apps.paper.bulletins import BulletinBoard, BulletinKind
from apps.paper.exchange.events import Event
from apps.paper.exchange.exchange import Exchange
from apps.paper.exchange.orders import Order
from apps.paper.exchange.record import ExchangeRecord
from apps.paper.feed.derived import DerivedMarket
from apps.paper.feed.market import Market, Millis
from apps.paper.hours.calendar import SessionCalendar
from apps.paper.instruments.catalogue import Catalogue, Listing
from apps.paper.prints import PrintCursor
from apps.paper.settings import GatewaySettings
from apps.paper.timetable import RANK_EXCHANGE, Timetable
from apps.paper.vendor.vendor import Vendor

__all__ = ["Store", "World"]

_DONE = object()


class Store(Protocol):
    """Where a world is kept from one gateway to the next."""

    def restored(self) -> ExchangeRecord | None:
        """Give what the exchange knew when it was last kept; None for a new store."""

    def keep(self, changes: ExchangeRecord | None, now: Millis) -> None:
        """Have it outlive this process that ``changes`` happened, and that it was ``now``.

        Raises StateLost when that cannot be done: nothing of it may then be told to anybody.
        """


class World(ABC):
    """One gateway's state. ``now`` is the market time up to which everything was played."""

    def __init__(
        self, settings: GatewaySettings, *, catalogue: Catalogue, market: Market, start: Millis
    ) -> None:
        self.limits = settings.limits
        self.master_client = settings.master_client
        self.status_speech = settings.status_speech
        self.catalogue = catalogue
        self.market = DerivedMarket(market, catalogue)
        self.calendar = SessionCalendar()
        rates = ForexRates(catalogue, self.mark)
        for currency, _ in settings.foreign_cash:
            if not rates.knows(currency):
                raise InvalidInput(f"there is no rate for {currency}: no account can begin with it")
        self.accounts = {
            name: Account(name, settings.cash, foreign_cash=settings.foreign_cash, rates=rates)
            for name in settings.accounts
        }
        self.exchange = Exchange(
            self.accounts.values(),
            quotes=self.market,
            sessions=self.calendar,
            policy=settings.policy,
            limits=settings.limits,
        )
        self.vendor = Vendor(settings.limits, settings.vendor)
        self.wall_s: Callable[[], float] = lambda: self.now / 1000
        """Seconds of this machine, for pacing that counts them; the owner of a clock sets it."""
        self.bulletins = BulletinBoard()
        self.timetable = Timetable()
        self.now = start
        self.jobs: deque[Iterator[None]] = deque()
        self._store: Store | None = None
        self._deadline = _Deadline(self)
        self._matching: dict[int, _Matching] = {}
        self._followed: frozenset[Listing] = frozenset()

    def resume(self, store: Store) -> None:
        """Go on from what ``store`` holds, and keep there what happens from now on.

        While a gateway is off its market is closed to its orders: those whose time is over by
        ``now`` expire, the others meet the market as it is.
        """
        if (record := store.restored()) is not None:
            self.exchange.restore(record)
            self.now = max(self.now, record.at)
        self._store = store
        self.publish(self.exchange.adopt(self.exchange.policy, self.now))
        self.commit()

    def commit(self) -> None:
        """Have all that happened outlive this process: before anything of it is told to anybody.

        Next to nothing where nothing happened, and nothing at all without a store. Raises
        StateLost, after which nothing may be told any more.
        """
        if self._store is not None:
            self._store.keep(self.exchange.changes(), self.now)

    def next_due(self) -> Millis | None:
        """Give the market time at which something will happen by itself."""
        return self.timetable.next_due()

    def advance(self, until: Millis) -> None:
        """Play everything that is due up to ``until``; earlier times change nothing."""
        while (due := self.timetable.next_due()) is not None and due <= until:
            self.now = max(self.now, due)
            self.timetable.run_next()
        self.now = max(self.now, until)

    def place(self, order: Order) -> None:
        """Give an order (new or changed) to the exchange and tell everybody what came of it."""
        self.publish(self.exchange.place(order, self.now))

    def what_if(self, order: Order) -> None:
        """Answer what an order would do."""
        self.publish(self.exchange.what_if(order, self.now))

    def cancel(self, client_id: int, order_id: int) -> None:
        """Cancel an order of a client's."""
        self.publish(self.exchange.cancel(client_id, order_id, self.now))

    def cancel_all(self) -> None:
        """Cancel every order of every client."""
        self.publish(self.exchange.cancel_all(self.now))

    def work(self) -> bool:
        """Do one piece of a long answer, of the client that has waited longest; tell if it did.

        Such an answer is a generator in ``jobs``: whoever owns the loop runs it piece by piece, so
        that a day of history for one client stops nobody's market.
        """
        if not self.jobs:
            return False
        job = self.jobs.popleft()
        if next(job, _DONE) is not _DONE:
            self.jobs.append(job)
        return True

    @abstractmethod
    def tell(self, event: Event) -> None:
        """Tell the clients that it concerns what happened."""

    def publish(self, events: Sequence[Event]) -> None:
        """Tell what happened, and follow the market where orders now work."""
        for event in events:
            self.tell(event)
        self._follow_working_orders()

    def bulletin(
        self, text: str, kind: BulletinKind = BulletinKind.REGULAR, exchange: str = ""
    ) -> None:
        """Announce something to every client that reads bulletins."""
        self.bulletins.publish(text, self.now, kind, exchange)

    def mark(self, listing: Listing) -> Decimal:
        """Give the price at which a listing is valued now."""
        return self.market.last(listing, self.now).price

    def _follow_working_orders(self) -> None:
        listings = self.exchange.working_listings()
        if listings is not self._followed:
            self._followed = listings
            for listing in listings:
                self._follow(listing)
        deadline = self.exchange.next_deadline()
        if deadline is None:
            self.timetable.stop(self._deadline)
        elif deadline != self._deadline.due or self._deadline not in self.timetable:
            self._deadline.due = deadline
            self.timetable.start(self._deadline, max(deadline, self.now))

    def _follow(self, listing: Listing) -> None:
        if listing.con_id not in self._matching:
            matching = self._matching[listing.con_id] = _Matching(self, listing)
            self.timetable.start(matching, matching.prints.next_at())

    def matching_ended(self, listing: Listing) -> None:
        """Forget the matching of a listing in which no order works any more."""
        self._matching.pop(listing.con_id, None)


class _Matching:
    """Brings each print of a listing to the exchange while orders work there."""

    rank = RANK_EXCHANGE

    def __init__(self, world: World, listing: Listing) -> None:
        self.prints = PrintCursor(world.market, world.calendar, listing, world.now)
        self._world = world
        self._listing = listing

    def run(self, at: Millis) -> Millis | None:
        world, listing = self._world, self._listing
        for trade in self.prints.take(at):
            world.publish(
                world.exchange.on_market(listing, world.market.touch(listing, at), trade, at)
            )
        if listing in world.exchange.working_listings():
            return self.prints.next_at()
        world.matching_ended(listing)
        return None


class _Deadline:
    """Lets time pass at the exchange: held orders start, day orders expire."""

    rank = RANK_EXCHANGE

    def __init__(self, world: World) -> None:
        self.due: Millis | None = None
        self._world = world

    def run(self, at: Millis) -> Millis | None:
        self.due = None
        self._world.publish(self._world.exchange.on_time(at))
        return None
