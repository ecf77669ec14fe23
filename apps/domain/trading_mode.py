"""Paper or live: what the desk may do at all, with which account, and who said so."""

from __future__ import annotations

from enum import Enum

from apps.domain.errors import RiskRefused, TradingDisabled

__all__ = [
    "TradingMode",
    "check_account",
    "check_confirmation",
    "check_enabled",
    "check_mode",
    "looks_like_paper",
]


class TradingMode(Enum):
    """Which kind of account the desk is for; the value is that of the setting."""

    PAPER = "paper"
    LIVE = "live"
    """Real money: nothing is sent unless the trader has confirmed the account at the start."""


def check_enabled(enabled: bool) -> None:
    """Raise TradingDisabled if trading is switched off as a whole."""
    if not enabled:
        raise TradingDisabled(
            "TRADING_ENABLED is off: nothing was sent, changed or cancelled. Set it to on, and "
            "start the desk again, to trade."
        )


def check_mode(mode: TradingMode, *, confirmed: bool = False, enabled: bool = True) -> None:
    """Raise RiskRefused if no order at all may be sent.

    That is so where trading is not ``enabled``, and live where it is not ``confirmed``.
    """
    check_enabled(enabled)
    if mode is TradingMode.LIVE and not confirmed:
        raise RiskRefused(
            "This live session is read-only, for its account was not confirmed: nothing was sent, "
            "changed or cancelled. Confirm the account when the desk asks for it, or name it by "
            "--confirm-live."
        )


def check_account(mode: TradingMode, account: str) -> None:
    """Raise RiskRefused if ``account`` is not of the kind that the mode is for."""
    is_paper = looks_like_paper(account)
    if mode is TradingMode.PAPER and not is_paper:
        raise RiskRefused(
            f"TRADING_MODE=paper, but the account {account} does not look like a paper account "
            "(those begin with DU or DF): log in to the paper account, or set TRADING_MODE=live."
        )
    if mode is TradingMode.LIVE and is_paper:
        raise RiskRefused(
            f"TRADING_MODE=live, but the account {account} is a paper account (those begin with "
            "DU or DF): set TRADING_MODE=paper, or log in to the live account."
        )


def check_confirmation(account: str, typed: str) -> None:
    """Raise RiskRefused unless ``typed`` is the number of the account, letter by letter.

    >>> check_confirmation("U1234567", " u1234567 ")
    """
    if typed.strip().upper() != account.upper():
        why = f"{typed.strip()!r} is not the account {account}"
        if not typed.strip():
            why = f"the number of the account {account} was not typed"
        raise RiskRefused(
            f"Not opened: {why}. Nothing was sent; start again, and type it to trade live."
        )


def looks_like_paper(account: str) -> bool:
    """Tell whether an account's name is one of IB's paper trading: DU…, DF… for an advisor's."""
    return account.upper().startswith(("DU", "DF"))
