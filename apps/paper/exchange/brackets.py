"""Parents, children and one-cancels-all groups: what happening to one order does to its kin.

Pure: each function reads the book and gives a list of consequences; `floor` carries them out. What
IB leaves undocumented is chosen by name in `policies`. By default children are armed in step with
their parent's fills, and together never trade more than it has; a client's cancellation of a
partly filled parent kills them. A parent that ends by itself (DAY is over, IOC remainder) or is
reduced to what is filled keeps its children, cut to that size.

A bracket's children are an implicit OCA group of type 3: a fill of one takes as much from the
others, and blocks nothing. A child that a client cancels takes its siblings with it. The name of
a group that a child carries of its own counts only once its parent has let it begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

from apps.paper.exchange.book.book import Book
from apps.paper.exchange.orders import OCA_CANCEL, OCA_REDUCE, OrderKey, OrderSnapshot, Stage
from apps.paper.exchange.policies import (
    DEFAULT_POLICY,
    BracketPolicy,
    ChildArming,
    ExchangePolicy,
    OcaBlocking,
    OcaReduction,
    PartialParentCancel,
)

__all__ = [
    "DEFAULT_POLICY",
    "Arm",
    "BracketPolicy",
    "Cancel",
    "ChildArming",
    "Consequence",
    "Ending",
    "PartialParentCancel",
    "Resize",
    "after_end",
    "after_fill",
    "after_shrink",
    "awaits_parent",
    "fillable",
]


class Ending(Enum):
    """Why an order ended unfilled; the value is the reason in IB's 202."""

    BY_CLIENT = ""
    EXPIRED = "The order's time in force is over"
    IOC_REMAINDER = "Immediate-or-cancel: the remainder was not filled"
    FOK_REMAINDER = "Fill-or-kill: there was not enough to fill it whole"
    OPENING_REMAINDER = "At the opening: the remainder was not filled"
    BY_CONDITION = "The conditions for its cancellation hold"
    WITH_PARENT = "Parent order is cancelled"
    TOO_FAR = "The limit price is too far through the market"
    BY_OCA = "One-cancels-all: another order of the group has done it"


@dataclass(frozen=True, slots=True)
class Cancel:
    """An order ends."""

    key: OrderKey
    ending: Ending


@dataclass(frozen=True, slots=True)
class Resize:
    """An order's total size becomes ``quantity``; ``given_up`` is added to what OCA took of it."""

    key: OrderKey
    quantity: Decimal
    given_up: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Arm:
    """A child's parent has traded: it may begin."""

    key: OrderKey


Consequence = Cancel | Resize | Arm

_BLOCKING = frozenset({1, 2})
"""OCA types that route one order of a group at a time."""


def awaits_parent(parent: OrderSnapshot | None, policy: ExchangePolicy) -> bool:
    """Tell whether a child with this parent must wait."""
    if parent is None or parent.stage.is_done:
        return False
    return parent.filled == 0 or policy.brackets.arming is ChildArming.WHEN_FILLED


def fillable(book: Book, snapshot: OrderSnapshot, policy: ExchangePolicy) -> Decimal:
    """Give how many this order may trade now.

    Never more than a working parent has traded, and nothing while its group is blocked.
    """
    if policy.oca_blocking is OcaBlocking.WHILE_PARTLY_FILLED and _is_blocked(book, snapshot):
        return Decimal(0)
    parent = book.parent(snapshot.order)
    if parent is None or parent.stage.is_done:
        return snapshot.remaining
    spent = sum((child.filled for child in book.children(parent.key)), Decimal(0))
    return max(Decimal(0), min(snapshot.remaining, parent.filled - spent))


def after_fill(
    book: Book, snapshot: OrderSnapshot, quantity: Decimal, policy: ExchangePolicy
) -> list[Consequence]:
    """Say what a fill of ``quantity`` leads to; ``snapshot`` is the order after it."""
    arms: list[Consequence] = []
    if not awaits_parent(snapshot, policy):
        arms += [Arm(child.key) for child in _waiting(book, snapshot.key)]
    return arms + [
        _after_kins_fill(snapshot, other, quantity, policy)
        for other in book.oca_rest(snapshot)
        if other.stage.is_alive and _is_bound(snapshot, other)
    ]


