"""Orders as a client's bytes."""

from __future__ import annotations

from decimal import Decimal

from apps.paper.wire import MAX_SERVER_VERSION, Contract, Order, PlaceOrder
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from apps.paper.wire.writing import writer_of
from tests.paper.paper_client import RawClient

__all__ = ["place"]

_PLACE_ORDER = 3
_PRICES = frozenset({"limit_price", "stop_price"})


def place(client: RawClient, order_id: int, symbol: str, side: str, **wanted: object) -> None:
    """Send an order of ten shares; ``wanted`` are fields of the wire's `Order`."""
    wanted |= {name: Decimal(str(wanted[name])) for name in _PRICES & wanted.keys()}
    contract = Contract(symbol=symbol, sec_type="STK", exchange="SMART", currency="USD")
    order = Order(
        action=side,
        total_quantity=Decimal(10),
        account="DU1234567",
        **wanted,  # type: ignore[arg-type]  # the names are checked at run time
    )
    fields: list[str] = []
    record = REQUEST_MESSAGES[_PLACE_ORDER].record
    writer_of(record, MAX_SERVER_VERSION)(PlaceOrder(order_id, contract, order), fields)
    client.send(_PLACE_ORDER, *fields)
