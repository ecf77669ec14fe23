from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.exits.protection import Protection, ProtectionState, protection_of
from apps.domain.orders import OrderState, OrderStatus, Side

STOP = OrderState(
    order_id=3, perm_id=77, client_id=1, account="DU1", con_id=265598, symbol="AAPL",
    side=Side.SELL, quantity=Decimal(10), order_type="STP", limit_price=None,
    stop_price=Decimal("189.00"), time_in_force="GTC", order_ref="", parent_id=1, oca_group="",
    status=OrderStatus.PRE_SUBMITTED, filled=Decimal(0), remaining=Decimal(10),
    avg_fill_price=None, why_held="trigger",
)  # fmt: skip
TEN = Decimal(10)


@pytest.mark.parametrize("status", [OrderStatus.PRE_SUBMITTED, OrderStatus.SUBMITTED])
def test_a_position_with_a_working_stop_is_protected(status: OrderStatus) -> None:
    protection = protection_of(TEN, [replace(STOP, status=status)])
    assert protection == Protection(ProtectionState.PROTECTED, TEN, Decimal("189.00"))


@pytest.mark.parametrize(
    "changes",
    [
        {"status": OrderStatus.PENDING_SUBMIT},
        {"status": OrderStatus.INACTIVE},
        {"status": OrderStatus.PENDING_CANCEL},
        {"status": OrderStatus.CANCELLED},
        {"perm_id": 0},
        {"why_held": "locate"},
        {"side": Side.BUY},
        {"order_type": "LMT"},
        {"remaining": Decimal(0)},
    ],
)
def test_what_is_not_a_working_stop_leaves_it_naked(changes: dict[str, object]) -> None:
    unprotected = Protection(ProtectionState.NAKED)
    assert protection_of(TEN, [replace(STOP, **changes)]) == unprotected  # type: ignore[arg-type]  # one field each, of its own type
    assert protection_of(TEN, []) == unprotected


def test_a_stop_for_fewer_shares_protects_a_part() -> None:
    protection = protection_of(TEN, [replace(STOP, remaining=Decimal(4))])
    assert protection == Protection(ProtectionState.PARTLY, Decimal(4), Decimal("189.00"))


def test_stops_add_up_and_the_first_to_fire_is_named() -> None:
    upper = replace(STOP, remaining=Decimal(6), stop_price=Decimal("189.50"))
    lower = replace(STOP, remaining=Decimal(6))
    protection = protection_of(TEN, [lower, upper])
    assert protection == Protection(ProtectionState.PROTECTED, TEN, Decimal("189.50"))


def test_stops_of_one_oca_group_stand_in_for_each_other() -> None:
    pair = [replace(STOP, remaining=Decimal(shares), oca_group="g") for shares in (5, 6)]
    assert protection_of(TEN, pair).quantity == 6


def test_a_stop_held_as_child_is_told_apart() -> None:
    held = replace(STOP, why_held="child,trigger")
    assert protection_of(TEN, [held]) == Protection(ProtectionState.HELD)


def test_a_short_is_protected_by_a_buy_stop() -> None:
    stop = replace(STOP, side=Side.BUY, stop_price=Decimal("191.00"))
    assert protection_of(-TEN, [stop]).state is ProtectionState.PROTECTED
    assert protection_of(-TEN, [STOP]).state is ProtectionState.NAKED


def test_a_trailing_stop_protects_with_no_price_known() -> None:
    protection = protection_of(TEN, [replace(STOP, order_type="TRAIL", stop_price=None)])
    assert protection == Protection(ProtectionState.PROTECTED, TEN, None)


def test_nothing_held_needs_no_stop() -> None:
    assert protection_of(Decimal(0), [STOP]) == Protection(ProtectionState.FLAT)
