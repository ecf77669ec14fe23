"""What an order may wait for: prices, times, margin, executions, volumes, changes.

Values, with contracts already found. When a condition holds is judged by the `floor`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.paper.feed.market import Millis
from apps.paper.instruments.listing import Listing

__all__ = [
    "Condition",
    "ExecutionCondition",
    "MarginCondition",
    "PercentChangeCondition",
    "PriceCondition",
    "TimeCondition",
    "VolumeCondition",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Condition:
    """``is_and`` joins this condition with the next one; and binds as it stands, left to right."""

    is_and: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCondition(_Condition):
    """A listing's price is at or beyond ``price``; ``trigger_method`` says which price."""

    listing: Listing
    price: Decimal
    is_more: bool
    trigger_method: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCondition(_Condition):
    """It is later (or earlier) than ``at``."""

    at: Millis
    is_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginCondition(_Condition):
    """The account's margin cushion is at or beyond ``percent``."""

    percent: Decimal
    is_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionCondition(_Condition):
    """Something of this symbol has been executed in the account since the order was placed."""

    symbol: str
    sec_type: str
    exchange: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeCondition(_Condition):
    """The volume of a listing's session is at or beyond ``volume``."""

    listing: Listing
    volume: int
    is_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentChangeCondition(_Condition):
    """A listing's change since the previous close is at or beyond ``change_percent``."""

    listing: Listing
    change_percent: Decimal
    is_more: bool


Condition = (
    PriceCondition
    | TimeCondition
    | MarginCondition
    | ExecutionCondition
    | VolumeCondition
    | PercentChangeCondition
)
