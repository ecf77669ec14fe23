"""What is refused for what it is: attributes, algorithms, trails, combinations, whose it is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.orders import Side
from apps.paper.books.ledger import Account
from apps.paper.exchange.conditions import TimeCondition
from apps.paper.exchange.events import Refused
from apps.paper.exchange.exchange import Exchange
from apps.paper.exchange.instructions import Attribute, Instructions
from apps.paper.exchange.orders import Adjustment
from apps.paper.exchange.policies import DirectRouting, ExchangePolicy, TifNotice
from apps.paper.exchange.rules.algos import ALGORITHMS
from apps.paper.hours.calendar import SessionCalendar
from apps.paper.limits import Limits
from tests.paper.exchange.bench import Bench, Quotes, codes, new_york, story
from tests.paper.exchange.instruments import (
    BAG,
    ES,
    EURUSD,
    INDEX,
    OPTION,
    OTHER_STOCK,
    SAP,
    STOCK,
    leg,
)

D = Decimal


# -- attributes


@pytest.mark.parametrize("attribute", list(Attribute))
def test_what_cannot_be_carried_out_is_refused_by_name(attribute: Attribute) -> None:
    carried = Instructions(attributes=frozenset({attribute}))
    (event,) = Bench().place(1, "BUY", 1, "LMT", limit="90", instructions=carried)
    assert isinstance(event, Refused)
    if event.code == 10340:
        assert attribute.value in event.text


@pytest.mark.parametrize(
    ("attribute", "code"),
    [
        (Attribute.SCALE, 10340),
        (Attribute.HEDGE, 10340),
        (Attribute.ALLOCATION, 436),
        (Attribute.DISCRETIONARY, 325),
        (Attribute.E_TRADE_ONLY, 10268),
    ],
)
def test_attributes_are_refused_with_ibs_codes(attribute: Attribute, code: int) -> None:
    carried = Instructions(attributes=frozenset({attribute}))
    assert codes(Bench().place(1, "BUY", 1, "MKT", instructions=carried)) == [code]


def test_volatility_orders_are_for_options_and_not_for_this_account() -> None:
    bench = Bench(cash=1_000_000)
    assert codes(bench.place(1, "BUY", 1, "VOL")) == [369]
    assert codes(bench.place(1, "BUY", 1, "VOL", listing=OPTION)) == [10312]


def test_cash_quantity_is_refused() -> None:
    carried = Instructions(cash_quantity=D(500))
    assert codes(Bench().place(1, "BUY", 1, "MKT", instructions=carried)) == [10244]


# -- algorithms


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_known_algorithm_runs_as_the_plain_order_that_it_is_on(name: str) -> None:
    carried = Instructions(algo_strategy=name)
    bench = Bench()
    assert story(bench.place(1, "BUY", 1, "LMT", limit="90", instructions=carried)) == [
        "new 1 Submitted"
    ]


@pytest.mark.parametrize(
    ("code", "kind", "name", "params"),
    [
        (439, "LMT", "Nonesuch", ()),
        (442, "STP", "Adaptive", ()),
        (443, "LMT", "Adaptive", (("adaptiveSpeed", "Fast"),)),
    ],
)
def test_algorithm_that_cannot_be_is_refused(
    code: int, kind: str, name: str, params: tuple[tuple[str, str], ...]
) -> None:
    carried = Instructions(algo_strategy=name, algo_params=params)
    prices = {"stop": "110"} if kind == "STP" else {"limit": "90"}
    assert codes(Bench().place(1, "BUY", 1, kind, instructions=carried, **prices)) == [code]


def test_algorithm_cannot_be_modified() -> None:
    bench = Bench()
    first = Instructions(algo_strategy="Adaptive", algo_params=(("adaptivePriority", "Normal"),))
    bench.place(1, "BUY", 1, "LMT", limit="90", instructions=first)
    other = replace(first, algo_params=(("adaptivePriority", "Urgent"),))
    assert codes(bench.place(1, "BUY", 1, "LMT", limit="91", instructions=other)) == [440]
    assert codes(bench.place(1, "BUY", 1, "LMT", limit="91", instructions=first)) == []
    assert bench.state(1).order.limit_price == D(91)


# -- trails, adjustments, conditions


@pytest.mark.parametrize(
    ("code", "kind", "more"),
    [
        (158, "TRAIL", {}),
        (158, "TRAIL", {"stop": "-1"}),
        (159, "TRAIL", {"trailing_percent": D(0)}),
        (159, "TRAIL", {"trailing_percent": D(100)}),
        (321, "TRAIL LIMIT", {"stop": "1"}),
        (321, "TRAIL LIMIT", {"stop": "1", "limit": "99"}),
        (321, "TRAIL LIMIT", {"stop": "1", "limit": "99", "limit_price_offset": D("0.1")}),
        (110, "TRAIL", {"stop": "1", "trail_stop_price": D("99.001")}),
        (110, "MIDPRICE", {"limit": "99.001"}),
        (159, "REL", {"percent_offset": D("1.5")}),
        (321, "LIT", {"limit": "90"}),
    ],
)
def test_amounts_that_make_no_sense_are_refused(
    code: int, kind: str, more: dict[str, object]
) -> None:
    assert codes(Bench().place(1, "SELL", 1, kind, **more)) == [code]


def test_trailing_amount_need_not_be_on_the_tick() -> None:
    assert codes(Bench().place(1, "SELL", 1, "TRAIL", stop="1.005")) == []


GOOD = Adjustment(D(105), "STP", stop_price=D(101))


@pytest.mark.parametrize(
    ("code", "adjustment"),
    [
        (0, GOOD),
        (361, replace(GOOD, trigger_price=D(0))),
        (362, replace(GOOD, stop_price=None)),
        (363, replace(GOOD, order_type="STP LMT")),
        (364, replace(GOOD, order_type="TRAIL")),
        (387, replace(GOOD, order_type="LMT")),
    ],
)
def test_adjustable_stop_must_say_what_it_becomes(code: int, adjustment: Adjustment) -> None:
    events = Bench().place(1, "SELL", 1, "STP", stop="95", adjustment=adjustment)
    assert codes(events) == ([code] if code else [])


def test_conditions_go_with_few_types_only() -> None:
    conditions = (TimeCondition(at=new_york("2026-11-18 11:00"), is_more=True),)
    bench = Bench()
    assert codes(bench.place(1, "SELL", 1, "STP", stop="95", conditions=conditions)) == [148]
    assert codes(bench.place(1, "SELL", 1, "MKT", conditions=conditions)) == []
    cancels = {"conditions": conditions, "conditions_cancel_order": True}
    assert codes(bench.place(2, "SELL", 1, "MKT", **cancels)) == [148]
    assert codes(bench.place(2, "SELL", 1, "LMT", limit="120", **cancels)) == []


@pytest.mark.parametrize(("kind", "code"), [("MKT", 328), ("STP", 328), ("LMT", 0), ("STP LMT", 0)])
def test_trailing_child_hangs_on_a_limit_order_only(kind: str, code: int) -> None:
    bench = Bench()
    prices = {"MKT": {}, "STP": {"stop": "110"}, "LMT": {"limit": "90"}}
    entry = prices.get(kind, {"stop": "110", "limit": "111"})
    bench.place(1, "BUY", 10, kind, transmit=False, **entry)
    events = bench.place(2, "SELL", 10, "TRAIL", stop="1", parent_id=1)
    assert codes(events) == ([code] if code else [])


# -- combinations


@pytest.mark.parametrize(
    ("code", "more"),
    [
        (0, {"legs": (leg(STOCK), leg(OTHER_STOCK, Side.SELL))}),
        (314, {}),
        (312, {"legs": (leg(STOCK),)}),
        (313, {"legs": (leg(STOCK), leg(INDEX))}),
        (313, {"legs": (leg(STOCK), leg(OTHER_STOCK, ratio=0))}),
        (10000, {"legs": (leg(STOCK), leg(SAP))}),
        (387, {"legs": (leg(STOCK), leg(OTHER_STOCK)), "kind": "STP", "stop": "5"}),
        (111, {"legs": (leg(STOCK), leg(OTHER_STOCK)), "time_in_force": "OPG"}),
        (359, {"legs": (leg(STOCK), leg(OTHER_STOCK)), "oca_group": "g", "oca_type": 1}),
        (
            315,
            {
                "legs": (leg(STOCK), leg(OTHER_STOCK)),
                "instructions": Instructions(destination="ISLAND"),
            },
        ),
    ],
)
def test_combination_must_have_legs_that_can_be_traded(code: int, more: dict[str, object]) -> None:
    bench = Bench(rates={"EUR": D("1.16")})
    order = dict(more)
    kind = str(order.pop("kind", "LMT"))
    prices: dict[str, object] = {} if kind != "LMT" else {"limit": "-1"}
    events = bench.place(1, "BUY", 1, kind, listing=BAG, **prices, **order)
    assert codes(events) == ([code] if code else [])


# -- who, and for what


def two_accounts() -> Exchange:
    accounts = [Account("DU1", D(10_000)), Account("DU2", D(10_000))]
    return Exchange(accounts, quotes=Quotes(), sessions=SessionCalendar())


def test_one_of_several_accounts_must_be_named() -> None:
    exchange, bench = two_accounts(), Bench()
    order = bench.order(1, "BUY", 1, "LMT", limit="90")
    assert codes(exchange.place(replace(order, account=""), bench.now)) == [435]
    assert codes(exchange.place(replace(order, account="DU3"), bench.now)) == [321]
    assert codes(exchange.place(replace(order, account="DU2"), bench.now)) == []


def test_the_only_account_need_not_be_named() -> None:
    bench = Bench()
    bench.place(1, "BUY", 1, "LMT", limit="90", account="")
    assert bench.state(1).order.account == "DU1"


def test_expired_contract_takes_no_orders() -> None:
    bench = Bench(cash=1_000_000, at="2026-12-18 10:00")
    assert codes(bench.place(1, "BUY", 1, "LMT", limit="90", listing=ES)) == []
    late = Bench(cash=1_000_000, at="2026-12-21 10:00")
    assert codes(late.place(1, "BUY", 1, "LMT", limit="90", listing=ES)) == [392]


def test_currency_without_a_rate_cannot_be_traded() -> None:
    assert codes(Bench().place(1, "BUY", 30_000, "MKT", listing=EURUSD)) == [460]
    assert codes(Bench().place(1, "BUY", 1, "MKT", listing=SAP)) == [460]


def test_limit_of_working_orders_is_the_gateways() -> None:
    bench = Bench(limits=Limits(working_orders_per_side=1))
    assert codes(bench.place(1, "BUY", 1, "LMT", limit="90")) == []
    assert story(bench.place(2, "BUY", 1, "LMT", limit="90")) == ["error 201 2", "2 Inactive"]
    free = Bench(limits=Limits(working_orders_per_side=None))
    for order_id in range(1, 30):
        assert codes(free.place(order_id, "BUY", 1, "LMT", limit="90")) == []


def test_held_child_counts_among_the_working_orders() -> None:
    bench = Bench(limits=Limits(working_orders_per_side=1))
    bench.bracket(limit="90")  # a buy, and two sells of which the second is one too many
    assert [order.order.order_id for order in bench.exchange.working_orders()] == []
    assert bench.status(3) == "Inactive"


# -- presets and routing


@pytest.mark.parametrize(
    ("policy", "tif", "told"),
    [
        (TifNotice.WHEN_EMPTY, "", True),
        (TifNotice.WHEN_EMPTY, "DAY", False),
        (TifNotice.ALWAYS, "DAY", True),
        (TifNotice.ALWAYS, "GTC", False),
        (TifNotice.NOBODY, "", False),
    ],
)
def test_order_whose_tif_is_set_by_a_preset_is_live_and_told(
    policy: TifNotice, tif: str, told: bool
) -> None:
    bench = Bench(rules=ExchangePolicy(tif_notice=policy))
    events = bench.place(1, "BUY", 1, "LMT", limit="90", time_in_force=tif)
    assert story(events) == (["error 10349 1"] if told else []) + ["new 1 Submitted"]
    assert bench.state(1).order.time_in_force == (tif or "DAY")


def test_modification_without_a_tif_keeps_the_one_there_is() -> None:
    bench = Bench()
    bench.place(1, "BUY", 1, "LMT", limit="90", time_in_force="GTC")
    assert codes(bench.place(1, "BUY", 1, "LMT", limit="91", time_in_force="")) == []
    assert bench.state(1).order.time_in_force == "GTC"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (DirectRouting.TAKEN, ["new 1 Submitted"]),
        (DirectRouting.WARNED, ["new 1 Submitted", "error 10329 1"]),
        (DirectRouting.REFUSED, ["error 10311 1"]),
    ],
)
def test_order_that_names_an_exchange_of_its_own(policy: DirectRouting, told: list[str]) -> None:
    bench = Bench(rules=ExchangePolicy(direct_routing=policy))
    away = Instructions(destination="ISLAND")
    assert story(bench.place(1, "BUY", 1, "LMT", limit="90", instructions=away)) == told
    smart = Instructions(destination="SMART")
    assert story(bench.place(2, "BUY", 1, "LMT", limit="90", instructions=smart)) == [
        "new 2 Submitted"
    ]


# -- what-if


def test_what_if_more_often_than_allowed_is_refused_for_a_minute() -> None:
    bench = Bench(limits=Limits(what_ifs_per_minute=1))
    ask = {"limit": "90", "what_if": True}
    assert codes(bench.place(1, "BUY", 1, "LMT", **ask)) == []
    assert codes(bench.place(1, "BUY", 1, "LMT", **ask)) == [322]
    assert codes(bench.place(1, "BUY", 1, "LMT", client_id=8, **ask)) == []
    bench.now += 60_000
    assert codes(bench.place(1, "BUY", 1, "LMT", **ask)) == []


def test_order_typed_in_by_hand_uses_none_of_its_clients_ids() -> None:
    bench = Bench()
    bench.place(5, "BUY", 1, "LMT", limit="90", client_id=0)
    order = {"limit": "90", "client_id": 0, "manual": True}
    assert codes(bench.place(-1, "BUY", 1, "LMT", **order)) == []
    assert bench.exchange.next_order_id(0) == 6
