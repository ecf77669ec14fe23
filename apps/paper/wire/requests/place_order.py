"""The request to place an order, or to change one: every field there is, optional blocks included.

At 176 a plain stock order has 115 fields, at 157 it has 110. A block that is not there is told by
a field before it (BAG, a delta-neutral type, a scale increment, a hedge type, an algorithm, a
condition count, the order type), so one wrong field shifts all that follow: fields left over at
the end make the whole request malformed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.paper.wire import versions
from apps.paper.wire.codecs import (
    BOOL,
    DECIMAL,
    INT,
    OPTIONAL_BOOL,
    OPTIONAL_DECIMAL,
    OPTIONAL_INT,
    TEXT,
)
from apps.paper.wire.layout import Constant, Field, Repeat, When
from apps.paper.wire.orders import Order
from apps.paper.wire.parts import (
    ALGO,
    COMBO_LEGS,
    COMPETE_OFFSET,
    CONDITIONS,
    CONTRACT,
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
from apps.paper.wire.values import Contract

__all__ = ["MESSAGES", "PlaceOrder"]


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Place an order, or change the one that has this id already."""

    order_id: int
    contract: Contract = field(default_factory=Contract)
    order: Order = field(default_factory=Order)


def _sends_mid_offsets(order: Order) -> bool:
    if order.order_type in ("PEG BEST", "PEGBEST"):
        offset = order.compete_against_best_offset
        return offset is not None and offset.is_infinite()
    return order.order_type in ("PEG MID", "PEGMID")


