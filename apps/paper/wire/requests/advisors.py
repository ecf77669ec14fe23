"""What a client asks that concerns financial advisors, families of accounts, and soft dollars."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import REQ_ID, Message, message_version

__all__ = ["MESSAGES", "ReplaceFA", "ReqFamilyCodes", "ReqSoftDollarTiers", "RequestFA"]


@dataclass(frozen=True, slots=True)
class RequestFA:
    """An advisor's groups (``fa_type`` 1), profiles (2) or aliases (3), as XML."""

    fa_type: int


@dataclass(frozen=True, slots=True)
class ReplaceFA:
    """Replace an advisor's groups, profiles or aliases by those of ``xml``."""

    fa_type: int
    xml: str
    req_id: int


@dataclass(frozen=True, slots=True)
class ReqSoftDollarTiers:
    """The soft-dollar tiers of this login."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqFamilyCodes:
    """To which family each account belongs. There is no request id."""


_FA_TYPE = Field("fa_type", INT)

MESSAGES = (
    Message.of(18, RequestFA, message_version(1), _FA_TYPE),
    # the id stands last: it came with version 157
    Message.of(19, ReplaceFA, message_version(1), _FA_TYPE, Field("xml", TEXT), REQ_ID),
    Message.of(79, ReqSoftDollarTiers, REQ_ID),
    Message.of(80, ReqFamilyCodes),
)
