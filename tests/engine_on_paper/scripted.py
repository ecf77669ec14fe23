"""A market that stands where the test puts it, and a wire that the test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Self

from apps.paper.feed.market import BarSource, MarketBar, Millis, Print, Touch
from apps.paper.instruments.listing import Listing

__all__ = ["BAR_MS", "ScriptedMarket", "Wire"]

BAR_MS = 5_000


class ScriptedMarket:
    """Touches and bars by symbol. What is not scripted stands at 190.39 / 190.41."""

    def __init__(self) -> None:
        self.touches: dict[str, Touch] = {}
        self.made: dict[str, list[MarketBar]] = {}
        self.printed: dict[str, list[Print]] = {}

    def put(self, symbol: str, bid: str, ask: str, size: int = 1000) -> None:
        self.touches[symbol] = Touch(Decimal(bid), Decimal(ask), size, size)

    def bar(self, symbol: str, start: Millis, open_: str, close: str, count: int = 7) -> None:
        prices = Decimal(open_), Decimal(close)
        bar = MarketBar(start, 5, prices[0], max(prices), min(prices), prices[1], 900, prices[1], 7)
        if count != bar.count:
            bar = MarketBar(start, 5, *prices, *prices, 0, prices[1], count)
        self.made.setdefault(symbol, []).append(bar)

    # what the gateway asks

    def touch(self, listing: Listing, at: Millis) -> Touch:
        stands = Touch(Decimal("190.39"), Decimal("190.41"), 1000, 1000)
        return self.touches.get(listing.symbol, stands)

    def last(self, listing: Listing, at: Millis) -> Print:
        earlier = [each for each in self.printed.get(listing.symbol, ()) if each.at <= at]
        return earlier[-1] if earlier else Print(at - 1, Decimal("190.40"), 100)

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        return Decimal("190.00")

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        return ()  # the test brings each of them to the exchange itself

    def bars(
        self,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,
    ) -> Sequence[MarketBar]:
        made = self.made.get(listing.symbol, ())
        return [bar for bar in made if seconds == bar.seconds and start <= bar.start < end]

    def head(self, listing: Listing) -> Millis:
        return 0


class Wire:
    """A loopback port before the gateway's; what runs through it can be lost, and cut."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.loses_answers = False
        self.holds_on = False
        """The gateway's side of a cut connection stays open: it has not noticed."""
        self.before_request: Callable[[bytes], bool] = _passes
        """Told of what is on its way to the gateway; False loses it."""
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._held: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        self.let_go()
        for pipe in tuple(self._pipes):
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Cut every connection, without a word."""
        while self._writers:
            self._writers.pop().transport.abort()

    def let_go(self) -> None:
        """Let the gateway notice what was cut."""
        self.holds_on = False
        while self._held:
            self._held.pop().transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            to_gateway, from_gateway = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._held.add(from_gateway)
        for pipe in (
            self._ask(reader, writer, from_gateway),
            self._answer(to_gateway, writer, from_gateway),
        ):
            task = asyncio.create_task(pipe)
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)

    async def _ask(
        self,
        source: asyncio.StreamReader,
        desk: asyncio.StreamWriter,
        gateway: asyncio.StreamWriter,
    ) -> None:
        with suppress(ConnectionError):
            while some := await source.read(65_536):
                if self.before_request(some):
                    gateway.write(some)
        desk.close()
        if not self.holds_on:
            gateway.transport.abort()

    async def _answer(
        self,
        source: asyncio.StreamReader,
        desk: asyncio.StreamWriter,
        gateway: asyncio.StreamWriter,
    ) -> None:
        with suppress(ConnectionError):
            while some := await source.read(65_536):
                if not self.loses_answers:
                    desk.write(some)
        desk.close()
        gateway.close()


def _passes(_: bytes) -> bool:
    return True
