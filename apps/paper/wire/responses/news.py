"""What a client is told in news."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import BOOL, INT, LONG, TEXT
from apps.paper.wire.layout import Field, Record, Repeat
from apps.paper.wire.parts import REQ_ID, Message, message_version

__all__ = [
    "MESSAGES",
    "HistoricalNews",
    "HistoricalNewsEnd",
    "NewsArticle",
    "NewsBulletin",
    "NewsProvider",
    "NewsProviders",
    "TickNews",
]


@dataclass(frozen=True, slots=True)
class NewsBulletin:
    """A bulletin of IB's: ``message_type`` 1 regular, 2 an exchange is down, 3 it is up again."""

    message_id: int
    message_type: int
    text: str
    exchange: str = ""


@dataclass(frozen=True, slots=True)
class NewsProvider:
    """One news service."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class NewsProviders:
    """All news services of this login, in one message."""

    providers: tuple[NewsProvider, ...] = ()


@dataclass(frozen=True, slots=True)
class NewsArticle:
    """One article: ``article_type`` 0 is plain text or HTML, 1 a PDF in base64."""

    req_id: int
    article_type: int
    text: str


@dataclass(frozen=True, slots=True)
class HistoricalNews:
    """One headline; ``time`` is IB's text, YYYY-MM-DD HH:MM:SS.0."""

    req_id: int
    time: str
    provider_code: str
    article_id: str
    headline: str


@dataclass(frozen=True, slots=True)
class HistoricalNewsEnd:
    """The headlines that were asked for; ``has_more`` when there are older ones."""

    req_id: int
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class TickNews:
    """One headline as it appears, on a market-data subscription; ``time`` in epoch milliseconds."""

    req_id: int
    time: int
    provider_code: str
    article_id: str
    headline: str
    extra: str = ""


_HEADLINE = (
    Field("provider_code", TEXT),
    Field("article_id", TEXT),
    Field("headline", TEXT),
)

MESSAGES = (
    Message.of(
        14,
        NewsBulletin,
        message_version(1),
        Field("message_id", INT),
        Field("message_type", INT),
        Field("text", TEXT),
        Field("exchange", TEXT),
    ),
    Message.of(
        85,
        NewsProviders,
        Repeat("providers", Record(NewsProvider, (Field("code", TEXT), Field("name", TEXT)))),
    ),
    Message.of(83, NewsArticle, REQ_ID, Field("article_type", INT), Field("text", TEXT)),
    Message.of(86, HistoricalNews, REQ_ID, Field("time", TEXT), *_HEADLINE),
    Message.of(87, HistoricalNewsEnd, REQ_ID, Field("has_more", BOOL)),
    Message.of(84, TickNews, REQ_ID, Field("time", LONG), *_HEADLINE, Field("extra", TEXT)),
)
