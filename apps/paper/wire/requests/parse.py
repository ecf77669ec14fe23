"""A frame's fields to a request; whatever they are, something comes back, nothing is raised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from apps.paper.wire.codecs import INT, FieldError
from apps.paper.wire.parts import Message
from apps.paper.wire.reading import Cursor, read
from apps.paper.wire.requests import account, market, orders, place_order
from apps.paper.wire.requests.names import REQ_ID_POSITIONS, REQUEST_NAMES
from apps.paper.wire.requests.unreadable import MalformedRequest, UnknownRequest

__all__ = ["REQUEST_MESSAGES", "Request", "parse_request"]

Request = (
    account.StartApi
    | account.ReqCurrentTime
    | account.ReqIds
    | account.ReqManagedAccounts
    | account.SetServerLogLevel
    | account.ReqUserInfo
    | account.ReqPositions
    | account.CancelPositions
    | account.ReqAccountUpdates
    | account.ReqAccountUpdatesMulti
    | account.CancelAccountUpdatesMulti
    | account.ReqAccountSummary
    | account.CancelAccountSummary
    | account.ReqPnl
    | account.CancelPnl
    | account.ReqPnlSingle
    | account.CancelPnlSingle
    | market.ReqContractDetails
    | market.ReqMatchingSymbols
    | market.ReqMarketRule
    | market.ReqMarketData
    | market.CancelMarketData
    | market.ReqMarketDataType
    | market.ReqRealTimeBars
    | market.CancelRealTimeBars
    | market.ReqHistoricalData
    | market.CancelHistoricalData
    | market.ReqHeadTimestamp
    | market.CancelHeadTimestamp
    | market.ReqSecDefOptParams
    | market.ReqTickByTick
    | market.CancelTickByTick
    | market.ReqScannerParameters
    | market.ReqNewsBulletins
    | market.CancelNewsBulletins
    | orders.CancelOrder
    | orders.ReqGlobalCancel
    | orders.ReqOpenOrders
    | orders.ReqAllOpenOrders
    | orders.ReqAutoOpenOrders
    | orders.ReqCompletedOrders
    | orders.ReqExecutions
    | place_order.PlaceOrder
    | UnknownRequest
    | MalformedRequest
)
"""Everything that `parse_request` can give."""

REQUEST_MESSAGES: Final[dict[int, Message]] = {
    message.msg_id: message
    for module in (account, market, orders, place_order)
    for message in module.MESSAGES
}


def parse_request(fields: Sequence[str], version: int) -> Request:
    """Give the request that ``fields`` (message id first) are at protocol ``version``.

    >>> parse_request(["49", "1"], 176)
    ReqCurrentTime()
    >>> parse_request(["84", "7", "BZ", "BZ$1", ""], 176)
    UnknownRequest(msg_id=84, name='reqNewsArticle', request_id=7)
    """
    msg_id = _number(fields, 0)
    if msg_id is None:
        return MalformedRequest(None, "", None, "it begins with no message id")
    if (message := REQUEST_MESSAGES.get(msg_id)) is None:
        return UnknownRequest(msg_id, REQUEST_NAMES.get(msg_id, ""), _request_id(msg_id, fields))
    cursor = Cursor(fields, 1)
    try:
        request: Request = read(message.record, cursor, version)
    except FieldError as error:
        reason = f"{error} (field {cursor.position} of {len(fields)})"
    else:
        if not cursor.left:
            return request
        reason = f"{cursor.left} of its {len(fields)} fields are left over"
    return MalformedRequest(msg_id, REQUEST_NAMES[msg_id], _request_id(msg_id, fields), reason)


def _request_id(msg_id: int, fields: Sequence[str]) -> int | None:
    position = REQ_ID_POSITIONS.get(msg_id)
    return None if position is None else _number(fields, position)


def _number(fields: Sequence[str], position: int) -> int | None:
    if position >= len(fields) or not fields[position]:
        return None
    try:
        return int(INT.decode(fields[position]))
    except FieldError:
        return None
