"""Settings that hold back what opens or adds."""

from __future__ import annotations

from apps.api.config.parsers import (
    MONEY,
    percent,
    percent_or_off,
    seconds,
    shares,
    switch,
    whole,
)
from apps.api.config.setting import Setting

__all__ = ["SETTINGS"]

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "MAX_ORDER_QTY",
        "10000",
        shares,
        "The most shares of an opening order; a bigger one is refused.",
        "a whole number of shares, 1 to 1000000",
    ),
    Setting(
        "MAX_ORDER_NOTIONAL",
        "100000",
        MONEY,
        "The largest opening order, in dollars; a bigger one is refused.",
        "an amount of dollars above 0, such as 25000",
    ),
    Setting(
        "MAX_POSITION_NOTIONAL",
        "200000",
        MONEY,
        "The most that one symbol may be worth, held and being entered, in dollars.",
        "an amount of dollars above 0, such as 50000, and not below MAX_ORDER_NOTIONAL",
    ),
    Setting(
        "MAX_TOTAL_EXPOSURE",
        "1000000",
        MONEY,
        "The most that all positions of the desk may be worth, held and being entered, in dollars.",
        "an amount of dollars above 0, such as 200000, and not below MAX_POSITION_NOTIONAL",
    ),
    Setting(
        "MAX_OPEN_POSITIONS",
        "10",
        whole(1, 10_000),
        "Positions that may be open at once; an order that would open one more is refused.",
        "a whole number, 1 to 10000",
    ),
    Setting(
        "MAX_OPEN_INTENTS",
        "20",
        whole(1, 10_000),
        "Brackets that may be alive at once, from the entry being sent to the last exit.",
        "a whole number, 1 to 10000",
    ),
    Setting(
        "ONE_INTENT_PER_SYMBOL",
        "on",
        switch,
        "Whether a symbol may have one bracket alive at a time, and no second one.",
        "on or off",
    ),
    Setting(
        "REFUSE_DUPLICATES",
        "on",
        switch,
        "Whether an opening order is refused while the very same one is under way.",
        "on or off",
    ),
    Setting(
        "MAX_ORDERS_PER_MINUTE",
        "30",
        whole(1, 1_000),
        "Opening orders that may be sent within a minute.",
        "a whole number, 1 to 1000",
    ),
    Setting(
        "MAX_DAILY_LOSS",
        "2500",
        MONEY,
        "The loss since the session began, realised and unrealised with fees, beyond which nothing "
        "new is opened.",
        "an amount of dollars above 0, such as 1000",
    ),
    Setting(
        "MAX_PRICE_AGE_S",
        "60",
        seconds,
        "How old the newest price of a symbol may be when something is opened in it, in seconds.",
        "a number of seconds above 0 and up to 3600",
    ),
    Setting(
        "MAX_PRICE_DISTANCE_PCT",
        "10",
        percent("100"),
        "How far from the market's price an opening order may fill, in percent.",
        "a percentage above 0 and up to 100, such as 5",
    ),
    Setting(
        "MAX_MARGIN_PCT",
        "100",
        percent_or_off("100"),
        "How much of the account's available funds opening orders and armed watchers may take, in "
        "percent; what they take is asked of the broker when they are armed. A cash account's "
        "settled cash, and no short sales.",
        "a percentage above 0 and up to 100, or off",
    ),
    Setting(
        "REGULAR_HOURS_ONLY",
        "on",
        switch,
        "Whether opening orders are refused while the regular session is not open.",
        "on or off",
    ),
)
