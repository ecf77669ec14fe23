"""History that leaves out some of the trades that were seen live, as IB's does.

IB's history excludes trades away from the national best bid and offer, so that its volume is
below that of the live bars. Which prints are left out follows from their time alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from enum import Enum

from apps.paper.feed.chance import STEP, mix
from apps.paper.feed.market import MarketBar, Print
from apps.paper.instruments.listing import Listing

__all__ = ["LARGEST_EXACT_S", "HistoryPolicy", "is_left_out", "thinned", "thinned_roughly"]

LARGEST_EXACT_S = 60
"""Bars up to this size are made anew from the prints that are kept."""

_ONE_IN = 16


class HistoryPolicy(Enum):
    """How the bars and ticks of history relate to what was streamed."""

    EXACT = "exact"
    """They are the same."""
    THINNED = "thinned"
    """One print in sixteen is missing from history.

    Bars of trades up to a minute are made of the prints that are left, so that their highs and
    lows differ too; larger ones keep their prices, and lose a sixteenth of volume and count.
    """


def is_left_out(listing: Listing, trade: Print) -> bool:
    """Tell whether thinned history leaves out a print."""
    return mix(trade.at * STEP ^ listing.con_id) % _ONE_IN == 0


def thinned(listing: Listing, bar: MarketBar, prints: Sequence[Print]) -> MarketBar:
    """Make a bar of trades anew, from those of its ``prints`` that are not left out.

    A bar of which nothing is left is flat at its open, without volume.
    """
    kept = [trade for trade in prints if not is_left_out(listing, trade)]
    omitted = len(prints) - len(kept)
    if not omitted:
        return bar
    if not kept:
        price = bar.open
        return replace(bar, high=price, low=price, close=price, volume=0, wap=price, count=0)
    prices = [trade.price for trade in kept]
    volume = sum(trade.size for trade in kept)
    money = sum((trade.price * trade.size for trade in kept), Decimal(0))
    return replace(
        bar,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=volume,
        wap=round(money / volume, 6) if volume else prices[-1],
        count=max(len(kept), bar.count - omitted),
    )


def thinned_roughly(bar: MarketBar) -> MarketBar:
    """Take a sixteenth off a large bar's volume and count."""
    return replace(
        bar,
        volume=bar.volume - bar.volume // _ONE_IN,
        count=bar.count - bar.count // _ONE_IN,
    )
