"""What is concluded from snapshots of a broker, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.domain.account import Position
from apps.domain.orders import Fill, OrderState, OrderStatus, Side
from apps.domain.reconciling.broker_snapshot import (
    Answered,
    BrokerSnapshot,
    Failed,
    is_one_trading_day,
)
from apps.domain.reconciling.expectations import ExpectedIntent, ExpectedOrder
from apps.domain.reconciling.findings import Finding, Verdict
from apps.domain.reconciling.looks import APART_S, EarlierLook
from apps.domain.reconciling.reconciliation import reconcile

REF = "BD-20261119-w1-000001"
AT = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
CLIENT, CON_ID = 7, 265598
TEN = Decimal(10)


def an_order(order_id: int = 101, **changes: object) -> ExpectedOrder:
    is_entry = order_id == 101
    order = ExpectedOrder(
        order_ref=REF,
        client_id=CLIENT,
        order_id=order_id,
        perm_id=0,
        parent_id=0 if is_entry else 101,
        is_entry=is_entry,
        con_id=CON_ID,
        symbol="AAPL",
        side=Side.BUY if is_entry else Side.SELL,
        order_type="STP" if order_id == 103 else "LMT",
        quantity=TEN,
        limit_price=None if order_id == 103 else Decimal("190.98"),
        stop_price=Decimal("188.00") if order_id == 103 else None,
        time_in_force="DAY" if is_entry else "GTC",
        status=None,
        filled=Decimal(0),
        sent_at=AT,
        is_over=False,
    )
    return replace(order, **changes)  # type: ignore[arg-type]  # any field


def an_intent(*orders: ExpectedOrder, **changes: object) -> ExpectedIntent:
    intent = ExpectedIntent(
        order_ref=REF,
        symbol="AAPL",
        con_id=CON_ID,
        side=Side.BUY,
        orders=orders or (an_order(101), an_order(102), an_order(103)),
        fills=(),
        open_quantity=Decimal(0),
        at=AT,
    )
    return replace(intent, **changes)  # type: ignore[arg-type]  # any field


def said(order: ExpectedOrder, status: OrderStatus, **changes: object) -> OrderState:
    state = OrderState(
        order_id=order.order_id,
        perm_id=900 + order.order_id,
        client_id=order.client_id,
        account="DU1234567",
        con_id=order.con_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        order_type=order.order_type,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        time_in_force=order.time_in_force,
        order_ref=order.order_ref,
        parent_id=order.parent_id,
        oca_group="",
        status=status,
        filled=Decimal(0),
        remaining=order.quantity,
        avg_fill_price=None,
    )
    return replace(state, **changes)  # type: ignore[arg-type]  # any field


def ended(order: ExpectedOrder, status: OrderStatus, **changes: object) -> OrderState:
    """The same, as completed orders come: without ids."""
    return said(order, status, order_id=0, client_id=-1, parent_id=0, **changes)


def a_fill(order_id: int = 101, side: Side = Side.BUY, at: datetime = AT) -> Fill:
    return Fill(
        exec_id=f"0000e0d5.{order_id:08x}.01.01",
        order_id=order_id,
        perm_id=900 + order_id,
        client_id=CLIENT,
        account="DU1234567",
        con_id=CON_ID,
        symbol="AAPL",
        side=side,
        quantity=TEN,
        price=Decimal("190.62"),
        at=at,
        order_ref=REF,
    )


def held(quantity: int) -> Position:
    cost = Decimal("190.62")
    return Position("DU1234567", CON_ID, "AAPL", "STK", "USD", Decimal(quantity), cost)


def a_snapshot(
    standing: tuple[OrderState, ...] = (),
    over: tuple[OrderState, ...] = (),
    fills: tuple[Fill, ...] = (),
    positions: tuple[Position, ...] = (),
    *,
    after_s: float = 0.0,
    at: datetime = AT,
    epoch: int = 1,
) -> BrokerSnapshot:
    return BrokerSnapshot(
        open_orders=Answered(standing),
        completed_orders=Answered(over),
        executions=Answered(fills),
        positions=Answered(positions),
        epoch=epoch,
        at=at + timedelta(seconds=after_s),
        taken_s=1000.0 + after_s,
    )


def found(
    intent: ExpectedIntent,
    snapshot: BrokerSnapshot,
    earlier: BrokerSnapshot | None = None,
    own: dict[int, Decimal] | None = None,
    looked_for: tuple[int, ...] = (101, 102, 103),
) -> list[Finding]:
    before = None
    if earlier is not None:
        before = EarlierLook(earlier, frozenset((REF, order_id) for order_id in looked_for))
    return list(reconcile([intent], own or {}, snapshot, before, CLIENT))


def verdicts(findings: list[Finding]) -> dict[int, Verdict]:
    return {each.order_id: each.verdict for each in findings}


def test_order_that_stands_as_we_know_it_agrees() -> None:
    order = an_order(perm_id=1001, status=OrderStatus.SUBMITTED)
    (finding,) = found(an_intent(order), a_snapshot((said(order, OrderStatus.SUBMITTED),)))
    assert finding.verdict is Verdict.AGREES
    (finding,) = found(an_intent(order), a_snapshot((said(order, OrderStatus.PENDING_CANCEL),)))
    assert finding.verdict is Verdict.ADOPTED


def test_order_whose_answer_was_lost_is_adopted_by_its_reference() -> None:
    order = an_order()
    (finding,) = found(an_intent(order), a_snapshot((said(order, OrderStatus.SUBMITTED),)))
    assert finding.verdict is Verdict.ADOPTED
    assert finding.state is not None
    assert finding.state.perm_id == 1001


def test_ended_order_without_ids_is_found_by_what_it_is_and_gets_them_back() -> None:
    intent = an_intent()
    entry, target, stop = intent.orders
    over = tuple(ended(each, OrderStatus.CANCELLED) for each in (stop, entry, target))
    findings = found(intent, a_snapshot(over=over))
    assert verdicts(findings) == dict.fromkeys((101, 102, 103), Verdict.ADOPTED)
    stop_state = next(each.state for each in findings if each.order_id == 103)
    assert stop_state is not None
    assert (stop_state.client_id, stop_state.parent_id) == (CLIENT, 101)


def test_ended_order_is_matched_by_perm_id_before_its_looks() -> None:
    old = an_order(103, perm_id=555, status=OrderStatus.PRE_SUBMITTED)
    new = an_order(104, order_type="STP", is_entry=False, parent_id=101, perm_id=0)
    state = ended(old, OrderStatus.CANCELLED, perm_id=555)
    findings = found(an_intent(new, old), a_snapshot(over=(state,)))
    adopted = [each.order_id for each in findings if each.verdict is Verdict.ADOPTED]
    assert adopted == [103]


def test_id_alone_does_not_make_an_order_ours_when_the_reference_is_anothers() -> None:
    order = an_order()
    other = said(order, OrderStatus.SUBMITTED, order_ref="BD-20261118-w9-zzzzzz")
    findings = found(an_intent(order), a_snapshot((other,)))
    assert [each.verdict for each in findings] == [Verdict.UNKNOWN, Verdict.REBUILT]


def test_order_that_is_absent_twice_was_never_accepted() -> None:
    first, second = a_snapshot(), a_snapshot(after_s=APART_S)
    assert set(verdicts(found(an_intent(), first)).values()) == {Verdict.UNKNOWN}
    assert set(verdicts(found(an_intent(), second, first)).values()) == {Verdict.NEVER_ACCEPTED}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (a_snapshot(), a_snapshot(after_s=APART_S - 1)),
        (a_snapshot(), a_snapshot(after_s=APART_S, epoch=2)),
        (a_snapshot(), replace(a_snapshot(after_s=APART_S), at=None)),
        (a_snapshot(), replace(a_snapshot(after_s=APART_S), executions=Failed("no answer"))),
        (a_snapshot(), replace(a_snapshot(after_s=APART_S), completed_orders=Failed("no"))),
        (replace(a_snapshot(), open_orders=Failed("no")), a_snapshot(after_s=APART_S)),
        (a_snapshot(), a_snapshot(after_s=86_400)),
        (a_snapshot((said(an_order(), OrderStatus.SUBMITTED),)), a_snapshot(after_s=APART_S)),
    ],
    ids=["too soon", "epoch", "no time", "executions", "completed", "open", "day", "listed"],
)
def test_two_looks_that_do_not_speak_for_each_other_leave_it_unknown(
    first: BrokerSnapshot, second: BrokerSnapshot
) -> None:
    (finding,) = found(an_intent(an_order()), second, first)
    assert finding.verdict is Verdict.UNKNOWN


def test_earlier_look_that_did_not_look_for_the_order_says_nothing_of_it() -> None:
    intent = an_intent(an_order())
    (finding,) = found(intent, a_snapshot(after_s=APART_S), a_snapshot(), looked_for=(102,))
    assert finding.verdict is Verdict.UNKNOWN


def test_order_that_was_sent_on_another_day_is_never_called_never_accepted() -> None:
    order = an_order(sent_at=AT - timedelta(days=1))
    (finding,) = found(an_intent(order), a_snapshot(after_s=APART_S), a_snapshot())
    assert finding.verdict is Verdict.UNKNOWN
    assert "look for it in TWS" in finding.text


def test_order_that_was_accepted_once_and_is_listed_nowhere_stays_unknown() -> None:
    order = an_order(perm_id=1001, status=OrderStatus.SUBMITTED)
    (finding,) = found(an_intent(order), a_snapshot(after_s=APART_S), a_snapshot())
    assert finding.verdict is Verdict.UNKNOWN
    assert "--settle 000001" in finding.text


def test_execution_alone_shows_that_an_order_was_accepted() -> None:
    snapshot = a_snapshot(fills=(a_fill(),), after_s=APART_S)
    findings = found(an_intent(an_order()), snapshot, a_snapshot())
    assert Verdict.NEVER_ACCEPTED not in {each.verdict for each in findings}


def test_exit_that_nobody_lists_while_its_entry_is_over_unfilled_was_never_transmitted() -> None:
    entry = an_order(is_over=True, status=OrderStatus.CANCELLED, perm_id=1001)
    (finding,) = found(an_intent(entry, an_order(103)), a_snapshot())
    assert (finding.order_id, finding.verdict) == (103, Verdict.NEVER_TRANSMITTED)


def test_exit_that_could_not_be_looked_for_everywhere_is_not_called_never_transmitted() -> None:
    entry = an_order(is_over=True, status=OrderStatus.CANCELLED, perm_id=1001)
    snapshot = replace(a_snapshot(), completed_orders=Failed("no answer"))
    (finding,) = found(an_intent(entry, an_order(103)), snapshot)
    assert finding.verdict is Verdict.UNKNOWN
    assert "no answer" in finding.text


@pytest.mark.parametrize(
    ("entry", "second"),
    [
        (an_order(), {"over": (ended(an_order(), OrderStatus.FILLED, filled=TEN),)}),
        (an_order(), {"over": (ended(an_order(), OrderStatus.CANCELLED, filled=Decimal(4)),)}),
        (an_order(status=OrderStatus.FILLED, perm_id=1001), {}),
        (an_order(filled=Decimal(3), perm_id=1001), {}),
        (an_order(), {"fills": (a_fill(),)}),
        (
            an_order(is_over=True, status=OrderStatus.CANCELLED, perm_id=1),
            {"positions": (held(10),)},
        ),
    ],
    ids=[
        "ended filled",
        "ended in part",
        "status",
        "executions of before",
        "execution",
        "position",
    ],
)
def test_exits_of_an_entry_that_may_be_filled_are_never_given_up(
    entry: ExpectedOrder, second: dict[str, Any]
) -> None:
    intent = an_intent(entry, an_order(102), an_order(103))
    first, again = a_snapshot(**second), a_snapshot(**second, after_s=APART_S)
    exits = {each.order_id: each for each in found(intent, again, first) if each.order_id > 101}
    assert {each.verdict for each in exits.values()} == {Verdict.UNKNOWN}
    assert "in TWS" in exits[103].text


def test_stop_that_was_sent_by_itself_and_lost_on_its_way_was_never_accepted() -> None:
    entry = an_order(is_over=True, filled=TEN, status=OrderStatus.FILLED, perm_id=1001)
    intent = an_intent(entry, an_order(103, parent_id=0), open_quantity=TEN, fills=(a_fill(),))
    first = a_snapshot(fills=(a_fill(),), positions=(held(10),))
    second = a_snapshot(fills=(a_fill(),), positions=(held(10),), after_s=APART_S)
    findings = verdicts(found(intent, second, first, own={CON_ID: TEN}))
    assert findings[103] is Verdict.NEVER_ACCEPTED


@pytest.mark.parametrize(
    ("own", "account", "verdict"),
    [
        (0, 10, Verdict.UNKNOWN),
        (5, 15, Verdict.UNKNOWN),
        (0, -10, Verdict.NEVER_ACCEPTED),
        (10, 10, Verdict.NEVER_ACCEPTED),
    ],
    ids=["appears", "appears beside ours", "the other way", "ours"],
)
def test_unanswered_entry_is_not_given_up_while_shares_of_its_side_are_unexplained(
    own: int, account: int, verdict: Verdict
) -> None:
    first = a_snapshot(positions=(held(account),))
    second = a_snapshot(positions=(held(account),), after_s=APART_S)
    findings = found(an_intent(an_order()), second, first, own={CON_ID: Decimal(own)})
    assert findings[0].verdict is verdict


def for_account(**changes: object) -> ExpectedIntent:
    ref = REF.replace("-w1-", "-alloc-")
    order = an_order(101, order_ref=ref, **changes)
    return an_intent(order, order_ref=ref, at=order.sent_at)


def looked_at(intent: ExpectedIntent, *positions: Position, after_s: float = 0.0) -> list[Finding]:
    """What two looks find, of which neither lists the order."""
    at = AT + timedelta(seconds=after_s)
    first = a_snapshot(positions=positions, at=at)
    second = a_snapshot(positions=positions, at=at, after_s=APART_S)
    names = frozenset(each.name for each in intent.orders)
    return list(reconcile([intent], {}, second, EarlierLook(first, names), CLIENT))


def test_shares_in_the_account_speak_for_no_order_for_the_account() -> None:
    never, shares = looked_at(for_account(), held(500))
    assert never.verdict is Verdict.NEVER_ACCEPTED
    assert shares.verdict is Verdict.FOREIGN


def test_one_look_says_nothing_of_an_order_for_the_account() -> None:
    (finding,) = reconcile([for_account()], {}, a_snapshot(), None, CLIENT)
    assert finding.verdict is Verdict.UNKNOWN


def test_order_for_the_account_of_an_earlier_day_is_gone_whatever_is_held() -> None:
    day = AT - timedelta(days=1)
    order = for_account(perm_id=9, status=OrderStatus.SUBMITTED, sent_at=day)
    gone, _ = looked_at(order, held(500))
    assert gone.verdict is Verdict.GONE
    today = for_account(perm_id=9, status=OrderStatus.SUBMITTED)
    unknown, _ = looked_at(today, held(500))
    assert unknown.verdict is Verdict.UNKNOWN


def test_fill_that_the_broker_counts_and_does_not_tell_differs() -> None:
    order = an_order()
    state = ended(order, OrderStatus.FILLED, filled=TEN)
    (finding,) = found(an_intent(order), a_snapshot(over=(state,)))
    assert finding.verdict is Verdict.DIFFERS


def test_intent_of_an_earlier_day_with_nothing_left_is_gone_after_two_looks() -> None:
    stop = an_order(103, perm_id=1003, status=OrderStatus.PRE_SUBMITTED)
    day = AT - timedelta(days=1)
    entry = an_order(is_over=True, filled=TEN, perm_id=1001, status=OrderStatus.FILLED)
    intent = an_intent(entry, stop, open_quantity=TEN, at=day, fills=(a_fill(at=day),))
    first, second = a_snapshot(), a_snapshot(after_s=APART_S)
    assert verdicts(found(intent, first)) == {103: Verdict.UNKNOWN}
    (finding,) = found(intent, second, first)
    assert finding.verdict is Verdict.GONE
    still = a_snapshot(positions=(held(10),), after_s=APART_S)
    assert Verdict.GONE not in {each.verdict for each in found(intent, still, first)}


def test_intent_of_which_one_order_stands_is_not_gone() -> None:
    day = AT - timedelta(days=1)
    entry = an_order(perm_id=1001, status=OrderStatus.SUBMITTED)
    stop = an_order(103, perm_id=1003, status=OrderStatus.PRE_SUBMITTED)
    standing = (said(entry, OrderStatus.SUBMITTED, perm_id=1001),)
    first, second = a_snapshot(standing), a_snapshot(standing, after_s=APART_S)
    findings = found(an_intent(entry, stop, at=day), second, first)
    assert verdicts(findings) == {101: Verdict.AGREES, 103: Verdict.UNKNOWN}


def test_broker_that_has_forgotten_todays_executions_is_told_and_nothing_is_concluded() -> None:
    stop = an_order(103, perm_id=1003, status=OrderStatus.PRE_SUBMITTED)
    entry = an_order(is_over=True, filled=TEN, perm_id=1001, status=OrderStatus.FILLED)
    intent = an_intent(entry, stop, open_quantity=TEN, fills=(a_fill(),))
    findings = found(intent, a_snapshot(after_s=APART_S), a_snapshot(), own={CON_ID: TEN})
    assert [each.verdict for each in findings] == [Verdict.DIFFERS, Verdict.DIFFERS]
    assert "was it reset?" in findings[0].text


@pytest.mark.parametrize(
    ("own", "account", "verdict"),
    [
        (10, 10, Verdict.AGREES),
        (10, 25, Verdict.FOREIGN),
        (0, -5, Verdict.FOREIGN),
        (10, 4, Verdict.DIFFERS),
        (10, 0, Verdict.DIFFERS),
        (10, -10, Verdict.DIFFERS),
    ],
)
def test_position_beside_what_our_executions_add_up_to(
    own: int, account: int, verdict: Verdict
) -> None:
    snapshot = a_snapshot(positions=(held(account),) if account else ())
    (finding,) = reconcile([], {CON_ID: Decimal(own)}, snapshot, None, CLIENT)
    assert finding.verdict is verdict


def test_orders_of_others_are_foreign_and_ours_without_a_journal_are_rebuilt() -> None:
    by_hand = said(an_order(), OrderStatus.SUBMITTED, order_id=0, client_id=0, order_ref="")
    other = said(an_order(), OrderStatus.SUBMITTED, client_id=9)
    ours = said(an_order(), OrderStatus.SUBMITTED)
    findings = reconcile([], {}, a_snapshot((by_hand, other, ours)), None, CLIENT)
    assert [each.verdict for each in findings] == [
        Verdict.FOREIGN,
        Verdict.FOREIGN,
        Verdict.REBUILT,
    ]


def test_trading_day_is_one_in_new_york_and_in_utc() -> None:
    assert is_one_trading_day(AT, AT + timedelta(hours=5))
    assert not is_one_trading_day(AT, AT + timedelta(hours=10)), "midnight in UTC"
    assert not is_one_trading_day(AT, None)
