"""The gateway without its sockets: a world, and the sessions of the clients in it.

Pure: requests and times come in, responses wait in each session's outbox. Whoever owns the clock
calls `advance` when something is due, and before each request.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from apps.paper.catalogue import Catalogue
from apps.paper.exchange.events import Event
from apps.paper.feed.market import Market, Millis
from apps.paper.session.session import Session
from apps.paper.world import World

__all__ = ["ClientIdTaken", "Hub", "TooManyClients"]

MAX_CLIENTS = 32
"""As many as TWS takes."""


class ClientIdTaken(Exception):
    """Another session holds this client id (IB's 326)."""


class TooManyClients(Exception):
    """All places for clients are taken."""


class Hub(World):
    """A world with clients in it, by client id."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        market: Market,
        accounts: Iterable[str],
        cash: Decimal,
        start: Millis,
    ) -> None:
        super().__init__(
            catalogue=catalogue, market=market, accounts=accounts, cash=cash, start=start
        )
        self.sessions: dict[int, Session] = {}

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

    def tell(self, event: Event) -> None:
        """Tell every session; each knows what concerns it."""
        for session in tuple(self.sessions.values()):
            session.tell(event)
