"""What a client is told about accounts and positions, and by the connection itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from apps.paper.wire import versions
from apps.paper.wire.codecs import CSV, DECIMAL, INT, TEXT, UNSET_DECIMAL
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import (
    CONTRACT_WITHOUT_EXCHANGE,
    CONTRACT_WITHOUT_PRIMARY,
    REQ_ID,
    Message,
    message_version,
)
from apps.paper.wire.responses.numbers import Number
from apps.paper.wire.values import Contract

__all__ = [
    "MESSAGES",
    "AccountDownloadEnd",
    "AccountSummary",
    "AccountSummaryEnd",
    "AccountTime",
    "AccountUpdateMulti",
    "AccountUpdateMultiEnd",
    "AccountValue",
    "CurrentTime",
    "ErrorMessage",
    "ManagedAccounts",
    "NextValidId",
    "Pnl",
    "PnlSingle",
    "PortfolioValue",
    "Position",
    "PositionEnd",
    "PositionMulti",
    "PositionMultiEnd",
    "UserInfo",
]


_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ManagedAccounts:
    """The accounts of this login."""

    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NextValidId:
    """The lowest order id that this client may use next."""

    order_id: int


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """An error or a notice with IB's code; ``req_id`` is −1 where it concerns no request."""

    req_id: int
    code: int
    message: str
    advanced_reject_json: str = ""


@dataclass(frozen=True, slots=True)
class CurrentTime:
    """The server's clock, in epoch seconds."""

    time: int


@dataclass(frozen=True, slots=True)
class UserInfo:
    """The white-branding id of this login, mostly empty."""

    req_id: int
    white_branding_id: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """One position of one account; 0 once it is closed."""

    account: str
    contract: Contract = field(default_factory=Contract)
    position: Number = _ZERO
    avg_cost: Number = _ZERO


@dataclass(frozen=True, slots=True)
class PositionEnd:
    """All positions have been told; changes follow."""


@dataclass(frozen=True, slots=True)
class PositionMulti:
    """One position of one account or model, under a request id of its own."""

    req_id: int
    account: str
    contract: Contract = field(default_factory=Contract)
    position: Number = _ZERO
    avg_cost: Number = _ZERO
    model_code: str = ""


@dataclass(frozen=True, slots=True)
class PositionMultiEnd:
    """All positions on ``req_id`` have been told; changes follow."""

    req_id: int


@dataclass(frozen=True, slots=True)
class AccountValue:
    """One value of an account, as text."""

    key: str
    value: str
    currency: str
    account: str


@dataclass(frozen=True, slots=True)
class PortfolioValue:
    """One position with its market value and profit; its contract carries no exchange."""

    contract: Contract = field(default_factory=Contract)
    position: Number = _ZERO
    market_price: Number = _ZERO
    market_value: Number = _ZERO
    average_cost: Number = _ZERO
    unrealized_pnl: Number = _ZERO
    realized_pnl: Number = _ZERO
    account: str = ""


@dataclass(frozen=True, slots=True)
class AccountTime:
    """When the account's values were last refreshed, as HH:MM."""

    time: str


@dataclass(frozen=True, slots=True)
class AccountDownloadEnd:
    """The first round of an account's values is complete."""

    account: str


@dataclass(frozen=True, slots=True)
class AccountUpdateMulti:
    """One value of an account or model."""

    req_id: int
    account: str
    model_code: str
    key: str
    value: str
    currency: str


@dataclass(frozen=True, slots=True)
class AccountUpdateMultiEnd:
    """The first round on ``req_id`` is complete."""

    req_id: int


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """One tag of one account."""

    req_id: int
    account: str
    tag: str
    value: str
    currency: str


@dataclass(frozen=True, slots=True)
class AccountSummaryEnd:
    """The first round on ``req_id`` is complete."""

    req_id: int


@dataclass(frozen=True, slots=True)
class Pnl:
    """The profit and loss of an account; None goes out as IB's unset."""

    req_id: int
    daily: Number | None
    unrealized: Number | None
    realized: Number | None


@dataclass(frozen=True, slots=True)
class PnlSingle:
    """The profit and loss of one position; None goes out as IB's unset."""

    req_id: int
    position: Number
    daily: Number | None
    unrealized: Number | None
    realized: Number | None
    value: Number | None


_ACCOUNT = Field("account", TEXT)
_KEY_VALUE = (Field("key", TEXT), Field("value", TEXT), Field("currency", TEXT))

MESSAGES = (
    Message.of(15, ManagedAccounts, message_version(1), Field("accounts", CSV)),
    Message.of(9, NextValidId, message_version(1), Field("order_id", INT)),
    Message.of(
        4,
        ErrorMessage,
        message_version(2),
        REQ_ID,
        Field("code", INT),
        Field("message", TEXT),
        Field("advanced_reject_json", TEXT, since=versions.ADVANCED_ORDER_REJECT),
    ),
    Message.of(49, CurrentTime, message_version(1), Field("time", INT)),
    Message.of(107, UserInfo, REQ_ID, Field("white_branding_id", TEXT)),
    Message.of(
        61,
        Position,
        message_version(3),
        _ACCOUNT,
        CONTRACT_WITHOUT_PRIMARY,
        Field("position", DECIMAL),
        Field("avg_cost", DECIMAL),
    ),
    Message.of(62, PositionEnd, message_version(1)),
    Message.of(
        71,
        PositionMulti,
        message_version(1),
        REQ_ID,
        _ACCOUNT,
        CONTRACT_WITHOUT_PRIMARY,
        Field("position", DECIMAL),
        Field("avg_cost", DECIMAL),
        Field("model_code", TEXT),
    ),
    Message.of(72, PositionMultiEnd, message_version(1), REQ_ID),
    Message.of(6, AccountValue, message_version(2), *_KEY_VALUE, _ACCOUNT),
    Message.of(
        7,
        PortfolioValue,
        message_version(8),
        CONTRACT_WITHOUT_EXCHANGE,
        Field("position", DECIMAL),
        Field("market_price", DECIMAL),
        Field("market_value", DECIMAL),
        Field("average_cost", DECIMAL),
        Field("unrealized_pnl", DECIMAL),
        Field("realized_pnl", DECIMAL),
        _ACCOUNT,
    ),
    Message.of(8, AccountTime, message_version(1), Field("time", TEXT)),
    Message.of(54, AccountDownloadEnd, message_version(1), _ACCOUNT),
    Message.of(
        73,
        AccountUpdateMulti,
        message_version(1),
        REQ_ID,
        _ACCOUNT,
        Field("model_code", TEXT),
        *_KEY_VALUE,
    ),
    Message.of(74, AccountUpdateMultiEnd, message_version(1), REQ_ID),
    Message.of(
        63,
        AccountSummary,
        message_version(1),
        REQ_ID,
        _ACCOUNT,
        Field("tag", TEXT),
        Field("value", TEXT),
        Field("currency", TEXT),
    ),
    Message.of(64, AccountSummaryEnd, message_version(1), REQ_ID),
    Message.of(
        94,
        Pnl,
        REQ_ID,
        Field("daily", UNSET_DECIMAL),
        Field("unrealized", UNSET_DECIMAL),
        Field("realized", UNSET_DECIMAL),
    ),
    Message.of(
        95,
        PnlSingle,
        REQ_ID,
        Field("position", DECIMAL),
        Field("daily", UNSET_DECIMAL),
        Field("unrealized", UNSET_DECIMAL),
        Field("realized", UNSET_DECIMAL),
        Field("value", UNSET_DECIMAL),
    ),
)
