"""Tables of what several messages have in common: contracts, legs, conditions, orders' pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from apps.paper.wire.codecs import (
    BOOL,
    DECIMAL,
    INT,
    OPTIONAL_DECIMAL,
    OPTIONAL_INT,
    OPTIONAL_OFFSET,
    TEXT,
    WHOLE_DECIMAL,
)
from apps.paper.wire.layout import (
    Choice,
    Constant,
    Field,
    Group,
    Maybe,
    Omissible,
    Part,
    Record,
    Repeat,
    When,
)
from apps.paper.wire.orders import Order
from apps.paper.wire.values import (
    ComboLeg,
    Contract,
    DeltaNeutralContract,
    ExecutionCondition,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TagValue,
    TimeCondition,
    VolumeCondition,
)

__all__ = [
    "ALGO",
    "COMBO_LEGS",
    "COMPETE_OFFSET",
    "CONDITIONS",
    "CONTRACT",
    "CONTRACT_WITHOUT_EXCHANGE",
    "CONTRACT_WITHOUT_PRIMARY",
    "DELTA_NEUTRAL",
    "DELTA_NEUTRAL_CONTRACT",
    "HEDGE",
    "LEGS_OF_FOUR",
    "MID_OFFSETS",
    "OPTIONS_COUNT",
    "PEG_BENCHMARK",
    "REQ_ID",
    "SCALE",
    "TAG_VALUE",
    "Message",
    "contract",
    "message_version",
    "order",
]


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its id, the dataclass of its values, and its table after the id."""

    msg_id: int
    id_text: str
    record: Record

    @classmethod
    def of(cls, msg_id: int, shape: type[Any], *parts: Part) -> Message:
        """Give the message of these parts."""
        return cls(msg_id, str(msg_id), Record(shape, parts))


def message_version(number: int) -> Constant:
    """Give the version field that older messages carry; nobody reads it any more."""
    return Constant(str(number))


def contract(*parts: Part) -> Group:
    """Give a group of contract fields."""
    return Group("contract", Contract, parts)


def order(*parts: Part) -> Group:
    """Give a group of order fields."""
    return Group("order", Order, parts)


REQ_ID: Final = Field("req_id", INT)
OPTIONS_COUNT: Final = Omissible("0", after=1)
"""How many options the text after it holds. The newest official clients leave it out."""

_UP_TO_MULTIPLIER: Final = (
    Field("con_id", INT),
    Field("symbol", TEXT),
    Field("sec_type", TEXT),
    Field("last_trade_date", TEXT),
    Field("strike", DECIMAL),
    Field("right", TEXT),
    Field("multiplier", TEXT),
)
_FROM_CURRENCY: Final = (
    Field("currency", TEXT),
    Field("local_symbol", TEXT),
    Field("trading_class", TEXT),
)
CONTRACT: Final = contract(
    *_UP_TO_MULTIPLIER, Field("exchange", TEXT), Field("primary_exchange", TEXT), *_FROM_CURRENCY
)
CONTRACT_WITHOUT_PRIMARY: Final = contract(
    *_UP_TO_MULTIPLIER, Field("exchange", TEXT), *_FROM_CURRENCY
)
CONTRACT_WITHOUT_EXCHANGE: Final = contract(
    *_UP_TO_MULTIPLIER, Field("primary_exchange", TEXT), *_FROM_CURRENCY
)

_FOUR_LEG_FIELDS: Final = (
    Field("con_id", INT),
    Field("ratio", INT),
    Field("action", TEXT),
    Field("exchange", TEXT),
)
COMBO_LEGS: Final = Repeat(
    "combo_legs",
    Record(
        ComboLeg,
        (
            *_FOUR_LEG_FIELDS,
            Field("open_close", INT),
            Field("short_sale_slot", INT),
            Field("designated_location", TEXT),
            Field("exempt_code", INT),
        ),
    ),
)
LEGS_OF_FOUR: Final = When(
    lambda message: message.contract.sec_type == "BAG",
    (contract(Repeat("combo_legs", Record(ComboLeg, _FOUR_LEG_FIELDS))),),
)
_DELTA_NEUTRAL_FIELDS: Final = (
    Field("con_id", INT),
    Field("delta", DECIMAL),
    Field("price", DECIMAL),
)
DELTA_NEUTRAL: Final = Group("delta_neutral", DeltaNeutralContract, _DELTA_NEUTRAL_FIELDS)
DELTA_NEUTRAL_CONTRACT: Final = contract(
    Maybe("delta_neutral", Record(DeltaNeutralContract, _DELTA_NEUTRAL_FIELDS))
)

