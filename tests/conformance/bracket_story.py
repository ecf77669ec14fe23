"""``python bracket_story.py ib_insync|ib_async PORT``: an unmodified client library's whole story.

Connects, qualifies, gets bars, has a bracket filled and closed, disconnects; prints what it saw
and ends with 1 if a part did not happen. Runs in any environment that has the library.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import Any

DEADLINE_S = 60
BARS_WANTED = 3


async def story(library: str, port: int) -> None:
    client: Any = importlib.import_module(library)
    ib = client.IB()
    await ib.connectAsync("127.0.0.1", port, clientId=31, timeout=4)
    try:
        contract = client.Stock("AAPL", "SMART", "USD")
        await ib.qualifyContractsAsync(contract)
        bars = await some_bars(ib, contract)
        print(f"{len(bars)} bars, the last closed at {bars[-1].close}")
        trades = place_bracket(ib, contract, bars[-1].close)
        await closed(trades)
        for trade in trades:
            status = trade.orderStatus
            print(trade.order.orderType, status.status, status.filled, status.avgFillPrice)
        if trades[0].orderStatus.status != "Filled":
            raise RuntimeError("the entry was not filled")
        if sorted(trade.orderStatus.status for trade in trades[1:]) != ["Cancelled", "Filled"]:
            raise RuntimeError("the exits did not end as one filled, one cancelled")
        if any(position.position for position in await ib.reqPositionsAsync()):
            raise RuntimeError("a position is left")
    finally:
        ib.disconnect()


async def some_bars(ib: Any, contract: Any) -> list[Any]:
    enough, seen = asyncio.Event(), []

    def on_bar(bars: Any, _: bool) -> None:
        seen.append(bars[-1])
        if len(seen) >= BARS_WANTED:
            enough.set()

    bars = ib.reqRealTimeBars(contract, 5, "TRADES", True)
    bars.updateEvent += on_bar
    await asyncio.wait_for(enough.wait(), DEADLINE_S)
    ib.cancelRealTimeBars(bars)
    return seen


def place_bracket(ib: Any, contract: Any, price: float) -> list[Any]:
    limit, profit, loss = (round(price * factor, 2) for factor in (1.002, 1.0015, 0.9985))
    return [
        ib.placeOrder(contract, order) for order in ib.bracketOrder("BUY", 10, limit, profit, loss)
    ]


async def closed(trades: list[Any]) -> None:
    done = asyncio.Event()

    def look(_: Any) -> None:
        if all(trade.isDone() for trade in trades):
            done.set()

    for trade in trades:
        trade.statusEvent += look
    await asyncio.wait_for(done.wait(), DEADLINE_S)


if __name__ == "__main__":
    asyncio.run(story(sys.argv[1], int(sys.argv[2])))
    print("the story is whole")
