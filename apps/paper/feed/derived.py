"""A market with derivatives: options and combinations, priced from another market.

At home here: telling what is derived from what is not. What is not goes through untouched, so this
stands around whatever market a gateway has, made up, replayed or disturbed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from apps.paper.feed.combos import ComboFeed
from apps.paper.feed.market import BarSource, Market, MarketBar, Millis, Print, Touch
from apps.paper.feed.options import OptionFeed
from apps.paper.instruments.combo import combo_named
from apps.paper.instruments.listing import Listing, SecType

__all__ = ["DerivedMarket", "Instruments"]

_FEEDS_KEPT = 2_048
Feed = TypeVar("Feed", OptionFeed, ComboFeed)


class Instruments(Protocol):
    """What derivatives rest on (a `Catalogue` will do)."""

    def by_con_id(self, con_id: int) -> Listing | None:
        """Give the listing with this contract id, if there is one."""


class DerivedMarket:
    """A `Market` that has all that ``market`` has, and its derivatives too."""

    def __init__(self, market: Market, instruments: Instruments) -> None:
        self.underlying = market
        self._instruments = instruments
        self._options: dict[int, OptionFeed] = {}
        self._combos: dict[int, ComboFeed] = {}

    @property
    def version(self) -> int:
        """Number that grows when what was foreseen of the market within is no longer so."""
        version: int = getattr(self.underlying, "version", 0)
        return version

    def touch(self, listing: Listing, at: Millis) -> Touch:
        """Give bid and ask at ``at``; outside the sessions those of the last close."""
        feed = self._derived(listing)
        return self.underlying.touch(listing, at) if feed is None else feed.touch(at)

    def last(self, listing: Listing, at: Millis) -> Print:
        """Give the newest print at or before ``at``; of what is quoted only, the fair price."""
        feed = self._derived(listing)
        return self.underlying.last(listing, at) if feed is None else feed.last(at)

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        """Give the close of the last regular session that ended before the one of ``at``."""
        feed = self._derived(listing)
        if feed is None:
            return self.underlying.previous_close(listing, at)
        return feed.previous_close(at)

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        """Give the prints in ``(after, until]``, oldest first."""
        feed = self._derived(listing)
        if feed is None:
            return self.underlying.prints(listing, after, until)
        return feed.prints(after, until)

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
        """Give the bars that start in ``[start, end)``, oldest first; combinations have none."""
        if listing.sec_type is SecType.OPTION:
            return self.option(listing).bars(source, seconds, start, end)
        if listing.sec_type is SecType.COMBO:
            return ()
        return self.underlying.bars(listing, source, seconds, start, end, regular_only=regular_only)

    def head(self, listing: Listing) -> Millis:
        """Give the time of the oldest bar there is."""
        feed = self._derived(listing)
        return self.underlying.head(listing) if feed is None else feed.head()

    def option(self, listing: Listing) -> OptionFeed:
        """Give an option's own market, with its Greeks. Raises KeyError for what is no option."""
        feed = self._options.get(listing.con_id)
        if feed is None:
            underlying = self._instruments.by_con_id(listing.under_con_id)
            if underlying is None:
                raise KeyError(f"{listing.local_symbol} has no underlying")
            feed = _kept(self._options, listing, OptionFeed(self, listing, underlying))
        return feed

    def _derived(self, listing: Listing) -> OptionFeed | ComboFeed | None:
        if listing.sec_type is SecType.OPTION:
            return self.option(listing)
        return self._combo(listing) if listing.sec_type is SecType.COMBO else None

    def _combo(self, listing: Listing) -> ComboFeed:
        feed = self._combos.get(listing.con_id)
        if feed is None:
            combo = combo_named(listing, self._instruments.by_con_id)
            feed = _kept(self._combos, listing, ComboFeed(self, combo))
        return feed


def _kept(feeds: dict[int, Feed], listing: Listing, feed: Feed) -> Feed:
    """Keep a feed, at the cost of the oldest: it is made again when it is asked for."""
    if len(feeds) >= _FEEDS_KEPT:
        del feeds[next(iter(feeds))]
    feeds[listing.con_id] = feed
    return feed
