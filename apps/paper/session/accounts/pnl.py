"""Profit and loss of today, of an account or of one position, about once a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from apps.paper.books.ledger import Account
from apps.paper.exchange.orders import CommissionReport, Execution
from apps.paper.instruments.listing import Listing
from apps.paper.session.accounts.account_topic import AccountTopic, money
from apps.paper.session.accounts.day_pnl import DayTrades
from apps.paper.session.client import Client
from apps.paper.wire import CancelPnl, CancelPnlSingle, Pnl, PnlSingle, ReqPnl, ReqPnlSingle
from apps.paper.world import World

__all__ = ["ProfitAndLoss"]

_PNL_REFRESH_MS = 1_000


class ProfitAndLoss(AccountTopic):
    """What the accounts make."""

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._days: dict[str, DayTrades] = {}

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqPnl: self._pnl,
            CancelPnl: self._cancel,
            ReqPnlSingle: self._pnl_single,
            CancelPnlSingle: self._cancel,
        }

    def booked(self, account: Account, execution: Execution, report: CommissionReport) -> None:
        """Count a trade of today."""
        if (day := self._days.get(account.name)) is not None:
            day.note(execution, report)

    def _pnl(self, request: ReqPnl) -> None:
        account = self.account(request.req_id, request.account)

        def tell() -> None:
            made = self._day(account).of_account(
                self.world.mark, self._previous_close, account.rate
            )
            self.client.send(
                Pnl(
                    request.req_id,
                    money(made.daily),
                    money(made.unrealized),
                    money(made.realized),
                )
            )

        self.every(request.req_id, tell, _PNL_REFRESH_MS)

    def _pnl_single(self, request: ReqPnlSingle) -> None:
        account = self.account(request.req_id, request.account)

        def tell() -> None:
            """Say nothing of an unknown position, as IB does."""
            for holding in account.positions():
                if holding.listing.con_id == request.con_id:
                    made = self._day(account).of(holding, self.world.mark, self._previous_close)
                    valued = account.value(holding, self.world.mark)
                    self.client.send(
                        PnlSingle(
                            request.req_id,
                            holding.quantity,
                            money(made.daily),
                            money(made.unrealized),
                            money(made.realized),
                            money(valued.market_value),
                        )
                    )

        self.every(request.req_id, tell, _PNL_REFRESH_MS)

    def _cancel(self, request: CancelPnl | CancelPnlSingle) -> None:
        self.stop(request.req_id)

    def _day(self, account: Account) -> DayTrades:
        """Give the account's trades of today, counted from the first time that they are wanted."""
        now = self.world.now
        day = self._days.get(account.name)
        if day is None:
            exchange = self.world.exchange
            day = self._days[account.name] = DayTrades(account, now)
            day.note_all(
                (execution, exchange.commission_report(execution.exec_id))
                for execution in exchange.executions()
            )
        day.begin(now)
        return day

    def _previous_close(self, listing: Listing) -> Decimal:
        return self.world.market.previous_close(listing, self.world.now)
