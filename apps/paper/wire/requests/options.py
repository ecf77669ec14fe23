"""What a client asks about options: to calculate one, to exercise one. Chains are reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from apps.paper.wire.codecs import BOOL, DECIMAL, INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import (
    CONTRACT,
    CONTRACT_WITHOUT_PRIMARY,
    OPTIONS_COUNT,
    REQ_ID,
    Message,
    message_version,
)
from apps.paper.wire.values import Contract

__all__ = [
    "MESSAGES",
    "CalculateImpliedVolatility",
    "CalculateOptionPrice",
    "CancelCalculateImpliedVolatility",
    "CancelCalculateOptionPrice",
    "ExerciseOptions",
]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class CalculateImpliedVolatility:
    """The volatility at which an option is worth ``option_price``; a `TickOptionComputation`."""

    req_id: int
    contract: Contract = field(default_factory=Contract)
    option_price: Decimal = _ZERO
    under_price: Decimal = _ZERO
    options: str = ""


@dataclass(frozen=True, slots=True)
class CancelCalculateImpliedVolatility:
    """The implied volatility on ``req_id`` is no longer wanted."""

    req_id: int


@dataclass(frozen=True, slots=True)
class CalculateOptionPrice:
    """What an option is worth at a ``volatility`` (0.2 is 20%); a `TickOptionComputation`."""

    req_id: int
    contract: Contract = field(default_factory=Contract)
    volatility: Decimal = _ZERO
    under_price: Decimal = _ZERO
    options: str = ""


@dataclass(frozen=True, slots=True)
class CancelCalculateOptionPrice:
    """The option price on ``req_id`` is no longer wanted."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ExerciseOptions:
    """Exercise (``action`` 1) or let lapse (2) a long option.

    ``override`` goes against IB's default action for options in or out of the money.
    """

    req_id: int
    contract: Contract = field(default_factory=Contract)
    action: int = 1
    quantity: int = 0
    account: str = ""
    override: bool = False


MESSAGES = (
    Message.of(
        54,
        CalculateImpliedVolatility,
        message_version(3),
        REQ_ID,
        CONTRACT,
        Field("option_price", DECIMAL),
        Field("under_price", DECIMAL),
        OPTIONS_COUNT,
        Field("options", TEXT),
    ),
    Message.of(56, CancelCalculateImpliedVolatility, message_version(1), REQ_ID),
    Message.of(
        55,
        CalculateOptionPrice,
        message_version(3),
        REQ_ID,
        CONTRACT,
        Field("volatility", DECIMAL),
        Field("under_price", DECIMAL),
        OPTIONS_COUNT,
        Field("options", TEXT),
    ),
    Message.of(57, CancelCalculateOptionPrice, message_version(1), REQ_ID),
    Message.of(
        21,
        ExerciseOptions,
        message_version(2),
        REQ_ID,
        CONTRACT_WITHOUT_PRIMARY,
        Field("action", INT),
        Field("quantity", INT),
        Field("account", TEXT),
        Field("override", BOOL),
    ),
)
