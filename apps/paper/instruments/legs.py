"""The legs of a combination."""

from __future__ import annotations

from dataclasses import dataclass

from apps.domain.orders import Side
from apps.paper.instruments.listing import Listing

__all__ = ["Leg"]


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a BAG: ``ratio`` of a listing a unit, on ``side`` when the BAG is bought."""

    listing: Listing
    ratio: int
    side: Side
