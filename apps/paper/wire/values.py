"""Values that stand in several messages: contracts with their legs, tag-value pairs, conditions.

They are the wire's words, not the exchange's: a `Contract` is what a client wrote or shall read,
whether or not such an instrument exists. The tables that put them on the wire stand in
`apps.paper.wire.parts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = [
    "ComboLeg",
    "Condition",
    "Contract",
    "DeltaNeutralContract",
    "ExecutionCondition",
    "MarginCondition",
    "PercentChangeCondition",
    "PriceCondition",
    "TagValue",
    "TimeCondition",
    "VolumeCondition",
]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class TagValue:
    """One named parameter, of an algorithm or a combination, or one security id."""

    tag: str
    value: str


@dataclass(frozen=True, slots=True)
class ComboLeg:
    """One leg of a BAG. Market data and history know its first four fields only."""

    con_id: int = 0
    ratio: int = 0
    action: str = ""
    exchange: str = ""
    open_close: int = 0
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1


@dataclass(frozen=True, slots=True)
class DeltaNeutralContract:
    """The underlying that makes a BAG neutral, with its delta and price."""

    con_id: int = 0
    delta: Decimal = _ZERO
    price: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as clients describe it: the twelve fields of most messages, then the rest.

    ``last_trade_date`` is IB's lastTradeDateOrContractMonth (YYYYMMDD or YYYYMM). What a message
    does not carry stays at its default.
    """

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    last_trade_date: str = ""
    strike: Decimal = _ZERO
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    include_expired: bool = False
    sec_id_type: str = ""
    sec_id: str = ""
    issuer_id: str = ""
    combo_legs_description: str = ""
    combo_legs: tuple[ComboLeg, ...] = ()
    delta_neutral: DeltaNeutralContract | None = None


@dataclass(frozen=True, slots=True)
class PriceCondition:
    """Holds when a price is beyond ``price``; ``conjunction`` is a (and) or o (or)."""

    conjunction: str = "a"
    is_more: bool = True
    price: Decimal = _ZERO
    con_id: int = 0
    exchange: str = ""
    trigger_method: int = 0


@dataclass(frozen=True, slots=True)
class TimeCondition:
    """Holds after (or before) a time, in IB's text form."""

    conjunction: str = "a"
    is_more: bool = True
    time: str = ""


@dataclass(frozen=True, slots=True)
class MarginCondition:
    """Holds when the margin cushion is beyond ``percent``, a whole number."""

    conjunction: str = "a"
    is_more: bool = True
    percent: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class ExecutionCondition:
    """Holds when something of the symbol was executed."""

    conjunction: str = "a"
    sec_type: str = ""
    exchange: str = ""
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class VolumeCondition:
    """Holds when the day's volume is beyond ``volume``."""

    conjunction: str = "a"
    is_more: bool = True
    volume: int = 0
    con_id: int = 0
    exchange: str = ""


@dataclass(frozen=True, slots=True)
class PercentChangeCondition:
    """Holds when the day's change is beyond ``change_percent``; None where it was left unset."""

    conjunction: str = "a"
    is_more: bool = True
    change_percent: Decimal | None = None
    con_id: int = 0
    exchange: str = ""


Condition = (
    PriceCondition
    | TimeCondition
    | MarginCondition
    | ExecutionCondition
    | VolumeCondition
    | PercentChangeCondition
)
