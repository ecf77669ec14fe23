"""IB's texts for the codes that faults send most; others need a text of their own."""

from __future__ import annotations

from typing import Final

__all__ = ["farm_codes", "farm_text", "text_of"]

_TEXTS: Final[dict[int, str]] = {
    100: "Max rate of messages per second has been exceeded:max=50 rec=51 (1)",
    101: "Max number of tickers has been reached.",
    103: "Duplicate order id",
    104: "Can't modify a filled order.",
    105: "Order being modified does not match original order.",
    110: "The price does not conform to the minimum price variation for this contract.",
    135: "Can't find order with id =",
    161: "Cancel attempted when order is not in a cancellable state. Order permId =",
    162: "Historical Market Data Service error message:Historical data request pacing violation",
    200: "No security definition has been found for the request",
    201: "Order rejected - reason:",
    202: "Order Canceled - reason:",
    321: "Error validating request.-'",
    322: "Error processing request.-'",
    326: "Unable to connect as the client id is already in use. Retry with a unique client id.",
    354: "Requested market data is not subscribed.",
    366: "No historical data query found for ticker id:",
    399: "Order Message:",
    404: "Order held while securities are located.",
    420: "Invalid Real-time Query:Historical data request pacing violation",
    504: "Not connected",
    1100: "Connectivity between IBKR and Trader Workstation has been lost.",
    1101: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IBKR and Trader Workstation has been restored - data maintained. "
    "All data farms are connected: usfarm; ushmds; secdefil.",
    1300: "TWS socket port has been reset and this connection is being dropped. Please reconnect "
    "on the new port - ",
    2110: "Connectivity between Trader Workstation and server is broken. It will be restored "
    "automatically.",
    10148: "OrderId that needs to be cancelled can not be cancelled, state: Filled.",
    10182: "Failed to request live updates (disconnected).",
    10197: "No market data during competing live session",
    10225: "Bust event occurred, current subscription is deactivated. Please resubscribe "
    "real-time bars immediately.",
    10349: "Order TIF was set to DAY based on order preset.",
}

_FARM_WORDS = {2103: "Market data", 2105: "HMDS data", 2157: "Sec-def data"}


def text_of(code: int) -> str:
    """Give IB's text for a code; '' where none is known."""
    return _TEXTS.get(code, "")


def farm_codes(farm: str) -> tuple[int, int]:
    """Give the codes that say that a farm is broken, and that it is well.

    >>> farm_codes("usfarm"), farm_codes("euhmds"), farm_codes("secdefil")
    ((2103, 2104), (2105, 2106), (2157, 2158))
    """
    if farm.startswith("secdef"):
        return 2157, 2158
    return (2105, 2106) if farm.endswith("hmds") else (2103, 2104)


def farm_text(farm: str, *, is_ok: bool) -> str:
    """Give the sentence of a farm's code."""
    broken, _ = farm_codes(farm)
    return f"{_FARM_WORDS[broken]} farm connection is {'OK' if is_ok else 'broken'}:{farm}"
