"""The pinned list of features: each is a small check, a function that takes a `Bench`.

A check makes its own connections, says what must come back, and raises AssertionError where it
does not. What it does not say but holds for every check: no message is left half read, no error
is logged, and no error is heard that the check did not wait for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from tests.conformance.client import Client, Timeouts
from tests.conformance.gateway_process import Address, World

__all__ = ["CLOSING", "EARLY", "MASTER", "SESSION", "Bench", "Check", "Feature", "Part"]

_RICH = ("--cash", "100000000", "--master-client", "999")

MASTER = 999
"""The client id that hears of all clients' orders."""

SESSION = World("2026-11-19T14:35:00+00:00", speed=60, options=_RICH)
"""A regular session, five minutes after its open; a minute a second."""

EARLY = World("2026-11-19T12:00:00+00:00", speed=60, options=_RICH)
"""Two and a half hours before an open."""

CLOSING = World("2026-11-19T20:50:00+00:00", speed=300, options=_RICH)
"""Ten minutes before a close; five minutes a second."""


class Bench(Protocol):
    """What a check works with."""

    client_name: str
    """ib_insync, ib_async, ibapi or nautilus."""
    is_asyncio: bool
    """Whether it is ib_insync or ib_async, which turn times of executions to datetimes."""
    address: Address
    clients: list[Client]
    """Those that were made so far, also one that was turned away."""

    async def connect(
        self,
        client_id: int | None = None,
        *,
        within_s: float = Timeouts.CONNECT_S,
        to: Address | None = None,
    ) -> Client:
        """Give a connected client, with an id of its own unless one is asked for."""

    def gateway(self, world: World) -> AbstractAsyncContextManager[Address]:
        """Start a gateway of this check's own."""

    def tolerate(self, *logged: str) -> None:
        """Allow the library to log errors that hold one of these texts."""


Check = Callable[[Bench], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Feature:
    """A row of the table: its name, the part it belongs to, and the check that proves it."""

    part: str
    name: str
    check: Check
    world: World

    @property
    def key(self) -> str:
        """Its part and its name, under which results are kept."""
        return f"{self.part}: {self.name}"


class Part:
    """A part of the table. Its features are the functions marked with ``feature``, in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.features: list[Feature] = []

    def feature(self, name: str, *, world: World = SESSION) -> Callable[[Check], Check]:
        """Put a check on the list. Raises ValueError for a name that is taken."""

        def listed(check: Check) -> Check:
            if any(name == known.name for known in self.features):
                raise ValueError(f"two checks are named {self.name}: {name}")
            self.features.append(Feature(self.name, name, check, world))
            return check

        return listed
