"""What a client asked for in a placeOrder, in the exchange's terms.

At home here: texts that become moments, contracts that become listings, conditions and legs, and
the kinds of orders that are turned down for what they are rather than for what they would do.
Everything about prices, sizes and types is the exchange's to judge. The request itself stays with
the order, so that openOrder gives back every field.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from apps.domain.orders import Side
from apps.paper.exchange import conditions
from apps.paper.exchange.instructions import Attribute, Instructions
from apps.paper.exchange.orders import Adjustment, Order
from apps.paper.feed.market import Millis
from apps.paper.instruments.listing import SecType
from apps.paper.session.faults import RequestRefused
from apps.paper.session.times import BadTime, parse_moment
from apps.paper.session.topic import Topic
from apps.paper.wire import (
    Condition,
    Contract,
    ExecutionCondition,
    MarginCondition,
    PercentChangeCondition,
    PlaceOrder,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from apps.paper.wire import Order as WireOrder

__all__ = ["read_order"]

_BAD_DATE = 10314
_GTD = "GTD"
_PERCENT = 1


def read_order(topic: Topic, request: PlaceOrder) -> Order:
    """Give the order that a request describes.

    Raises:
        RequestRefused: It does not name what to do: 200 for its contract, 321 for a word that is
            none or for want of an exchange, 435 and 436 for whom it is, 10314 for a time.
    """
    order_id, wanted = request.order_id, request.order
    if not request.contract.exchange:  # a contract id alone names an instrument, but no market
        text = "Error validating request.-'bG' : cause - Missing order exchange."
        raise RequestRefused(order_id, 321, text)
    is_combo = request.contract.sec_type == SecType.COMBO
    combo = topic.world.catalogue.combo(request.contract) if is_combo else None
    return Order(
        client_id=topic.client.client_id,
        order_id=order_id,
        account=_account(topic, order_id, wanted),
        listing=combo.listing if combo else topic.resolve(order_id, request.contract),
        side=_side(order_id, wanted.action),
        quantity=wanted.total_quantity,
        order_type=wanted.order_type,
        limit_price=wanted.limit_price,
        stop_price=wanted.stop_price,
        time_in_force=wanted.time_in_force,
        outside_rth=wanted.outside_rth,
        parent_id=wanted.parent_id,
        transmit=wanted.transmit,
        oca_group=wanted.oca_group,
        oca_type=wanted.oca_type,
        order_ref=wanted.order_ref,
        what_if=wanted.what_if,
        good_after=_moment(order_id, wanted.good_after_time),
        good_till=_good_till(topic, order_id, wanted),
        all_or_none=wanted.all_or_none,
        trigger_method=wanted.trigger_method,
        trail_stop_price=wanted.trail_stop_price,
        trailing_percent=wanted.trailing_percent,
        limit_price_offset=wanted.limit_price_offset,
        percent_offset=wanted.percent_offset,
        adjustment=_adjustment(wanted),
        conditions=tuple(_condition(topic, order_id, each) for each in wanted.conditions),
        conditions_cancel_order=wanted.conditions_cancel_order,
        conditions_ignore_rth=wanted.conditions_ignore_rth,
        legs=combo.legs if combo else (),
        overrides_price_check=wanted.override_percentage_constraints,
        instructions=_instructions(request),
        wire=request,
    )


def _instructions(request: PlaceOrder) -> Instructions:
    wanted = request.order
    return Instructions(
        destination=request.contract.exchange,
        algo_strategy=wanted.algo_strategy,
        algo_params=tuple((each.tag, each.value) for each in wanted.algo_params),
        cash_quantity=wanted.cash_qty,
        attributes=frozenset(
            attribute for attribute, carries in _ATTRIBUTES.items() if carries(wanted)
        ),
    )


def _side(order_id: int, action: str) -> Side:
    try:
        return Side(action)
    except ValueError as error:
        text = f"Error validating request.-'invalid action {action}'"
        raise RequestRefused(order_id, 321, text) from error


def _account(topic: Topic, order_id: int, wanted: WireOrder) -> str:
    """Give the account; groups and profiles belong to advisors, which nobody is here."""
    accounts = topic.world.accounts
    if wanted.fa_group or wanted.fa_profile or wanted.account == "All":
        text = "You must specify an allocation (either a single account, group, or profile)."
        raise RequestRefused(order_id, 436, text)
    if wanted.account in accounts:
        return wanted.account
    if wanted.account:
        text = f"Error validating request.-'Invalid account code {wanted.account}'"
        raise RequestRefused(order_id, 321, text)
    if len(accounts) > 1:
        raise RequestRefused(order_id, 435, "You must specify an account.")
    return next(iter(accounts))


def _moment(order_id: int, text: str) -> Millis | None:
    if not text.strip():
        return None
    try:
        return parse_moment(text)
    except BadTime as error:
        raise RequestRefused(order_id, _BAD_DATE, str(error)) from error


def _good_till(topic: Topic, order_id: int, wanted: WireOrder) -> Millis | None:
    """Give the end of a GTD order: its date, or so many seconds from now."""
    if wanted.time_in_force != _GTD:
        return None
    if wanted.duration and not wanted.good_till_date.strip():
        return topic.world.now + wanted.duration * 1000
    return _moment(order_id, wanted.good_till_date)


def _adjustment(wanted: WireOrder) -> Adjustment | None:
    if not wanted.adjusted_order_type or wanted.trigger_price is None:
        return None
    return Adjustment(
        trigger_price=wanted.trigger_price,
        order_type=wanted.adjusted_order_type,
        stop_price=wanted.adjusted_stop_price,
        stop_limit_price=wanted.adjusted_stop_limit_price,
        trailing_amount=wanted.adjusted_trailing_amount,
        trails_by_percent=wanted.adjustable_trailing_unit == _PERCENT,
    )


def _condition(topic: Topic, order_id: int, asked: Condition) -> conditions.Condition:
    return _CONDITIONS[type(asked)](topic, order_id, asked, asked.conjunction == "a")


def _price(topic: Topic, order_id: int, asked: PriceCondition, and_: bool) -> conditions.Condition:
    return conditions.PriceCondition(
        is_and=and_,
        listing=topic.resolve(order_id, _named(asked)),
        price=asked.price,
        is_more=asked.is_more,
        trigger_method=asked.trigger_method,
    )


def _time(_: Topic, order_id: int, asked: TimeCondition, and_: bool) -> conditions.Condition:
    at = _moment(order_id, asked.time)
    if at is None:
        raise RequestRefused(order_id, _BAD_DATE, "The date, time, or time-zone is missing.")
    return conditions.TimeCondition(is_and=and_, at=at, is_more=asked.is_more)


def _margin(_: Topic, __: int, asked: MarginCondition, and_: bool) -> conditions.Condition:
    return conditions.MarginCondition(
        is_and=and_, percent=Decimal(asked.percent), is_more=asked.is_more
    )


def _execution(_: Topic, __: int, asked: ExecutionCondition, and_: bool) -> conditions.Condition:
    return conditions.ExecutionCondition(
        is_and=and_, symbol=asked.symbol, sec_type=asked.sec_type, exchange=asked.exchange
    )


def _volume(
    topic: Topic, order_id: int, asked: VolumeCondition, and_: bool
) -> conditions.Condition:
    return conditions.VolumeCondition(
        is_and=and_,
        listing=topic.resolve(order_id, _named(asked)),
        volume=asked.volume,
        is_more=asked.is_more,
    )


def _change(
    topic: Topic, order_id: int, asked: PercentChangeCondition, and_: bool
) -> conditions.Condition:
    if asked.change_percent is None:
        text = "Error validating request.-'a percent change condition needs its percentage'"
        raise RequestRefused(order_id, 321, text)
    return conditions.PercentChangeCondition(
        is_and=and_,
        listing=topic.resolve(order_id, _named(asked)),
        change_percent=asked.change_percent,
        is_more=asked.is_more,
    )


def _named(asked: PriceCondition | VolumeCondition | PercentChangeCondition) -> Contract:
    return Contract(con_id=asked.con_id, exchange=asked.exchange)


_ATTRIBUTES: dict[Attribute, Callable[[WireOrder], object]] = {
    Attribute.SCALE: lambda order: order.scale_init_level_size or order.scale_price_increment,
    Attribute.HEDGE: lambda order: order.hedge_type,
    Attribute.DELTA_NEUTRAL: lambda order: order.is_delta_neutral,
    Attribute.DISCRETIONARY: lambda order: order.discretionary_amount,
    Attribute.BOX_AUCTION: lambda order: order.auction_strategy,
    Attribute.E_TRADE_ONLY: lambda order: order.e_trade_only,
    Attribute.FIRM_QUOTE_ONLY: lambda order: order.firm_quote_only,
    Attribute.NBBO_PRICE_CAP: lambda order: order.nbbo_price_cap,
}

_CONDITIONS: dict[type, Callable[[Topic, int, Any, bool], conditions.Condition]] = {
    PriceCondition: _price,
    TimeCondition: _time,
    MarginCondition: _margin,
    ExecutionCondition: _execution,
    VolumeCondition: _volume,
    PercentChangeCondition: _change,
}
