"""The two messages that tell an order in full: one that is open, and one that has ended.

They differ in many places: a completed order has lost its order id, its client and its margins,
and carries half of the delta-neutral block. Both write the word None for no delta-neutral order,
and the block after it all the same. A trailing stop's price stands in openOrder twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from apps.paper.wire import versions
from apps.paper.wire.codecs import (
    BOOL,
    DECIMAL,
    INT,
    LONG,
    NONE_WORD,
    OPTIONAL_BOOL,
    OPTIONAL_DECIMAL,
    OPTIONAL_INT,
    TEXT,
    UNSET_DECIMAL,
)
from apps.paper.wire.layout import Constant, Field, Group, Repeat
from apps.paper.wire.orders import Order, OrderState
from apps.paper.wire.parts import (
    ALGO,
    COMBO_LEGS,
    COMPETE_OFFSET,
    CONDITIONS,
    CONTRACT_WITHOUT_PRIMARY,
    DELTA_NEUTRAL_CONTRACT,
    HEDGE,
    MID_OFFSETS,
    PEG_BENCHMARK,
    SCALE,
    TAG_VALUE,
    Message,
    contract,
    order,
)
from apps.paper.wire.responses.numbers import Number
from apps.paper.wire.values import Contract

__all__ = [
    "MESSAGES",
    "CompletedOrder",
    "OpenOrder",
]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One order in full, with its state. Sent before its `OrderStatus`.

    ib_insync drops the status of an order that it does not know. ``client_id`` is that of the
    client that placed the order.
    """

    order_id: int
    client_id: int
    perm_id: int
    contract: Contract = field(default_factory=Contract)
    order: Order = field(default_factory=Order)
    state: OrderState = field(default_factory=OrderState)


@dataclass(frozen=True, slots=True)
class CompletedOrder:
    """One order that ended today; it has no order id and no client id any more.

    ``completed_time`` is IB's text (YYYYMMDD HH:MM:SS ZONE), ``completed_status`` a sentence.
    """

    perm_id: int
    contract: Contract = field(default_factory=Contract)
    order: Order = field(default_factory=Order)
    status: str = ""
    filled_quantity: Number = _ZERO
    parent_perm_id: int = 0
    completed_time: str = ""
    completed_status: str = ""
    auto_cancel_date: str = ""
    ref_futures_con_id: int = 0
    shareholder: str = ""
    imbalance_only: bool = False
    route_marketable_to_bbo: bool = False


