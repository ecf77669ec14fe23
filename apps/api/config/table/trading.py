"""Settings of trading: whether, with what by default, and what becomes of positions."""

from __future__ import annotations

from apps.api.config.parsers import (
    choice,
    overnight,
    patience,
    percent,
    shares,
    switch,
    upper_word,
)
from apps.api.config.setting import Setting
from apps.domain.exits.session_end import Overnight, parse_before_close

__all__ = ["SETTINGS"]

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "TRADING_MODE",
        "paper",
        choice("paper", "live", fold=str.lower),
        "paper trades on a paper account only. live is real money: it needs IB_HOST, and at each "
        "start the account's number, typed or given by --confirm-live.",
        "paper or live",
    ),
    Setting(
        "TRADING_ENABLED",
        "on",
        switch,
        "Whether anything is sent to the broker at all. off refuses every command that trades, "
        "before it connects, and is read-only down to the guard.",
        "on or off",
    ),
    Setting(
        "DEFAULT_SYMBOL",
        "AAPL",
        upper_word,
        "The symbol that is proposed when the desk asks for one.",
        "a symbol such as AAPL",
    ),
    Setting(
        "DEFAULT_QTY",
        "100",
        shares,
        "Shares of a trade when none are given.",
        "a whole number of shares, 1 to 1000000",
    ),
    Setting(
        "DEFAULT_TP_PCT",
        "1.0",
        percent("1000"),
        "Take-profit when none is given, in percent of the entry's reference price.",
        "a percentage above 0, such as 1.5",
    ),
    Setting(
        "DEFAULT_SL_PCT",
        "0.5",
        percent("99"),
        "Stop-loss when none is given, in percent of the entry's reference price.",
        "a percentage above 0 and up to 99, such as 0.5",
    ),
    Setting(
        "GUARD",
        "on",
        switch,
        "Whether a stop that does not work is replaced. Off, a position that loses its stop stays "
        "without one.",
        "on or off",
    ),
    Setting(
        "GUARD_PATIENCE_S",
        "3",
        patience,
        "How long a position may be without a working stop before the guard sends one, in seconds.",
        "a number of seconds, 1 to 60",
    ),
    Setting(
        "FLAT_BEFORE_CLOSE",
        "off",
        parse_before_close,
        "How long before the close of the regular session everything of ours is closed, half days "
        "included. Nothing is entered after that.",
        "off, or a time up to 6 hours such as 5m or 90s",
    ),
    Setting(
        "OVERNIGHT",
        Overnight.HOLD.value,
        overnight,
        "What becomes of positions at the close: hold leaves them with their exits and says so, "
        "flat closes them 5 minutes before, or as FLAT_BEFORE_CLOSE says.",
        "hold or flat",
    ),
)
