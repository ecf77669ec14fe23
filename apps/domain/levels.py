"""Price levels as a trader gives them, and the direction in which they break.

At home here: reading ``190.5``, ``+0.05%``, ``-0.3%``; turning that into a price on the tick; and
which way a level is broken. What happens when it breaks is `apps.domain.breakout`'s.

A level off the tick is moved outward (up for a long, down for a short). That changes nothing in
its meaning: prices are compared on the tick, and the first tick at or above 190.505 is 190.51.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.domain.errors import InvalidInput
from apps.domain.numerals import parse_number, plain
from apps.domain.orders import Side
from apps.domain.ticks import TickRule

__all__ = ["MAX_PRICE", "Direction", "Level", "LevelSpec", "parse_direction"]

MAX_PRICE = Decimal(1_000_000)
"""No US share trades above it: a larger number is a slip of the hand."""

_LOWEST_OFFSET_PCT = Decimal(-99)
_HIGHEST_OFFSET_PCT = Decimal(100)


class Direction(Enum):
    """The way a level is broken; the value is the word that is typed and shown."""

    LONG = "long"
    SHORT = "short"

    @property
    def entry_side(self) -> Side:
        """The side of the order that enters."""
        return Side.BUY if self is Direction.LONG else Side.SELL

    def reaches(self, price: Decimal, level: Decimal) -> bool:
        """Tell whether ``price`` is at or beyond ``level``; both on the tick."""
        return price >= level if self is Direction.LONG else price <= level


@dataclass(frozen=True, slots=True)
class Level:
    """A price on the tick and the direction in which it is to be broken."""

    price: Decimal
    direction: Direction


@dataclass(frozen=True, slots=True)
class LevelSpec:
    """A level as it was given: ``price``, or ``offset_pct`` percent from the last price.

    Exactly one of the two is set.

    >>> LevelSpec.parse("+0.05%").resolve(Decimal("190.00"), TickRule.of("0.01"))
    Level(price=Decimal('190.10'), direction=<Direction.LONG: 'long'>)
    """

    price: Decimal | None = None
    offset_pct: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.price is None) == (self.offset_pct is None):
            raise InvalidInput("a level is either a price or a percentage of the last price.")
        if self.price is not None and not 0 < self.price <= MAX_PRICE:
            raise InvalidInput(
                f"the level {plain(self.price)} cannot be: a price is above 0 and at most "
                f"{plain(MAX_PRICE)}."
            )
        if self.offset_pct is not None:
            _check_offset(self.offset_pct)

    @classmethod
    def parse(cls, text: str) -> LevelSpec:
        """Read ``190.5``, ``+0.05%`` or ``-0.3%``. Raises InvalidInput."""
        typed = text.strip()
        if not typed.endswith("%"):
            return cls(price=parse_number(typed, "the level"))
        offset_pct = parse_number(typed[:-1], "the level's percentage")
        if typed[0].isdigit() or typed[0] == ".":
            raise InvalidInput(
                f"the level {typed} does not say which way: write +{typed} for above the last "
                f"price or -{typed} for below it."
            )
        return cls(offset_pct=offset_pct)

    def resolve(self, last: Decimal, ticks: TickRule, direction: Direction | None = None) -> Level:
        """Give the level's price on the tick, and its direction.

        Without ``direction`` a level above ``last`` is a long, one below it a short. Raises
        InvalidInput where ``last`` is no price, or already at or beyond the level.
        """
        if not last.is_finite() or last <= 0:
            raise InvalidInput(f"there is no last price to measure the level by (it reads {last}).")
        asked = self._asked_price(last)
        towards = direction or _inferred(asked, last)
        price = ticks.up(asked) if towards is Direction.LONG else ticks.down(asked)
        if price <= 0:
            raise InvalidInput(f"the level {plain(asked)} is below the smallest price there is.")
        if towards.reaches(ticks.nearest(last), price):
            raise InvalidInput(_already_broken(price, last, towards))
        return Level(price, towards)

    def _asked_price(self, last: Decimal) -> Decimal:
        if self.price is not None:
            return self.price
        return last * (1 + (self.offset_pct or Decimal(0)) / 100)

    def __str__(self) -> str:
        if self.price is not None:
            return plain(self.price)
        offset_pct = self.offset_pct or Decimal(0)
        return f"{'+' if offset_pct > 0 else ''}{plain(offset_pct)}%"


def parse_direction(text: str) -> Direction:
    """Read ``long`` or ``short``. Raises InvalidInput."""
    try:
        return Direction(text.strip().lower())
    except ValueError:
        raise InvalidInput(f"the direction {text!r} is neither long nor short.") from None


def _check_offset(offset_pct: Decimal) -> None:
    if not offset_pct:
        raise InvalidInput("a level of 0% is the last price itself: give one above or below it.")
    if not _LOWEST_OFFSET_PCT <= offset_pct <= _HIGHEST_OFFSET_PCT:
        raise InvalidInput(
            f"the level {plain(offset_pct)}% cannot be: give a percentage of the last price from "
            f"{plain(_LOWEST_OFFSET_PCT)}% to +{plain(_HIGHEST_OFFSET_PCT)}%."
        )


def _inferred(asked: Decimal, last: Decimal) -> Direction:
    return Direction.LONG if asked >= last else Direction.SHORT


def _already_broken(level: Decimal, last: Decimal, direction: Direction) -> str:
    where, wanted = ("above", "above") if direction is Direction.LONG else ("below", "below")
    position = "at" if level == last else f"already {where}"
    return (
        f"the last price {plain(last)} is {position} the level {plain(level)}: a "
        f"{direction.value} breakout needs a level {wanted} the last price."
    )
