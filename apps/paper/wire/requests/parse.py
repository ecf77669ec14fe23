"""A frame's fields to a request; whatever they are, something comes back, nothing is raised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from apps.paper.wire.codecs import INT, FieldError
from apps.paper.wire.parts import Message
from apps.paper.wire.reading import Cursor, read
from apps.paper.wire.requests import (
    account,
    advisors,
    depth,
    desktop,
    history,
    market,
    news,
    options,
    orders,
    place_order,
    research,
    scanners,
)
from apps.paper.wire.requests.names import REQ_ID_POSITIONS, REQUEST_NAMES
from apps.paper.wire.requests.unreadable import MalformedRequest, UnknownRequest

__all__ = ["REQUEST_MESSAGES", "Request", "parse_request", "request_name"]

Request = (
    account.StartApi
    | account.ReqCurrentTime
    | account.ReqIds
    | account.ReqManagedAccounts
    | account.SetServerLogLevel
    | account.ReqUserInfo
    | account.ReqPositions
    | account.CancelPositions
    | account.ReqPositionsMulti
    | account.CancelPositionsMulti
    | account.ReqAccountUpdates
    | account.ReqAccountUpdatesMulti
    | account.CancelAccountUpdatesMulti
    | account.ReqAccountSummary
    | account.CancelAccountSummary
    | account.ReqPnl
    | account.CancelPnl
    | account.ReqPnlSingle
    | account.CancelPnlSingle
    | advisors.RequestFA
    | advisors.ReplaceFA
    | advisors.ReqSoftDollarTiers
    | advisors.ReqFamilyCodes
    | depth.ReqMarketDepth
    | depth.CancelMarketDepth
    | depth.ReqMarketDepthExchanges
    | depth.ReqSmartComponents
    | desktop.QueryDisplayGroups
    | desktop.SubscribeToGroupEvents
    | desktop.UpdateDisplayGroup
    | desktop.UnsubscribeFromGroupEvents
    | desktop.VerifyRequest
    | desktop.VerifyMessage
    | desktop.VerifyAndAuthRequest
    | desktop.VerifyAndAuthMessage
    | history.ReqHistoricalData
    | history.CancelHistoricalData
    | history.ReqHeadTimestamp
    | history.CancelHeadTimestamp
    | history.ReqHistogramData
    | history.CancelHistogramData
    | history.ReqHistoricalTicks
    | market.ReqContractDetails
    | market.ReqMatchingSymbols
    | market.ReqMarketRule
    | market.ReqMarketData
    | market.CancelMarketData
    | market.ReqMarketDataType
    | market.ReqRealTimeBars
    | market.CancelRealTimeBars
    | market.ReqSecDefOptParams
    | market.ReqTickByTick
    | market.CancelTickByTick
    | news.ReqNewsBulletins
    | news.CancelNewsBulletins
    | news.ReqNewsProviders
    | news.ReqNewsArticle
    | news.ReqHistoricalNews
    | options.CalculateImpliedVolatility
    | options.CancelCalculateImpliedVolatility
    | options.CalculateOptionPrice
    | options.CancelCalculateOptionPrice
    | options.ExerciseOptions
    | orders.CancelOrder
    | orders.ReqGlobalCancel
    | orders.ReqOpenOrders
    | orders.ReqAllOpenOrders
    | orders.ReqAutoOpenOrders
    | orders.ReqCompletedOrders
    | orders.ReqExecutions
    | place_order.PlaceOrder
    | research.ReqFundamentalData
    | research.CancelFundamentalData
    | research.ReqWshMetaData
    | research.CancelWshMetaData
    | research.ReqWshEventData
    | research.CancelWshEventData
    | scanners.ReqScannerParameters
    | scanners.ReqScannerSubscription
    | scanners.CancelScannerSubscription
    | UnknownRequest
    | MalformedRequest
)
"""Everything that `parse_request` can give."""

_TOPICS: Final = (
    account,
    advisors,
    depth,
    desktop,
    history,
    market,
    news,
    options,
    orders,
    place_order,
    research,
    scanners,
)
REQUEST_MESSAGES: Final[dict[int, Message]] = {
    message.msg_id: message for module in _TOPICS for message in module.MESSAGES
}


_NAMES: Final[dict[type, str]] = {
    message.record.shape: REQUEST_NAMES[msg_id] for msg_id, message in REQUEST_MESSAGES.items()
}


def parse_request(fields: Sequence[str], version: int) -> Request:
    """Give the request that ``fields`` (message id first) are at protocol ``version``.

    >>> parse_request(["49", "1"], 176)
    ReqCurrentTime()
    >>> parse_request(["105"], 176)
    UnknownRequest(msg_id=105, name='', request_id=None)
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


def request_name(request: Request) -> str:
    """Give IB's name of ``request``, as its error messages have it; '' for one that IB lacks too.

    >>> request_name(account.ReqPnl(7))
    'reqPnL'
    """
    if isinstance(request, UnknownRequest | MalformedRequest):
        return request.name
    return _NAMES[type(request)]


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
