"""Whoever listens to a gateway's wire: told of every message and every fault, as they happen.

A tap hears and changes nothing. What becomes of what it hears is its own affair (such as a
transcript); without one nobody listens, and that costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from apps.paper.feed.market import Millis
from apps.paper.wire import ClientHello, Request, Response

__all__ = ["NO_TAP", "NullTap", "Tap"]


class Tap(Protocol):
    """Whoever listens to the wire. Connections are numbered from 1 as they come.

    ``raw`` are the fields of a frame, message id first. A client has no id before startApi.
    """

    def started(self, market_now: Callable[[], Millis], wall_s: Callable[[], float]) -> None:
        """Hear, before anything else, how to ask for the market's time and this machine's."""

    def opened(self, connection_no: int) -> None:
        """Hear of a new connection."""

    def greeted(self, connection_no: int, hello: ClientHello, version: int | None) -> None:
        """Hear what a client offered, and the version agreed upon; None if it was refused."""

    def received(
        self, connection_no: int, client_id: int | None, request: Request, raw: Sequence[str]
    ) -> None:
        """Hear a request, before anything is done about it."""

    def sent(
        self, connection_no: int, client_id: int | None, response: Response, raw: Sequence[str]
    ) -> None:
        """Hear a response, as it is handed to the socket."""

    def hung_up(self, connection_no: int, client_id: int | None) -> None:
        """Hear that it is the gateway that ended a connection, right before `closed`."""

    def closed(self, connection_no: int, client_id: int | None) -> None:
        """Hear that a connection has ended."""

    def fault(self, what: Mapping[str, object]) -> None:
        """Hear that a fault happened, or that it is over."""


class NullTap:
    """Nobody listens."""

    def started(self, market_now: Callable[[], Millis], wall_s: Callable[[], float]) -> None:
        """Take no note."""

    def opened(self, connection_no: int) -> None:
        """Take no note."""

    def greeted(self, connection_no: int, hello: ClientHello, version: int | None) -> None:
        """Take no note."""

    def received(
        self, connection_no: int, client_id: int | None, request: Request, raw: Sequence[str]
    ) -> None:
        """Take no note."""

    def sent(
        self, connection_no: int, client_id: int | None, response: Response, raw: Sequence[str]
    ) -> None:
        """Take no note."""

    def hung_up(self, connection_no: int, client_id: int | None) -> None:
        """Take no note."""

    def closed(self, connection_no: int, client_id: int | None) -> None:
        """Take no note."""

    def fault(self, what: Mapping[str, object]) -> None:
        """Take no note."""


NO_TAP = NullTap()
