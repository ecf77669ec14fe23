"""Orders typed into the gateway by hand: what a trader does in TWS itself, beside its clients.

They belong to client 0 and have no id of a client's; inside the gateway they count down from −1,
which is the id that client 0 sees once it has bound them.
"""

from __future__ import annotations

from dataclasses import replace

from apps.paper.exchange.orders import Order, OrderKey
from apps.paper.world import World

__all__ = ["MANUAL_CLIENT", "place_by_hand"]

MANUAL_CLIENT = 0


def place_by_hand(world: World, order: Order) -> OrderKey:
    """Place an order as a trader at the gateway would; give the key by which it is known.

    ``order`` says what to trade; its client and id are given here.
    """
    exchange = world.exchange
    known = [
        snapshot.order.order_id
        for snapshot in (*exchange.working_orders(), *exchange.completed_orders())
        if snapshot.order.manual
    ]
    number = min(known, default=0) - 1
    placed = replace(order, client_id=MANUAL_CLIENT, order_id=number, manual=True)
    world.place(placed)
    return placed.key
