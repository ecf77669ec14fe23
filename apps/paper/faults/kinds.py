"""The names of messages, as faults use them, and what each is about.

A request has the name of the client's call (placeOrder, reqRealTimeBars), a response that of the
client's callback (orderStatus, realtimeBar): no name stands for both, so a name says the direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import Final

from apps.paper.faults.fault import Direction
from apps.paper.wire.requests.names import REQUEST_NAMES
from apps.paper.wire.requests.parse import REQUEST_MESSAGES, Request
from apps.paper.wire.requests.unreadable import MalformedRequest, UnknownRequest
from apps.paper.wire.responses.encode import RESPONSE_MESSAGES, Response

__all__ = [
    "ANY_REQUEST",
    "ANY_RESPONSE",
    "KINDS",
    "RESPONSE_NAMES",
    "Topic",
    "direction_of",
    "kind_of",
    "message_id",
    "topic_of",
]

ANY_REQUEST: Final = "request"
ANY_RESPONSE: Final = "response"


class Topic(Enum):
    """What a message is about, and so whom an outage takes it from."""

    LOCAL = "the gateway itself"
    MARKET = "market data as it comes"
    HISTORY = "market data of the past"
    REFERENCE = "instruments"
    ORDERS = "orders"
    ACCOUNT = "accounts"


RESPONSE_NAMES: Final[dict[int, str]] = {
    1: "tickPrice",
    2: "tickSize",
    3: "orderStatus",
    4: "error",
    5: "openOrder",
    6: "updateAccountValue",
    7: "updatePortfolio",
    8: "updateAccountTime",
    9: "nextValidId",
    10: "contractDetails",
    11: "execDetails",
    12: "updateMktDepth",
    13: "updateMktDepthL2",
    14: "updateNewsBulletin",
    15: "managedAccounts",
    16: "receiveFA",
    17: "historicalData",
    18: "bondContractDetails",
    19: "scannerParameters",
    20: "scannerData",
    21: "tickOptionComputation",
    45: "tickGeneric",
    46: "tickString",
    47: "tickEFP",
    49: "currentTime",
    50: "realtimeBar",
    51: "fundamentalData",
    52: "contractDetailsEnd",
    53: "openOrderEnd",
    54: "accountDownloadEnd",
    55: "execDetailsEnd",
    56: "deltaNeutralValidation",
    57: "tickSnapshotEnd",
    58: "marketDataType",
    59: "commissionReport",
    61: "position",
    62: "positionEnd",
    63: "accountSummary",
    64: "accountSummaryEnd",
    65: "verifyMessageAPI",
    66: "verifyCompleted",
    67: "displayGroupList",
    68: "displayGroupUpdated",
    69: "verifyAndAuthMessageAPI",
    70: "verifyAndAuthCompleted",
    71: "positionMulti",
    72: "positionMultiEnd",
    73: "accountUpdateMulti",
    74: "accountUpdateMultiEnd",
    75: "securityDefinitionOptionParameter",
    76: "securityDefinitionOptionParameterEnd",
    77: "softDollarTiers",
    78: "familyCodes",
    79: "symbolSamples",
    80: "mktDepthExchanges",
    81: "tickReqParams",
    82: "smartComponents",
    83: "newsArticle",
    84: "tickNews",
    85: "newsProviders",
    86: "historicalNews",
    87: "historicalNewsEnd",
    88: "headTimestamp",
    89: "histogramData",
    90: "historicalDataUpdate",
    91: "rerouteMktDataReq",
    92: "rerouteMktDepthReq",
    93: "marketRule",
    94: "pnl",
    95: "pnlSingle",
    96: "historicalTicks",
    97: "historicalTicksBidAsk",
    98: "historicalTicksLast",
    99: "tickByTick",
    100: "orderBound",
    101: "completedOrder",
    102: "completedOrdersEnd",
    103: "replaceFAEnd",
    104: "wshMetaData",
    105: "wshEventData",
    106: "historicalSchedule",
    107: "userInfo",
    108: "historicalDataEnd",
}
"""IB's callback for each response."""

KINDS: Final[dict[str, Direction]] = {
    ANY_REQUEST: Direction.IN,
    ANY_RESPONSE: Direction.OUT,
    **dict.fromkeys(REQUEST_NAMES.values(), Direction.IN),
    **dict.fromkeys(RESPONSE_NAMES.values(), Direction.OUT),
}
"""Every name that ``on`` may have, and which way such a message goes."""


def _by_id(*topics: tuple[Topic, Iterable[int]]) -> dict[int, Topic]:
    return {number: topic for topic, numbers in topics for number in numbers}


_REQUEST_TOPICS: Final = _by_id(
    (Topic.MARKET, (1, 2, 10, 11, 12, 13, 22, 23, 50, 51, 54, 55, 56, 57, 97, 98)),
    (Topic.HISTORY, (20, 25, 87, 88, 89, 90, 96)),
    (Topic.REFERENCE, (9, 24, 52, 53, 78, 81, 82, 83, 84, 85, 86, 91, 100, 101, 102, 103)),
    (Topic.ORDERS, (3, 4, 5, 7, 16, 21, 58, 99)),
    (Topic.ACCOUNT, (6, 61, 62, 63, 64, 74, 75, 76, 77, 92, 93, 94, 95)),
)
_RESPONSE_TOPICS: Final = _by_id(
    (Topic.MARKET, (1, 2, 12, 13, 14, 20, 21, 45, 46, 47, 50, 56, 57, 58, 81, 84, 90, 99)),
    (Topic.HISTORY, (17, 88, 89, 96, 97, 98, 106, 108)),
    (Topic.REFERENCE, (10, 18, 19, 51, 52, 75, 76, 79, 80, 82, 83, 85, 86, 87, 93, 104, 105)),
    (Topic.ORDERS, (3, 5, 11, 53, 55, 59, 100, 101, 102)),
    (Topic.ACCOUNT, (6, 7, 8, 54, 61, 62, 63, 64, 71, 72, 73, 74, 94, 95)),
)


@cache
def _request_ids() -> dict[type, int]:
    return {message.record.shape: number for number, message in REQUEST_MESSAGES.items()}


def message_id(message: Request | Response) -> int | None:
    """Give a message's number on the wire; None for a request that had none."""
    if isinstance(message, UnknownRequest | MalformedRequest):
        return message.msg_id
    of_response = RESPONSE_MESSAGES.get(type(message))
    return of_response.msg_id if of_response else _request_ids().get(type(message))


def direction_of(message: Request | Response) -> Direction:
    """Tell which way a message goes."""
    return Direction.OUT if type(message) in RESPONSE_MESSAGES else Direction.IN


def kind_of(message: Request | Response) -> str:
    """Give the name of a message, '' for a request whose number IB does not have.

    >>> from apps.paper.wire import NextValidId, ReqIds
    >>> kind_of(ReqIds()), kind_of(NextValidId(1))
    ('reqIds', 'nextValidId')
    """
    names = RESPONSE_NAMES if direction_of(message) is Direction.OUT else REQUEST_NAMES
    number = message_id(message)
    return "" if number is None else names.get(number, "")


def topic_of(message: Request | Response) -> Topic:
    """Tell what a message is about; what is in no table is the gateway's own affair."""
    outgoing = direction_of(message) is Direction.OUT
    topics = _RESPONSE_TOPICS if outgoing else _REQUEST_TOPICS
    return topics.get(message_id(message) or 0, Topic.LOCAL)
