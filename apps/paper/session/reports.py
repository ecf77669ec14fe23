"""Reports: positions, account values and summaries, profit and loss; once and as they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.paper.exchange.events import CommissionReported, Event
from apps.paper.feed.market import Millis
from apps.paper.ledger import Account, Holding
from apps.paper.session.balances import account_figures, summary_figures
from apps.paper.session.client import Client
from apps.paper.session.contracts import holding_contract_of
from apps.paper.session.faults import RequestRefused
from apps.paper.session.topic import Topic
from apps.paper.timetable import RANK_REPORTS
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
    CancelPnl,
    CancelPnlSingle,
    CancelPositions,
    Pnl,
    PnlSingle,
    PortfolioValue,
    Position,
    PositionEnd,
    ReqAccountSummary,
    ReqAccountUpdates,
    ReqAccountUpdatesMulti,
    ReqPnl,
    ReqPnlSingle,
    ReqPositions,
)
from apps.paper.world import World

__all__ = ["Reports"]

_ACCOUNT_REFRESH_MS = 180_000
"""IB refreshes account values every three minutes, or when a position changes."""
_PNL_REFRESH_MS = 1_000
_MOST_SUMMARIES = 2
_ALL_TAGS = "All"
_CENT = Decimal("0.01")


class _Refresh:
    """Tells something again and again, every ``every`` milliseconds of market time."""

    rank = RANK_REPORTS

    def __init__(self, tell: Callable[[], None], every: Millis) -> None:
        self.tell = tell
        self._every = every

    def run(self, at: Millis) -> Millis | None:
        self.tell()
        return at + self._every


class Reports(Topic):
    """What a client hears of accounts."""

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._positions_wanted = False
        self._updates_of: str | None = None
        self._updates: _Refresh | None = None
        self._summaries: set[int] = set()

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqPositions: self._positions,
            CancelPositions: self._cancel_positions,
            ReqAccountUpdates: self._account_updates,
            ReqAccountUpdatesMulti: self._account_updates_multi,
            CancelAccountUpdatesMulti: self._cancel_one,
            ReqAccountSummary: self._account_summary,
            CancelAccountSummary: self._cancel_one,
            ReqPnl: self._pnl,
            CancelPnl: self._cancel_one,
            ReqPnlSingle: self._pnl_single,
            CancelPnlSingle: self._cancel_one,
        }

    def tell(self, event: Event) -> None:
        """Hear of a fee, which is when a trade is in the books; positions have changed then."""
        if not isinstance(event, CommissionReported):
            return
        account = self.world.accounts[event.report.account]
        if self._positions_wanted:
            self._send_positions(account, changed_by=event.report.exec_id)
        if self._updates_of == account.name:
            self._send_account(account)

    def close(self) -> None:
        """End every subscription, those without a request id too."""
        super().close()
        self._stop_updates()
        self._positions_wanted = False

    def _account(self, req_id: int, name: str) -> Account:
        accounts = self.world.accounts
        if not name and len(accounts) == 1:
            return next(iter(accounts.values()))
        if name not in accounts:
            text = f"Error validating request.-'Invalid account code {name}'"
            raise RequestRefused(req_id, 321, text)
        return accounts[name]

    # positions

    def _positions(self, _: ReqPositions) -> None:
        self._positions_wanted = True
        for account in self.world.accounts.values():
            self._send_positions(account)
        self.client.send(PositionEnd())

    def _cancel_positions(self, _: CancelPositions) -> None:
        self._positions_wanted = False

    def _send_positions(self, account: Account, changed_by: str | None = None) -> None:
        """Send the open positions, or the one that an execution changed, even to nothing."""
        changed = None
        if changed_by is not None:
            executions = self.world.exchange.executions()
            changed = next(e.listing for e in reversed(executions) if e.exec_id == changed_by)
        for holding in account.positions():
            if holding.listing == changed or (changed is None and holding.quantity):
                self.client.send(
                    Position(
                        account.name,
                        holding_contract_of(holding.listing),
                        holding.quantity,
                        _price(holding.average_cost),
                    )
                )

    # account updates

    def _account_updates(self, request: ReqAccountUpdates) -> None:
        account = self._account(-1, request.account)
        self._stop_updates()
        if not request.subscribe:
            return
        self._updates_of = account.name
        self._updates = _Refresh(lambda: self._send_account(account), _ACCOUNT_REFRESH_MS)
        self.world.timetable.start(self._updates, self.world.now + _ACCOUNT_REFRESH_MS)
        self._send_account(account)
        self.client.send(AccountDownloadEnd(account.name))

    def _stop_updates(self) -> None:
        if self._updates is not None:
            self.world.timetable.stop(self._updates)
        self._updates_of = self._updates = None

    def _send_account(self, account: Account) -> None:
        for key, value, currency in account_figures(
            account.name, account.balances(self.world.mark)
        ):
            self.client.send(AccountValue(key, value, currency, account.name))
        for holding in account.positions():
            self.client.send(self._portfolio_value(account, holding))
        clock = datetime.fromtimestamp(self.world.now / 1000, ZoneInfo("US/Eastern"))
        self.client.send(AccountTime(f"{clock:%H:%M}"))

    def _portfolio_value(self, account: Account, holding: Holding) -> PortfolioValue:
        valued = account.value(holding, self.world.mark)
        return PortfolioValue(
            contract=holding_contract_of(holding.listing),
            position=holding.quantity,
            market_price=valued.price,
            market_value=_money(valued.market_value),
            average_cost=_price(holding.average_cost),
            unrealized_pnl=_money(valued.unrealized_pnl),
            realized_pnl=_money(holding.realized_pnl),
            account=account.name,
        )

    def _account_updates_multi(self, request: ReqAccountUpdatesMulti) -> None:
        account = self._account(request.req_id, request.account)

        def tell() -> None:
            figures = account_figures(account.name, account.balances(self.world.mark))
            for key, value, currency in figures:
                self.client.send(
                    AccountUpdateMulti(
                        request.req_id, account.name, request.model_code, key, value, currency
                    )
                )

        self._every(request.req_id, tell, _ACCOUNT_REFRESH_MS)
        self.client.send(AccountUpdateMultiEnd(request.req_id))

    # summaries

    def _account_summary(self, request: ReqAccountSummary) -> None:
        if len(self._summaries) >= _MOST_SUMMARIES:
            text = "Maximum number of account summary requests exceeded"
            text = f"Error processing request.-'{text}'"
            raise RequestRefused(request.req_id, 322, text)

        def tell() -> None:
            for account in self.world.accounts.values():
                for tag, value, currency in self._summary(account, request.tags):
                    self.client.send(
                        AccountSummary(request.req_id, account.name, tag, value, currency)
                    )

        self._every(request.req_id, tell, _ACCOUNT_REFRESH_MS)
        self._summaries.add(request.req_id)
        self.client.send(AccountSummaryEnd(request.req_id))

    def _summary(self, account: Account, tags: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
        balances = account.balances(self.world.mark)
        wanted = set(tags)
        for tag, value, currency in summary_figures(balances):
            if tag in wanted or _ALL_TAGS in wanted:
                yield tag, value, currency
        if any(tag.startswith("$LEDGER") for tag in wanted):
            plain = {tag for tag, _, _ in summary_figures(balances)}
            for tag, value, currency in account_figures(account.name, balances):
                if tag not in plain:
                    yield tag, value, currency

    # profit and loss

    def _pnl(self, request: ReqPnl) -> None:
        account = self._account(request.req_id, request.account)

        def tell() -> None:
            balances = account.balances(self.world.mark)
            realized, unrealized = balances.realized_pnl, balances.unrealized_pnl
            self.client.send(
                Pnl(
                    request.req_id,
                    _money(realized + unrealized),
                    _money(unrealized),
                    _money(realized),
                )
            )

        self._every(request.req_id, tell, _PNL_REFRESH_MS)

    def _pnl_single(self, request: ReqPnlSingle) -> None:
        account = self._account(request.req_id, request.account)

        def tell() -> None:
            """Say nothing of an unknown position, as IB does."""
            for holding in account.positions():
                if holding.listing.con_id == request.con_id:
                    valued = account.value(holding, self.world.mark)
                    realized, unrealized = holding.realized_pnl, valued.unrealized_pnl
                    self.client.send(
                        PnlSingle(
                            request.req_id,
                            holding.quantity,
                            _money(realized + unrealized),
                            _money(unrealized),
                            _money(realized),
                            _money(valued.market_value),
                        )
                    )

        self._every(request.req_id, tell, _PNL_REFRESH_MS)

    def _every(self, req_id: int, tell: Callable[[], None], every: Millis) -> None:
        self.start(req_id, _Refresh(tell, every), self.world.now + every)
        tell()

    def _cancel_one(self, request: Any) -> None:
        self._summaries.discard(request.req_id)
        self.stop(request.req_id)


def _money(value: Decimal) -> Decimal:
    return value.quantize(_CENT)


def _price(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1.000000")).normalize()
