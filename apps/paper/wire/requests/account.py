"""What a client asks about accounts and positions, and of the connection itself."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import BOOL, CSV, INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import REQ_ID, Message, message_version

__all__ = [
    "MESSAGES",
    "CancelAccountSummary",
    "CancelAccountUpdatesMulti",
    "CancelPnl",
    "CancelPnlSingle",
    "CancelPositions",
    "CancelPositionsMulti",
    "ReqAccountSummary",
    "ReqAccountUpdates",
    "ReqAccountUpdatesMulti",
    "ReqCurrentTime",
    "ReqIds",
    "ReqManagedAccounts",
    "ReqPnl",
    "ReqPnlSingle",
    "ReqPositions",
    "ReqPositionsMulti",
    "ReqUserInfo",
    "SetServerLogLevel",
    "StartApi",
]


@dataclass(frozen=True, slots=True)
class StartApi:
    """The client names itself; nothing but the handshake's reply may be sent before."""

    client_id: int
    capabilities: str = ""


@dataclass(frozen=True, slots=True)
class ReqCurrentTime:
    """The server's clock."""


@dataclass(frozen=True, slots=True)
class ReqIds:
    """The next valid order id; ``count`` is ignored by IB."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class ReqManagedAccounts:
    """The accounts of this login."""


@dataclass(frozen=True, slots=True)
class SetServerLogLevel:
    """How much the server shall log: 1 system to 5 detail. There is no answer."""

    level: int


@dataclass(frozen=True, slots=True)
class ReqUserInfo:
    """The white-branding id of this login."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqPositions:
    """The positions of all accounts, and their changes from then on."""


@dataclass(frozen=True, slots=True)
class CancelPositions:
    """No more position changes."""


@dataclass(frozen=True, slots=True)
class ReqPositionsMulti:
    """The positions of one account or model, and their changes, under a request id of their own."""

    req_id: int
    account: str = ""
    model_code: str = ""


@dataclass(frozen=True, slots=True)
class CancelPositionsMulti:
    """No more position changes on ``req_id``."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqAccountUpdates:
    """Start (or stop) values and portfolio of one account; '' is the only account there is."""

    subscribe: bool
    account: str = ""


@dataclass(frozen=True, slots=True)
class ReqAccountUpdatesMulti:
    """Values of one account or model, under a request id of their own."""

    req_id: int
    account: str = ""
    model_code: str = ""
    ledger_and_nlv: bool = False


@dataclass(frozen=True, slots=True)
class CancelAccountUpdatesMulti:
    """No more values on ``req_id``."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqAccountSummary:
    """The named tags, for the accounts of a group (All)."""

    req_id: int
    group: str = "All"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelAccountSummary:
    """No more summaries on ``req_id``."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqPnl:
    """The profit and loss of an account, as it changes."""

    req_id: int
    account: str = ""
    model_code: str = ""


@dataclass(frozen=True, slots=True)
class CancelPnl:
    """No more profit and loss on ``req_id``."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqPnlSingle:
    """The profit and loss of one position, as it changes."""

    req_id: int
    account: str = ""
    model_code: str = ""
    con_id: int = 0


@dataclass(frozen=True, slots=True)
class CancelPnlSingle:
    """No more profit and loss on ``req_id``."""

    req_id: int


_ACCOUNT = Field("account", TEXT)
_MODEL_CODE = Field("model_code", TEXT)

MESSAGES = (
    Message.of(
        71, StartApi, message_version(2), Field("client_id", INT), Field("capabilities", TEXT)
    ),
    Message.of(49, ReqCurrentTime, message_version(1)),
    Message.of(8, ReqIds, message_version(1), Field("count", INT)),
    Message.of(17, ReqManagedAccounts, message_version(1)),
    Message.of(14, SetServerLogLevel, message_version(1), Field("level", INT)),
    Message.of(104, ReqUserInfo, REQ_ID),
    Message.of(61, ReqPositions, message_version(1)),
    Message.of(64, CancelPositions, message_version(1)),
    Message.of(74, ReqPositionsMulti, message_version(1), REQ_ID, _ACCOUNT, _MODEL_CODE),
    Message.of(75, CancelPositionsMulti, message_version(1), REQ_ID),
    Message.of(6, ReqAccountUpdates, message_version(2), Field("subscribe", BOOL), _ACCOUNT),
    Message.of(
        76,
        ReqAccountUpdatesMulti,
        message_version(1),
        REQ_ID,
        _ACCOUNT,
        _MODEL_CODE,
        Field("ledger_and_nlv", BOOL),
    ),
    Message.of(77, CancelAccountUpdatesMulti, message_version(1), REQ_ID),
    Message.of(
        62, ReqAccountSummary, message_version(1), REQ_ID, Field("group", TEXT), Field("tags", CSV)
    ),
    Message.of(63, CancelAccountSummary, message_version(1), REQ_ID),
    Message.of(92, ReqPnl, REQ_ID, _ACCOUNT, _MODEL_CODE),
    Message.of(93, CancelPnl, REQ_ID),
    Message.of(94, ReqPnlSingle, REQ_ID, _ACCOUNT, _MODEL_CODE, Field("con_id", INT)),
    Message.of(95, CancelPnlSingle, REQ_ID),
)
