"""What IB's error codes mean, and what to do about each: one table, one sentence each.

At home here: the kind of a code (does it end a request, an order, the link, or nothing at
all) and the remedy for the trader. Not here: what the adapter does about a code, which
stands with the requests, the orders and the link.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from apps.domain.errors import BrokerError

__all__ = ["CodeKind", "CodeMeaning", "explain", "is_no_data", "is_pacing", "meaning"]


class CodeKind(Enum):
    """What a code ends."""

    INFO = "info"
    WARNING = "warning"
    REQUEST_ENDED = "request ended"
    ORDER_REJECTED = "order rejected"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """The kind of a code, and what to do next (a whole sentence, or nothing)."""

    kind: CodeKind
    remedy: str = ""


_INFO = CodeKind.INFO
_WARNING = CodeKind.WARNING
_REQUEST = CodeKind.REQUEST_ENDED
_ORDER = CodeKind.ORDER_REJECTED
_LINK = CodeKind.CONNECTION

_SHARED_LINK = "Close the other session of this user, or share its market data with this one."
_FEWER_LINES = "End a subscription that is no longer needed, or buy more market-data lines."
_PERMISSION = "Subscribe to the market data in IB's Client Portal, or ask for another symbol."
_CHECK_OPEN = "Look at the open orders before sending it again."
_SLOWER = "Wait before asking again."
_HEALS = "It heals by itself; nothing needs to be done."
_RESYNC = "Subscriptions are renewed and orders read again."

_CODES: dict[int, CodeMeaning] = {
    # the link
    326: CodeMeaning(_LINK, "Choose another IB_CLIENT_ID, or end the program that holds this one."),
    501: CodeMeaning(_LINK, "Disconnect first."),
    502: CodeMeaning(_LINK, "Start TWS or IB Gateway and enable its API socket."),
    503: CodeMeaning(_LINK, "Update TWS or IB Gateway."),
    504: CodeMeaning(_LINK, "Wait for the link to return."),
    507: CodeMeaning(_LINK, "Check that no other program uses the same IB_CLIENT_ID."),
    509: CodeMeaning(_LINK, "The desk connects again by itself."),
    1100: CodeMeaning(_LINK, "No order is sent until IB's servers are reachable again."),
    1101: CodeMeaning(_LINK, _RESYNC),
    1102: CodeMeaning(_LINK, _RESYNC),
    1300: CodeMeaning(_LINK, "Set IB_PORT to the new port."),
    2110: CodeMeaning(_WARNING, _HEALS),
    # data farms
    2100: CodeMeaning(_WARNING, "Another program asked for the account's updates."),
    2101: CodeMeaning(_REQUEST, "End the other program's subscription to account updates."),
    2103: CodeMeaning(_WARNING, "Bars and quotes may have stopped until the farm is back."),
    2104: CodeMeaning(_INFO),
    2105: CodeMeaning(_WARNING, "History cannot be asked for until the farm is back."),
    2106: CodeMeaning(_INFO),
    2107: CodeMeaning(_INFO),
    2108: CodeMeaning(_INFO),
    2119: CodeMeaning(_INFO),
    2157: CodeMeaning(_WARNING, "Contracts cannot be looked up until the farm is back."),
    2158: CodeMeaning(_INFO),
    # the rate
    100: CodeMeaning(_WARNING, "Another program shares the limit; the third breach ends the link."),
    162: CodeMeaning(_REQUEST, "Wait a quarter of a minute, or ask for less."),
    420: CodeMeaning(_REQUEST, "Wait up to ten minutes before subscribing again."),
    # market data
    101: CodeMeaning(_REQUEST, _FEWER_LINES),
    102: CodeMeaning(_REQUEST, "Ask again."),
    200: CodeMeaning(_REQUEST, "Check the symbol; SYMBOL@LISTING names the listing."),
    203: CodeMeaning(_ORDER, "Ask IB for the trading permission."),
    300: CodeMeaning(_INFO),
    309: CodeMeaning(_REQUEST, "End one of the three market-depth subscriptions."),
    310: CodeMeaning(_INFO),
    320: CodeMeaning(_REQUEST),
    321: CodeMeaning(_REQUEST, "Correct what the text names."),
    322: CodeMeaning(_REQUEST, _SLOWER),
    354: CodeMeaning(_REQUEST, _PERMISSION),
    365: CodeMeaning(_INFO),
    366: CodeMeaning(_INFO),
    460: CodeMeaning(_ORDER, "Ask IB for the trading permission."),
    461: CodeMeaning(_REQUEST),
    478: CodeMeaning(_REQUEST, "Look the symbol up again: its contract has changed."),
    492: CodeMeaning(_WARNING),
    165: CodeMeaning(_WARNING),
    166: CodeMeaning(_REQUEST, "Choose a contract that has not expired."),
    10089: CodeMeaning(_WARNING, "Delayed data follows; subscribe for live data."),
    10090: CodeMeaning(_WARNING, "Part of the ticks is not subscribed."),
    10167: CodeMeaning(_WARNING, "Delayed data is shown instead."),
    10168: CodeMeaning(_REQUEST, _PERMISSION),
    10182: CodeMeaning(_REQUEST, "Subscribe again."),
    10186: CodeMeaning(_REQUEST, _PERMISSION),
    10197: CodeMeaning(_REQUEST, _SHARED_LINK),
    10225: CodeMeaning(_WARNING, "The bars are subscribed again."),
    2174: CodeMeaning(_WARNING),
    10314: CodeMeaning(_REQUEST, "Give the date with its time zone."),
    # orders
    103: CodeMeaning(_ORDER, "The order id was used before; send the order again."),
    104: CodeMeaning(_WARNING, "The order is filled; the change was not made."),
    105: CodeMeaning(_WARNING, "The order stands as it was; cancel it and send a new one."),
    106: CodeMeaning(_ORDER, _CHECK_OPEN),
    107: CodeMeaning(_ORDER, _CHECK_OPEN),
    109: CodeMeaning(_ORDER, "Bring the price nearer to the market."),
    110: CodeMeaning(_ORDER, "Use a price on the instrument's tick."),
    111: CodeMeaning(_ORDER, "Choose another time in force for this order type."),
    113: CodeMeaning(_ORDER, "Choose DAY for this order type."),
    135: CodeMeaning(_WARNING, "The order is not known to IB, or belongs to another client."),
    136: CodeMeaning(_WARNING, "The order stands as it was."),
    154: CodeMeaning(_ORDER, "Wait until trading is resumed."),
    161: CodeMeaning(_WARNING, "The order cannot be cancelled in the state that the text names."),
    163: CodeMeaning(_ORDER, "Bring the price nearer to the market."),
    164: CodeMeaning(_ORDER, "Wait for market data of the symbol."),
    201: CodeMeaning(_ORDER, "Nothing is working for it; the text names the reason."),
    202: CodeMeaning(_ORDER),
    328: CodeMeaning(_ORDER, "Attach a trailing stop to a LMT or STP LMT order."),
    329: CodeMeaning(_WARNING, "The order stands as it was; its type cannot be changed."),
    355: CodeMeaning(_ORDER, "Use a size that the instrument allows."),
    382: CodeMeaning(_ORDER, "Raise the limit in TWS's presets, or bring the price nearer."),
    383: CodeMeaning(_ORDER, "Raise the size limit in TWS's presets, or order less."),
    387: CodeMeaning(_ORDER, "Choose an order type that the exchange supports."),
    388: CodeMeaning(_ORDER, "Order more, or another instrument."),
    399: CodeMeaning(_WARNING),
    404: CodeMeaning(_WARNING, "The order is held until shares to borrow are found."),
    411: CodeMeaning(_ORDER, "Send the order without outside-hours."),
    413: CodeMeaning(_REQUEST),
    434: CodeMeaning(_ORDER, "Order at least one share."),
    435: CodeMeaning(_ORDER, "Set IB_ACCOUNT."),
    436: CodeMeaning(_ORDER, "Set IB_ACCOUNT."),
    440: CodeMeaning(_WARNING, "The order stands as it was."),
    451: CodeMeaning(_ORDER, "Raise the size limit in TWS's presets, or order less."),
    481: CodeMeaning(_WARNING),
    2102: CodeMeaning(_WARNING, "The change came too early; try again in a moment."),
    2109: CodeMeaning(_WARNING),
    2137: CodeMeaning(_WARNING),
    10006: CodeMeaning(_ORDER, "Its entry order is not known to IB; send the bracket again."),
    10147: CodeMeaning(_WARNING, "The order is not known to IB, or already over."),
    10148: CodeMeaning(_WARNING, "The order cannot be cancelled in the state that the text names."),
    10242: CodeMeaning(_WARNING, "The order stands as it was; use whole shares."),
    10243: CodeMeaning(_ORDER, "Use whole shares."),
    10311: CodeMeaning(_WARNING, "Route the order to SMART."),
    10326: CodeMeaning(_WARNING, "The order stands as it was."),
    10327: CodeMeaning(_WARNING, "The order stands as it was."),
    10329: CodeMeaning(_WARNING, "Route the order to SMART."),
    10341: CodeMeaning(_WARNING, "The order stands as it was."),
    # the order is live all the same: ib_insync alone takes this for its end
    10349: CodeMeaning(_WARNING, "The order is working, with the time in force of TWS's preset."),
}

_FARM_NOTICES = range(2100, 2200)
_HISTORY_REFUSED = 162
_NOT_PROCESSED = 322


def meaning(code: int) -> CodeMeaning:
    """Give what ``code`` means; one that IB has not told us of ends the request it answers.

    >>> meaning(10349).kind
    <CodeKind.WARNING: 'warning'>
    """
    known = _CODES.get(code)
    if known is not None:
        return known
    return CodeMeaning(_WARNING if code in _FARM_NOTICES else _REQUEST)


def explain(code: int, text: str) -> str:
    """Give IB's text with its code, then what to do next where that is known.

    >>> explain(110, "The price does not conform to the minimum price variation.")
    "IB 110: The price does not conform to the minimum price variation. Use a price on the \
instrument's tick."
    """
    said = " ".join(text.split()) or "no text was given"
    if said[-1] not in ".!?":
        said += "."
    remedy = meaning(code).remedy
    return f"IB {code}: {said} {remedy}" if remedy else f"IB {code}: {said}"


def is_no_data(error: BrokerError) -> bool:
    """Tell whether IB refused bars (162) because there are none: it has no other word for that."""
    return error.code == _HISTORY_REFUSED and "no data" in error.message


def is_pacing(error: BrokerError) -> bool:
    """Tell whether IB refused history (162, 322) because too much of it was asked for."""
    if error.code == _NOT_PROCESSED:
        return "simultaneous" in error.message
    return error.code == _HISTORY_REFUSED and "pacing" in error.message
