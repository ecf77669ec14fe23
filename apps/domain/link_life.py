"""The life of the link to the broker, as a state machine: its events, and what each leads to.

    DISCONNECTED ──Dialled──▶ CONNECTING ──Greeted──▶ SYNCHRONISING ──Synchronised──▶ up
         ▲                        │                         │                         │
         └────────SessionEnded────┴─────────────────────────┴─────────────────────────┘

    up is BROKER_LOST while IB's own servers are away (1100 → 1101, 1102),
    else FARM_DOWN while a data farm is (2103 → 2104, 2105 → 2106, 2157 → 2158), else READY.

Every loss is an epoch: a counter that only grows, by one for each edge, however short the loss
and whatever the state says by the time somebody looks. A loss is the end of a session that had
been greeted, 1100, 1101 or 1102 without an 1100 before it, the breakdown of a farm that stood,
and a bust (10225). A repeat of what is known is none.

What cannot happen raises IllegalTransition and changes nothing. Nothing here knows a socket, a
clock, or who listens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from apps.domain.errors import IllegalTransition
from apps.domain.link import Farm, FarmKind, Link, LinkState, Loss, LossCause, Lost

__all__ = [
    "BrokerBack",
    "BrokerLost",
    "Busted",
    "Dialled",
    "FarmBack",
    "FarmBroken",
    "Greeted",
    "LinkAction",
    "LinkEvent",
    "SessionEnded",
    "Synchronised",
    "step",
]


@dataclass(frozen=True, slots=True)
class Dialled:
    """An attempt to connect begins."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """The handshake is done: requests are answered from here on."""


@dataclass(frozen=True, slots=True)
class Synchronised:
    """Orders, executions and positions were read."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The socket is gone or given up, or the attempt to make it failed."""

    reason: str
    cause: LossCause = LossCause.SOCKET


@dataclass(frozen=True, slots=True)
class BrokerLost:
    """1100: TWS has lost IB's servers; ``reason`` is what it said."""

    reason: str


@dataclass(frozen=True, slots=True)
class BrokerBack:
    """1101 or 1102: they are back, with or without the subscriptions."""

    reason: str
    keeps_subscriptions: bool


@dataclass(frozen=True, slots=True)
class FarmBroken:
    """2103, 2105 or 2157."""

    farm: Farm
    reason: str


@dataclass(frozen=True, slots=True)
class FarmBack:
    """2104, 2106 or 2158, or that it sleeps until it is needed (2107, 2108)."""

    farm: Farm


@dataclass(frozen=True, slots=True)
class Busted:
    """10225: one subscription to bars was ended; who held it hears of that by itself."""


LinkEvent = (
    Dialled
    | Greeted
    | Synchronised
    | SessionEnded
    | BrokerLost
    | BrokerBack
    | FarmBroken
    | FarmBack
    | Busted
)


class LinkAction(Enum):
    """What is to be done about an event."""

    TELL = "tell the listeners"
    DROP_OPENINGS = "take back opening orders that still wait for their turn"
    DROP_SESSION = "let go of the session and of everything that waits on it"


_SESSION = frozenset({Lost.ORDERS, Lost.BARS, Lost.SUBSCRIPTIONS})
_TAKES = {
    LossCause.SOCKET: _SESSION,
    LossCause.SILENCE: _SESSION,
    # whether the subscriptions went too is only known when the servers are back (1101)
    LossCause.BROKER: frozenset({Lost.ORDERS, Lost.BARS}),
    LossCause.MARKET_DATA_FARM: frozenset({Lost.BARS}),
    LossCause.HISTORY_FARM: frozenset({Lost.HISTORY}),
    LossCause.CONTRACT_FARM: frozenset({Lost.CONTRACTS}),
    LossCause.BUST: frozenset({Lost.ONE_SUBSCRIPTION}),
}

_FARM_CAUSE = {
    FarmKind.MARKET_DATA: LossCause.MARKET_DATA_FARM,
    FarmKind.HISTORY: LossCause.HISTORY_FARM,
    FarmKind.CONTRACTS: LossCause.CONTRACT_FARM,
}

Step = tuple[Link, tuple[LinkAction, ...]]


def step(link: Link, event: LinkEvent) -> Step:
    """Give the link after ``event``, and what is to be done, in order.

    Raises IllegalTransition for an event that cannot happen in the link's state.

    >>> link, _ = step(Link(LinkState.READY, 0), BrokerLost("IB 1100"))
    >>> link.state, link.epoch, link.loss.cause
    (<LinkState.BROKER_LOST: 'broker link lost'>, 1, <LossCause.BROKER: "IB's servers lost">)
    >>> link, _ = step(link, BrokerBack("IB 1102", keeps_subscriptions=True))
    >>> link.state, link.epoch
    (<LinkState.READY: 'ready'>, 1)
    """
    if link.state not in _ALLOWED_IN[type(event)]:
        raise IllegalTransition(
            f"a link that is {link.state.value} does not take {type(event).__name__}."
        )
    return _STEPS[type(event)](link, event)


def _dialled(link: Link, _: Dialled) -> Step:
    return _told(
        replace(link, state=LinkState.CONNECTING, reason="", farms_down=(), is_broker_lost=False)
    )


