"""Parents, children and one-cancels-all groups: what happening to one order does to its kin.

Pure: each function reads the book and gives a list of consequences; `floor` carries them out. What
IB leaves undocumented is a named policy here:

- `ChildArming`: when children begin to work. By default in step: they are armed by the parent's
  first fill, and together never trade more than it has.
- `PartialParentCancel`: what a client's cancellation of a partly filled parent does. By default
  its children die with it, which leaves the position naked: that is what a desk must be ready
  for. A parent that ends by itself (DAY is over, IOC remainder) or is reduced to what is filled
  keeps its children, cut to that size.

A bracket's children are an implicit OCA group of type 3: a fill of one takes as much from the
others, and blocks nothing. A child that a client cancels takes its siblings with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.paper.exchange.book import Book
from apps.paper.exchange.orders import OCA_CANCEL, OrderKey, OrderSnapshot, Stage

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


class ChildArming(Enum):
    """When the children of a bracket begin to work."""

    IN_STEP = "in step with the parent's fills"
    WHEN_FILLED = "when the parent is filled"


class PartialParentCancel(Enum):
    """What becomes of the children when a client cancels a partly filled parent."""

    CHILDREN_DIE = "children die"
    CHILDREN_STAY = "children stay"


@dataclass(frozen=True, slots=True)
class BracketPolicy:
    """What this exchange does where IB says nothing."""

    arming: ChildArming = ChildArming.IN_STEP
    partial_parent_cancel: PartialParentCancel = PartialParentCancel.CHILDREN_DIE


DEFAULT_POLICY = BracketPolicy()
"""What every exchange does unless told otherwise."""


class Ending(Enum):
    """Why an order ended unfilled; the value is the reason in IB's 202."""

    BY_CLIENT = ""
    EXPIRED = "The order's time in force is over"
    IOC_REMAINDER = "Immediate-or-cancel: the remainder was not filled"
    WITH_PARENT = "Parent order is cancelled"
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


def awaits_parent(parent: OrderSnapshot | None, policy: BracketPolicy) -> bool:
    """Tell whether a child with this parent must wait."""
    if parent is None or parent.stage.is_done:
        return False
    return parent.filled == 0 or policy.arming is ChildArming.WHEN_FILLED


def fillable(book: Book, snapshot: OrderSnapshot) -> Decimal:
    """Give how many this order may trade now: never more than a working parent has traded."""
    parent = book.parent(snapshot.order)
    if parent is None or parent.stage.is_done:
        return snapshot.remaining
    spent = sum((child.filled for child in book.children(parent.key)), Decimal(0))
    return max(Decimal(0), min(snapshot.remaining, parent.filled - spent))


def after_fill(
    book: Book, snapshot: OrderSnapshot, quantity: Decimal, policy: BracketPolicy
) -> list[Consequence]:
    """Say what a fill of ``quantity`` leads to; ``snapshot`` is the order after it."""
    arms: list[Consequence] = []
    if not awaits_parent(snapshot, policy):
        arms += [Arm(child.key) for child in _waiting(book, snapshot.key)]
    return arms + [
        Cancel(other.key, Ending.BY_OCA)
        if snapshot.oca_type == OCA_CANCEL
        else _reduced(other, quantity)
        for other in book.oca_rest(snapshot)
        if other.stage.is_alive
    ]


def after_end(
    book: Book, snapshot: OrderSnapshot, ending: Ending, policy: BracketPolicy
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


def _kills_children(ending: Ending, policy: BracketPolicy) -> bool:
    dies = policy.partial_parent_cancel is PartialParentCancel.CHILDREN_DIE
    return dies and ending is Ending.BY_CLIENT


def _waiting(book: Book, parent: OrderKey) -> list[OrderSnapshot]:
    return [child for child in book.children(parent) if child.stage is Stage.AWAITS_PARENT]


def _alive(orders: list[OrderSnapshot]) -> list[OrderKey]:
    return [order.key for order in orders if order.stage.is_alive]


def _reduced(other: OrderSnapshot, quantity: Decimal) -> Consequence:
    cut = min(quantity, other.remaining)
    return _resized(other, other.order.quantity - cut, given_up=cut)


def _fitted(child: OrderSnapshot, size: Decimal) -> Consequence:
    return _resized(child, max(child.filled, size - child.given_up), given_up=Decimal(0))


def _resized(order: OrderSnapshot, quantity: Decimal, *, given_up: Decimal) -> Consequence:
    """A size of nothing at all is an end: the order is shown as it was, and cancelled."""
    if quantity == 0:
        return Cancel(order.key, Ending.BY_OCA)
    return Resize(order.key, quantity, given_up)
