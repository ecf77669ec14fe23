"""The account, as values: positions, balances and what our own trades made of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["AccountSummary", "CurrencyCash", "Position", "WhatIf"]


@dataclass(frozen=True, slots=True)
class Position:
    """A holding of the account: signed ``quantity`` and average cost per share.

    ``market_price`` and the P&L are the broker's, and as old as its last account update.
    """

    account: str
    con_id: int
    symbol: str
    kind: str
    currency: str
    quantity: Decimal
    average_cost: Decimal
    market_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    realized_pnl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """Balances of one account in its base currency; None is what the broker did not say.

    ``account_type`` is IB's word, such as INDIVIDUAL.
    """

    account: str
    currency: str
    net_liquidation: Decimal | None
    cash: Decimal | None
    buying_power: Decimal | None
    available_funds: Decimal | None
    initial_margin: Decimal | None
    maintenance_margin: Decimal | None
    unrealized_pnl: Decimal | None
    realized_pnl: Decimal | None
    settled_cash: Decimal | None = None
    account_type: str = ""

    @property
    def is_cash_account(self) -> bool:
        """It lends nothing: IB says so, or its buying power is no more than its own funds.

        IB's account type does not tell margin from cash, its buying power does.
        """
        if "CASH" in self.account_type.upper():
            return True
        if self.buying_power is None or self.available_funds is None:
            return False
        return self.buying_power <= self.available_funds


@dataclass(frozen=True, slots=True)
class CurrencyCash:
    """The cash of one currency, negative where it is owed.

    ``rate`` is the worth of one unit in the account's base currency, None where nobody says.
    """

    currency: str
    amount: Decimal
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What an order would do to margin and cost, without sending it; None is unknown."""

    initial_margin_change: Decimal | None
    maintenance_margin_change: Decimal | None
    commission: Decimal | None
    warning: str = ""
