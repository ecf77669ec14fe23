"""A trade under any words in any order, against a model that only adds up executions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from apps.domain.brackets import build_bracket
from apps.domain.orders import Fill, OrderState, OrderStatus, Side
from apps.engine.orders.legs import LegRole
from apps.engine.orders.trade_states import ENDED, FILLED_SOMEHOW, TRANSITIONS, TradeState
from apps.engine.orders.trades import Trade
from tests.engine.fakes import AAPL, FakeBroker, FakeClock

ENTRY, TARGET, STOP = 101, 102, 103
LEGS = st.sampled_from([ENTRY, TARGET, STOP])
SHARES = Decimal(10)


class TradeMachine(RuleBasedStateMachine):
    """What the broker may say: late, twice, in part, and what is not so at all."""

    def __init__(self) -> None:
        super().__init__()
        self.broker = FakeBroker()
        bracket = build_bracket(
            AAPL,
            Side.BUY,
            SHARES,
            Decimal(190),
            take_profit_pct=Decimal(1),
            stop_loss_pct=Decimal(1),
            order_ref="BD-20261119-w1-000001",
        )
        self.trade = Trade(bracket, FakeClock())
        self.trade.bind(self.broker.place_bracket(bracket))
        self.broker.listen(self)
        self.states = [self.trade.state]
        self.executed: dict[str, Fill] = {}
        self.heard_of: set[int] = set()

    # -- what the broker's listener passes on

    def on_order(self, order: OrderState) -> None:
        self.heard_of.add(order.order_id)
        self.trade.on_order(order)
        self.states.append(self.trade.state)

    def on_fill(self, fill: Fill) -> None:
        known = self.executed.get(fill.execution, fill)
        self.executed[fill.execution] = max(known, fill, key=lambda each: each.revision)
        self.trade.on_fill(fill)
        self.states.append(self.trade.state)

    def on_notice(self, notice: object) -> None: ...

    def on_link(self, link: object) -> None: ...

    # -- what happens

    @rule(order_id=LEGS)
    def accepted(self, order_id: int) -> None:
        self.broker.accept(order_id)

    @rule(order_id=LEGS)
    def ended(self, order_id: int) -> None:
        self.broker.end(order_id)

    @rule(order_id=LEGS)
    def inactive(self, order_id: int) -> None:
        self.broker.set_status(order_id, OrderStatus.INACTIVE)

    @rule(order_id=LEGS)
    def said_to_be_filled(self, order_id: int) -> None:
        self.broker.set_status(order_id, OrderStatus.FILLED)

    @rule(order_id=LEGS, shares=st.integers(1, 10))
    def filled(self, order_id: int, shares: int) -> None:
        left = SHARES - self.of(order_id)
        if order_id != ENTRY:
            left = min(left, self.of(ENTRY) - self.of(TARGET) - self.of(STOP))
        if left > 0:
            self.broker.fill(order_id, str(min(left, Decimal(shares))), "190")

    @precondition(lambda self: self.broker.fills)
    @rule()
    def told_again(self) -> None:
        self.broker.send_fill(self.broker.fills[0])

    @precondition(lambda self: self.trade.state is not TradeState.CLOSED and self.broker.fills)
    @rule(shares=st.integers(1, 10))
    def corrected(self, shares: int) -> None:
        last = self.executed[self.broker.fills[-1].execution]
        if last.order_id == ENTRY:
            exec_id = f"{last.execution}.{last.revision + 1:02d}"
            exited = self.of(TARGET) + self.of(STOP)
            others = self.of(ENTRY) - last.quantity
            quantity = max(Decimal(shares), exited - others)
            self.broker.send_fill(
                replace(last, exec_id=exec_id, quantity=min(quantity, SHARES - others))
            )

    @rule()
    def link_lost(self) -> None:
        self.trade.on_link_lost()
        self.states.append(self.trade.state)

    @rule(standing=st.sets(LEGS))
    def listed(self, standing: set[int]) -> None:
        self.trade.on_open_orders(standing)
        self.states.append(self.trade.state)

    # -- what holds

    def of(self, order_id: int) -> Decimal:
        mine = (each.quantity for each in self.executed.values() if each.order_id == order_id)
        return sum(mine, Decimal(0))

    @invariant()
    def it_follows_its_table(self) -> None:
        before, after = self.states[-2:] if len(self.states) > 1 else (None, None)
        assert before is after or before is None or after in TRANSITIONS[before]

    @invariant()
    def executions_count_and_nothing_else(self) -> None:
        assert self.trade.entry.filled == self.of(ENTRY)
        assert self.trade.exit_filled == self.of(TARGET) + self.of(STOP)
        assert self.trade.open_quantity == self.of(ENTRY) - self.of(TARGET) - self.of(STOP)

    @invariant()
    def nothing_is_over_while_shares_are_held(self) -> None:
        if self.trade.state in ENDED:
            assert self.trade.open_quantity == 0
        if self.of(ENTRY):
            assert self.trade.state in FILLED_SOMEHOW

    @invariant()
    def protected_is_said_of_a_stop_that_works(self) -> None:
        if self.trade.state is TradeState.PROTECTED:
            stops = [leg for leg in self.trade.legs if leg.role is LegRole.STOP_LOSS]
            assert any(leg.order is not None and leg.order.status.is_working for leg in stops)

    @invariant()
    def unknown_ends_with_the_first_word_of_the_entry(self) -> None:
        entry = self.trade.entry.order
        if self.trade.state is TradeState.UNKNOWN and entry is not None:
            assert entry.status in (OrderStatus.PENDING_SUBMIT, OrderStatus.FILLED)


TestTradeMachine = TradeMachine.TestCase
TestTradeMachine.settings = settings(deadline=None, max_examples=100, stateful_step_count=25)
