"""What a client asks of the desktop beside it: TWS's linked windows, and trust between programs."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import REQ_ID, Message, message_version

__all__ = [
    "MESSAGES",
    "QueryDisplayGroups",
    "SubscribeToGroupEvents",
    "UnsubscribeFromGroupEvents",
    "UpdateDisplayGroup",
    "VerifyAndAuthMessage",
    "VerifyAndAuthRequest",
    "VerifyMessage",
    "VerifyRequest",
]


@dataclass(frozen=True, slots=True)
class QueryDisplayGroups:
    """The groups of linked windows."""

    req_id: int


@dataclass(frozen=True, slots=True)
class SubscribeToGroupEvents:
    """What a group of windows shows, and its changes."""

    req_id: int
    group_id: int


@dataclass(frozen=True, slots=True)
class UpdateDisplayGroup:
    """Show ``contract_info`` (such as 8314@SMART) in the group of ``req_id``."""

    req_id: int
    contract_info: str


@dataclass(frozen=True, slots=True)
class UnsubscribeFromGroupEvents:
    """No more of the group of ``req_id``."""

    req_id: int


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """A third-party program asks to be trusted. There is no request id."""

    api_name: str
    api_version: str


@dataclass(frozen=True, slots=True)
class VerifyMessage:
    """The program's answer to the challenge."""

    api_data: str


@dataclass(frozen=True, slots=True)
class VerifyAndAuthRequest:
    """The same request, with the vendor's key."""

    api_name: str
    api_version: str
    opaque_isv_key: str


@dataclass(frozen=True, slots=True)
class VerifyAndAuthMessage:
    """The program's answer to the challenge, with that of its vendor."""

    api_data: str
    xyz_response: str


_API = (Field("api_name", TEXT), Field("api_version", TEXT))

MESSAGES = (
    Message.of(67, QueryDisplayGroups, message_version(1), REQ_ID),
    Message.of(68, SubscribeToGroupEvents, message_version(1), REQ_ID, Field("group_id", INT)),
    Message.of(69, UpdateDisplayGroup, message_version(1), REQ_ID, Field("contract_info", TEXT)),
    Message.of(70, UnsubscribeFromGroupEvents, message_version(1), REQ_ID),
    Message.of(65, VerifyRequest, message_version(1), *_API),
    Message.of(66, VerifyMessage, message_version(1), Field("api_data", TEXT)),
    Message.of(72, VerifyAndAuthRequest, message_version(1), *_API, Field("opaque_isv_key", TEXT)),
    Message.of(
        73,
        VerifyAndAuthMessage,
        message_version(1),
        Field("api_data", TEXT),
        Field("xyz_response", TEXT),
    ),
)