def after_end(
    book: Book, snapshot: OrderSnapshot, ending: Ending, policy: ExchangePolicy
) -> list[Consequence]:
    """Say what an order's end without its whole fill leads to."""
    children = _alive(book.children(snapshot.key))
    if snapshot.filled == 0 or _kills_children(ending, policy):
        consequences: list[Consequence] = [Cancel(key, Ending.WITH_PARENT) for key in children]
    else:
        consequences = after_shrink(book, snapshot)
    if snapshot.order.parent_key is not None and ending is Ending.BY_CLIENT:
        siblings = _alive(book.children(snapshot.order.parent_key))
        consequences += [Cancel(key, Ending.BY_OCA) for key in siblings if key != snapshot.key]
    return consequences


def after_shrink(book: Book, parent: OrderSnapshot) -> list[Consequence]:
    """Cut the children to a parent's smaller size, and arm them if it has ended with a fill."""
    size = parent.filled if parent.stage.is_done else parent.order.quantity
    children = [child for child in book.children(parent.key) if child.stage.is_alive]
    cuts: list[Consequence] = [
        _fitted(child, size) for child in children if child.order.quantity + child.given_up > size
    ]
    if parent.stage.is_done:
        cuts += [Arm(child.key) for child in _waiting(book, parent.key)]
    return cuts


def _kills_children(ending: Ending, policy: ExchangePolicy) -> bool:
    dies = policy.brackets.partial_parent_cancel is PartialParentCancel.CHILDREN_DIE
    return dies and ending is Ending.BY_CLIENT


def _waiting(book: Book, parent: OrderKey) -> list[OrderSnapshot]:
    return [child for child in book.children(parent) if child.stage is Stage.AWAITS_PARENT]


def _alive(orders: list[OrderSnapshot]) -> list[OrderKey]:
    return [order.key for order in orders if order.stage.is_alive]


def _are_siblings(one: OrderSnapshot, other: OrderSnapshot) -> bool:
    return one.order.parent_key is not None and one.order.parent_key == other.order.parent_key


def _share_group(one: OrderSnapshot, other: OrderSnapshot) -> bool:
    return bool(one.order.oca_group) and one.order.oca_group == other.order.oca_group


def _is_bound(one: OrderSnapshot, other: OrderSnapshot) -> bool:
    """Tell whether a fill of ``one`` concerns ``other``: a child's own group waits as it does."""
    return _are_siblings(one, other) or other.stage is not Stage.AWAITS_PARENT


def _is_blocked(book: Book, snapshot: OrderSnapshot) -> bool:
    return any(
        other.filled and other.stage.is_alive and other.oca_type in _BLOCKING
        for other in book.oca_rest(snapshot)
        if _share_group(snapshot, other)
    )


def _after_kins_fill(
    filled: OrderSnapshot, other: OrderSnapshot, quantity: Decimal, policy: ExchangePolicy
) -> Consequence:
    """Say what a fill of a sibling, or of an order of the same named group, does to ``other``."""
    named = _share_group(filled, other)
    if (filled.oca_type if named else OCA_REDUCE) == OCA_CANCEL:
        return Cancel(other.key, Ending.BY_OCA)
    by_share = policy.oca_reduction is OcaReduction.BY_SHARE
    if named and by_share and not _are_siblings(filled, other):
        before = filled.remaining + quantity
        step = other.order.listing.size_increment
        shares = other.remaining * quantity / before / step
        quantity = shares.to_integral_value(ROUND_HALF_UP) * step
    cut = min(quantity, other.remaining)
    return _resized(other, other.order.quantity - cut, given_up=cut)


def _fitted(child: OrderSnapshot, size: Decimal) -> Consequence:
    return _resized(child, max(child.filled, size - child.given_up), given_up=Decimal(0))


def _resized(order: OrderSnapshot, quantity: Decimal, *, given_up: Decimal) -> Consequence:
    """A size of nothing at all is an end: the order is shown as it was, and cancelled."""
    if quantity == 0:
        return Cancel(order.key, Ending.BY_OCA)
    return Resize(order.key, quantity, given_up)
