"""Paper or live: what the desk may do at all, and with which account."""

from __future__ import annotations

from enum import Enum

from apps.domain.errors import RiskRefused

__all__ = ["TradingMode", "check_account", "check_mode", "looks_like_paper"]


class TradingMode(Enum):
    """What the desk may do; the value is that of the setting."""

    PAPER = "paper"
    LIVE = "live"
    """Read-only for now: everything is shown and nothing is sent."""


def check_mode(mode: TradingMode) -> None:
    """Raise RiskRefused if no order at all may be sent in this mode."""
    if mode is TradingMode.LIVE:
        raise RiskRefused(
            "TRADING_MODE=live is read-only for now: nothing was sent, changed or cancelled. Use "
            "TWS for that, or set TRADING_MODE=paper to trade on a paper account."
        )


def check_account(mode: TradingMode, account: str) -> None:
    """Raise RiskRefused if ``account`` is not of the kind that the mode is for."""
    if mode is TradingMode.PAPER and not looks_like_paper(account):
        raise RiskRefused(
            f"TRADING_MODE=paper, but the account {account} does not look like a paper account "
            "(those begin with DU or DF): log in to the paper account, or set TRADING_MODE=live."
        )


def looks_like_paper(account: str) -> bool:
    """Tell whether an account's name is one of IB's paper trading: DU…, DF… for an advisor's."""
    return account.upper().startswith(("DU", "DF"))
