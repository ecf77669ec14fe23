"""The newest price that was seen of each contract, and how old it is on this machine's clock."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import inf

from apps.domain.bars import Bar
from apps.domain.instruments import Instrument
from apps.domain.quotes import Quote
from apps.domain.ticks import to_decimal
from apps.engine.ports import Clock

__all__ = ["LastPrices", "SeenPrice"]

DELAY_S = 900.0
"""How far a delayed quote lies behind the market: IB delays by 10 to 15 minutes."""


@dataclass(frozen=True, slots=True)
class SeenPrice:
    """A price, and the moment that it is of, in seconds of this machine's monotonic clock."""

    price: Decimal
    at_s: float


class LastPrices:
    """Fed by every bar and by the quotes that a trader was shown."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[int, SeenPrice] = {}

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Take the close of a bar that has just come; one without a price says nothing."""
        if 0.0 < bar.close < inf:
            self._see(instrument, to_decimal(bar.close), self._clock.monotonic())

    def on_quote(self, instrument: Instrument, quote: Quote) -> None:
        """Take the last price of a quote, or the middle of its market.

        How old the price of a frozen quote is nobody says, so it is not seen.
        """
        if quote.frozen:
            return
        price = quote.last
        if price is None and quote.bid is not None and quote.ask is not None:
            price = (quote.bid + quote.ask) / 2
        if price is not None and price > 0:
            self._see(instrument, price, quote.received_s - (DELAY_S if quote.delayed else 0.0))

    def newest(self, con_id: int) -> SeenPrice | None:
        """Give what was seen last of a contract; None before the first."""
        return self._seen.get(con_id)

    def _see(self, instrument: Instrument, price: Decimal, at_s: float) -> None:
        known = self._seen.get(instrument.con_id)
        if known is None or known.at_s <= at_s:
            self._seen[instrument.con_id] = SeenPrice(price, at_s)
