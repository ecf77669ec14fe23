"""Combinations: what the touches of its legs come to for a BAG, and what each leg then trades.

Pure rules for one order. A combination trades at its legs' quotes and never rests in a book of its
own: when they come to its price, whole units of it trade, every leg at once and each at its quote.
So a limit is always met or bettered, and the legs' prices add up to the combination's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.exchange.floor.matching import Liquidity, Source, touch_price
from apps.paper.exchange.orders import Order
from apps.paper.instruments.legs import Leg

__all__ = ["LegOffer", "combined_price", "leg_offers", "units_offered"]


@dataclass(frozen=True, slots=True)
class LegOffer:
    """What the market offers one leg: ``side`` and ``price`` are the leg's own."""

    leg: Leg
    side: Side
    price: Decimal


def leg_offers(order: Order, liquidity: Mapping[int, Liquidity]) -> tuple[LegOffer, ...]:
    """Give the legs of an order at their quotes; a sold BAG trades every leg the other way."""
    return tuple(
        LegOffer(leg, side, touch_price(side, liquidity[leg.listing.con_id].touch))
        for leg in order.legs
        for side in [leg.side if order.side is Side.BUY else leg.side.opposite]
    )


def combined_price(order: Order, offers: tuple[LegOffer, ...]) -> Decimal:
    """Give the price of one unit as the BAG counts it: what is paid less what is received."""
    paid = sum((offer.side.sign * offer.leg.ratio * offer.price for offer in offers), Decimal(0))
    return order.side.sign * paid


def units_offered(offers: tuple[LegOffer, ...], liquidity: Mapping[int, Liquidity]) -> Decimal:
    """Give how many whole units every leg still has the size for."""
    return min(
        liquidity[offer.leg.listing.con_id].left(offer.side, Source.TOUCH) // offer.leg.ratio
        for offer in offers
    )
