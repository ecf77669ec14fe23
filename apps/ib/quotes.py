"""A running quote: ticks as they come, a `Quote` when somebody looks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from apps.domain.quotes import Quote
from apps.engine.ports import Clock
from apps.ib.translate import exact_or_none

__all__ = ["LiveQuote"]

# tick types, live and delayed: (price field, size field)
_PRICES = {
    1: ("bid", "bid_size"),
    2: ("ask", "ask_size"),
    4: ("last", None),
    9: ("close", None),
    66: ("bid", "bid_size"),
    67: ("ask", "ask_size"),
    68: ("last", None),
    75: ("close", None),
}
_SIZES = {0: "bid_size", 3: "ask_size", 69: "bid_size", 70: "ask_size"}
_HALTED = 49
_FROZEN_TYPES = (2, 4)
_DELAYED_TYPES = (3, 4)
_NO_PRICE = 1e300
"""From here on a price is IB's word for "unset", or infinite."""


@dataclass(slots=True)
class _Fields:
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    close: float | None = None
    bid_size: float | None = None
    ask_size: float | None = None


class LiveQuote:
    """Takes the ticks of one request; ``needs`` names the prices that make it complete."""

    def __init__(self, clock: Clock, needs: frozenset[str]) -> None:
        self._clock = clock
        self._missing = set(needs)
        self._fields = _Fields()
        self._received_s: float | None = None
        self._halted = False
        self._delayed = False
        self._frozen = False
        self._quote: Quote | None = None
        self.snapshot_ended = False
        self.settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the quote is complete, its snapshot has ended, or IB refused it."""

    def latest(self) -> Quote | None:
        """Give the newest quote, or None while nothing came."""
        if self._quote is None and self._received_s is not None:
            self._quote = self._made(self._received_s)
        return self._quote

    def on_price(self, tick_type: int, price: float, size: float) -> None:
        """Take a price with its size; −1, NaN, what is unset, or 0 of a size of 0 is no price."""
        names = _PRICES.get(tick_type)
        if names is None:
            return
        known = 0 < price < _NO_PRICE
        setattr(self._fields, names[0], price if known else None)
        if names[1] is not None:
            setattr(self._fields, names[1], size if known else None)
        self._delayed = self._delayed or tick_type >= 66
        self._touch()
        if known:
            self._missing.discard(names[0])
            if not self._missing:
                self._settle()

    def on_size(self, tick_type: int, size: float) -> None:
        """Take a size alone."""
        name = _SIZES.get(tick_type)
        if name is not None:
            setattr(self._fields, name, size)
            self._touch()

    def on_value(self, tick_type: int, value: float) -> None:
        """Take a halt (1 regulatory, 2 volatility) or its end."""
        if tick_type == _HALTED:
            self._halted = value > 0
            self._touch()

    def on_data_type(self, market_data_type: int) -> None:
        """Take whether the ticks are live, delayed, or of the last close."""
        self._delayed = market_data_type in _DELAYED_TYPES
        self._frozen = market_data_type in _FROZEN_TYPES
        self._quote = None

    def on_snapshot_end(self) -> None:
        """Take the end of a quote asked for once."""
        self.snapshot_ended = True
        self._settle()

    def refuse(self, error: Exception) -> None:
        """Take IB's refusal."""
        if not self.settled.done():
            self.settled.set_exception(error)
            self.settled.exception()  # a running quote has nobody who awaits it

    def _settle(self) -> None:
        if not self.settled.done():
            self.settled.set_result(None)

    def _touch(self) -> None:
        self._received_s = self._clock.monotonic()
        self._quote = None

    def _made(self, received_s: float) -> Quote:
        fields = self._fields
        return Quote(
            bid=exact_or_none(fields.bid),
            ask=exact_or_none(fields.ask),
            last=exact_or_none(fields.last),
            close=exact_or_none(fields.close),
            bid_size=exact_or_none(fields.bid_size),
            ask_size=exact_or_none(fields.ask_size),
            received_s=received_s,
            halted=self._halted,
            delayed=self._delayed,
            frozen=self._frozen,
        )
