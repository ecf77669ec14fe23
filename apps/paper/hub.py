"""The gateway without its sockets: sessions, exchange, market, and the time they share.

Pure: requests and times come in, responses wait in each session's outbox. Whoever owns the clock
calls `advance` when something is due, and before each request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from apps.paper.calendar import SessionCalendar
from apps.paper.catalogue import Catalogue, Listing
from apps.paper.exchange.events import Event
from apps.paper.exchange.exchange import Exchange
from apps.paper.exchange.orders import Order
from apps.paper.feed.market import Market, Millis
from apps.paper.ledger import Account
from apps.paper.prints import PrintCursor
from apps.paper.session.session import Session
from apps.paper.timetable import RANK_EXCHANGE, Timetable

__all__ = ["ClientIdTaken", "Hub", "TooManyClients"]

MAX_CLIENTS = 32
"""As many as TWS takes."""


class ClientIdTaken(Exception):
    """Another session holds this client id (IB's 326)."""


class TooManyClients(Exception):
    """All places for clients are taken."""


class Hub:
    """One gateway's state. ``now`` is the market time up to which everything was played."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        market: Market,
        accounts: Iterable[str],
        cash: Decimal,
        start: Millis,
    ) -> None:
        self.catalogue = catalogue
        self.market = market
        self.calendar = SessionCalendar()
        self.accounts = {name: Account(name, cash) for name in accounts}
        self.exchange = Exchange(self.accounts.values(), quotes=market, sessions=self.calendar)
        self.timetable = Timetable()
        self.now = start
        self.sessions: dict[int, Session] = {}
        self._deadline = _Deadline(self)
        self._matching: dict[int, _Matching] = {}

    def open_session(self, client_id: int) -> Session:
        """Let a client in. Raises ClientIdTaken or TooManyClients."""
        if client_id in self.sessions:
            raise ClientIdTaken
        if len(self.sessions) >= MAX_CLIENTS:
            raise TooManyClients
        session = self.sessions[client_id] = Session(self, client_id)
        session.greet()
        return session

    def close_session(self, session: Session) -> None:
        """Let a client go: its subscriptions end, its orders stay."""
        session.close()
        if self.sessions.get(session.client_id) is session:
            del self.sessions[session.client_id]

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

    def publish(self, events: Sequence[Event]) -> None:
        """Tell the sessions what happened, and follow the market where orders now work."""
        for event in events:
            for session in tuple(self.sessions.values()):
                session.tell(event)
        self._follow_working_orders()

    def mark(self, listing: Listing) -> Decimal:
        """Give the price at which a listing is valued now."""
        return self.market.last(listing, self.now).price

    def _follow_working_orders(self) -> None:
        for listing in self.exchange.working_listings():
            if listing.con_id not in self._matching:
                matching = self._matching[listing.con_id] = _Matching(self, listing)
                self.timetable.start(matching, matching.prints.next_at())
        deadline = self.exchange.next_deadline()
        if deadline is None:
            self.timetable.stop(self._deadline)
        else:
            self.timetable.start(self._deadline, max(deadline, self.now))

    def matching_ended(self, listing: Listing) -> None:
        """Forget the matching of a listing in which no order works any more."""
        self._matching.pop(listing.con_id, None)


class _Matching:
    """Brings each print of a listing to the exchange while orders work there."""

    rank = RANK_EXCHANGE

    def __init__(self, hub: Hub, listing: Listing) -> None:
        self.prints = PrintCursor(hub.market, hub.calendar, listing, hub.now)
        self._hub = hub
        self._listing = listing

    def run(self, at: Millis) -> Millis | None:
        hub, listing = self._hub, self._listing
        for trade in self.prints.take(at):
            hub.publish(hub.exchange.on_market(listing, hub.market.touch(listing, at), trade, at))
        if listing in hub.exchange.working_listings():
            return self.prints.next_at()
        hub.matching_ended(listing)
        return None


class _Deadline:
    """Lets time pass at the exchange: held orders start, day orders expire."""

    rank = RANK_EXCHANGE

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def run(self, at: Millis) -> Millis | None:
        self._hub.publish(self._hub.exchange.on_time(at))
        return None