_WHAT_AND_HOW_MUCH = order(
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
    Field("transmit", BOOL),
    Field("parent_id", INT),
    Field("block_order", BOOL),
    Field("sweep_to_fill", BOOL),
    Field("display_size", INT),
    Field("trigger_method", INT),
    Field("outside_rth", BOOL),
    Field("hidden", BOOL),
)
_COMBINATION = When(
    lambda message: message.contract.sec_type == "BAG",
    (
        contract(COMBO_LEGS),
        order(
            Repeat("combo_leg_prices", OPTIONAL_DECIMAL),
            Repeat("smart_combo_routing_params", TAG_VALUE),
        ),
    ),
)
_WHEN_AND_FOR_WHOM = order(
    Constant(""),  # sharesAllocation, long obsolete
    Field("discretionary_amount", DECIMAL),
    Field("good_after_time", TEXT),
    Field("good_till_date", TEXT),
    Field("fa_group", TEXT),
    Field("fa_method", TEXT),
    Field("fa_percentage", TEXT),
    Field("fa_profile", TEXT),
    Field("model_code", TEXT),
    Field("short_sale_slot", INT),
    Field("designated_location", TEXT),
    Field("exempt_code", INT),
    Field("oca_type", INT),
    Field("rule_80a", TEXT),
    Field("settling_firm", TEXT),
    Field("all_or_none", BOOL),
    Field("min_qty", OPTIONAL_INT),
    Field("percent_offset", OPTIONAL_DECIMAL),
    Field("e_trade_only", BOOL),
    Field("firm_quote_only", BOOL),
    Field("nbbo_price_cap", OPTIONAL_DECIMAL),
    Field("auction_strategy", INT),
    Field("starting_price", OPTIONAL_DECIMAL),
    Field("stock_ref_price", OPTIONAL_DECIMAL),
    Field("delta", OPTIONAL_DECIMAL),
    Field("stock_range_lower", OPTIONAL_DECIMAL),
    Field("stock_range_upper", OPTIONAL_DECIMAL),
    Field("override_percentage_constraints", BOOL),
)
_VOLATILITY = order(
    Field("volatility", OPTIONAL_DECIMAL),
    Field("volatility_type", OPTIONAL_INT),
    Field("delta_neutral_order_type", TEXT),
    Field("delta_neutral_aux_price", OPTIONAL_DECIMAL),
    When(
        lambda order: bool(order.delta_neutral_order_type),
        (
            Field("delta_neutral_con_id", INT),
            Field("delta_neutral_settling_firm", TEXT),
            Field("delta_neutral_clearing_account", TEXT),
            Field("delta_neutral_clearing_intent", TEXT),
            Field("delta_neutral_open_close", TEXT),
            Field("delta_neutral_short_sale", BOOL),
            Field("delta_neutral_short_sale_slot", INT),
            Field("delta_neutral_designated_location", TEXT),
        ),
    ),
    Field("continuous_update", BOOL),
    Field("reference_price_type", OPTIONAL_INT),
)
_TRAIL_AND_SCALE = order(
    Field("trail_stop_price", OPTIONAL_DECIMAL),
    Field("trailing_percent", OPTIONAL_DECIMAL),
    Field("scale_init_level_size", OPTIONAL_INT),
    Field("scale_subs_level_size", OPTIONAL_INT),
    Field("scale_price_increment", OPTIONAL_DECIMAL),
    SCALE,
    Field("scale_table", TEXT),
    Field("active_start_time", TEXT),
    Field("active_stop_time", TEXT),
)
_CLEARING = order(
    Field("opt_out_smart_routing", BOOL),
    Field("clearing_account", TEXT),
    Field("clearing_intent", TEXT),
    Field("not_held", BOOL),
)
_WHAT_IF = order(
    Field("algo_id", TEXT),
    Field("what_if", BOOL),
    Field("misc_options", TEXT),
    Field("solicited", BOOL),
    Field("randomize_size", BOOL),
    Field("randomize_price", BOOL),
)
_ADJUSTMENT = order(
    Field("adjusted_order_type", TEXT),
    Field("trigger_price", OPTIONAL_DECIMAL),
    Field("limit_price_offset", OPTIONAL_DECIMAL),
    Field("adjusted_stop_price", OPTIONAL_DECIMAL),
    Field("adjusted_stop_limit_price", OPTIONAL_DECIMAL),
    Field("adjusted_trailing_amount", OPTIONAL_DECIMAL),
    Field("adjustable_trailing_unit", INT),
)
_REGULATION_AND_THE_REST = order(
    Field("ext_operator", TEXT),
    Field("soft_dollar_tier_name", TEXT),
    Field("soft_dollar_tier_value", TEXT),
    Field("cash_qty", OPTIONAL_DECIMAL),
    Field("mifid2_decision_maker", TEXT),
    Field("mifid2_decision_algo", TEXT),
    Field("mifid2_execution_trader", TEXT),
    Field("mifid2_execution_algo", TEXT),
    Field("dont_use_auto_price_for_hedge", BOOL),
    Field("is_oms_container", BOOL),
    Field("discretionary_up_to_limit_price", BOOL),
    Field("use_price_mgmt_algo", OPTIONAL_BOOL),
    Field("duration", OPTIONAL_INT, since=versions.DURATION),
    Field("post_to_ats", OPTIONAL_INT, since=versions.POST_TO_ATS),
    Field("auto_cancel_parent", BOOL, since=versions.AUTO_CANCEL_PARENT),
    Field("advanced_error_override", TEXT, since=versions.ADVANCED_ORDER_REJECT),
    Field("manual_order_time", TEXT, since=versions.MANUAL_ORDER_TIME),
)
_PEGGED_OFFSETS = (
    When(
        lambda message: message.contract.exchange == "IBKRATS",
        (order(Field("min_trade_qty", OPTIONAL_INT)),),
        since=versions.PEG_BEST_PEG_MID_OFFSETS,
    ),
    When(
        lambda message: message.order.order_type in ("PEG BEST", "PEGBEST"),
        (order(Field("min_compete_size", OPTIONAL_INT), COMPETE_OFFSET),),
        since=versions.PEG_BEST_PEG_MID_OFFSETS,
    ),
    When(
        lambda message: _sends_mid_offsets(message.order),
        (order(*MID_OFFSETS),),
        since=versions.PEG_BEST_PEG_MID_OFFSETS,
    ),
)

MESSAGES = (
    Message.of(
        3,
        PlaceOrder,
        Field("order_id", INT),
        CONTRACT,
        contract(Field("sec_id_type", TEXT), Field("sec_id", TEXT)),
        _WHAT_AND_HOW_MUCH,
        _COMBINATION,
        _WHEN_AND_FOR_WHOM,
        _VOLATILITY,
        _TRAIL_AND_SCALE,
        HEDGE,
        _CLEARING,
        DELTA_NEUTRAL_CONTRACT,
        ALGO,
        _WHAT_IF,
        PEG_BENCHMARK,
        CONDITIONS,
        _ADJUSTMENT,
        _REGULATION_AND_THE_REST,
        *_PEGGED_OFFSETS,
    ),
)
