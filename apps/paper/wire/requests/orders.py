"""What a client asks about orders: to cancel them, which there are, what was executed.

To place one is long enough for a module of its own, `apps.paper.wire.requests.place_order`.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire import versions
from apps.paper.wire.codecs import BOOL, INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import REQ_ID, Message, message_version

__all__ = [
    "MESSAGES",
    "CancelOrder",
    "ReqAllOpenOrders",
    "ReqAutoOpenOrders",
    "ReqCompletedOrders",
    "ReqExecutions",
    "ReqGlobalCancel",
    "ReqOpenOrders",
]


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel one order of this client's."""

    order_id: int
    manual_cancel_time: str = ""


@dataclass(frozen=True, slots=True)
class ReqGlobalCancel:
    """Cancel every open order of the account, whoever placed it."""


@dataclass(frozen=True, slots=True)
class ReqOpenOrders:
    """The open orders of this client."""


@dataclass(frozen=True, slots=True)
class ReqAllOpenOrders:
    """The open orders of all clients."""


@dataclass(frozen=True, slots=True)
class ReqAutoOpenOrders:
    """Bind (or not) the orders made by hand to this client, which must be client 0."""

    auto_bind: bool = False


@dataclass(frozen=True, slots=True)
class ReqCompletedOrders:
    """The orders that ended today; only those of API clients when ``api_only``."""

    api_only: bool = False


@dataclass(frozen=True, slots=True)
class ReqExecutions:
    """The executions that pass a filter; what is 0 or empty does not filter.

    ``time`` is the earliest that is wanted, in IB's text form.
    """

    req_id: int
    client_id: int = 0
    account: str = ""
    time: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""


_ORDER_ID = Field("order_id", INT)

MESSAGES = (
    Message.of(
        4,
        CancelOrder,
        message_version(1),
        _ORDER_ID,
        Field("manual_cancel_time", TEXT, since=versions.MANUAL_ORDER_TIME),
    ),
    Message.of(58, ReqGlobalCancel, message_version(1)),
    Message.of(5, ReqOpenOrders, message_version(1)),
    Message.of(16, ReqAllOpenOrders, message_version(1)),
    Message.of(15, ReqAutoOpenOrders, message_version(1), Field("auto_bind", BOOL)),
    Message.of(99, ReqCompletedOrders, Field("api_only", BOOL)),
    Message.of(
        7,
        ReqExecutions,
        message_version(3),
        REQ_ID,
        Field("client_id", INT),
        Field("account", TEXT),
        Field("time", TEXT),
        Field("symbol", TEXT),
        Field("sec_type", TEXT),
        Field("exchange", TEXT),
        Field("side", TEXT),
    ),
)
