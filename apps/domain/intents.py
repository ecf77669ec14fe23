"""Order references: the name that an intent carries on each of its orders.

IB keeps an order's reference and gives it back with every execution, so it is how orders are
found again when everything else was lost. Form: ``BD-<yyyymmdd>-<label>-<suffix>``, where the
label says who wanted it (a watcher, or ``bracket``) and the injected suffix makes it unique.

Orders that trade for the account as a whole have labels of their own (`AccountLabel`): they are
given by this program, and are no part of what the desk holds by its brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum

from apps.domain.errors import InvalidInput

__all__ = ["MAX_ORDER_REF", "AccountLabel", "OrderRef", "is_for_account", "is_of_desk", "is_ours"]

MAX_ORDER_REF = 40
"""Longest reference that is sent, in ASCII characters: IB documents no limit, TWS shows these."""


class AccountLabel(Enum):
    """Who trades for the account as a whole; the value is the label in the reference."""

    ALLOCATION = "alloc"
    CASH = "cash"
    CLOSING = "all"


_ACCOUNT_LABELS = frozenset(each.value for each in AccountLabel)
_PREFIX = "BD"
_FORM = re.compile(r"BD-([0-9]{8})-([a-z0-9]{1,12})-([a-z0-9]{4,14})")


@dataclass(frozen=True, slots=True)
class OrderRef:
    """One intent's name: the market's day, the label, the suffix. ``str`` gives what is sent.

    ``label`` is 1–12, ``suffix`` 4–14 of a–z and 0–9. Raises InvalidInput.

    >>> str(OrderRef(date(2026, 11, 20), "w1", "k3f9a2"))
    'BD-20261120-w1-k3f9a2'
    """

    day: date
    label: str
    suffix: str

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(str(self)):
            raise InvalidInput(f"the order reference {str(self)!r} cannot be sent.")

    @classmethod
    def parse(cls, text: str) -> OrderRef | None:
        """Read a reference of ours; None for anything else."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        day, label, suffix = match.groups()
        try:
            return cls(date(int(day[:4]), int(day[4:6]), int(day[6:])), label, suffix)
        except ValueError:
            return None

    def __str__(self) -> str:
        # by hand: strftime takes some 25 µs of the way of a bar
        day = self.day
        return f"{_PREFIX}-{day.year:04}{day.month:02}{day.day:02}-{self.label}-{self.suffix}"


def is_ours(order_ref: str) -> bool:
    """Tell whether an order reference was given by this program."""
    return OrderRef.parse(order_ref) is not None


def is_for_account(order_ref: str) -> bool:
    """Tell whether an order reference of ours is of an order for the account as a whole.

    >>> is_for_account("BD-20261120-alloc-k3f9a2"), is_for_account("BD-20261120-w1-k3f9a2")
    (True, False)
    """
    ref = OrderRef.parse(order_ref)
    return ref is not None and ref.label in _ACCOUNT_LABELS


def is_of_desk(order_ref: str) -> bool:
    """Tell whether an order reference is of the desk's brackets: ours, and not the account's."""
    ref = OrderRef.parse(order_ref)
    return ref is not None and ref.label not in _ACCOUNT_LABELS
