"""Account values: updates of one account with its portfolio, the same by request id, summaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.paper.books.ledger import Account, Holding
from apps.paper.exchange.orders import CommissionReport, Execution
from apps.paper.instruments.listing import Listing
from apps.paper.session.accounts.account_topic import (
    ACCOUNT_REFRESH_MS,
    AccountTopic,
    Refresh,
    money,
    price,
)
from apps.paper.session.accounts.balances import (
    AccountFigure,
    account_figures,
    ledger_figures,
    summary_figures,
)
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.instruments.contracts import holding_contract_of
from apps.paper.session.times import MARKET_ZONE
from apps.paper.wire import (
    AccountDownloadEnd,
    AccountSummary,
    AccountSummaryEnd,
    AccountTime,
    AccountUpdateMulti,
    AccountUpdateMultiEnd,
    AccountValue,
    CancelAccountSummary,
    CancelAccountUpdatesMulti,
    PortfolioValue,
    ReqAccountSummary,
    ReqAccountUpdates,
    ReqAccountUpdatesMulti,
)
from apps.paper.world import World

__all__ = ["AccountValues"]

_ALL = "All"
_LEDGER = "$LEDGER"


class AccountValues(AccountTopic):
    """What the accounts are worth."""

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._updates_of: str | None = None
        self._updates: Refresh | None = None
        self._summaries: set[int] = set()

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqAccountUpdates: self._account_updates,
            ReqAccountUpdatesMulti: self._account_updates_multi,
            CancelAccountUpdatesMulti: self._cancel,
            ReqAccountSummary: self._account_summary,
            CancelAccountSummary: self._cancel,
        }

    def booked(self, account: Account, execution: Execution, _: CommissionReport) -> None:
        """Tell an account anew that has traded."""
        if self._updates_of == account.name:
            self._send_account(account, execution.listing)

    def close(self) -> None:
        """End every subscription, the one without a request id too."""
        super().close()
        self._stop_updates()

    def _account_updates(self, request: ReqAccountUpdates) -> None:
        account = self.account(-1, request.account)
        self._stop_updates()
        if not request.subscribe:
            return
        self._updates_of = account.name
        self._updates = Refresh(lambda: self._send_account(account), ACCOUNT_REFRESH_MS)
        self.world.timetable.start(self._updates, self.world.now + ACCOUNT_REFRESH_MS)
        self._send_account(account)
        self.client.send(AccountDownloadEnd(account.name))

    def _stop_updates(self) -> None:
        if self._updates is not None:
            self.world.timetable.stop(self._updates)
        self._updates_of = self._updates = None

    def _send_account(self, account: Account, changed: Listing | None = None) -> None:
        """Send values and portfolio; a position that became flat is told once, as IB does."""
        for key, value, currency in self._figures(account):
            self.client.send(AccountValue(key, value, currency, account.name))
        for holding in account.positions():
            if holding.quantity or holding.listing == changed:
                self.client.send(self._portfolio_value(account, holding))
        clock = datetime.fromtimestamp(self.world.now / 1000, ZoneInfo(MARKET_ZONE))
        self.client.send(AccountTime(f"{clock:%H:%M}"))

    def _portfolio_value(self, account: Account, holding: Holding) -> PortfolioValue:
        valued = account.value(holding, self.world.mark)
        return PortfolioValue(
            contract=holding_contract_of(holding.listing),
            position=holding.quantity,
            market_price=valued.price,
            market_value=money(valued.market_value),
            average_cost=price(holding.average_cost),
            unrealized_pnl=money(valued.unrealized_pnl),
            realized_pnl=money(holding.realized_pnl),
            account=account.name,
        )

    def _account_updates_multi(self, request: ReqAccountUpdatesMulti) -> None:
        account = self.account(request.req_id, request.account)

        def tell() -> None:
            for key, value, currency in self._figures(account):
                self.client.send(
                    AccountUpdateMulti(
                        request.req_id, account.name, request.model_code, key, value, currency
                    )
                )

        self.every(request.req_id, tell, ACCOUNT_REFRESH_MS)
        self.client.send(AccountUpdateMultiEnd(request.req_id))

    def _account_summary(self, request: ReqAccountSummary) -> None:
        if request.group not in (_ALL, ""):
            text = f"Error validating request.-'Invalid account group {request.group}'"
            raise RequestRefused(request.req_id, 321, text)
        most = self.world.limits.account_summaries
        if most is not None and len(self._summaries) >= most:
            text = "Maximum number of account summary requests exceeded"
            text = f"Error processing request.-'{text}'"
            raise RequestRefused(request.req_id, 322, text)

        def tell() -> None:
            for account in self.world.accounts.values():
                for tag, value, currency in self._summary(account, request.tags):
                    self.client.send(
                        AccountSummary(request.req_id, account.name, tag, value, currency)
                    )

        self.every(request.req_id, tell, ACCOUNT_REFRESH_MS)
        self._summaries.add(request.req_id)
        self.client.send(AccountSummaryEnd(request.req_id))

    def _figures(self, account: Account) -> Iterator[AccountFigure]:
        mark = self.world.mark
        return account_figures(account.name, account.balances(mark), account.ledger(mark))

    def _summary(self, account: Account, tags: tuple[str, ...]) -> Iterator[AccountFigure]:
        """Give the tags that are wanted; ``$LEDGER``, ``$LEDGER:EUR`` and ``$LEDGER:ALL`` too."""
        balances, rows = account.balances(self.world.mark), account.ledger(self.world.mark)
        for figure in summary_figures(balances):
            if figure[0] in tags or _ALL in tags:
                yield figure
        for tag in tags:
            flag, _, currency = tag.partition(":")
            if flag == _LEDGER:
                yield from ledger_figures(account.name, balances, rows, currency)

    def _cancel(self, request: CancelAccountUpdatesMulti | CancelAccountSummary) -> None:
        self._summaries.discard(request.req_id)
        self.stop(request.req_id)
