"""A gateway without sockets: a hub whose sessions are asked directly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.hub import Hub
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.session.session import Session
from apps.paper.settings import GatewaySettings
from apps.paper.wire import Contract, Order, PlaceOrder, Response
from tests.paper.paper_client import OPEN

AAPL = Contract(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")

Told = TypeVar("Told")


def hub(start: int = OPEN + 60_000, **settings: Any) -> Hub:
    wanted = replace(GatewaySettings(seed=7), **settings)
    return Hub(wanted, catalogue=Catalogue.load(), market=SyntheticMarket(seed=7), start=start)


def joined(world: Hub, client_id: int) -> Session:
    """Let a client in and forget what it was greeted with."""
    session = world.open_session(client_id)
    session.outbox.clear()
    return session


def told(session: Session) -> list[Response]:
    """Take what a client was told since the last time."""
    said = list(session.outbox)
    session.outbox.clear()
    return said


def of_kind(responses: list[Response], kind: type[Told]) -> list[Told]:
    return [response for response in responses if isinstance(response, kind)]


def an_order(order_id: int, contract: Contract = AAPL, **fields: Any) -> PlaceOrder:
    """Give a request to buy 10 at 1.00, far below the market, with ``fields`` changed."""
    plain = Order(
        action="BUY",
        total_quantity=Decimal(10),
        order_type="LMT",
        limit_price=Decimal(1),
        time_in_force="DAY",
    )
    return PlaceOrder(order_id, contract, replace(plain, **fields))
