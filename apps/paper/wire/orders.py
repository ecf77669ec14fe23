"""An order as the wire has it, and what is said of its margins and fees.

`Order` is everything that a client may write into a placeOrder, by IB's names in snake_case; it
comes back to clients in openOrder and completedOrder. Unset prices and numbers are None (clients
write an empty field, 1.797e308 or 2147483647 for that). What an order *means* is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.paper.wire.values import Condition, TagValue

__all__ = ["Order", "OrderState"]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Order:
    """All order fields of placeOrder at server versions 157 to 176, grouped by topic.

    ``limit_price`` is IB's lmtPrice, ``stop_price`` its auxPrice (a stop's trigger, or a trailing
    amount), ``time_in_force`` its tif.
    """

    action: str = ""
    total_quantity: Decimal = _ZERO
    order_type: str = ""
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: str = ""
    outside_rth: bool = False
    good_after_time: str = ""
    good_till_date: str = ""
    active_start_time: str = ""
    active_stop_time: str = ""
    duration: int | None = None

    oca_group: str = ""
    oca_type: int = 0
    parent_id: int = 0
    transmit: bool = True
    order_ref: str = ""
    what_if: bool = False

    account: str = ""
    open_close: str = ""
    origin: int = 0
    clearing_account: str = ""
    clearing_intent: str = ""
    settling_firm: str = ""
    model_code: str = ""
    fa_group: str = ""
    fa_method: str = ""
    fa_percentage: str = ""
    fa_profile: str = ""

    block_order: bool = False
    sweep_to_fill: bool = False
    display_size: int = 0
    trigger_method: int = 0
    hidden: bool = False
    all_or_none: bool = False
    min_qty: int | None = None
    not_held: bool = False
    solicited: bool = False
    randomize_size: bool = False
    randomize_price: bool = False
    override_percentage_constraints: bool = False
    opt_out_smart_routing: bool = False
    cash_qty: Decimal | None = None
    discretionary_amount: Decimal = _ZERO
    percent_offset: Decimal | None = None
    rule_80a: str = ""
    e_trade_only: bool = False
    firm_quote_only: bool = False
    nbbo_price_cap: Decimal | None = None

    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1

    auction_strategy: int = 0
    starting_price: Decimal | None = None
    stock_ref_price: Decimal | None = None
    delta: Decimal | None = None
    stock_range_lower: Decimal | None = None
    stock_range_upper: Decimal | None = None

    volatility: Decimal | None = None
    volatility_type: int | None = None
    continuous_update: bool = False
    reference_price_type: int | None = None
    delta_neutral_order_type: str = ""
    delta_neutral_aux_price: Decimal | None = None
    delta_neutral_con_id: int = 0
    delta_neutral_settling_firm: str = ""
    delta_neutral_clearing_account: str = ""
    delta_neutral_clearing_intent: str = ""
    delta_neutral_open_close: str = ""
    delta_neutral_short_sale: bool = False
    delta_neutral_short_sale_slot: int = 0
    delta_neutral_designated_location: str = ""

    trail_stop_price: Decimal | None = None
    trailing_percent: Decimal | None = None

    scale_init_level_size: int | None = None
    scale_subs_level_size: int | None = None
    scale_price_increment: Decimal | None = None
    scale_price_adjust_value: Decimal | None = None
    scale_price_adjust_interval: int | None = None
    scale_profit_offset: Decimal | None = None
    scale_auto_reset: bool = False
    scale_init_position: int | None = None
    scale_init_fill_qty: int | None = None
    scale_random_percent: bool = False
    scale_table: str = ""

    hedge_type: str = ""
    hedge_param: str = ""

    algo_strategy: str = ""
    algo_params: tuple[TagValue, ...] = ()
    algo_id: str = ""

    combo_leg_prices: tuple[Decimal | None, ...] = ()
    smart_combo_routing_params: tuple[TagValue, ...] = ()
    misc_options: str = ""

    reference_contract_id: int = 0
    is_pegged_change_amount_decrease: bool = False
    pegged_change_amount: Decimal = _ZERO
    reference_change_amount: Decimal = _ZERO
    reference_exchange_id: str = ""

    conditions: tuple[Condition, ...] = ()
    conditions_ignore_rth: bool = False
    conditions_cancel_order: bool = False

    adjusted_order_type: str = ""
    trigger_price: Decimal | None = None
    limit_price_offset: Decimal | None = None
    adjusted_stop_price: Decimal | None = None
    adjusted_stop_limit_price: Decimal | None = None
    adjusted_trailing_amount: Decimal | None = None
    adjustable_trailing_unit: int = 0

    ext_operator: str = ""
    soft_dollar_tier_name: str = ""
    soft_dollar_tier_value: str = ""
    mifid2_decision_maker: str = ""
    mifid2_decision_algo: str = ""
    mifid2_execution_trader: str = ""
    mifid2_execution_algo: str = ""
    dont_use_auto_price_for_hedge: bool = False
    is_oms_container: bool = False
    discretionary_up_to_limit_price: bool = False
    use_price_mgmt_algo: bool | None = None
    post_to_ats: int | None = None
    auto_cancel_parent: bool = False
    advanced_error_override: str = ""
    manual_order_time: str = ""

    min_trade_qty: int | None = None
    min_compete_size: int | None = None
    compete_against_best_offset: Decimal | None = None
    mid_offset_at_whole: Decimal | None = None
    mid_offset_at_half: Decimal | None = None

    @property
    def is_delta_neutral(self) -> bool:
        """Tell whether a delta-neutral order hangs on this one.

        A client that sends an order back as it read it in openOrder writes the word "None".
        """
        return self.delta_neutral_order_type not in ("", "None")


@dataclass(frozen=True, slots=True)
class OrderState:
    """What openOrder says besides the order: its status, and margins and fees of a what-if.

    A margin of None goes out as IB's unset (1.7976931348623157E308), a fee of None as an empty
    field. In the answer to a what-if all nine margins must be given: ib_async waits for ever when
    one of them is empty.
    """

    status: str = ""
    init_margin_before: Decimal | None = None
    maint_margin_before: Decimal | None = None
    equity_with_loan_before: Decimal | None = None
    init_margin_change: Decimal | None = None
    maint_margin_change: Decimal | None = None
    equity_with_loan_change: Decimal | None = None
    init_margin_after: Decimal | None = None
    maint_margin_after: Decimal | None = None
    equity_with_loan_after: Decimal | None = None
    commission: Decimal | None = None
    min_commission: Decimal | None = None
    max_commission: Decimal | None = None
    commission_currency: str = ""
    warning_text: str = ""
