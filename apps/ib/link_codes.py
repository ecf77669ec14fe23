"""Which of IB's codes speak of the link, as the events of `apps.domain.link_life`."""

from __future__ import annotations

import re

from apps.domain.link import Farm, FarmKind
from apps.domain.link_life import BrokerBack, BrokerLost, FarmBack, FarmBroken, LinkEvent
from apps.ib.errors import explain

__all__ = ["BUST", "LINK_CODES", "link_event"]

BUST = 10225

_BROKER_LOST = 1100
_BROKER_BACK = {
    1101: ("IB's servers are back; subscriptions were lost", False),
    1102: ("IB's servers are back; subscriptions were kept", True),
}
_BROKEN = {2103: FarmKind.MARKET_DATA, 2105: FarmKind.HISTORY, 2157: FarmKind.CONTRACTS}
_BACK = {
    2104: FarmKind.MARKET_DATA,
    2106: FarmKind.HISTORY,
    2158: FarmKind.CONTRACTS,
    # asleep until it is needed: not broken any more
    2107: FarmKind.HISTORY,
    2108: FarmKind.MARKET_DATA,
}

LINK_CODES = frozenset({_BROKER_LOST, *_BROKER_BACK, *_BROKEN, *_BACK})
"""What they say is told as the state of the link."""

# behind a colon, or behind the full stop of a sentence (2107, 2108); it may hold dots itself
_FARM_NAME = re.compile(r"[:.](\S+)$")


def link_event(code: int, text: str) -> LinkEvent | None:
    """Give what ``code`` says of the link, or None when it says nothing of it.

    >>> link_event(2104, "Market data farm connection is OK:usfarm.nj").farm.name
    'usfarm.nj'
    >>> link_event(2107, "HMDS data farm is inactive but should be available upon demand.ushmds")
    FarmBack(farm=Farm(kind=<FarmKind.HISTORY: 'history farm'>, name='ushmds'))
    """
    if code == _BROKER_LOST:
        return BrokerLost(explain(code, text))
    if code in _BROKER_BACK:
        reason, keeps_subscriptions = _BROKER_BACK[code]
        return BrokerBack(reason, keeps_subscriptions)
    if code in _BROKEN:
        return FarmBroken(_farm(_BROKEN[code], text), explain(code, text))
    if code in _BACK:
        return FarmBack(_farm(_BACK[code], text))
    return None


def _farm(kind: FarmKind, text: str) -> Farm:
    named = _FARM_NAME.search(text.strip())
    return Farm(kind, named[1] if named else "")
