"""IB's texts for moments: with a zone, with a dash for UTC, or bare.

A bare one is read in a zone that the caller gives, as TWS reads it in its operator's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.paper.feed.market import Millis

__all__ = [
    "MARKET_ZONE",
    "BadTime",
    "in_market_zone",
    "names_zone",
    "parse_moment",
    "start_of_day",
]

MARKET_ZONE = "US/Eastern"
"""The zone in which the gateway's operator lives."""

_MOMENT = re.compile(r"(\d{8})(-| +)(\d{2}:\d{2}:\d{2})(?: +(\S.*))?")


class BadTime(Exception):
    """A text that names no moment; what it says is IB's sentence."""


def parse_moment(text: str, zone: str = MARKET_ZONE) -> Millis:
    """Read ``yyyymmdd hh:mm:ss[ zone]`` or ``yyyymmdd-hh:mm:ss`` in UTC.

    >>> parse_moment("20261120-14:30:00") == parse_moment("20261120 09:30:00 US/Eastern")
    True

    Raises:
        BadTime: It is neither, or names a zone that there is not.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise BadTime(_SENTENCE)
    day, separator, clock, named = found.groups()
    try:
        at = datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M:%S").replace(tzinfo=UTC)
        if separator != "-" or named:
            at = at.replace(tzinfo=ZoneInfo(named or zone))
    except (ValueError, ZoneInfoNotFoundError, OSError) as error:  # OSError: a folder of zones
        raise BadTime(_SENTENCE) from error
    return int(at.timestamp()) * 1000


def names_zone(text: str) -> bool:
    """Tell whether a moment says in which zone it is; IB warns (2174) when it does not."""
    found = _MOMENT.fullmatch(text.strip())
    return found is not None and (found[2] == "-" or found[4] is not None)


def in_market_zone(at: Millis) -> str:
    """Write a moment as IB does: ``yyyymmdd hh:mm:ss zone``."""
    local = datetime.fromtimestamp(at / 1000, ZoneInfo(MARKET_ZONE))
    return f"{local:%Y%m%d %H:%M:%S} {MARKET_ZONE}"


def start_of_day(at: Millis) -> Millis:
    """Give the midnight before a moment: when the day's executions and its P&L begin anew."""
    local = datetime.fromtimestamp(at / 1000, ZoneInfo(MARKET_ZONE))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return int(midnight.timestamp()) * 1000


_SENTENCE = (
    "The date, time, or time-zone entered is invalid. The correct format is "
    "yyyymmdd hh:mm:ss xx/xxxx where xx/xxxx is optional. "
    "E.g.: 20031126 15:59:00 US/Eastern or yyyymmdd-hh:mm:ss in UTC"
)
