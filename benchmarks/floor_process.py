"""The floor of the latency benchmark: ib_insync alone, from a bar straight to its bracket.

Uses the public API only, with the library's throttle off. The prices are rounded floats; nothing
is checked, kept or told.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from benchmarks.script import LEVEL
from benchmarks.worker import Answer, serve

_CLIENT_ID = 7
_QUANTITY = 10
_LEVEL = float(LEVEL)


class Floor:
    """One client. It buys whenever a bar of a contract closes beyond the level."""

    def __init__(self, ib: Any, library: Any) -> None:
        self._ib = ib
        self._library = library
        self._bars: list[Any] = []

    async def subscribe(self, symbols: list[str]) -> Answer:
        """Begin the bars of ``symbols``, in their order."""
        contracts = [self._library.Stock(symbol, "SMART", "USD") for symbol in symbols]
        await self._ib.qualifyContractsAsync(*contracts)
        for contract in contracts:
            bars = self._ib.reqRealTimeBars(contract, 5, "TRADES", True)
            bars.updateEvent += self._on_bar
            self._bars.append(bars)
        await self._ib.reqCurrentTimeAsync()
        return {}

    def _on_bar(self, bars: Any, _: bool) -> None:
        price = bars[-1].close
        if price < _LEVEL:
            return
        ib = self._ib
        bracket = ib.bracketOrder(
            "BUY",
            _QUANTITY,
            limitPrice=round(price * 1.002, 2),
            takeProfitPrice=round(price * 1.01, 2),
            stopLossPrice=round(price * 0.995, 2),
        )
        for order in bracket:
            order.tif = "DAY"  # an empty one is answered with a warning for each
            ib.placeOrder(bars.contract, order)


async def main(host: str, port: int) -> None:
    """Connect, and serve until stdin ends."""
    # imported inside the running loop: the library binds itself to it
    import ib_insync  # noqa: PLC0415

    library: Any = ib_insync  # it is hardly annotated
    ib = library.IB()
    ib.client.MaxRequests = 0
    await ib.connectAsync(host, port, clientId=_CLIENT_ID)
    floor = Floor(ib, library)
    try:
        await serve({"subscribe": floor.subscribe})
    finally:
        ib.disconnect()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
