"""IB's strings of trading hours, as spans of UTC time.

Two forms are on the wire: ``20261120:0400-20261120:2000;20261121:CLOSED`` and the older
``20261120:0930-1600``, where several spans of a day are parted by commas. The time zone stands
beside them, in legacy names (``US/Eastern``, ``EST (Eastern Standard Time)``, ``EST5EDT``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.domain.errors import NotFound
from apps.domain.sessions import Span, TradingHours

__all__ = ["time_zone", "trading_hours"]

# What the zone database would read as a fixed offset (EST, MST) or does not know at all, though
# IB means the place, with its summer time
_LEGACY_ZONES = {
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "CST": "America/Chicago",
    "MST": "America/Denver",
    "PST": "America/Los_Angeles",
    "GMT": "Europe/London",
    "BST": "Europe/London",
    "MET": "Europe/Berlin",
    "CET": "Europe/Berlin",
    "JST": "Asia/Tokyo",
    "HKT": "Asia/Hong_Kong",
    "AEST": "Australia/Sydney",
}

_DAY_AND_TIME = "%Y%m%d:%H%M"


def time_zone(name: str) -> tzinfo:
    """Give the zone that IB means. Raises NotFound for a name that nobody knows.

    >>> time_zone("EST (Eastern Standard Time)")
    zoneinfo.ZoneInfo(key='America/New_York')
    """
    short = name.partition("(")[0].strip()
    try:
        return ZoneInfo(_LEGACY_ZONES.get(short, short))
    except (ZoneInfoNotFoundError, ValueError):
        raise NotFound(f"IB names the time zone {name!r}, which is not known here.") from None


def trading_hours(*, liquid: str, trading: str, zone: str) -> TradingHours:
    """Give the regular (``liquid``) and extended (``trading``) hours of one instrument.

    Raises NotFound for an unknown zone, ValueError for text of another form.
    """
    place = time_zone(zone)
    return TradingHours(
        regular=tuple(sorted(_spans(liquid, place))),
        extended=tuple(sorted(_spans(trading, place))),
    )


def _spans(text: str, zone: tzinfo) -> Iterator[Span]:
    for segment in filter(None, (part.strip() for part in text.split(";"))):
        if segment.endswith("CLOSED"):
            continue
        day = segment.partition(":")[0]
        for span in segment.split(","):
            start, end = (_moment(edge, day, zone) for edge in span.split("-"))
            if start < end:
                yield Span(start, end)


def _moment(text: str, day: str, zone: tzinfo) -> datetime:
    day_and_time = text if ":" in text else f"{day}:{text}"
    local = datetime.strptime(day_and_time, _DAY_AND_TIME).replace(tzinfo=zone)
    return local.astimezone(UTC)
