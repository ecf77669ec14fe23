"""Ticks of trades, quotes and midpoints: the same whether they stream or come from history.

At home here: what is a tick of which kind, and collecting those of the past, up to a number and
then to the end of a second. How they are asked for stands in `tick_by_tick` and
`historical_ticks`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from apps.paper.feed.market import Millis, Print, Touch
from apps.paper.feed.thinned import HistoryPolicy, is_left_out
from apps.paper.instruments.catalogue import Listing
from apps.paper.prints import open_windows, open_windows_back, quote_changes
from apps.paper.session.instruments.contracts import has_quotes, has_trades
from apps.paper.session.quotes.smart import traded_at
from apps.paper.wire import (
    HistoricalTick,
    HistoricalTickBidAsk,
    HistoricalTicks,
    HistoricalTicksBidAsk,
    HistoricalTicksTrades,
    HistoricalTickTrade,
)
from apps.paper.world import World

__all__ = ["PastTicks", "Tick", "TickKind", "TickReader", "past_ticks"]

_WINDOW_MS = 60_000
"""How much of the past is read in one go: some milliseconds of work, and whole seconds where the
start or the end is one, as those of requests are."""

_FARTHEST_MS = 14 * 86_400_000
"""How far to look for ticks where there are none."""

PastTicks = HistoricalTicks | HistoricalTicksBidAsk | HistoricalTicksTrades


class TickKind(Enum):
    """What a tick tells of; the value is IB's whatToShow."""

    TRADES = "TRADES"
    BID_ASK = "BID_ASK"
    MIDPOINT = "MIDPOINT"

    def exists_for(self, listing: Listing) -> bool:
        """Tell whether an instrument has such ticks."""
        return has_trades(listing) if self is TickKind.TRADES else has_quotes(listing)


class Tick(NamedTuple):
    """A moment, and what it brought: a trade, or a new quote."""

    at: Millis
    trade: Print | None
    touch: Touch | None


@dataclass(frozen=True, slots=True)
class TickReader:
    """Reads the ticks of one listing and kind; ``ignore_size`` leaves out changes of size only."""

    world: World
    listing: Listing
    kind: TickKind
    ignore_size: bool = False

    def of_prints(self, prints: Sequence[Print]) -> list[Tick]:
        """Give the ticks that come of prints."""
        if self.kind is TickKind.TRADES:
            return [Tick(trade.at, trade, None) for trade in prints]
        changed = quote_changes(self.world.market, self.listing, prints)
        if self.kind is TickKind.MIDPOINT:
            return [Tick(each.at, None, each.touch) for each in changed if each.moved_middle]
        return [
            Tick(each.at, None, each.touch)
            for each in changed
            if each.moved_price or not self.ignore_size
        ]

    def forward(
        self, start: Millis, number: int, *, regular_only: bool
    ) -> Generator[None, None, list[Tick]]:
        """Collect ``number`` ticks from ``start`` on, and the rest of the last one's second."""
        end = min(self.world.now, start + _FARTHEST_MS)
        found: list[Tick] = []
        calendar = self.world.calendar
        start = max(start, self.world.market.head(self.listing))
        for opens, closes in open_windows(
            calendar, self.listing, start, end, _WINDOW_MS, regular_only=regular_only
        ):
            if len(found) >= number:
                break
            found += self._between(opens, closes)
            yield
        if len(found) > number:
            last_s = found[number - 1].at // 1000
            found = [tick for tick in found if tick.at // 1000 <= last_s]
        return found

    def backward(
        self, end: Millis, number: int, *, regular_only: bool
    ) -> Generator[None, None, list[Tick]]:
        """Collect the last ``number`` ticks before ``end``, and the rest of the first's second."""
        end = min(self.world.now + 1, end)
        start = max(self.world.market.head(self.listing), end - _FARTHEST_MS)
        found: list[Tick] = []
        for opens, closes in open_windows_back(
            self.world.calendar, self.listing, start, end, _WINDOW_MS, regular_only=regular_only
        ):
            if len(found) >= number:
                break
            found = self._between(opens, closes) + found
            yield
        if len(found) > number:
            first_s = found[-number].at // 1000
            found = [tick for tick in found if tick.at // 1000 >= first_s]
        return found

    def _between(self, start: Millis, end: Millis) -> list[Tick]:
        """Give the ticks of ``[start, end)`` as history has them."""
        prints = self.world.market.prints(self.listing, start - 1, end - 1)
        thins = self.world.vendor.history_policy is HistoryPolicy.THINNED
        if thins and self.kind is TickKind.TRADES:
            prints = [trade for trade in prints if not is_left_out(self.listing, trade)]
        return self.of_prints(prints)


def past_ticks(req_id: int, listing: Listing, kind: TickKind, ticks: Sequence[Tick]) -> PastTicks:
    """Give ticks in the wire's words for history."""
    if kind is TickKind.TRADES:
        trades = [tick.trade for tick in ticks if tick.trade is not None]
        return HistoricalTicksTrades(
            req_id,
            tuple(
                HistoricalTickTrade(
                    trade.at // 1000,
                    trade.price,
                    trade.size,
                    exchange=traded_at(listing, trade.at),
                )
                for trade in trades
            ),
        )
    quotes = [(tick.at // 1000, tick.touch) for tick in ticks if tick.touch is not None]
    if kind is TickKind.MIDPOINT:
        return HistoricalTicks(
            req_id, tuple(HistoricalTick(at, (each.bid + each.ask) / 2) for at, each in quotes)
        )
    return HistoricalTicksBidAsk(
        req_id,
        tuple(
            HistoricalTickBidAsk(at, each.bid, each.ask, each.bid_size, each.ask_size)
            for at, each in quotes
        ),
    )
