"""An account's figures under the names that IB gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from apps.paper.books.ledger import Balances, CurrencyBalances

__all__ = ["AccountFigure", "account_figures", "ledger_figures", "summary_figures"]

AccountFigure = tuple[str, str, str]
"""Tag, value and currency ('' where it has none), as text."""

_CENT = Decimal("0.01")
_BASE = "BASE"
_EVERY_CURRENCY = "ALL"
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


def account_figures(
    account: str, balances: Balances, rows: Iterable[CurrencyBalances]
) -> Iterator[AccountFigure]:
    """Give the keys of account updates: the summary's, and the ledger of every currency."""
    yield "AccountCode", account, ""
    yield "AccountReady", "true", ""
    yield from summary_figures(balances)
    yield from ledger_figures(account, balances, rows, _EVERY_CURRENCY)


def ledger_figures(
    account: str, balances: Balances, rows: Iterable[CurrencyBalances], wanted: str = ""
) -> Iterator[AccountFigure]:
    """Give IB's ledger: of one currency, of ``ALL``, or with no name of all of them in base."""
    for row in rows:
        if wanted in (row.currency, _EVERY_CURRENCY):
            yield from _ledger(account, row.currency, row, row.exchange_rate)
    if wanted in ("", _BASE, _EVERY_CURRENCY):
        yield from _ledger(account, _BASE, _in_base(balances), Decimal(1))


def _ledger(
    account: str, currency: str, row: CurrencyBalances, exchange_rate: Decimal
) -> Iterator[AccountFigure]:
    yield "AccountOrGroup", account, currency
    yield "Currency", currency, currency
    yield "RealCurrency", currency, currency
    yield "ExchangeRate", f"{exchange_rate:.6f}".rstrip("0").rstrip("."), currency
    figures = {
        "CashBalance": row.cash,
        "TotalCashBalance": row.cash,
        "StockMarketValue": row.stock_value,
        "OptionMarketValue": row.option_value,
        "FuturesPNL": row.futures_pnl,
        "NetLiquidationByCurrency": row.net_liquidation,
        "UnrealizedPnL": row.unrealized_pnl,
        "RealizedPnL": row.realized_pnl,
    }
    for key, value in figures.items():
        yield key, _text(value), currency


def _in_base(balances: Balances) -> CurrencyBalances:
    return CurrencyBalances(
        currency=_BASE,
        exchange_rate=Decimal(1),
        cash=balances.cash,
        stock_value=balances.stock_value,
        option_value=balances.option_value,
        futures_pnl=balances.futures_pnl,
        realized_pnl=balances.realized_pnl,
        unrealized_pnl=balances.unrealized_pnl,
    )


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
