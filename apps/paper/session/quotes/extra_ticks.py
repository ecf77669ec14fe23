"""Ticks of a quote that only some kinds of instruments have: the computations of options.

The seam between quotes and what is known of one kind of instrument only. Whoever knows more adds
a source to `SOURCES`, and it comes with every quote of such a listing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from apps.paper.feed.market import Millis, Touch
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.instruments.options import option_ticks
from apps.paper.wire import Response
from apps.paper.world import World

__all__ = ["SOURCES", "ExtraTicks", "QuoteMoment", "extra_ticks"]


@dataclass(frozen=True, slots=True)
class QuoteMoment:
    """Which quote is told, and of when.

    ``at`` is the market time of ``touch``, already 15 minutes back where it ``is_delayed`` (the
    tick types of delayed data are then wanted). ``generic`` are the generic ticks asked for, by
    IB's number.
    """

    req_id: int
    listing: Listing
    touch: Touch
    at: Millis
    generic: frozenset[int] = frozenset()
    is_delayed: bool = False


ExtraTicks = Callable[[World, QuoteMoment], Iterable[Response]]


def _of_options(world: World, moment: QuoteMoment) -> Iterable[Response]:
    return option_ticks(
        world,
        moment.req_id,
        moment.listing,
        moment.touch,
        moment.at,
        is_delayed=moment.is_delayed,
    )


SOURCES: tuple[ExtraTicks, ...] = (_of_options,)
"""Asked with the whole quote, and after each change of it."""


def extra_ticks(world: World, moment: QuoteMoment) -> Iterator[Response]:
    """Give what every source has to say of a quote."""
    for source in SOURCES:
        yield from source(world, moment)
