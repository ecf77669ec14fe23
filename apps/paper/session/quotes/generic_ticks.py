"""The generic ticks that a market-data request may name: which there are, and who may ask.

IB's table and its refusal. Numbers that the market here knows nothing of (fundamentals, news,
dividends, auctions, bonds) are taken without a word, as IB takes them where nothing comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

__all__ = ["BadGenericTicks", "Generic", "read_generic_ticks"]


class Generic(IntEnum):
    """The generic ticks that are answered here, by the number under which they are asked for."""

    HISTORICAL_VOLATILITY = 104
    MISC_STATS = 165
    CREDITMAN_MARK_PRICE = 221
    MARK_PRICE = 232
    RT_VOLUME = 233
    INVENTORY = 236
    TRADE_COUNT = 293
    TRADE_RATE = 294
    VOLUME_RATE = 295
    LAST_RTH_TRADE = 318
    RT_TRADE_VOLUME = 375
    RT_HISTORICAL_VOLATILITY = 411
    SHORT_TERM_VOLUME = 595


class BadGenericTicks(Exception):
    """A list that IB would not take; its message is IB's."""


class _Legal(NamedTuple):
    number: int
    older: int
    """An older number under which it is known too, 0 for none."""
    name: str
    kinds: str = ""
    """The security types that may ask for it, '' for all."""


_DIVIDENDS = "STK CFD OPT FOP FUT IND SLB"
_SHORT_TERM = "STK CFD OPT FOP WAR FUT FWD BOND BILL SLB IOPT CRYPTO"

_LEGAL = (
    _Legal(100, 0, "Option Volume"),
    _Legal(101, 0, "Option Open Interest"),
    _Legal(105, 0, "Average Opt Volume"),
    _Legal(106, 0, "impvolat"),
    _Legal(162, 0, "Index Future Premium", "IND"),
    _Legal(165, 0, "Misc. Stats"),
    _Legal(221, 220, "Creditman Mark Price"),
    _Legal(225, 0, "Auction"),
    _Legal(232, 221, "Pl Price"),
    _Legal(233, 0, "RTVolume"),
    _Legal(236, 0, "inventory"),
    _Legal(258, 47, "Fundamentals"),
    _Legal(292, 0, "Wide_news"),
    _Legal(293, 0, "TradeCount"),
    _Legal(294, 0, "TradeRate"),
    _Legal(295, 0, "VolumeRate"),
    _Legal(318, 0, "LastRTHTrade"),
    _Legal(375, 0, "RTTrdVolume"),
    _Legal(411, 0, "rthistvol"),
    _Legal(456, 59, "IBDividends", _DIVIDENDS),
    _Legal(460, 0, "Bond Factor Multiplier"),
    _Legal(577, 0, "EtfNavLast(navlast)"),
    _Legal(586, 0, "IPOHLMPRC"),
    _Legal(587, 0, "Pl Price Delayed"),
    _Legal(588, 0, "Futures Open Interest"),
    _Legal(595, 0, "Short-Term Volume X Mins", _SHORT_TERM),
    _Legal(614, 0, "EtfNavMisc(high/low)"),
    _Legal(619, 0, "Creditman Slow Mark Price"),
    _Legal(623, 0, "EtfFrozenNavLast(fznavlast)"),
)
"""As TWS lists them in its refusals."""

_UNLISTED = {104: _Legal(104, 0, "Historical Volatility")}
"""Taken, though the list does not show it."""

_BY_NUMBER = {legal.number: legal for legal in _LEGAL} | _UNLISTED
_BY_OLDER = {legal.older: legal for legal in _LEGAL if legal.older}
_NO_QUOTE = "mdoff"


def read_generic_ticks(asked: Sequence[str], sec_type: str) -> frozenset[int]:
    """Read what a request names, one text a tick; an older number gives the one it stands for.

    ``mdoff`` and what follows a colon (news providers) are passed over.

    >>> sorted(read_generic_ticks(["233", " 221", "292:BRFG", "mdoff"], "STK"))
    [232, 233, 292]

    Raises:
        BadGenericTicks: One of them is no number, unknown, or not for this kind of instrument.
    """
    tokens = [token.strip() for token in asked if token.strip()]
    numbers = [_number(token, sec_type) for token in tokens if token.lower() != _NO_QUOTE]
    found = [number for number in numbers if number is not None]
    if len(found) != len(numbers):
        legal = ",".join(_listed(each) for each in _LEGAL if _may_ask(each, sec_type))
        raise BadGenericTicks(
            f"Incorrect generic tick list of {','.join(asked)}.  "
            f"Legal ones for ({sec_type}) are: {legal}"
        )
    return frozenset(found)


def _number(token: str, sec_type: str) -> int | None:
    text, colon, parameter = token.partition(":")
    if not text.isascii() or not text.isdigit() or (colon and not parameter):
        return None
    asked = int(text)
    # 221 is the mark price's older number before it is anything else
    legal = _BY_OLDER.get(asked) or _BY_NUMBER.get(asked)
    return legal.number if legal is not None and _may_ask(legal, sec_type) else None


def _may_ask(legal: _Legal, sec_type: str) -> bool:
    return not legal.kinds or sec_type in legal.kinds.split()


def _listed(legal: _Legal) -> str:
    older = f"/{legal.older}" if legal.older else ""
    return f"{legal.number}{older}({legal.name})"
