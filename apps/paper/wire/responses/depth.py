"""What a client is told about order books, and about the exchanges behind consolidated quotes."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import BOOL, DECIMAL, INT, TEXT
from apps.paper.wire.layout import Field, Record, Repeat
from apps.paper.wire.parts import REQ_ID, Message, message_version
from apps.paper.wire.responses.numbers import Number

__all__ = [
    "MESSAGES",
    "MarketDepth",
    "MarketDepthExchange",
    "MarketDepthExchanges",
    "MarketDepthL2",
    "SmartComponent",
    "SmartComponents",
]


@dataclass(frozen=True, slots=True)
class MarketDepth:
    """A change of one row, of an exchange's own book.

    ``operation`` is 0 insert, 1 update, 2 delete; ``side`` 0 ask, 1 bid. Rows count from 0.
    """

    req_id: int
    position: int
    operation: int
    side: int
    price: Number
    size: Number


@dataclass(frozen=True, slots=True)
class MarketDepthL2:
    """A change of one row, of a book that names who is in it: a market maker, or an exchange.

    Operations and sides are those of `MarketDepth`.
    """

    req_id: int
    position: int
    market_maker: str
    operation: int
    side: int
    price: Number
    size: Number
    is_smart_depth: bool = False


@dataclass(frozen=True, slots=True)
class MarketDepthExchange:
    """An exchange that has books. ``service`` is Deep (rows) or Deep2 (rows with their makers)."""

    exchange: str
    sec_type: str
    listing_exchange: str = ""
    service: str = "Deep"
    agg_group: int = 1


@dataclass(frozen=True, slots=True)
class MarketDepthExchanges:
    """All exchanges that have books, in one message."""

    exchanges: tuple[MarketDepthExchange, ...] = ()


@dataclass(frozen=True, slots=True)
class SmartComponent:
    """One bit of a consolidated quote's exchange map, and the exchange that it stands for."""

    bit_number: int
    exchange: str
    exchange_letter: str


@dataclass(frozen=True, slots=True)
class SmartComponents:
    """All exchanges behind one letter code, in one message."""

    req_id: int
    components: tuple[SmartComponent, ...] = ()


_POSITION = Field("position", INT)
_CHANGE = (
    Field("operation", INT),
    Field("side", INT),
    Field("price", DECIMAL),
    Field("size", DECIMAL),
)

MESSAGES = (
    Message.of(12, MarketDepth, message_version(1), REQ_ID, _POSITION, *_CHANGE),
    Message.of(
        13,
        MarketDepthL2,
        message_version(1),
        REQ_ID,
        _POSITION,
        Field("market_maker", TEXT),
        *_CHANGE,
        Field("is_smart_depth", BOOL),
    ),
    Message.of(
        80,
        MarketDepthExchanges,
        Repeat(
            "exchanges",
            Record(
                MarketDepthExchange,
                (
                    Field("exchange", TEXT),
                    Field("sec_type", TEXT),
                    Field("listing_exchange", TEXT),
                    Field("service", TEXT),
                    Field("agg_group", INT),
                ),
            ),
        ),
    ),
    Message.of(
        82,
        SmartComponents,
        REQ_ID,
        Repeat(
            "components",
            Record(
                SmartComponent,
                (
                    Field("bit_number", INT),
                    Field("exchange", TEXT),
                    Field("exchange_letter", TEXT),
                ),
            ),
        ),
    ),
)
