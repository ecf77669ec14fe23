"""Positions: all that there are, then each as it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.paper.books.ledger import Account, Holding
from apps.paper.exchange.orders import CommissionReport, Execution
from apps.paper.session.accounts.account_topic import AccountTopic, price
from apps.paper.session.client import Client
from apps.paper.session.instruments.contracts import holding_contract_of
from apps.paper.wire import (
    CancelPositions,
    CancelPositionsMulti,
    Position,
    PositionEnd,
    PositionMulti,
    PositionMultiEnd,
    ReqPositions,
    ReqPositionsMulti,
)
from apps.paper.world import World

__all__ = ["Positions"]


class Positions(AccountTopic):
    """What the accounts hold, of all of them or one."""

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._wanted = False
        self._multi: dict[int, ReqPositionsMulti] = {}

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqPositions: self._positions,
            CancelPositions: self._cancel_positions,
            ReqPositionsMulti: self._positions_multi,
            CancelPositionsMulti: self._cancel_positions_multi,
        }

    def booked(self, account: Account, execution: Execution, _: CommissionReport) -> None:
        """Tell the position that a trade has changed, even to nothing."""
        holding = account.holding(execution.listing)
        if self._wanted:
            self._send_position(account, holding)
        for request in self._multi.values():
            if request.account in ("", account.name):
                self._send_position_multi(request, account, holding)

    def close(self) -> None:
        """End every subscription."""
        super().close()
        self._wanted = False
        self._multi.clear()

    def _positions(self, _: ReqPositions) -> None:
        self._wanted = True
        for account in self.world.accounts.values():
            for holding in _open(account):
                self._send_position(account, holding)
        self.client.send(PositionEnd())

    def _cancel_positions(self, _: CancelPositions) -> None:
        self._wanted = False

    def _send_position(self, account: Account, holding: Holding) -> None:
        self.client.send(
            Position(
                account.name,
                holding_contract_of(holding.listing),
                holding.quantity,
                price(holding.average_cost),
            )
        )

    def _positions_multi(self, request: ReqPositionsMulti) -> None:
        if request.account:
            self.account(request.req_id, request.account)
        self._multi[request.req_id] = request
        for account in self.world.accounts.values():
            if request.account in ("", account.name):
                for holding in _open(account):
                    self._send_position_multi(request, account, holding)
        self.client.send(PositionMultiEnd(request.req_id))

    def _cancel_positions_multi(self, request: CancelPositionsMulti) -> None:
        self._multi.pop(request.req_id, None)

    def _send_position_multi(
        self, request: ReqPositionsMulti, account: Account, holding: Holding
    ) -> None:
        self.client.send(
            PositionMulti(
                request.req_id,
                account.name,
                holding_contract_of(holding.listing),
                holding.quantity,
                price(holding.average_cost),
                request.model_code,
            )
        )


def _open(account: Account) -> Iterator[Holding]:
    return (holding for holding in account.positions() if holding.quantity)
