"""The order side of the scripted TWS: keeps what is placed, and says what the test wants said."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from apps.paper import wire
from apps.paper.wire import PlaceOrder, encode, parse_request
from tests.ib.tws_stub import Fields, Peer, TwsStub

VERSION = 176
CLIENT = 7


class OrderDesk:
    """Takes messages 3 and 4 of a `TwsStub`; silent until told to speak."""

    def __init__(self, tws: TwsStub) -> None:
        self.tws = tws
        self.placed: dict[int, PlaceOrder] = {}
        tws.answers[3] = self._on_place
        tws.answers[16] = self._on_open_orders
        self.listed: dict[int, str] = {}
        """What the answer to "all open orders" holds: order id to status."""

    def say(self, response: Any) -> None:
        self.tws.peer.send_bytes(encode(response, VERSION))

    def open_order(self, order_id: int, status: str, **order: Any) -> None:
        placed = self.placed[order_id]
        self.say(
            wire.OpenOrder(
                order_id=order_id,
                client_id=CLIENT,
                perm_id=900_000 + order_id,
                contract=placed.contract,
                order=replace(placed.order, **order),
                state=wire.OrderState(status=status),
            )
        )

    def status(self, order_id: int, status: str, filled: int = 0, price: str = "0") -> None:
        quantity = int(self.placed[order_id].order.total_quantity)
        self.say(
            wire.OrderStatus(
                order_id=order_id,
                status=status,
                filled=Decimal(filled),
                remaining=Decimal(quantity - filled),
                avg_fill_price=Decimal(price),
                perm_id=900_000 + order_id,
                client_id=CLIENT,
            )
        )

    def accept(self, order_id: int, status: str = "Submitted", **order: Any) -> None:
        self.listed[order_id] = status
        self.open_order(order_id, status, **order)
        self.status(order_id, status)

    def execution(self, order_id: int, exec_id: str, shares: int, req_id: int = -1) -> None:
        placed = self.placed[order_id]
        self.say(
            wire.ExecutionDetails(
                req_id=req_id,
                order_id=order_id,
                contract=placed.contract,
                exec_id=exec_id,
                time="20261120 09:31:05 EST",
                account="DU1",
                exchange="ISLAND",
                side="BOT" if placed.order.action == "BUY" else "SLD",
                shares=Decimal(shares),
                price=Decimal("190.41"),
                perm_id=900_000 + order_id,
                client_id=CLIENT,
                order_ref=placed.order.order_ref,
            )
        )

    def _on_place(self, _: Peer, message: Fields) -> None:
        request = parse_request(message, VERSION)
        assert isinstance(request, PlaceOrder), request
        self.placed[request.order_id] = request

    def _on_open_orders(self, peer: Peer, _: Fields) -> None:
        for order_id, status in self.listed.items():
            self.open_order(order_id, status)
            self.status(order_id, status)
        peer.send(53, 1)
