"""A trade in numbers."""

from __future__ import annotations

from decimal import Decimal

from apps.domain.brackets import build_bracket
from apps.domain.orders import Side
from apps.engine.orders.legs import Leg, LegRole
from apps.engine.orders.trade_states import TradeState
from apps.engine.orders.trade_views import TradeView, view_of
from tests.engine.fakes import AAPL

BRACKET = build_bracket(
    AAPL,
    Side.BUY,
    Decimal(10),
    Decimal(100),
    take_profit_pct=Decimal(10),
    stop_loss_pct=Decimal(5),
    order_ref="BD-20261119-w1-000001",
)


def a_view(*traded: tuple[LegRole, int, int]) -> TradeView:
    """The view of a trade whose orders have traded so many shares at such a price."""
    legs = tuple(
        Leg(
            role, 101 + number, BRACKET.entry, filled=Decimal(filled), value=Decimal(filled * price)
        )
        for number, (role, filled, price) in enumerate(traded)
    )
    return view_of(BRACKET, TradeState.CLOSED, legs, (), "w1")


def test_what_a_correction_takes_back_counts_against_the_exits() -> None:
    view = a_view(
        (LegRole.ENTRY, 10, 100),
        (LegRole.TAKE_PROFIT, 10, 110),
        (LegRole.STOP_LOSS, 10, 95),
        (LegRole.CORRECTION, 10, 108),
    )
    assert (view.exit_filled, view.exit_avg_price) == (Decimal(10), Decimal(97))
    assert view.realized_pnl == -30


def test_result_is_of_what_was_exited_and_unknown_before() -> None:
    assert a_view((LegRole.ENTRY, 10, 100)).realized_pnl is None
    view = a_view((LegRole.ENTRY, 10, 100), (LegRole.EXIT, 4, 103))
    assert (view.entry_avg_price, view.realized_pnl) == (Decimal(100), Decimal(12))
