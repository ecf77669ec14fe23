"""One client of a gateway without sockets, and what it is told at once.

All gateways made here share one market, for a path is the same whoever reads it, and dear to make.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.hub import Hub
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.session.session import Session
from apps.paper.settings import GatewaySettings
from apps.paper.wire import Contract, ContractDetails, ErrorMessage, ReqContractDetails
from tests.paper.paper_client import OPEN
from tests.paper.session.hub_side import joined, of_kind, told

__all__ = ["MINUTE", "Asking", "codes"]

MINUTE = 60_000

_SETTINGS = GatewaySettings(seed=7)
_MARKET = SyntheticMarket(seed=7)
_CATALOGUE = Catalogue.load()


class Asking:
    """Client 1 of a gateway whose market opened a minute ago."""

    def __init__(self, **settings: Any) -> None:
        self.hub = Hub(
            replace(_SETTINGS, **settings),
            catalogue=_CATALOGUE,
            market=_MARKET,
            start=OPEN + MINUTE,
        )
        self.session: Session = joined(self.hub, 1)

    def ask(self, request: Any) -> list[Any]:
        self.session.handle(request)
        return self.heard()

    def heard(self) -> list[Any]:
        while self.hub.work():
            pass
        return told(self.session)

    def wait(self, millis: int) -> list[Any]:
        self.hub.advance(self.hub.now + millis)
        return self.heard()

    def details(self, contract: Contract) -> list[ContractDetails]:
        return of_kind(self.ask(ReqContractDetails(1, contract)), ContractDetails)


def codes(responses: list[Any]) -> list[int]:
    return [each.code for each in responses if isinstance(each, ErrorMessage)]
