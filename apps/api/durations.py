"""Stretches of time as a trader types them: ``30``, ``30s``, ``5m``, ``1h``, ``1d``."""

from __future__ import annotations

from apps.domain.errors import InvalidInput
from apps.domain.numerals import parse_number

__all__ = ["duration_s"]

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


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
