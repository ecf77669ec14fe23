from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.brackets import build_bracket
from apps.domain.errors import IllegalTransition
from apps.domain.orders import Bracket, Fill, OrderStatus, Side
from apps.engine.orders.legs import LegRole
from apps.engine.orders.trade_states import TRANSITIONS, TradeState
from apps.engine.orders.trades import Trade
from apps.engine.reconciling.restoring import expectation
from tests.engine.fakes import AAPL, FakeBroker, FakeClock


def a_bracket() -> Bracket:
    return build_bracket(
        AAPL,
        Side.BUY,
        Decimal(10),
        Decimal(190),
        take_profit_pct=Decimal(1),
        stop_loss_pct=Decimal(1),
        order_ref="BD-20261119-w1-000001",
    )


class Hearer:
    """Feeds a trade with what the fake broker says."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        bracket = a_bracket()
        self.trade = Trade(bracket, FakeClock())
        self.trade.bind(self.broker.place_bracket(bracket))
        self.broker.listen(self)
        self.states = [self.trade.state]

    def on_order(self, order: object) -> None:
        self.trade.on_order(order)  # type: ignore[arg-type]  # a listener of any order
        self.states.append(self.trade.state)

    def on_fill(self, fill: Fill) -> None:
        self.trade.on_fill(fill)
        self.states.append(self.trade.state)

    def on_notice(self, notice: object) -> None:
        pass

    def on_link(self, link: object) -> None:
        pass


def test_every_state_has_its_row_and_nothing_leads_back_to_sent() -> None:
    assert set(TRANSITIONS) == set(TradeState)
    assert not any(TradeState.SENT in targets for targets in TRANSITIONS.values())


def test_illegal_transition_raises_and_changes_nothing() -> None:
    trade = Hearer().trade
    trade._state = TradeState.CLOSED
    with pytest.raises(IllegalTransition):
        trade._to(TradeState.WORKING)
    assert trade.state is TradeState.CLOSED


def test_stop_held_as_a_child_does_not_protect_yet() -> None:
    hearer = Hearer()
    hearer.broker.accept(101, 102)
    hearer.broker.fill(101, "10", "190")
    held = replace(
        hearer.broker.orders[103].state,
        status=OrderStatus.PRE_SUBMITTED,
        perm_id=5,
        why_held="child",
    )
    hearer.trade.on_order(held)
    states = [hearer.trade.state]
    hearer.trade.on_order(replace(held, why_held=""))
    states.append(hearer.trade.state)
    assert states == [TradeState.FILLED, TradeState.PROTECTED]


def test_full_fill_counts_although_no_status_ever_comes() -> None:
    hearer = Hearer()
    fill = hearer.broker.fill(101, "10", "190")
    trade = Trade(a_bracket(), FakeClock())
    trade.bind((101, 102, 103))
    trade.on_fill(fill)
    assert trade.state is TradeState.FILLED


def test_fill_after_the_cancellation_of_its_order_is_not_lost() -> None:
    hearer = Hearer()
    hearer.broker.accept(101, 102, 103)
    hearer.broker.set_status(101, OrderStatus.CANCELLED)
    assert hearer.trade.state is TradeState.WITHDRAWN
    hearer.broker.fill(101, "3", "190")
    assert hearer.trade.open_quantity == 3


def test_entry_that_is_filled_by_status_alone_waits_for_its_executions() -> None:
    hearer = Hearer()
    hearer.broker.accept(101, 102, 103)
    # an opening of an order says "Filled" before any message tells how much of it is
    hearer.broker.set_status(101, OrderStatus.FILLED)
    assert not hearer.trade.entry.is_over
    told = [hearer.trade.state]
    hearer.broker.fill(101, "10", "190")
    assert [*told, hearer.trade.state] == [TradeState.WORKING, TradeState.PROTECTED]


def test_exit_that_was_sent_by_itself_is_no_child_of_the_entry() -> None:
    trade = Hearer().trade
    trade.add(LegRole.STOP_LOSS, 104, a_bracket().legs[2])
    trade.add(LegRole.EXIT, 105, a_bracket().legs[2])
    assert [leg.order_id for leg in trade.legs if trade.is_child(leg)] == [102, 103]
    orders = expectation(trade, 7, None, {}).orders
    assert [each.parent_id for each in orders] == [0, 101, 101, 0, 0]


happenings = st.one_of(
    st.tuples(st.just("accept"), st.sampled_from([101, 102, 103])),
    st.tuples(st.just("end"), st.sampled_from([101, 102, 103])),
    st.tuples(st.just("fill"), st.sampled_from([101, 102, 103])),
    st.tuples(st.just("inactive"), st.sampled_from([101, 102, 103])),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(happenings, max_size=14))
def test_whatever_the_broker_says_a_trade_follows_its_table(
    story: list[tuple[str, int]],
) -> None:
    hearer = Hearer()
    for what, order_id in story:
        state = hearer.broker.orders[order_id].state
        if what == "fill" and state.remaining > 0:
            hearer.broker.fill(order_id, str(min(state.remaining, Decimal(4))), "190")
        elif what == "accept":
            hearer.broker.accept(order_id)
        elif what == "inactive":
            hearer.broker.set_status(order_id, OrderStatus.INACTIVE)
        elif what == "end":
            hearer.broker.end(order_id)
    for before, after in zip(hearer.states, hearer.states[1:], strict=False):
        assert before is after or after in TRANSITIONS[before]
    filled = sum((fill.quantity for fill in hearer.broker.fills if fill.order_id == 101), Decimal())
    assert hearer.trade.entry.filled == filled
