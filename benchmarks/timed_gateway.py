"""The real paper gateway on a manual clock, with a stopwatch at its socket.

Both ends of a measurement are stamped by this process: the first when the bar is handed to the
socket, the second when the last byte of the bracket has been read from it. While a bracket is
awaited, what comes in is only counted; the gateway reads it when the last leg is there, so that
its own work on the first legs does not delay the stamp of the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from time import perf_counter_ns
from typing import cast

from apps.paper.clock import ManualClock
from apps.paper.connection import ClientSocket
from apps.paper.limits import NO_LIMITS
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from benchmarks.figures import BenchmarkFailed
from benchmarks.script import BAR_MS, SCRIPT_START, Script, ScriptedMarket

__all__ = ["Stopwatch", "TimedGateway"]

_PREFIX = 4
_PLACE_ORDER = b"3\0"
_PATIENCE_S = 2.0
_CASH = Decimal(1_000_000_000)


class Stopwatch:
    """One measurement at a time: from the next write to the last byte of ``legs`` orders."""

    def __init__(self, legs: int) -> None:
        self._legs = legs
        self._started_ns: int | None = None
        self._stopped: asyncio.Future[int] | None = None

    @property
    def is_waiting(self) -> bool:
        """A measurement is under way."""
        return self._stopped is not None and not self._stopped.done()

    def arm(self) -> None:
        """Begin a measurement with the next write."""
        self._started_ns = None
        self._stopped = asyncio.get_running_loop().create_future()

    def on_write(self, at_ns: int) -> None:
        """Take note that something is being written."""
        if self._started_ns is None:
            self._started_ns = at_ns

    def on_read(self, at_ns: int, unread: bytes) -> bool:
        """Take note of all that has come so far; tell whether the measurement is over."""
        if self._stopped is None or self._started_ns is None or orders_in(unread) < self._legs:
            return False
        self._stopped.set_result(at_ns - self._started_ns)
        return True

    async def taken_ns(self) -> int:
        """Give the time taken, in nanoseconds. Raises BenchmarkFailed when nothing came."""
        if self._stopped is None:
            raise BenchmarkFailed("no measurement was begun")
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await asyncio.shield(self._stopped)
        except TimeoutError:
            raise BenchmarkFailed(f"no bracket came within {_PATIENCE_S:g} s of its bar") from None


class TimedGateway(PaperGateway):
    """A `PaperGateway` that follows a script; ``stopwatch`` times its (only) client."""

    stopwatch: Stopwatch

    @classmethod
    @asynccontextmanager
    async def follow(cls, script: Script, *, legs: int = 3) -> AsyncIterator[TimedGateway]:
        """Serve ``script`` on a free port until the block ends; market time stands still."""
        clock = ManualClock(SCRIPT_START - BAR_MS)
        # the floor subscribes as fast as it can, and the desk checks funds that never run out
        settings = GatewaySettings(limits=NO_LIMITS, cash=_CASH)
        async with cls.open(settings, market=ScriptedMarket(script), clock=clock) as gateway:
            timed = cast("TimedGateway", gateway)
            timed.stopwatch = Stopwatch(legs)
            yield timed

    def _new_socket(self) -> ClientSocket:
        return _TimedSocket(self)


class _TimedSocket(ClientSocket):
    """A client's socket that stamps what goes out and what comes in."""

    def __init__(self, gateway: TimedGateway) -> None:
        super().__init__(gateway)
        self._timed = gateway
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Put the stopwatch between the session and its transport."""
        inner = cast("asyncio.Transport", transport)
        super().connection_made(_StampedTransport(inner, self._timed.stopwatch))

    def data_received(self, data: bytes) -> None:
        """Stamp first; what comes while a bracket is awaited is read when all of it is there."""
        at_ns = perf_counter_ns()
        self._unread += data
        stopwatch = self._timed.stopwatch
        if stopwatch.is_waiting and not stopwatch.on_read(at_ns, self._unread):
            return
        unread, self._unread = self._unread, b""
        super().data_received(unread)


class _StampedTransport(asyncio.Transport):
    """A transport that tells the stopwatch of each write just before it happens."""

    def __init__(self, inner: asyncio.Transport, stopwatch: Stopwatch) -> None:
        super().__init__()
        self._inner = inner
        self._stopwatch = stopwatch

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._stopwatch.on_write(perf_counter_ns())
        self._inner.write(data)

    def is_closing(self) -> bool:
        return self._inner.is_closing()

    def close(self) -> None:
        self._inner.close()

    def abort(self) -> None:
        self._inner.abort()

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size()

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._inner.get_extra_info(name, default)


def orders_in(unread: bytes) -> int:
    """Count the placeOrder messages that have arrived whole.

    >>> frame = (5).to_bytes(4) + b"3" + bytes(1) + b"17" + bytes(1)
    >>> orders_in(frame + frame[:-1]), orders_in(frame + frame)
    (1, 2)
    """
    found, at = 0, 0
    while len(unread) >= at + _PREFIX:
        end = at + _PREFIX + int.from_bytes(unread[at : at + _PREFIX])
        if end > len(unread):
            break
        found += unread.startswith(_PLACE_ORDER, at + _PREFIX)
        at = end
    return found