_WHAT_AND_HOW_MUCH = (
    Field("action", TEXT),
    Field("total_quantity", DECIMAL),
    Field("order_type", TEXT),
    Field("limit_price", OPTIONAL_DECIMAL),
    Field("stop_price", OPTIONAL_DECIMAL),
    Field("time_in_force", TEXT),
    Field("oca_group", TEXT),
    Field("account", TEXT),
    Field("open_close", TEXT),
    Field("origin", INT),
    Field("order_ref", TEXT),
)
_SESSION = (
    Field("outside_rth", BOOL),
    Field("hidden", BOOL),
    Field("discretionary_amount", DECIMAL),
    Field("good_after_time", TEXT),
)
_ALLOCATION = (
    Field("fa_group", TEXT),
    Field("fa_method", TEXT),
    Field("fa_percentage", TEXT),
    Field("fa_profile", TEXT),
    Field("model_code", TEXT),
    Field("good_till_date", TEXT),
    Field("rule_80a", TEXT),
    Field("percent_offset", OPTIONAL_DECIMAL),
    Field("settling_firm", TEXT),
    Field("short_sale_slot", INT),
    Field("designated_location", TEXT),
    Field("exempt_code", INT),
)
_STOCK_RANGE = (
    Field("starting_price", OPTIONAL_DECIMAL),
    Field("stock_ref_price", OPTIONAL_DECIMAL),
    Field("delta", OPTIONAL_DECIMAL),
    Field("stock_range_lower", OPTIONAL_DECIMAL),
    Field("stock_range_upper", OPTIONAL_DECIMAL),
    Field("display_size", INT),
)
_VOLATILITY = (
    Field("volatility", OPTIONAL_DECIMAL),
    Field("volatility_type", OPTIONAL_INT),
    Field("delta_neutral_order_type", NONE_WORD),
    Field("delta_neutral_aux_price", OPTIONAL_DECIMAL),
    Field("delta_neutral_con_id", INT),
)
_SHORT_SALE = (
    Field("delta_neutral_short_sale", BOOL),
    Field("delta_neutral_short_sale_slot", INT),
    Field("delta_neutral_designated_location", TEXT),
)
_TRAIL = (
    Field("continuous_update", BOOL),
    Field("reference_price_type", OPTIONAL_INT),
    Field("trail_stop_price", OPTIONAL_DECIMAL),
    Field("trailing_percent", OPTIONAL_DECIMAL),
)
_COMBINATION = (
    contract(Field("combo_legs_description", TEXT), COMBO_LEGS),
    order(
        Repeat("combo_leg_prices", OPTIONAL_DECIMAL),
        Repeat("smart_combo_routing_params", TAG_VALUE),
        Field("scale_init_level_size", OPTIONAL_INT),
        Field("scale_subs_level_size", OPTIONAL_INT),
        Field("scale_price_increment", OPTIONAL_DECIMAL),
        SCALE,
    ),
)
_CLEARING = (
    Field("clearing_account", TEXT),
    Field("clearing_intent", TEXT),
    Field("not_held", BOOL),
)
_RANDOMIZE = (Field("randomize_size", BOOL), Field("randomize_price", BOOL))
_PEGGED_OFFSETS = order(
    Field("min_trade_qty", OPTIONAL_INT, since=versions.PEG_BEST_PEG_MID_OFFSETS),
    Field("min_compete_size", OPTIONAL_INT, since=versions.PEG_BEST_PEG_MID_OFFSETS),
    *(
        Field(part.name, part.codec, since=versions.PEG_BEST_PEG_MID_OFFSETS)
        for part in (COMPETE_OFFSET, *MID_OFFSETS)
    ),
)
_STATE = Group(
    "state",
    OrderState,
    (
        Field("status", TEXT),
        Field("init_margin_before", UNSET_DECIMAL),
        Field("maint_margin_before", UNSET_DECIMAL),
        Field("equity_with_loan_before", UNSET_DECIMAL),
        Field("init_margin_change", UNSET_DECIMAL),
        Field("maint_margin_change", UNSET_DECIMAL),
        Field("equity_with_loan_change", UNSET_DECIMAL),
        Field("init_margin_after", UNSET_DECIMAL),
        Field("maint_margin_after", UNSET_DECIMAL),
        Field("equity_with_loan_after", UNSET_DECIMAL),
        Field("commission", OPTIONAL_DECIMAL),
        Field("min_commission", OPTIONAL_DECIMAL),
        Field("max_commission", OPTIONAL_DECIMAL),
        Field("commission_currency", TEXT),
        Field("warning_text", TEXT),
    ),
)
_OPEN_ORDER = Message.of(
    5,
    OpenOrder,
    Field("order_id", INT),
    CONTRACT_WITHOUT_PRIMARY,
    order(*_WHAT_AND_HOW_MUCH),
    Field("client_id", INT),
    Field("perm_id", LONG),
    order(
        *_SESSION,
        Constant(""),  # sharesAllocation, long obsolete
        *_ALLOCATION,
        Field("auction_strategy", INT),
        *_STOCK_RANGE,
        Field("block_order", BOOL),
        Field("sweep_to_fill", BOOL),
        Field("all_or_none", BOOL),
        Field("min_qty", OPTIONAL_INT),
        Field("oca_type", INT),
        Field("e_trade_only", BOOL),
        Field("firm_quote_only", BOOL),
        Field("nbbo_price_cap", OPTIONAL_DECIMAL),
        Field("parent_id", INT),
        Field("trigger_method", INT),
        *_VOLATILITY,
        Field("delta_neutral_settling_firm", TEXT),
        Field("delta_neutral_clearing_account", TEXT),
        Field("delta_neutral_clearing_intent", TEXT),
        Field("delta_neutral_open_close", TEXT),
        *_SHORT_SALE,
        *_TRAIL,
        Constant(""),  # basisPoints, for EFP orders, which nobody can place
        Constant(""),  # basisPointsType
    ),
    *_COMBINATION,
    HEDGE,
    order(Field("opt_out_smart_routing", BOOL), *_CLEARING),
    DELTA_NEUTRAL_CONTRACT,
    ALGO,
    order(Field("solicited", BOOL), Field("what_if", BOOL)),
    _STATE,
    order(*_RANDOMIZE),
    PEG_BENCHMARK,
    CONDITIONS,
    order(
        Field("adjusted_order_type", TEXT),
        Field("trigger_price", OPTIONAL_DECIMAL),
        Field("trail_stop_price", OPTIONAL_DECIMAL),
        Field("limit_price_offset", OPTIONAL_DECIMAL),
        Field("adjusted_stop_price", OPTIONAL_DECIMAL),
        Field("adjusted_stop_limit_price", OPTIONAL_DECIMAL),
        Field("adjusted_trailing_amount", OPTIONAL_DECIMAL),
        Field("adjustable_trailing_unit", INT),
        Field("soft_dollar_tier_name", TEXT),
        Field("soft_dollar_tier_value", TEXT),
        Constant(""),  # the tier's name for display
        Field("cash_qty", OPTIONAL_DECIMAL),
        Field("dont_use_auto_price_for_hedge", BOOL),
        Field("is_oms_container", BOOL),
        Field("discretionary_up_to_limit_price", BOOL),
        Field("use_price_mgmt_algo", OPTIONAL_BOOL),
        Field("duration", OPTIONAL_INT, since=versions.DURATION),
        Field("post_to_ats", OPTIONAL_INT, since=versions.POST_TO_ATS),
        Field("auto_cancel_parent", BOOL, since=versions.AUTO_CANCEL_PARENT),
    ),
    _PEGGED_OFFSETS,
)
_COMPLETED_ORDER = Message.of(
    101,
    CompletedOrder,
    CONTRACT_WITHOUT_PRIMARY,
    order(*_WHAT_AND_HOW_MUCH),
    Field("perm_id", LONG),
    order(
        *_SESSION,
        *_ALLOCATION,
        *_STOCK_RANGE,
        Field("sweep_to_fill", BOOL),
        Field("all_or_none", BOOL),
        Field("min_qty", OPTIONAL_INT),
        Field("oca_type", INT),
        Field("trigger_method", INT),
        *_VOLATILITY,
        *_SHORT_SALE,
        *_TRAIL,
    ),
    *_COMBINATION,
    HEDGE,
    order(*_CLEARING),
    DELTA_NEUTRAL_CONTRACT,
    ALGO,
    order(Field("solicited", BOOL)),
    Field("status", TEXT),
    order(*_RANDOMIZE),
    PEG_BENCHMARK,
    CONDITIONS,
    order(
        Field("trail_stop_price", OPTIONAL_DECIMAL),
        Field("limit_price_offset", OPTIONAL_DECIMAL),
        Field("cash_qty", OPTIONAL_DECIMAL),
        Field("dont_use_auto_price_for_hedge", BOOL),
        Field("is_oms_container", BOOL),
    ),
    Field("auto_cancel_date", TEXT),
    Field("filled_quantity", DECIMAL),
    Field("ref_futures_con_id", INT),
    order(Field("auto_cancel_parent", BOOL)),
    Field("shareholder", TEXT),
    Field("imbalance_only", BOOL),
    Field("route_marketable_to_bbo", BOOL),
    Field("parent_perm_id", LONG),
    Field("completed_time", TEXT),
    Field("completed_status", TEXT),
    _PEGGED_OFFSETS,
)

MESSAGES = (_OPEN_ORDER, _COMPLETED_ORDER)
