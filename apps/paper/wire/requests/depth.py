"""What a client asks about order books, and about the exchanges behind consolidated quotes."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.paper.wire.codecs import BOOL, INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import CONTRACT, REQ_ID, Message, message_version
from apps.paper.wire.values import Contract

__all__ = [
    "MESSAGES",
    "CancelMarketDepth",
    "ReqMarketDepth",
    "ReqMarketDepthExchanges",
    "ReqSmartComponents",
]


@dataclass(frozen=True, slots=True)
class ReqMarketDepth:
    """The first ``rows`` rows of a book; with ``is_smart_depth``, of all exchanges merged."""

    req_id: int
    contract: Contract = field(default_factory=Contract)
    rows: int = 5
    is_smart_depth: bool = False
    options: str = ""


@dataclass(frozen=True, slots=True)
class CancelMarketDepth:
    """No more depth on ``req_id``."""

    req_id: int
    is_smart_depth: bool = False


@dataclass(frozen=True, slots=True)
class ReqMarketDepthExchanges:
    """The exchanges that have books. There is no request id."""


@dataclass(frozen=True, slots=True)
class ReqSmartComponents:
    """The exchanges behind the letter code ``bbo_exchange`` of a `TickReqParams`."""

    req_id: int
    bbo_exchange: str


MESSAGES = (
    Message.of(
        10,
        ReqMarketDepth,
        message_version(5),
        REQ_ID,
        CONTRACT,
        Field("rows", INT),
        Field("is_smart_depth", BOOL),
        Field("options", TEXT),
    ),
    Message.of(11, CancelMarketDepth, message_version(1), REQ_ID, Field("is_smart_depth", BOOL)),
    Message.of(82, ReqMarketDepthExchanges),
    Message.of(83, ReqSmartComponents, REQ_ID, Field("bbo_exchange", TEXT)),
)