def _greeted(link: Link, _: Greeted) -> Step:
    return _told(replace(link, state=LinkState.SYNCHRONISING))


def _synchronised(link: Link, _: Synchronised) -> Step:
    up = replace(link, state=_state_of(link))
    return _told(replace(up, reason="") if up.state is LinkState.READY else up)


def _session_ended(link: Link, event: SessionEnded) -> Step:
    was_greeted = link.state is not LinkState.CONNECTING
    ended = replace(
        link,
        state=LinkState.DISCONNECTED,
        reason=event.reason,
        farms_down=(),
        is_broker_lost=False,
    )
    if was_greeted:
        ended = _one_more(ended, event.cause)
    return ended, (LinkAction.DROP_SESSION, LinkAction.TELL)


def _broker_lost(link: Link, event: BrokerLost) -> Step:
    if link.is_broker_lost:
        return link, ()
    lost = _settled(replace(link, is_broker_lost=True, reason=event.reason))
    if link.state is LinkState.CONNECTING:
        return lost, ()  # nothing was there to be lost; the state will tell
    return _one_more(lost, LossCause.BROKER), (LinkAction.DROP_OPENINGS, LinkAction.TELL)


def _broker_back(link: Link, event: BrokerBack) -> Step:
    back = _settled(replace(link, is_broker_lost=False, reason=event.reason))
    if link.state is LinkState.CONNECTING:
        return back, ()
    if not link.is_broker_lost:
        # its beginning was not told; that something was lost is told all the same
        back = _one_more(back, LossCause.BROKER)
    if not event.keeps_subscriptions and back.loss is not None:
        back = replace(back, loss=_widened(back.loss))
    return _told(back)


def _farm_broken(link: Link, event: FarmBroken) -> Step:
    if event.farm in link.farms_down:
        return link, ()
    farms = (*link.farms_down, event.farm)
    if link.state is LinkState.CONNECTING:
        return replace(link, farms_down=farms, reason=event.reason), ()
    broken = _settled(replace(link, farms_down=farms))
    if not link.is_broker_lost:
        broken = replace(broken, reason=event.reason)
    broken = _one_more(broken, _FARM_CAUSE[event.farm.kind], str(event.farm))
    if broken.takes_openings:
        return _told(broken)
    return broken, (LinkAction.DROP_OPENINGS, LinkAction.TELL)


def _farm_back(link: Link, event: FarmBack) -> Step:
    back = event.farm
    left = tuple(
        farm
        for farm in link.farms_down
        if farm.kind is not back.kind or (back.name and farm.name and farm.name != back.name)
    )
    if left == link.farms_down:
        return link, ()
    healed = _settled(replace(link, farms_down=left))
    if link.state is LinkState.CONNECTING:
        return healed, ()
    if not link.is_broker_lost:
        healed = replace(healed, reason=f"the {back} is back")
    return _told(healed)


def _busted(link: Link, _: Busted) -> Step:
    return _told(_one_more(link, LossCause.BUST))


def _told(link: Link) -> Step:
    return link, (LinkAction.TELL,)


def _one_more(link: Link, cause: LossCause, what: str = "") -> Link:
    return replace(link, epoch=link.epoch + 1, loss=Loss(cause, _TAKES[cause], what))


def _widened(loss: Loss | None) -> Loss:
    """Give the loss of IB's servers, now that it is known to have taken subscriptions too."""
    known = Loss(LossCause.BROKER, _TAKES[LossCause.BROKER]) if loss is None else loss
    return replace(known, lost=known.lost | _SESSION)


def _settled(link: Link) -> Link:
    """Give the link in the state that its broker and farms make, if it is up at all."""
    if link.state in (LinkState.CONNECTING, LinkState.SYNCHRONISING):
        return link
    return replace(link, state=_state_of(link))


def _state_of(link: Link) -> LinkState:
    if link.is_broker_lost:
        return LinkState.BROKER_LOST
    return LinkState.FARM_DOWN if link.farms_down else LinkState.READY


_UP = frozenset({LinkState.READY, LinkState.BROKER_LOST, LinkState.FARM_DOWN})
_GREETED = _UP | {LinkState.SYNCHRONISING}
_WITH_SOCKET = _GREETED | {LinkState.CONNECTING}

_ALLOWED_IN: dict[type[LinkEvent], frozenset[LinkState]] = {
    Dialled: frozenset({LinkState.DISCONNECTED}),
    Greeted: frozenset({LinkState.CONNECTING}),
    Synchronised: frozenset({LinkState.SYNCHRONISING}),
    SessionEnded: _WITH_SOCKET,
    BrokerLost: _WITH_SOCKET,
    BrokerBack: _WITH_SOCKET,
    FarmBroken: _WITH_SOCKET,
    FarmBack: _WITH_SOCKET,
    Busted: _GREETED,
}

_STEPS: dict[type[LinkEvent], Callable[[Link, Any], Step]] = {
    Dialled: _dialled,
    Greeted: _greeted,
    Synchronised: _synchronised,
    SessionEnded: _session_ended,
    BrokerLost: _broker_lost,
    BrokerBack: _broker_back,
    FarmBroken: _farm_broken,
    FarmBack: _farm_back,
    Busted: _busted,
}
