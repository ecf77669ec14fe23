"""The gateway without its sockets: a world, and the sessions of the clients in it.

Pure: requests and times come in, responses wait in each session's outbox. Whoever owns the clock
calls `advance` when something is due, and before each request.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.exchange.events import Event
from apps.paper.feed.market import Market, Millis
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.session.session import Session
from apps.paper.settings import GatewaySettings
from apps.paper.world import World

__all__ = ["ClientIdTaken", "Hub", "HubCounts", "TooManyClients"]


class ClientIdTaken(Exception):
    """Another session holds this client id (IB's 326)."""


class TooManyClients(Exception):
    """All places for clients are taken."""


@dataclass(frozen=True, slots=True)
class HubCounts:
    """What there is besides accounts and orders: sessions, their streams, answers under way.

    A hub without clients has none of the first and last, and streams only for orders that work.
    """

    sessions: int
    streams: int
    jobs: int


class Hub(World):
    """A world with clients in it, by client id."""

    def __init__(
        self, settings: GatewaySettings, *, catalogue: Catalogue, market: Market, start: Millis
    ) -> None:
        super().__init__(settings, catalogue=catalogue, market=market, start=start)
        self.sessions: dict[int, Session] = {}

    def open_session(self, client_id: int) -> Session:
        """Let a client in. Raises ClientIdTaken or TooManyClients."""
        if client_id in self.sessions:
            raise ClientIdTaken
        if len(self.sessions) >= self.limits.clients:
            raise TooManyClients
        session = self.sessions[client_id] = Session(self, client_id)
        session.greet()
        return session

    def close_session(self, session: Session) -> None:
        """Let a client go: its subscriptions end, its orders stay."""
        session.close()
        if self.sessions.get(session.client_id) is session:
            del self.sessions[session.client_id]

    def counts(self) -> HubCounts:
        """Say what there is, for those who look for what was left behind."""
        return HubCounts(len(self.sessions), len(self.timetable), len(self.jobs))

    def tell(self, event: Event) -> None:
        """Tell every session; each knows what concerns it."""
        for session in tuple(self.sessions.values()):
            session.tell(event)
