"""What a placeOrder comes to at the exchange, and what it is turned down for before that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.paper.exchange import conditions
from apps.paper.exchange.instructions import Attribute
from apps.paper.exchange.orders import Adjustment, Order
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.orders.order_reading import read_order
from apps.paper.session.orders.orders import Orders
from apps.paper.wire import (
    ExecutionCondition,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TagValue,
    TimeCondition,
    VolumeCondition,
)
from tests.paper.session.hub_side import AAPL, an_order, hub

AAPL_ID = 265598


def millis(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]  # year to second


def read(accounts: tuple[str, ...] = ("DU1",), **fields: Any) -> Order:
    topic = Orders(hub(accounts=accounts), Client(7))
    return read_order(topic, an_order(3, **fields))


def refusal(accounts: tuple[str, ...] = ("DU1",), **fields: Any) -> int:
    with pytest.raises(RequestRefused) as caught:
        read(accounts, **fields)
    assert caught.value.req_id == 3
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20261120 09:31:00 US/Eastern", millis(2026, 11, 20, 14, 31, 0)),
        ("20261120 09:31:00", millis(2026, 11, 20, 14, 31, 0)),
        ("20261120-09:31:00", millis(2026, 11, 20, 9, 31, 0)),
        ("20261120 15:31:00 Europe/Berlin", millis(2026, 11, 20, 14, 31, 0)),
    ],
)
def test_times_are_read_in_their_zone(text: str, moment: int) -> None:
    order = read(good_after_time=text, good_till_date=text, time_in_force="GTD")
    assert (order.good_after, order.good_till) == (moment, moment)


@pytest.mark.parametrize("text", ["tomorrow", "20261320 09:31:00", "20261120 09:31:00 Mars/Base"])
def test_a_text_that_is_no_time_is_refused(text: str) -> None:
    assert refusal(good_after_time=text) == 10314


def test_a_duration_counts_from_now() -> None:
    world = hub()
    order = read_order(Orders(world, Client(7)), an_order(3, time_in_force="GTD", duration=90))
    assert order.good_till == world.now + 90_000


def test_a_date_means_nothing_to_an_order_that_is_not_gtd() -> None:
    assert read(time_in_force="GTC", good_till_date="20261120 09:31:00").good_till is None


def test_conditions_come_with_their_listings_found() -> None:
    asked = (
        PriceCondition("o", True, Decimal("190.5"), AAPL_ID, "SMART", 2),
        TimeCondition("a", True, "20261120-15:00:00"),
        MarginCondition("a", False, Decimal(30)),
        ExecutionCondition("a", "STK", "SMART", "MSFT"),
        VolumeCondition("a", True, 1_000_000, AAPL_ID, "SMART"),
        PercentChangeCondition("o", False, Decimal("-2.5"), AAPL_ID, "SMART"),
    )

    price, time, margin, execution, volume, change = read(conditions=asked).conditions

    assert isinstance(price, conditions.PriceCondition)
    assert (price.is_and, price.listing.symbol, price.price) == (False, "AAPL", Decimal("190.5"))
    assert price.trigger_method == 2
    assert time == conditions.TimeCondition(at=millis(2026, 11, 20, 15, 0, 0), is_more=True)
    assert margin == conditions.MarginCondition(percent=Decimal(30), is_more=False)
    assert execution == conditions.ExecutionCondition(
        symbol="MSFT", sec_type="STK", exchange="SMART"
    )
    assert isinstance(volume, conditions.VolumeCondition)
    assert volume.volume == 1_000_000
    assert isinstance(change, conditions.PercentChangeCondition)
    assert (change.is_and, change.change_percent) == (False, Decimal("-2.5"))


def test_a_condition_on_an_unknown_contract_is_refused() -> None:
    assert refusal(conditions=(PriceCondition(con_id=123, price=Decimal(1)),)) == 200


def test_a_percent_change_condition_needs_its_percentage() -> None:
    assert refusal(conditions=(PercentChangeCondition(con_id=AAPL_ID),)) == 321


def test_an_adjustable_stop_is_read_whole() -> None:
    order = read(
        adjusted_order_type="TRAIL",
        trigger_price=Decimal(200),
        adjusted_stop_price=Decimal(198),
        adjusted_trailing_amount=Decimal(2),
        adjustable_trailing_unit=1,
    )
    assert order.adjustment == Adjustment(
        trigger_price=Decimal(200),
        order_type="TRAIL",
        stop_price=Decimal(198),
        trailing_amount=Decimal(2),
        trails_by_percent=True,
    )


def test_algorithms_and_attributes_come_as_instructions() -> None:
    order = read(
        algo_strategy="Adaptive",
        algo_params=(TagValue("adaptivePriority", "Normal"),),
        scale_init_level_size=5,
        hedge_type="D",
        discretionary_amount=Decimal("0.1"),
    )
    assert order.instructions.algo_strategy == "Adaptive"
    assert order.instructions.algo_params == (("adaptivePriority", "Normal"),)
    assert order.instructions.attributes == {
        Attribute.SCALE,
        Attribute.HEDGE,
        Attribute.DISCRETIONARY,
    }


def test_a_plain_order_has_no_attributes() -> None:
    assert read().instructions.attributes == frozenset()


def test_the_only_account_need_not_be_named() -> None:
    assert read().account == "DU1"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 435),
        ({"account": "DU9"}, 321),
        ({"fa_group": "Everybody"}, 436),
        ({"account": "All"}, 436),
        ({"account": "DU1", "action": "HOLD"}, 321),
    ],
)
def test_whom_an_order_is_for_must_be_one_account(fields: dict[str, str], code: int) -> None:
    assert refusal(("DU1", "DU2"), **fields) == code


def test_an_unknown_contract_is_refused() -> None:
    topic = Orders(hub(), Client(7))
    with pytest.raises(RequestRefused) as caught:
        read_order(topic, an_order(3, replace(AAPL, symbol="NOSUCH")))
    assert caught.value.code == 200
