"""The settings of a desk under measurement: none of the user's own, wherever they stand."""

from __future__ import annotations

__all__ = ["desk_settings"]


def desk_settings(home: str, **others: str) -> dict[str, str]:
    """Give the environment of a desk whose state is in ``home``, with limits that never bind."""
    return {
        "DESK_HOME": home,
        "IB_HOST": "",
        "IB_CLIENT_ID": "1",
        "IB_ACCOUNT": "",
        "TRADING_MODE": "paper",
        "DEFAULT_TP_PCT": "1.0",
        "DEFAULT_SL_PCT": "0.5",
        "MAX_ORDER_QTY": "1000000",
        "MAX_ORDER_NOTIONAL": "1000000000",
        "MAX_POSITION_NOTIONAL": "1000000000",
        "MAX_TOTAL_EXPOSURE": "1000000000",
        "MAX_OPEN_POSITIONS": "10000",
        "MAX_OPEN_INTENTS": "10000",
        "MAX_ORDERS_PER_MINUTE": "1000",
        "MAX_PRICE_AGE_S": "3600",
        "ONE_INTENT_PER_SYMBOL": "off",
        "REFUSE_DUPLICATES": "off",
        "REGULAR_HOURS_ONLY": "off",
        "MAX_MARGIN_PCT": "100",
        "MAX_DAILY_LOSS": "1000000000",
        "LOG_LEVEL": "WARNING",
        "LOG_FILE": "",
        "PAPER_SEED": "1",
        "PAPER_SPEED": "1",
        **others,
    }
