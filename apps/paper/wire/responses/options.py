"""What a client is told of options and of what makes a combination delta-neutral."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import INT, MINUS_ONE_DECIMAL, MINUS_TWO_DECIMAL
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import DELTA_NEUTRAL, REQ_ID, Message, message_version
from apps.paper.wire.responses.numbers import Number
from apps.paper.wire.values import DeltaNeutralContract

__all__ = ["MESSAGES", "DeltaNeutralValidation", "TickOptionComputation"]


@dataclass(frozen=True, slots=True)
class TickOptionComputation:
    """An option's price, volatility and Greeks; None is what was not computed.

    ``tick_type`` is 10 bid, 11 ask, 12 last, 13 model (80 to 83 when delayed), 53 the answer to a
    calculation. ``attributes`` is 0 when it rests on returns, 1 when on prices.
    """

    req_id: int
    tick_type: int
    attributes: int = 0
    implied_volatility: Number | None = None
    delta: Number | None = None
    option_price: Number | None = None
    pv_dividend: Number | None = None
    gamma: Number | None = None
    vega: Number | None = None
    theta: Number | None = None
    under_price: Number | None = None


@dataclass(frozen=True, slots=True)
class DeltaNeutralValidation:
    """The underlying of a delta-neutral request, with the delta and price that will be used."""

    req_id: int
    delta_neutral: DeltaNeutralContract


MESSAGES = (
    Message.of(
        21,
        TickOptionComputation,
        REQ_ID,
        Field("tick_type", INT),
        Field("attributes", INT),
        Field("implied_volatility", MINUS_ONE_DECIMAL),
        Field("delta", MINUS_TWO_DECIMAL),
        Field("option_price", MINUS_ONE_DECIMAL),
        Field("pv_dividend", MINUS_ONE_DECIMAL),
        Field("gamma", MINUS_TWO_DECIMAL),
        Field("vega", MINUS_TWO_DECIMAL),
        Field("theta", MINUS_TWO_DECIMAL),
        Field("under_price", MINUS_ONE_DECIMAL),
    ),
    Message.of(56, DeltaNeutralValidation, message_version(1), REQ_ID, DELTA_NEUTRAL),
)
