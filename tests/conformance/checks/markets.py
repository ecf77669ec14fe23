"""What several checks want to know of the market."""

from __future__ import annotations

from typing import Any

from tests.conformance.client import NO_OPTIONS, Client

__all__ = ["BID_AND_ASK", "bid_and_ask", "buy_limit"]

BID_AND_ASK = (1, 2)


async def bid_and_ask(client: Client, contract: Any) -> tuple[float, float]:
    """Give the present bid and ask, from a snapshot."""
    req_id = client.request("reqMktData", contract, "", True, False, NO_OPTIONS)
    await client.until("tickSnapshotEnd", req_id)
    bid, ask = (client.all("tickPrice", req_id, tick)[0].args[2] for tick in BID_AND_ASK)
    return float(bid), float(ask)


def buy_limit(client: Client, price: float, quantity: int = 10, **fields: Any) -> Any:
    """Give a limit order to buy."""
    return client.order(
        action="BUY", orderType="LMT", totalQuantity=quantity, lmtPrice=price, **fields
    )