TAG_VALUE: Final = Record(TagValue, (Field("tag", TEXT), Field("value", TEXT)))

_CONJUNCTION: Final = Field("conjunction", TEXT)
_IS_MORE: Final = Field("is_more", BOOL)
_OF_CONTRACT: Final = (Field("con_id", INT), Field("exchange", TEXT))
_CONDITION: Final = Choice(
    {
        1: Record(
            PriceCondition,
            (
                _CONJUNCTION,
                _IS_MORE,
                Field("price", DECIMAL),
                *_OF_CONTRACT,
                Field("trigger_method", INT),
            ),
        ),
        3: Record(TimeCondition, (_CONJUNCTION, _IS_MORE, Field("time", TEXT))),
        4: Record(MarginCondition, (_CONJUNCTION, _IS_MORE, Field("percent", WHOLE_DECIMAL))),
        5: Record(
            ExecutionCondition,
            (_CONJUNCTION, Field("sec_type", TEXT), Field("exchange", TEXT), Field("symbol", TEXT)),
        ),
        6: Record(VolumeCondition, (_CONJUNCTION, _IS_MORE, Field("volume", INT), *_OF_CONTRACT)),
        7: Record(
            PercentChangeCondition,
            (_CONJUNCTION, _IS_MORE, Field("change_percent", OPTIONAL_DECIMAL), *_OF_CONTRACT),
        ),
    }
)

# ---- the optional blocks of an order, which read the same in placeOrder and in what comes back

CONDITIONS: Final = order(
    Repeat("conditions", _CONDITION),
    When(
        lambda order: bool(order.conditions),
        (Field("conditions_ignore_rth", BOOL), Field("conditions_cancel_order", BOOL)),
    ),
)
SCALE: Final = When(
    lambda order: order.scale_price_increment is not None and order.scale_price_increment > 0,
    (
        Field("scale_price_adjust_value", OPTIONAL_DECIMAL),
        Field("scale_price_adjust_interval", OPTIONAL_INT),
        Field("scale_profit_offset", OPTIONAL_DECIMAL),
        Field("scale_auto_reset", BOOL),
        Field("scale_init_position", OPTIONAL_INT),
        Field("scale_init_fill_qty", OPTIONAL_INT),
        Field("scale_random_percent", BOOL),
    ),
)
HEDGE: Final = order(
    Field("hedge_type", TEXT),
    When(lambda order: bool(order.hedge_type), (Field("hedge_param", TEXT),)),
)
ALGO: Final = order(
    Field("algo_strategy", TEXT),
    When(lambda order: bool(order.algo_strategy), (Repeat("algo_params", TAG_VALUE),)),
)
# ib_insync and the official 9.81 know the first spelling only, and would misread the block behind
# the second one; they cannot send it either
PEG_BENCHMARK: Final = order(
    When(
        lambda order: order.order_type in ("PEG BENCH", "PEGBENCH"),
        (
            Field("reference_contract_id", INT),
            Field("is_pegged_change_amount_decrease", BOOL),
            Field("pegged_change_amount", DECIMAL),
            Field("reference_change_amount", DECIMAL),
            Field("reference_exchange_id", TEXT),
        ),
    )
)
COMPETE_OFFSET: Final = Field("compete_against_best_offset", OPTIONAL_OFFSET)
MID_OFFSETS: Final = (
    Field("mid_offset_at_whole", OPTIONAL_DECIMAL),
    Field("mid_offset_at_half", OPTIONAL_DECIMAL),
)
