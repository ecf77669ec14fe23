"""A response to the bytes of its frame.

Bars and ticks pass through here by the thousand, so the plan of fields for one type of response at
one version is made once and kept.
"""

from __future__ import annotations

from typing import Any, Final

from apps.paper.wire.errors import LocalProtocolError
from apps.paper.wire.framing import encode_frame
from apps.paper.wire.parts import Message
from apps.paper.wire.responses import (
    account,
    advisors,
    bars,
    contracts,
    depth,
    history,
    news,
    options,
    order_records,
    orders,
    scanners,
    ticks,
)
from apps.paper.wire.writing import writer_of

__all__ = ["RESPONSE_MESSAGES", "Response", "encode", "response_fields"]

Response = (
    account.ManagedAccounts
    | account.NextValidId
    | account.ErrorMessage
    | account.CurrentTime
    | account.UserInfo
    | account.Position
    | account.PositionEnd
    | account.PositionMulti
    | account.PositionMultiEnd
    | account.AccountValue
    | account.PortfolioValue
    | account.AccountTime
    | account.AccountDownloadEnd
    | account.AccountUpdateMulti
    | account.AccountUpdateMultiEnd
    | account.AccountSummary
    | account.AccountSummaryEnd
    | account.Pnl
    | account.PnlSingle
    | advisors.SoftDollarTiers
    | advisors.FamilyCodes
    | advisors.ReplaceFAEnd
    | bars.RealTimeBar
    | bars.HistoricalData
    | bars.HistoricalDataUpdate
    | bars.HeadTimestamp
    | contracts.ContractDetails
    | contracts.ContractDetailsEnd
    | contracts.SymbolSamples
    | contracts.MarketRule
    | contracts.SecDefOptParams
    | contracts.SecDefOptParamsEnd
    | depth.MarketDepth
    | depth.MarketDepthL2
    | depth.MarketDepthExchanges
    | depth.SmartComponents
    | history.HistoricalTicks
    | history.HistoricalTicksBidAsk
    | history.HistoricalTicksTrades
    | history.HistogramData
    | history.HistoricalSchedule
    | news.NewsBulletin
    | news.NewsProviders
    | news.NewsArticle
    | news.HistoricalNews
    | news.HistoricalNewsEnd
    | news.TickNews
    | options.TickOptionComputation
    | options.DeltaNeutralValidation
    | order_records.OpenOrder
    | order_records.CompletedOrder
    | orders.OpenOrderEnd
    | orders.CompletedOrdersEnd
    | orders.OrderBound
    | orders.OrderStatus
    | orders.ExecutionDetails
    | orders.ExecutionDetailsEnd
    | orders.CommissionReport
    | scanners.ScannerParameters
    | scanners.ScannerResults
    | ticks.MarketDataType
    | ticks.TickReqParams
    | ticks.TickPrice
    | ticks.TickSize
    | ticks.TickGeneric
    | ticks.TickString
    | ticks.TickSnapshotEnd
    | ticks.TickTrade
    | ticks.TickBidAsk
    | ticks.TickMidPoint
)
"""Everything that can be sent."""

_TOPICS: Final = (
    account,
    advisors,
    bars,
    contracts,
    depth,
    history,
    news,
    options,
    order_records,
    orders,
    scanners,
    ticks,
)
RESPONSE_MESSAGES: Final[dict[type[Any], Message]] = {
    message.record.shape: message for module in _TOPICS for message in module.MESSAGES
}


def encode(response: Response, version: int) -> bytes:
    r"""Give the frame of ``response`` at protocol ``version``.

    >>> encode(account.NextValidId(7), 176)
    b'\x00\x00\x00\x069\x001\x007\x00'

    Raises:
        LocalProtocolError: It holds a value that cannot be sent: a NUL, a price that is no number.
    """
    return encode_frame(response_fields(response, version))


def response_fields(response: Response, version: int) -> list[str]:
    """Give the fields of ``response`` at protocol ``version``, message id first."""
    message = RESPONSE_MESSAGES.get(type(response))
    if message is None:
        raise LocalProtocolError(f"{type(response).__name__} is not a response of the protocol.")
    fields = [message.id_text]
    writer_of(message.record, version)(response, fields)
    return fields
