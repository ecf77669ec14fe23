"""The account's positions and balances, as asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from apps.domain.account import AccountSummary, CurrencyCash, Position
from apps.ib.connection import IBConnection
from apps.ib.requests import Requests
from apps.ib.session import Session
from apps.ib.translate import account_summary, cash_by_currency, position_from

if TYPE_CHECKING:
    from ib_insync import objects as ibo

__all__ = ["IBAccount"]

_TAGS = (
    "AccountType,NetLiquidation,TotalCashValue,SettledCash,BuyingPower,AvailableFunds,"
    "InitMarginReq,MaintMarginReq,"
    "$LEDGER:ALL"
)


class IBAccount:
    """Reads one account."""

    def __init__(self, connection: IBConnection) -> None:
        self._connection = connection
        # IB allows two summaries at a time, those of other programs included (322)
        self._one_summary = asyncio.Lock()

    async def synchronise(self, session: Session, requests: Requests) -> None:
        """Subscribe to the account's updates: market values of positions come only by them."""
        account = self._connection.account

        def ask() -> asyncio.Future[Any]:
            answer: asyncio.Future[Any] = session.wrapper.startReq("accountValues")
            session.client.reqAccountUpdates(True, account)
            return answer

        await requests.by_name("accountValues", f"the updates of {account}", ask)

    async def positions(self) -> tuple[Position, ...]:
        """Give the positions, with the market values of the last account update."""
        session, account = self._connection.session, self._connection.account

        def ask() -> asyncio.Future[Any]:
            answer: asyncio.Future[Any] = session.wrapper.startReq("positions")
            session.client.reqPositions()
            return answer

        held: list[ibo.Position] = await self._connection.requests.by_name(
            "positions", "the positions", ask
        )
        # changes that came in the meantime stand among the answers: the last word counts
        newest = {one.contract.conId: one for one in held if one.account == account}
        valued = {one.contract.conId: one for one in session.ib.portfolio(account)}
        return tuple(
            position_from(one, valued.get(con_id))
            for con_id, one in newest.items()
            if one.position != 0
        )

    async def account_summary(self) -> AccountSummary:
        """Give the balances as IB has them now (it refreshes them every three minutes)."""
        return account_summary(self._connection.account, await self._values())

    async def cash_by_currency(self) -> tuple[CurrencyCash, ...]:
        """Give the cash of each currency, as old as the balances."""
        return cash_by_currency(await self._values())

    async def _values(self) -> dict[tuple[str, str], str]:
        session, account = self._connection.session, self._connection.account
        requests, client, asked_by = self._connection.requests, session.client, -1

        def ask(req_id: int) -> None:
            nonlocal asked_by
            asked_by = req_id
            client.reqAccountSummary(req_id, "All", _TAGS)

        async with self._one_summary:
            try:
                await requests.by_id(f"the balances of {account}", ask)
            finally:
                if asked_by >= 0:
                    requests.end(lambda: client.cancelAccountSummary(asked_by))
        return _known_values(session, account)


def _known_values(session: Session, account: str) -> dict[tuple[str, str], str]:
    values = {(one.tag, one.currency): one.value for one in session.ib.accountValues(account)}
    for one in session.wrapper.acctSummary.values():
        if one.account == account:
            values[one.tag, one.currency] = one.value
    return values
