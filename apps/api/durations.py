"""Stretches of time as a trader types them: ``30``, ``30s``, ``5m``, ``1h``, ``1d``."""

from __future__ import annotations

from apps.domain import aggregation
from apps.domain.errors import InvalidInput
from apps.domain.numerals import parse_number

__all__ = ["BAR_SIZES", "bar_seconds", "duration_s"]

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

BAR_SIZES = {**aggregation.BAR_SIZES, "1d": 86_400}
"""The bar sizes that can be asked of history, in seconds."""


def duration_s(text: str) -> float:
    """Give the seconds of ``text``; without a unit it is seconds. Raises InvalidInput.

    >>> duration_s("5m"), duration_s("1.5")
    (300.0, 1.5)
    """
    typed = text.strip().lower()
    unit = _UNITS.get(typed[-1:], 0)
    number = parse_number(typed[:-1] if unit else typed, "the time")
    if number < 0:
        raise InvalidInput(f"the time {text!r} is negative; time only goes forward.")
    return float(number) * (unit or 1)


def bar_seconds(text: str) -> int:
    """Give the seconds of a bar size. Raises InvalidInput, which lists the sizes.

    >>> bar_seconds("1m")
    60
    """
    try:
        return BAR_SIZES[text.strip().lower()]
    except KeyError:
        raise InvalidInput(f"{text!r} is no bar size; there are {', '.join(BAR_SIZES)}.") from None
