"""Reconciliation against a model of a broker that loses orders, forgets days and fails to answer.

Whatever happens in which order, nothing is concluded that the model knows to be false.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from apps.domain.account import Position
from apps.domain.orders import Fill, OrderState, OrderStatus, Side
from apps.domain.reconciling.broker_snapshot import Answered, BrokerSnapshot, Failed
from apps.domain.reconciling.expectations import ExpectedIntent, ExpectedOrder
from apps.domain.reconciling.findings import Finding, Verdict
from apps.domain.reconciling.looks import EarlierLook
from apps.domain.reconciling.reconciliation import reconcile

REF = "BD-20261119-w1-000001"
START = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
CLIENT, CON_ID, QUANTITY = 7, 265598, Decimal(10)
ENTRY, TARGET, STOP = 101, 102, 103
TYPES = {ENTRY: "LMT", TARGET: "LMT", STOP: "STP"}


@dataclass
class Held:
    """An order as the broker has it; ``done_at`` is when it ended."""

    status: OrderStatus
    done_at: datetime | None = None


class BrokerModel(RuleBasedStateMachine):
    """One bracket, at a broker that may never have got it, and a desk that asks."""

    @initialize(arrives=st.sampled_from([(), (ENTRY,), (ENTRY, TARGET, STOP)]))
    def send(self, arrives: tuple[int, ...]) -> None:
        self.now, self.s, self.epoch = START, 0.0, 1
        self.held: dict[int, Held]
        self.fills: list[Fill] = []
        self.earlier: EarlierLook | None = None
        self.known = {each: self._expected(each) for each in TYPES}
        self.known_fills: dict[str, Fill] = {}
        self.findings: tuple[Finding, ...] = ()
        self.snapshot: BrokerSnapshot | None = None
        self.held = {each: Held(OrderStatus.SUBMITTED) for each in arrives}

    @rule(seconds=st.sampled_from([1, 4, 6, 60, 3_600, 86_400]))
    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.s += seconds

    @rule()
    def lose_the_link(self) -> None:
        self.epoch += 1

    @rule(order_id=st.sampled_from(sorted(TYPES)))
    def fill(self, order_id: int) -> None:
        entered = any(each.order_id == ENTRY for each in self.fills)
        if self._stands(order_id) and entered == (order_id != ENTRY):
            self._end(order_id, OrderStatus.FILLED)
            self.fills.append(self._fill(order_id))
            if order_id != ENTRY:
                self._end(STOP if order_id == TARGET else TARGET, OrderStatus.CANCELLED)

    @rule()
    def cancel_the_entry(self) -> None:
        if self._stands(ENTRY):
            for order_id in TYPES:
                self._end(order_id, OrderStatus.CANCELLED)

    @rule()
    def cancel_the_exits(self) -> None:
        self._end(TARGET, OrderStatus.CANCELLED)
        self._end(STOP, OrderStatus.CANCELLED)

    @rule(failing=st.sets(st.sampled_from(["open", "completed", "executions", "positions"])))
    def look(self, failing: set[str]) -> None:
        intent = self._intent()
        self.snapshot = self._snapshot(failing)
        own = {CON_ID: self._signed(self.known_fills.values())}
        self.findings = reconcile([intent], own, self.snapshot, self.earlier, CLIENT)
        if self.snapshot.is_complete:
            names = frozenset(each.name for each in intent.orders)
            self.earlier = EarlierLook(self.snapshot, names)
        self._learn(self.snapshot)

    @invariant()
    def nothing_false_is_concluded(self) -> None:
        for finding in self.findings:
            if finding.verdict in (Verdict.NEVER_ACCEPTED, Verdict.NEVER_TRANSMITTED):
                assert finding.order_id not in self.held
            if finding.verdict is Verdict.GONE:
                assert not any(self._stands(each) for each in TYPES)
                assert self._position() == 0
            assert finding.verdict is not Verdict.FOREIGN or not finding.order_id

    @invariant()
    def what_is_told_is_taken_over(self) -> None:
        for state in self.snapshot.standing if self.snapshot is not None else ():
            verdicts = {each.verdict for each in self.findings if each.order_id == state.order_id}
            assert verdicts <= {Verdict.AGREES, Verdict.ADOPTED}
            assert verdicts or any(each.verdict is Verdict.DIFFERS for each in self.findings)

    # ------------------------------------------------------------------------ the broker

    def _stands(self, order_id: int) -> bool:
        held = self.held.get(order_id)
        return held is not None and held.done_at is None

    def _end(self, order_id: int, status: OrderStatus) -> None:
        if self._stands(order_id):
            self.held[order_id] = Held(status, self.now)

    def _position(self) -> Decimal:
        return self._signed(self.fills)

    def _signed(self, fills: object) -> Decimal:
        return sum((each.quantity * each.side.sign for each in fills), Decimal(0))  # type: ignore[attr-defined]  # fills

    def _snapshot(self, failing: set[str]) -> BrokerSnapshot:
        today = self.now.date()
        standing = [self._told(each, held) for each, held in self.held.items() if not held.done_at]
        over = [
            replace(self._told(each, held), order_id=0, client_id=-1, parent_id=0)
            for each, held in self.held.items()
            if held.done_at and held.done_at.date() == today
        ]
        position = Position("DU1", CON_ID, "AAPL", "STK", "USD", self._position(), Decimal(190))
        failed = Failed("no answer")
        return BrokerSnapshot(
            open_orders=failed if "open" in failing else Answered(tuple(standing)),
            completed_orders=failed if "completed" in failing else Answered(tuple(over)),
            executions=failed
            if "executions" in failing
            else Answered(tuple(each for each in self.fills if each.at.date() == today)),
            positions=failed
            if "positions" in failing
            else Answered((position,) if position.quantity else ()),
            epoch=self.epoch,
            at=self.now,
            taken_s=self.s,
        )

    def _told(self, order_id: int, held: Held) -> OrderState:
        expected = self._expected(order_id)
        filled = QUANTITY if held.status is OrderStatus.FILLED else Decimal(0)
        return OrderState(
            order_id=order_id,
            perm_id=900 + order_id,
            client_id=CLIENT,
            account="DU1",
            con_id=CON_ID,
            symbol="AAPL",
            side=expected.side,
            quantity=QUANTITY,
            order_type=expected.order_type,
            limit_price=expected.limit_price,
            stop_price=expected.stop_price,
            time_in_force="GTC",
            order_ref=REF,
            parent_id=expected.parent_id,
            oca_group="",
            status=held.status,
            filled=filled,
            remaining=QUANTITY - filled,
            avg_fill_price=None,
        )

    def _fill(self, order_id: int) -> Fill:
        return Fill(
            exec_id=f"0000e0d5.{order_id:08x}.01.01",
            order_id=order_id,
            perm_id=900 + order_id,
            client_id=CLIENT,
            account="DU1",
            con_id=CON_ID,
            symbol="AAPL",
            side=self._expected(order_id).side,
            quantity=QUANTITY,
            price=Decimal(190),
            at=self.now,
            order_ref=REF,
        )

    # -------------------------------------------------------------------------- the desk

    def _expected(self, order_id: int) -> ExpectedOrder:
        is_entry = order_id == ENTRY
        return ExpectedOrder(
            order_ref=REF,
            client_id=CLIENT,
            order_id=order_id,
            perm_id=0,
            parent_id=0 if is_entry else ENTRY,
            is_entry=is_entry,
            con_id=CON_ID,
            symbol="AAPL",
            side=Side.BUY if is_entry else Side.SELL,
            order_type=TYPES[order_id],
            quantity=QUANTITY,
            limit_price=None if order_id == STOP else Decimal(190),
            stop_price=Decimal(180) if order_id == STOP else None,
            time_in_force="GTC",
            status=None,
            filled=Decimal(0),
            sent_at=START,
            is_over=False,
        )

    def _intent(self) -> ExpectedIntent:
        fills = tuple(self.known_fills.values())
        position = max(Decimal(0), self._signed(fills))
        orders = tuple(self.known.values())
        return ExpectedIntent(REF, "AAPL", CON_ID, Side.BUY, orders, fills, position, START)

    def _learn(self, snapshot: BrokerSnapshot) -> None:
        for fill in snapshot.fills:
            self.known_fills[fill.execution] = fill
            known = self.known[fill.order_id]
            self.known[fill.order_id] = replace(known, filled=fill.quantity, is_over=True)
        for finding in self.findings:
            if (state := finding.state) is not None and finding.order_id in self.known:
                known = self.known[finding.order_id]
                is_over = state.status.is_done and state.filled <= known.filled
                self.known[finding.order_id] = replace(
                    known,
                    perm_id=state.perm_id,
                    status=state.status,
                    is_over=known.is_over or is_over,
                )


TestReconciliation = BrokerModel.TestCase
TestReconciliation.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
