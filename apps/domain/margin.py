"""Whether an account can pay for an order: what it has, what an order takes, what is spoken for.

A margin account pays with its available funds the initial margin that the broker asks for; a cash
account pays the whole price with settled cash, and sells nothing that it does not have. Where the
broker has not been asked for a margin the whole worth is counted: a stock's margin is never more.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.domain.account import AccountSummary, WhatIf

__all__ = ["Funds", "Margin", "funds_of", "needed", "whole_worth"]

_FEE_A_SHARE, _LEAST_FEE = Decimal("0.005"), Decimal(1)
"""IB's fixed rate for US shares, in dollars: what an order costs before the broker said it."""


@dataclass(frozen=True, slots=True)
class Funds:
    """What an account can pay with; None is what the broker did not say."""

    available: Decimal | None
    currency: str
    is_cash_account: bool


@dataclass(frozen=True, slots=True)
class Margin:
    """What an entry is judged by: what it takes, and what there is.

    ``needed`` is unknown (None) where not even its worth can be told in the account's currency;
    ``is_estimate`` says that the broker was not asked, and its whole worth is counted.
    ``available`` are the account's funds, of which ``reserved`` is spoken for by others.
    """

    needed: Decimal | None
    is_estimate: bool
    available: Decimal | None
    reserved: Decimal = Decimal(0)
    is_cash_account: bool = False


def funds_of(summary: AccountSummary) -> Funds:
    """Give what an account can pay with."""
    available = summary.available_funds
    if summary.is_cash_account and summary.settled_cash is not None and available is not None:
        available = min(available, summary.settled_cash)
    return Funds(available, summary.currency, summary.is_cash_account)


def whole_worth(notional: Decimal, quantity: Decimal) -> Decimal:
    """Give the whole price of an order, with a fee.

    >>> whole_worth(Decimal(1900), Decimal(10)), whole_worth(Decimal(9500), Decimal(500))
    (Decimal('1901'), Decimal('9502.500'))
    """
    return notional + max(_LEAST_FEE, quantity * _FEE_A_SHARE)


def needed(answer: WhatIf) -> Decimal | None:
    """Give what an order takes by the broker's answer, its fee included; None for no answer."""
    if answer.initial_margin_change is None:
        return None
    return max(Decimal(0), answer.initial_margin_change) + (answer.commission or Decimal(0))
