"""What this exchange does where IB says nothing, or leaves it to a setting: each choice by name.

At home here: the choices and their defaults, as one value (`ExchangePolicy`), which a command line
or a scenario file can fill by name. What follows from a choice stands where it is carried out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

__all__ = [
    "DEFAULT_POLICY",
    "DEFAULT_RULES",
    "BracketPolicy",
    "ChildArming",
    "CrossSide",
    "DirectRouting",
    "ExchangePolicy",
    "FarLimit",
    "OcaBlocking",
    "OcaReduction",
    "OcaReuse",
    "PartialParentCancel",
    "Precautions",
    "Revision",
    "TifNotice",
]


class ChildArming(Enum):
    """When the children of a bracket begin to work."""

    IN_STEP = "in step with the parent's fills"
    """With the parent's first fill; together they never trade more than it has."""
    WHEN_FILLED = "when the parent is filled"


class PartialParentCancel(Enum):
    """What becomes of the children when a client cancels a partly filled parent."""

    CHILDREN_DIE = "children die"
    """Which leaves the position naked: that is what a desk must be ready for."""
    CHILDREN_STAY = "children stay"
    """Cut to what was filled."""


class OcaBlocking(Enum):
    """What the block of OCA types 1 and 2 comes to, which route one order of a group at a time."""

    UNSEEN = "unseen"
    """Nothing: orders trade one after the other here, so a group is never overfilled anyway."""
    WHILE_PARTLY_FILLED = "while partly filled"
    """Once one order of a group has traded in part, the others wait until it has ended."""


class OcaReduction(Enum):
    """By how much a fill reduces the rest of a named group of type 2 or 3.

    A bracket's implicit group is always reduced by as many as were filled: it protects them.
    """

    BY_SHARE = "by share"
    """Proportionately, as IB says: half of one order filled is half of each of the others gone."""
    BY_QUANTITY = "by quantity"
    """By as many as were filled."""


class OcaReuse(Enum):
    """What becomes of a new order that names a group in which something has traded already."""

    REJECTED = "rejected"
    """201: a group that has done its work takes no more orders."""
    JOINS = "joins"
    """It joins whatever of the group still works."""


class TifNotice(Enum):
    """Who hears that its time in force was set to DAY (10349). The order is live all the same."""

    NOBODY = "nobody"
    WHEN_EMPTY = "when empty"
    """Orders that came without one, as newer gateways do."""
    ALWAYS = "always"
    """DAY orders too that said so themselves: a preset overrides them."""


class DirectRouting(Enum):
    """What becomes of a stock order that names an exchange instead of SMART (10311, 10329)."""

    TAKEN = "taken"
    """Without a word: the warning's precaution is bypassed, as desks set it."""
    WARNED = "warned"
    """Taken, with 10329."""
    REFUSED = "refused"
    """With 10311, as long as the precaution is not bypassed."""


class FarLimit(Enum):
    """What becomes of a limit that lies too far through the market (see `Precautions`)."""

    KEPT = "kept"
    CAPPED = "capped"
    """The order trades no worse than the band's edge; its own price is shown, with a warning."""
    CANCELLED = "cancelled"
    """202, with IB's "too far through the market"."""


class Revision(Enum):
    """What a modification may change, besides sizes, prices, trailing amounts and GTD dates."""

    DOCUMENTED = "documented"
    """DAY to IOC, and nothing else (105)."""
    LENIENT = "lenient"
    """Time in force, outsideRth and conditions too, as the desktop lets a trader do."""


class CrossSide(Enum):
    """Whether an order that would turn a long position short, or a short one long, is told so."""

    WARNED = "warned"
    """With 2137; it is taken all the same."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class BracketPolicy:
    """How parents and children hang together."""

    arming: ChildArming = ChildArming.IN_STEP
    partial_parent_cancel: PartialParentCancel = PartialParentCancel.CHILDREN_DIE


@dataclass(frozen=True, slots=True)
class Precautions:
    """The settings by which a gateway stops orders that look like a slip of the hand.

    None is no limit. Only what goes *through* the market is judged, a limit above the ask for a
    buy: a passive one may be as far away as it likes.

    ``price_percent`` (109, and 163 for a modification) and ``price_ticks`` (382) are distances
    from the touch; an order's overridePercentageConstraints switches the first off. Without a
    market there is nothing to judge by: 164. ``size`` (383) is in shares or contracts, ``value``
    (451) in the listing's currency. ``band_percent`` is how far the broker's servers let a limit
    go before `FarLimit` decides.
    """

    price_percent: Decimal | None = Decimal(100)
    price_ticks: int | None = None
    size: Decimal | None = None
    value: Decimal | None = None
    band_percent: Decimal = Decimal(10)


@dataclass(frozen=True, slots=True)
class ExchangePolicy:
    """All of an exchange's choices. ``hard_to_borrow`` are contract ids without shares to lend."""

    brackets: BracketPolicy = BracketPolicy()
    oca_blocking: OcaBlocking = OcaBlocking.UNSEEN
    oca_reduction: OcaReduction = OcaReduction.BY_SHARE
    oca_reuse: OcaReuse = OcaReuse.REJECTED
    tif_notice: TifNotice = TifNotice.WHEN_EMPTY
    direct_routing: DirectRouting = DirectRouting.TAKEN
    far_limit: FarLimit = FarLimit.KEPT
    revision: Revision = Revision.DOCUMENTED
    cross_side: CrossSide = CrossSide.WARNED
    precautions: Precautions = Precautions()
    hard_to_borrow: frozenset[int] = field(default=frozenset())


DEFAULT_POLICY = BracketPolicy()
"""How brackets behave unless told otherwise."""
DEFAULT_RULES = ExchangePolicy()
"""What every exchange does unless told otherwise."""
