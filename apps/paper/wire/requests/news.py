"""What a client asks about news."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import BOOL, INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import REQ_ID, Message, message_version

__all__ = [
    "MESSAGES",
    "CancelNewsBulletins",
    "ReqHistoricalNews",
    "ReqNewsArticle",
    "ReqNewsBulletins",
    "ReqNewsProviders",
]


@dataclass(frozen=True, slots=True)
class ReqNewsBulletins:
    """Bulletins as they come, with those of today when ``all_messages``."""

    all_messages: bool = False


@dataclass(frozen=True, slots=True)
class CancelNewsBulletins:
    """No more bulletins."""


@dataclass(frozen=True, slots=True)
class ReqNewsProviders:
    """The news services of this login. There is no request id."""


@dataclass(frozen=True, slots=True)
class ReqNewsArticle:
    """One article in full."""

    req_id: int
    provider_code: str
    article_id: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class ReqHistoricalNews:
    """Headlines of the past on one instrument, newest first.

    ``provider_codes`` are joined by '+'. The times, in IB's text form, are the newer bound
    (exclusive) and the older one (inclusive); '' is no bound.
    """

    req_id: int
    con_id: int
    provider_codes: str
    start_date_time: str = ""
    end_date_time: str = ""
    total_results: int = 0
    options: str = ""


MESSAGES = (
    Message.of(12, ReqNewsBulletins, message_version(1), Field("all_messages", BOOL)),
    Message.of(13, CancelNewsBulletins, message_version(1)),
    Message.of(85, ReqNewsProviders),
    Message.of(
        84,
        ReqNewsArticle,
        REQ_ID,
        Field("provider_code", TEXT),
        Field("article_id", TEXT),
        Field("options", TEXT),
    ),
    Message.of(
        86,
        ReqHistoricalNews,
        REQ_ID,
        Field("con_id", INT),
        Field("provider_codes", TEXT),
        Field("start_date_time", TEXT),
        Field("end_date_time", TEXT),
        Field("total_results", INT),
        Field("options", TEXT),
    ),
)
