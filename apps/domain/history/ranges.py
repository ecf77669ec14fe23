"""Stretches of market time as a trader types them: ``--from 2026-11-02 --to 2026-11-20``.

A day is the exchange's (New York's, midnight to midnight), the last one included; a time without
an offset is the exchange's too.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apps.domain.errors import InvalidInput
from apps.domain.sessions import Span

__all__ = ["EARLIEST", "EXCHANGE_ZONE", "LATEST", "exchange_day", "exchange_time", "history_range"]

EXCHANGE_ZONE = ZoneInfo("America/New_York")
"""Whose days are meant."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Where a range begins and ends that is open there."""


def history_range(start: str | None, end: str | None) -> Span:
    """Give the range from ``start`` to ``end``, each a day or a time; None leaves it open.

    Raises InvalidInput for what is neither, and for a range that ends before it begins.

    >>> str(history_range("2026-11-20", "2026-11-20").start)
    '2026-11-20 05:00:00+00:00'
    """
    first = EARLIEST if start is None else exchange_time(start)
    last = LATEST if end is None else exchange_time(end, is_end=True)
    if last <= first:
        raise InvalidInput(
            f"The range ends ({end}) before it begins ({start}): turn the two around."
        )
    return Span(first, last)


def exchange_time(text: str, *, is_end: bool = False) -> datetime:
    """Give the moment of a day or a time, aware UTC; of a day's end where it ends a range.

    Raises InvalidInput.

    >>> str(exchange_time("2026-11-20T09:30")), str(exchange_time("2026-11-20", is_end=True))
    ('2026-11-20 14:30:00+00:00', '2026-11-21 05:00:00+00:00')
    """
    day = _date(text)
    if day is not None:
        return exchange_day(day + timedelta(days=1) if is_end else day)
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(
            f"{text!r} is neither a day (2026-11-20) nor a time (2026-11-20T09:30, in New York "
            "unless it has an offset)."
        ) from None
    return _within((at if at.tzinfo else at.replace(tzinfo=EXCHANGE_ZONE)), text)


def exchange_day(day: date) -> datetime:
    """Give when a day begins at the exchange."""
    return _within(datetime.combine(day, time(), EXCHANGE_ZONE), str(day))


def _date(text: str) -> date | None:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def _within(at: datetime, text: str) -> datetime:
    if not EARLIEST.year < at.year < LATEST.year:
        raise InvalidInput(f"{text} is beyond any history there is.")
    return at.astimezone(UTC)
