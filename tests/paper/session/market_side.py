"""A client of market data at a gateway without sockets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from apps.paper.hub import Hub
from apps.paper.limits import IB_LIMITS
from apps.paper.session.session import Session
from apps.paper.vendor.permissions import Permissions, Unsubscribed
from apps.paper.wire import Contract, ErrorMessage, ReqHistoricalData, Response
from tests.paper.session.hub_side import AAPL, hub, joined

EURUSD = Contract(symbol="EUR", sec_type="CASH", exchange="IDEALPRO", currency="USD")
SPX = Contract(symbol="SPX", sec_type="IND", exchange="CBOE", currency="USD")
FUTURE = Contract(symbol="ES", sec_type="CONTFUT", exchange="CME", currency="USD")
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000

Told = TypeVar("Told")


class Watcher:
    """One client, asked and answered at once; time passes when the test says so."""

    def __init__(self, world: Hub | None = None, client_id: int = 1, **limits: Any) -> None:
        self.world = world or hub(limits=replace(IB_LIMITS, **limits))
        self.session: Session = joined(self.world, client_id)

    def ask(self, *requests: Any) -> list[Response]:
        """Send requests, have long answers worked out, and give what was said."""
        for request in requests:
            self.session.handle(request)
        return self.heard()

    def play(self, millis: int) -> list[Response]:
        """Let market time pass, and give what was said."""
        self.world.advance(self.world.now + millis)
        return self.heard()

    def heard(self) -> list[Response]:
        while self.world.work():
            pass
        said = list(self.session.outbox)
        self.session.outbox.clear()
        return said


def only(said: list[Response], kind: type[Told]) -> list[Told]:
    return [each for each in said if isinstance(each, kind)]


def codes(said: list[Response]) -> list[int]:
    return [error.code for error in only(said, ErrorMessage)]


def texts(said: list[Response]) -> list[str]:
    return [error.message for error in only(said, ErrorMessage)]


def history(req_id: int, **fields: Any) -> ReqHistoricalData:
    """Ask for 60 seconds of AAPL's bars of five seconds, with ``fields`` changed."""
    plain = ReqHistoricalData(
        req_id,
        AAPL,
        bar_size="5 secs",
        duration="60 S",
        use_rth=True,
        what_to_show="TRADES",
        format_date=2,
    )
    return replace(plain, **fields)


def unsubscribed(instead: Unsubscribed = Unsubscribed.DELAYED) -> Watcher:
    """Give a client whose user has no subscription for AAPL."""
    watcher = Watcher()
    watcher.world.vendor.permissions = Permissions(frozenset({"AAPL"}), instead=instead)
    return watcher
