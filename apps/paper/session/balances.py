"""An account's figures under the names that IB gives them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from apps.paper.ledger import Balances

__all__ = ["AccountFigure", "account_figures", "summary_figures"]

AccountFigure = tuple[str, str, str]
"""Tag, value and currency ('' where it has none), as text."""

_CENT = Decimal("0.01")
_SAME_AS_INITIAL = ("InitMarginReq", "FullInitMarginReq", "LookAheadInitMarginReq")
_SAME_AS_MAINTENANCE = ("MaintMarginReq", "FullMaintMarginReq", "LookAheadMaintMarginReq")
_SAME_AS_AVAILABLE = ("AvailableFunds", "FullAvailableFunds", "LookAheadAvailableFunds")
_SAME_AS_EXCESS = ("ExcessLiquidity", "FullExcessLiquidity", "LookAheadExcessLiquidity")
_SAME_AS_NET = (
    "NetLiquidation",
    "EquityWithLoanValue",
    "PreviousEquityWithLoanValue",
    "RegTEquity",
)


def summary_figures(balances: Balances) -> Iterator[AccountFigure]:
    """Give the tags of reqAccountSummary."""
    yield "AccountType", "INDIVIDUAL", ""
    cushion = (
        balances.excess_liquidity / balances.net_liquidation if balances.net_liquidation else 0
    )
    yield "Cushion", f"{cushion:.6f}", ""
    yield "DayTradesRemaining", "-1", ""
    yield "HighestSeverity", "0", ""
    yield "LookAheadNextChange", "0", ""
    leverage = (
        balances.gross_position_value / balances.net_liquidation if balances.net_liquidation else 0
    )
    yield "Leverage", f"{leverage:.2f}", ""
    for tag, value in _money(balances):
        yield tag, _text(value), balances.currency


def account_figures(account: str, balances: Balances) -> Iterator[AccountFigure]:
    """Give the keys of account updates: the summary's and the ledger's."""
    yield "AccountCode", account, ""
    yield "AccountOrGroup", account, balances.currency
    yield "AccountReady", "true", ""
    yield from summary_figures(balances)
    yield "Currency", balances.currency, balances.currency
    ledger = {
        "CashBalance": balances.cash,
        "TotalCashBalance": balances.cash,
        "StockMarketValue": balances.stock_value,
        "NetLiquidationByCurrency": balances.net_liquidation,
        "UnrealizedPnL": balances.unrealized_pnl,
        "RealizedPnL": balances.realized_pnl,
        "ExchangeRate": Decimal(1),
    }
    for key, value in ledger.items():
        for currency in (balances.currency, "BASE"):
            yield key, _text(value), currency


def _money(balances: Balances) -> Iterator[tuple[str, Decimal]]:
    yield from ((tag, balances.net_liquidation) for tag in _SAME_AS_NET)
    yield "TotalCashValue", balances.cash
    yield "SettledCash", balances.cash
    yield "AccruedCash", Decimal(0)
    yield "BuyingPower", balances.buying_power
    yield "GrossPositionValue", balances.gross_position_value
    yield "RegTMargin", balances.reg_t_margin
    yield "SMA", balances.available_funds
    yield from ((tag, balances.initial_margin) for tag in _SAME_AS_INITIAL)
    yield from ((tag, balances.maintenance_margin) for tag in _SAME_AS_MAINTENANCE)
    yield from ((tag, balances.available_funds) for tag in _SAME_AS_AVAILABLE)
    yield from ((tag, balances.excess_liquidity) for tag in _SAME_AS_EXCESS)


def _text(value: Decimal) -> str:
    return str(value.quantize(_CENT))
