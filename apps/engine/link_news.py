"""What the trader is told of the link: each loss once, its end once, the nightly restart quietly.

Here is what is said and when; who hears it, and what a bell makes of it, is not known here. Within
the broker's restart window there is one line when it begins to show and one when it is over,
however often the link comes and goes in between; a link that is still away when the window ends
is told as what it is.
"""

from __future__ import annotations

from datetime import datetime

from apps.domain.link import FarmKind, Link, LinkState, LossCause
from apps.engine.alerts import AlertKind

__all__ = ["LinkNews", "News"]

News = tuple[AlertKind, str]

_BLIND = (
    "watchers are blind, and nothing is entered until it is back; orders that work at the broker "
    "stay there"
)
_BACK = "the link to the broker is ready again; watchers go on as their bars come"
_OVER = "the broker's restart is over; watchers go on as their bars come"


class LinkNews:
    """Hears of every change of the link; gives the line to tell, if there is one."""

    def __init__(self) -> None:
        self._before: Link | None = None
        self._told_reason = ""
        self._restart_until: datetime | None = None
        self._restart_is_over = False

    def of(self, link: Link) -> News | None:
        """Give what is to be told of ``link``, or None."""
        before, self._before = self._before, link
        if before is not None and _alike(before, link):
            return None
        if link.expected_until is not None:
            return self._in_window(before, link)
        if self._restart_until is not None:
            return self._after_window(link)
        return self._plain(before, link)

    def _in_window(self, before: Link | None, link: Link) -> News | None:
        if self._restart_until == link.expected_until:
            return self._over() if link.state is LinkState.READY else None
        if link.state is LinkState.READY or (before is not None and not before.takes_orders):
            # of a loss that was told before the window began, the end is told as well
            return self._plain(before, link)
        self._restart_until, self._restart_is_over = link.expected_until, False
        return AlertKind.INFO, (
            f"the broker restarts about now{_why(link)}; watchers are blind until it is over, "
            f"which is expected by {link.expected_until:%H:%M} UTC"
        )

    def _after_window(self, link: Link) -> News | None:
        if link.state in (LinkState.CONNECTING, LinkState.SYNCHRONISING):
            return None
        if link.state is LinkState.READY:
            over = self._over()
            self._restart_until = None
            return over
        self._restart_until, self._told_reason = None, link.reason
        return AlertKind.LINK, (
            f"the broker's restart should be over, and the link is {link.state.value}{_why(link)}; "
            f"look at TWS or IB Gateway; {_BLIND}"
        )

    def _over(self) -> News | None:
        if self._restart_is_over:
            return None
        self._restart_is_over = True
        return AlertKind.INFO, _OVER

    def _plain(self, before: Link | None, link: Link) -> News | None:
        match link.state:
            case LinkState.READY:
                return self._ready(before, link)
            case LinkState.FARM_DOWN:
                return _farm_down(before, link)
            case LinkState.BROKER_LOST:
                return _lost(link)
            case LinkState.DISCONNECTED:
                return self._disconnected(before, link)
        return _lost(link) if before is None else None

    def _ready(self, before: Link | None, link: Link) -> News | None:
        self._told_reason = ""
        if before is None:
            return None
        if before.state is LinkState.READY:
            is_bust = link.loss is not None and link.loss.cause is LossCause.BUST
            return None if is_bust else (AlertKind.LINK, f"{link.reason}; feeds begin anew")
        if before.takes_openings:
            return AlertKind.INFO, link.reason
        return AlertKind.LINK, _BACK

    def _disconnected(self, before: Link | None, link: Link) -> News | None:
        if before is None or before.takes_orders:
            return _lost(link)
        if link.reason == self._told_reason:
            return None
        self._told_reason = link.reason  # however often it is tried
        return AlertKind.LINK, f"still not connected{_why(link)}; it is tried again"


def _farm_down(before: Link | None, link: Link) -> News:
    known = before.farms_down if before is not None and before.takes_orders else ()
    gone = [farm for farm in link.farms_down if farm not in known]
    if not gone:
        still = ", ".join(str(farm) for farm in link.farms_down)
        return AlertKind.INFO, f"{link.reason}; still down: {still}"
    names = ", ".join(str(farm) for farm in gone)
    if any(farm.kind is FarmKind.MARKET_DATA for farm in gone):
        return AlertKind.LINK, f"{names} is down{_why(link)}; {_BLIND}"
    return AlertKind.WARNING, f"{names} is down{_why(link)}"


def _lost(link: Link) -> News:
    return AlertKind.LINK, f"the link to the broker is {link.state.value}{_why(link)}; {_BLIND}"


def _why(link: Link) -> str:
    return f": {link.reason.rstrip('.')}" if link.reason else ""


def _alike(before: Link, link: Link) -> bool:
    return (before.state, before.epoch, before.farms_down) == (
        link.state,
        link.epoch,
        link.farms_down,
    )
