"""What the matching rules say, written down once more without any concern for speed.

One list of orders in whole cents, gone through again and again. Knows MKT, LMT, STP and STP LMT;
DAY, GTC, IOC and FOK; changes, cancellations, and nights. No brackets, no groups, no money.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Fill", "PlainOrder", "ReferenceExchange"]

Fill = tuple[int, int, int]
"""Order id, size, price in cents."""


@dataclass
class PlainOrder:
    """An order as the reference sees it; ``side`` is +1 or −1."""

    order_id: int
    side: int
    left: int
    limit: int | None
    stop: int | None
    tif: str
    rested: bool = False

    @property
    def works(self) -> bool:
        return self.left > 0 and self.stop is None


class ReferenceExchange:
    """One stock, one market, and fills in the order in which they happened."""

    def __init__(self) -> None:
        self.orders: list[PlainOrder] = []
        self.fills: list[Fill] = []
        self.bid, self.ask = 9_999, 10_001
        self.bid_size = self.ask_size = 1_000
        self.left_at_touch = {1: 1_000, -1: 1_000}
        self.left_of_trade = {1: 0, -1: 0}
        self.last: int | None = 10_000

    # -- what happens

    def place(self, order: PlainOrder) -> None:
        self.orders.append(order)
        self.meet(None)

    def change(self, order_id: int, left: int, limit: int | None) -> None:
        order = self.find(order_id)
        order.left, order.limit, order.rested = left, limit, False
        self.meet(None)

    def cancel(self, order_id: int) -> None:
        self.orders.remove(self.find(order_id))

    def show(
        self, bid: int, ask: int, bid_size: int, ask_size: int, last: int | None, size: int
    ) -> None:
        stands = (bid, ask, bid_size, ask_size) == (
            self.bid,
            self.ask,
            self.bid_size,
            self.ask_size,
        )
        if last is not None or not stands:
            self.left_at_touch = {1: ask_size, -1: bid_size}
            traded = 0 if last is None else size
            self.left_of_trade = {1: traded, -1: traded}
        self.bid, self.ask, self.bid_size, self.ask_size = bid, ask, bid_size, ask_size
        if last is not None:
            self.last = last
        self.meet(last)

    def night(self) -> None:
        self.orders = [order for order in self.orders if order.tif == "GTC"]
        for order in self.orders:
            order.rested = False
        self.last = None  # yesterday's trade elects nothing

    def find(self, order_id: int) -> PlainOrder:
        return next(order for order in self.orders if order.order_id == order_id)

    # -- what follows from it

    def meet(self, trade: int | None) -> None:
        while self.elect() or self.fill_first(trade):
            self.orders = [order for order in self.orders if order.left]
        self.orders = [order for order in self.orders if order.tif not in ("IOC", "FOK")]

    def elect(self) -> bool:
        elected = False
        for order in self.orders:
            if order.stop is None or self.last is None:
                continue
            if order.side * (self.last - order.stop) >= 0:
                order.stop, elected = None, True
        return elected

    def fill_first(self, trade: int | None) -> bool:
        queue = [order for order in self.orders if order.works]
        queue.sort(key=self.rank)
        return any(self.fill(order, trade) for order in queue)

    def rank(self, order: PlainOrder) -> tuple[bool, int, int]:
        if order.limit is None:
            return (False, 0, order.order_id)
        return (True, -order.side * order.limit, order.order_id)

    def fill(self, order: PlainOrder, trade: int | None) -> bool:
        touch = self.ask if order.side == 1 else self.bid
        crosses = order.limit is None or order.side * (order.limit - touch) >= 0
        if crosses and self.left_at_touch[order.side]:
            at = order.limit if order.rested and order.limit is not None else touch
            return self.trade(order, at, self.left_at_touch)
        if order.rested and order.limit is not None and trade is not None:
            went_through = order.side * (order.limit - trade) > 0
            if went_through and self.left_of_trade[order.side]:
                return self.trade(order, order.limit, self.left_of_trade)
        if not crosses:
            order.rested = True
        return False

    def trade(self, order: PlainOrder, price: int, left: dict[int, int]) -> bool:
        size = min(order.left, left[order.side])
        if order.tif == "FOK" and size < order.left:
            return False
        left[order.side] -= size
        order.left -= size
        self.fills.append((order.order_id, size, price))
        return True
