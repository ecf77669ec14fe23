"""The limits that hold from the first day, and who may send orders at all.

Three caps on entries, and the trading mode. Pure: what they are judged by is handed in. Orders
that protect or reduce are never held back by a cap (`only_reduces` says which those are); the
trading mode holds for every order.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.domain.errors import InvalidInput, RiskRefused
from apps.domain.numerals import plain
from apps.domain.orders import Side

__all__ = [
    "Breach",
    "EntryContext",
    "RiskLimits",
    "TradingMode",
    "breaches",
    "check_account",
    "check_entry",
    "check_mode",
    "looks_like_paper",
    "only_reduces",
]


class TradingMode(Enum):
    """What the desk may do; the value is that of the setting."""

    PAPER = "paper"
    LIVE = "live"
    """Read-only for now: everything is shown and nothing is sent."""


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The caps; None is no cap. Money in the account's currency, each above zero.

    ``max_open_positions`` counts symbols, and a daily loss is a positive number: 500 stops
    entries from −500 on. Raises InvalidInput.
    """

    max_order_notional: Decimal | None = None
    max_open_positions: int | None = None
    max_daily_loss: Decimal | None = None

    def __post_init__(self) -> None:
        caps = {
            "MAX_ORDER_NOTIONAL": self.max_order_notional,
            "MAX_OPEN_POSITIONS": self.max_open_positions,
            "MAX_DAILY_LOSS": self.max_daily_loss,
        }
        for name, cap in caps.items():
            if cap is not None and not (Decimal(cap).is_finite() and cap > 0):
                raise InvalidInput(f"{name} is {cap}: it is a number above zero, or empty.")


@dataclass(frozen=True, slots=True)
class EntryContext:
    """What an entry is judged by.

    ``notional`` is what it costs at its worst price. ``open_symbols`` are the symbols with a
    position, ``entering_symbols`` those with a live entry: positions to be. ``day_pnl`` is our own
    of the day, realised and unrealised less fees, None where it is not known.
    """

    symbol: str
    notional: Decimal
    open_symbols: frozenset[str]
    entering_symbols: frozenset[str]
    day_pnl: Decimal | None


@dataclass(frozen=True, slots=True)
class Breach:
    """A cap that an entry would break: the setting's name, and one sentence."""

    limit: str
    message: str


def breaches(limits: RiskLimits, entry: EntryContext) -> tuple[Breach, ...]:
    """Give every cap that ``entry`` would break."""
    found = (_notional(limits, entry), _positions(limits, entry), _daily_loss(limits, entry))
    return tuple(breach for breach in found if breach is not None)


def check_entry(limits: RiskLimits, entry: EntryContext) -> None:
    """Raise RiskRefused, with every reason, if ``entry`` would break a cap."""
    found = breaches(limits, entry)
    if found:
        raise RiskRefused(
            f"{entry.symbol}: not sent. " + " ".join(breach.message for breach in found)
        )


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


def only_reduces(side: Side, quantity: Decimal, position: Decimal) -> bool:
    """Tell whether an order can only make a signed ``position`` smaller, not turn it around.

    >>> only_reduces(Side.SELL, Decimal(10), Decimal(10))
    True
    >>> only_reduces(Side.SELL, Decimal(11), Decimal(10))
    False
    """
    return position * side.sign < 0 and quantity <= abs(position)


def _notional(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    cap = limits.max_order_notional
    if cap is None or entry.notional <= cap:
        return None
    return Breach(
        "MAX_ORDER_NOTIONAL",
        f"The order is worth {plain(entry.notional)} at its worst price; MAX_ORDER_NOTIONAL allows "
        f"{plain(cap)}.",
    )


def _positions(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    cap = limits.max_open_positions
    held = entry.open_symbols | entry.entering_symbols
    if cap is None or len(held | {entry.symbol}) <= cap or entry.symbol in held:
        return None
    return Breach(
        "MAX_OPEN_POSITIONS",
        f"{len(held)} positions are open or being entered ({', '.join(sorted(held))}); "
        f"MAX_OPEN_POSITIONS allows {cap}.",
    )


def _daily_loss(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    cap = limits.max_daily_loss
    if cap is None:
        return None
    if entry.day_pnl is None:
        return Breach(
            "MAX_DAILY_LOSS",
            "The day's profit or loss is not known now, so MAX_DAILY_LOSS cannot be held: wait "
            "until prices come again.",
        )
    if entry.day_pnl > -cap:
        return None
    return Breach(
        "MAX_DAILY_LOSS",
        f"The day's result is {plain(entry.day_pnl)}; MAX_DAILY_LOSS stops entries at "
        f"-{plain(cap)}.",
    )
