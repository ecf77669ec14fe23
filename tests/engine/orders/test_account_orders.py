"""Orders for the account as a whole: reserved, followed, told apart, and never sent twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.errors import (
    AlreadyDone,
    JournalLost,
    NotConnected,
    NotFound,
    RiskRefused,
    TradingHalted,
)
from apps.domain.instruments import Instrument
from apps.domain.intents import AccountLabel
from apps.domain.link import LinkState
from apps.domain.orders import OrderStatus, OrderType, Side, Ticket
from apps.domain.reconciling.findings import Verdict
from apps.domain.records import (
    Executed,
    IntentDropped,
    IntentReserved,
    OrderReserved,
    OrderSeen,
    OutcomeKnown,
)
from apps.domain.risk import RiskLimits
from apps.domain.trading_state import HaltCause
from apps.engine.alerts import AlertKind
from apps.engine.desk import Desk
from apps.engine.orders.account_order import AccountOrder, AccountOrderState
from apps.engine.orders.account_orders import AccountOrders, Wanted
from apps.engine.parts import Parts
from apps.engine.requests import BracketRequest
from tests.engine.conftest import Stage, Staging, shut_down
from tests.engine.fakes import AAPL, MSFT, settle

D = Decimal


def wanted(
    side: Side = Side.BUY,
    quantity: str = "100",
    instrument: Instrument = AAPL,
    *,
    label: AccountLabel = AccountLabel.ALLOCATION,
    price: str = "190.40",
    closes: bool = False,
) -> Wanted:
    ticket = Ticket(side, D(quantity), OrderType.MARKET)
    return Wanted(instrument, ticket, label, D(price), closes)


def orders_of(stage: Stage) -> AccountOrders:
    return stage.desk.account_orders


async def reopen(stage: Stage) -> None:
    """Open another desk on the same journal and broker."""
    old = stage.desk
    await shut_down(old, stage.clock)
    stage.desk = Desk(
        Parts(
            broker=stage.broker,
            market=stage.market,
            clock=stage.clock,
            limits=old._limits,
            trading_mode=old.trading_mode,
            defaults=old._previews._defaults,
            alerts=stage.told.append,
            journal=stage.journal,
            ref_suffix=lambda: f"{len(stage.journal.records):06d}",
        )
    )
    await stage.desk.__aenter__()


def state_of(order: AccountOrder) -> AccountOrderState:
    """Give the state as it is now, to a type checker that does not know that it moves."""
    return order.state


def placed(stage: Stage, **how: object) -> AccountOrder:
    return orders_of(stage).place(wanted(**how))  # type: ignore[arg-type]  # any of its arguments


# --------------------------------------------------------------------------------------- sending


async def test_order_is_in_the_journal_before_it_is_sent(stage: Stage) -> None:
    seen: list[type] = []
    send = stage.broker.place

    def place(*given: object, **named: object) -> int:
        seen.extend(type(each) for each in stage.journal.records)
        return send(*given, **named)  # type: ignore[arg-type]  # passed on as they are

    stage.broker.place = place  # type: ignore[method-assign]  # looked at on its way
    order = placed(stage)
    assert IntentReserved in seen
    assert OrderReserved in seen
    assert order.order_ref.startswith("BD-20261119-alloc-")
    assert state_of(order) is AccountOrderState.SENT


async def test_order_that_cannot_be_written_down_is_not_sent(stage: Stage) -> None:
    stage.journal.error = JournalLost("the disk is full")
    with pytest.raises(JournalLost):
        placed(stage)
    stage.journal.error = None
    assert stage.broker.sent == []
    assert orders_of(stage).orders == ()


async def test_order_that_the_link_refuses_is_dropped_in_the_journal(stage: Stage) -> None:
    def place(*_: object, **__: object) -> int:
        raise NotConnected("the link went just now")

    stage.broker.place = place  # type: ignore[method-assign]  # fails
    with pytest.raises(NotConnected):
        placed(stage)
    assert isinstance(stage.journal.records[-1], IntentDropped)
    assert orders_of(stage).orders == ()


async def test_filled_order_tells_its_price_and_commission_and_is_over_in_the_journal(
    stage: Stage,
) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    assert state_of(order) is AccountOrderState.WORKING
    stage.broker.fill(order.order_id, "40", "190.40", commission=None)
    assert state_of(order) is AccountOrderState.PARTLY_FILLED
    stage.broker.fill(order.order_id, "60", "190.50")
    view = order.view()
    assert (view.state, view.filled, view.avg_price) == (
        AccountOrderState.FILLED,
        D(100),
        D("190.46"),
    )
    assert view.commission is None  # of the first part it is not known yet
    outcomes = [each for each in stage.journal.records if isinstance(each, OutcomeKnown)]
    assert [(each.outcome, each.is_over) for each in outcomes] == [("filled", True)]
    assert [type(e) for e in stage.journal.records].count(Executed) == 2
    assert stage.texts(AlertKind.FILL) == ["alloc: buy 100 AAPL filled at 190.46"]


async def test_order_that_is_turned_down_keeps_the_brokers_code(stage: Stage) -> None:
    order = placed(stage)
    stage.broker.reject(order.order_id, 201, "Order rejected - reason: no funds")
    view = order.view()
    assert (view.state, view.code, view.text) == (
        AccountOrderState.REJECTED,
        201,
        "Order rejected - reason: no funds",
    )
    assert "[201]" in stage.texts(AlertKind.ERROR)[0]


async def test_warning_about_an_order_is_no_end_of_it_and_is_kept(stage: Stage) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    stage.broker.notice(399, "Warning: routed as an odd lot order.", order.order_id)
    stage.broker.fill(order.order_id, "100", "190.40")
    view = order.view()
    assert view.state is AccountOrderState.FILLED
    assert view.notices == ("[399] Warning: routed as an odd lot order.",)


# ------------------------------------------------------------------------------------- the gate


async def test_opening_order_does_not_pass_a_halt_and_a_closing_one_does(stage: Stage) -> None:
    stage.broker.hold(MSFT, "50")
    await stage.desk.positions()
    stage.desk.halt_now(HaltCause.COMMAND)
    with pytest.raises(TradingHalted):
        placed(stage)
    placed(
        stage,
        side=Side.SELL,
        quantity="50",
        instrument=MSFT,
        label=AccountLabel.CLOSING,
        closes=True,
    )
    assert len(stage.broker.orders) == 1


async def test_only_what_reduces_passes_while_trading_is_reducing(stage: Stage) -> None:
    stage.broker.hold(AAPL, "100")
    await stage.desk.positions()
    await stage.desk.halt(reduce=True)
    with pytest.raises(TradingHalted):
        placed(stage, quantity="1")
    with pytest.raises(TradingHalted):
        placed(stage, side=Side.SELL, quantity="101")
    assert placed(stage, side=Side.SELL, quantity="100").order_id in stage.broker.orders


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (RiskLimits(max_order_qty=D(50)), "MAX_ORDER_QTY"),
        (RiskLimits(max_order_notional=D(1000)), "MAX_ORDER_NOTIONAL"),
        (RiskLimits(max_position_notional=D(1000)), "MAX_POSITION_NOTIONAL"),
        (RiskLimits(max_total_exposure=D(1000)), "MAX_TOTAL_EXPOSURE"),
        (RiskLimits(max_price_age_s=5.0), "MAX_PRICE_AGE_S"),
    ],
)
async def test_limits_hold_for_what_opens_and_not_for_what_reduces(
    make_stage: Staging, limits: RiskLimits, words: str
) -> None:
    stage = make_stage(limits)
    async with stage.desk:
        with pytest.raises(RiskRefused, match=words):
            placed(stage)
        stage.broker.hold(AAPL, "100")
        await stage.desk.positions()
        placed(stage, side=Side.SELL)
        await shut_down(stage.desk, stage.clock)


async def test_orders_a_minute_are_counted_apart_from_brackets(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_orders_per_minute=2))
    async with stage.desk:
        placed(stage)
        placed(stage, instrument=MSFT, price="410.02")
        with pytest.raises(RiskRefused, match="MAX_ORDERS_PER_MINUTE"):
            placed(stage)
        request = BracketRequest("buy", "AAPL", "1")
        await stage.desk.send_bracket(await stage.desk.preview_bracket(request))
        await stage.clock.advance(61)
        placed(stage)
        await shut_down(stage.desk, stage.clock)


async def test_nothing_opens_while_the_link_is_down(stage: Stage) -> None:
    stage.broker.set_link(LinkState.DISCONNECTED)
    with pytest.raises(NotConnected):
        placed(stage)
    assert stage.broker.orders == {}


async def test_only_one_trades_for_the_account_at_a_time(stage: Stage) -> None:
    orders = orders_of(stage)
    with (
        orders.alone("allocation"),
        pytest.raises(AlreadyDone, match="allocation trades"),
        orders.alone("closing"),
    ):
        pass
    with orders.alone("closing"):
        pass


async def test_no_bracket_enters_a_symbol_that_is_traded_for_the_account(stage: Stage) -> None:
    preview = await stage.desk.preview_bracket(BracketRequest("buy", "AAPL", "1"))
    with (
        orders_of(stage).holding(["AAPL"]),
        pytest.raises(RiskRefused, match="for the account as a whole"),
    ):
        await stage.desk.send_bracket(preview)
    await stage.desk.send_bracket(preview)


# -------------------------------------------------------------------- told apart from brackets


async def test_what_is_bought_for_the_account_is_none_of_the_desks_own(stage: Stage) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    stage.broker.fill(order.order_id, "100", "190.40")
    assert stage.desk.own_quantity("AAPL") == 0
    assert stage.desk.day_pnl() == 0
    with pytest.raises(NotFound):
        await stage.desk.close("AAPL")
    assert await stage.desk.close("all") == ()
    assert stage.desk.trades() == ()
    found = await stage.desk.reconcile()
    assert found.agrees
    assert {each.verdict for each in found.findings} == {Verdict.FOREIGN}  # the shares


async def test_halt_withdraws_what_may_open_and_leaves_what_reduces(stage: Stage) -> None:
    stage.broker.hold(MSFT, "50")
    await stage.desk.positions()
    opening = placed(stage)
    reducing = placed(stage, side=Side.SELL, quantity="50", instrument=MSFT)
    stage.broker.accept(opening.order_id, reducing.order_id)
    outcome = await stage.desk.halt(flatten=True)
    assert [each.order_id for each in outcome.withdrawn] == [opening.order_id]
    assert state_of(opening) is AccountOrderState.CANCELLED
    assert state_of(reducing) is AccountOrderState.WORKING
    assert outcome.closed == ()


async def test_cancel_takes_an_order_for_the_account_back(stage: Stage) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    (outcome,) = await stage.desk.cancel(order.order_id)
    assert outcome.ok
    assert state_of(order) is AccountOrderState.CANCELLED


# ------------------------------------------------------------------------------ what is not known


async def test_link_that_is_lost_makes_an_unanswered_order_unknown(stage: Stage) -> None:
    order, known = placed(stage), placed(stage, instrument=MSFT, price="410.02")
    stage.broker.accept(known.order_id)
    stage.broker.set_link(LinkState.DISCONNECTED, epoch=1)
    assert state_of(order) is AccountOrderState.UNKNOWN
    assert state_of(known) is AccountOrderState.WORKING


async def test_unknown_order_that_the_broker_lists_is_taken_up_as_it_is(stage: Stage) -> None:
    order = placed(stage)
    stage.broker.set_link(LinkState.DISCONNECTED, epoch=1)
    held = stage.broker.orders[order.order_id]
    held.state = replace(held.state, perm_id=77, status=OrderStatus.SUBMITTED)  # unheard
    stage.broker.set_link(LinkState.READY, epoch=1)
    await stage.clock.advance(2)
    assert state_of(order) is AccountOrderState.WORKING


async def test_order_that_nobody_lists_is_never_accepted_only_after_two_looks(
    stage: Stage,
) -> None:
    order = placed(stage)
    del stage.broker.orders[order.order_id]  # it never came
    await stage.clock.advance(9)
    assert state_of(order) is AccountOrderState.SENT  # one look is not enough
    await stage.clock.advance(10)
    assert state_of(order) is AccountOrderState.NEVER_ACCEPTED
    assert f"discard {order.order_id}" in stage.broker.sent
    assert stage.broker.sent.count(f"place {order.order_id}") == 1


async def test_shares_that_are_held_do_not_keep_an_order_in_doubt(stage: Stage) -> None:
    stage.broker.hold(AAPL, "500")
    order = placed(stage)
    del stage.broker.orders[order.order_id]
    await stage.clock.advance(20)
    assert state_of(order) is AccountOrderState.NEVER_ACCEPTED


async def test_order_that_was_answered_and_is_listed_nowhere_is_asked_about_and_settled(
    stage: Stage,
) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    del stage.broker.orders[order.order_id]
    found = await stage.desk.reconcile()
    assert not found.agrees
    assert not order.is_over
    settled = await stage.desk.settle(order.order_ref[-6:])
    assert settled.state is AccountOrderState.GONE


async def test_restarted_desk_knows_its_orders_by_their_references(stage: Stage) -> None:
    first = placed(stage)
    second = placed(stage, instrument=MSFT, price="410.02")
    stage.broker.accept(first.order_id, second.order_id)
    stage.broker.fill(first.order_id, "40", "190.40")
    stage.broker.fill(second.order_id, "100", "410.00")
    await reopen(stage)
    (found,) = orders_of(stage).unfinished(AccountLabel.ALLOCATION)
    assert (found.order_ref, found.state, found.filled) == (
        first.order_ref,
        AccountOrderState.PARTLY_FILLED,
        D(40),
    )
    stage.broker.fill(first.order_id, "60", "190.41")
    assert state_of(found) is AccountOrderState.FILLED
    assert stage.desk.own_quantity("AAPL") == 0


async def test_unanswered_order_is_unknown_to_the_desk_that_comes_back(stage: Stage) -> None:
    order = placed(stage)
    await reopen(stage)
    (found,) = orders_of(stage).unfinished(AccountLabel.ALLOCATION)
    assert (found.order_ref, found.state) == (order.order_ref, AccountOrderState.UNKNOWN)


async def test_order_that_was_filled_while_no_desk_ran_is_filled_at_the_restart(
    stage: Stage,
) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    await shut_down(stage.desk, stage.clock)
    stage.broker.fill(order.order_id, "100", "190.40")
    await reopen(stage)
    assert orders_of(stage).unfinished(AccountLabel.ALLOCATION) == ()
    outcomes = [each for each in stage.journal.records if isinstance(each, OutcomeKnown)]
    assert outcomes[-1].outcome == "filled"


async def test_order_that_the_journal_lacks_is_made_anew_from_its_reference(stage: Stage) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    await shut_down(stage.desk, stage.clock)
    of_it = (IntentReserved, OrderReserved, OrderSeen)
    stage.journal.records[:] = [e for e in stage.journal.records if not isinstance(e, of_it)]
    await reopen(stage)
    (found,) = orders_of(stage).unfinished(AccountLabel.ALLOCATION)
    assert (found.order_ref, found.order_id) == (order.order_ref, order.order_id)
    assert state_of(found) is AccountOrderState.WORKING
    assert stage.desk.trades() == ()


# ----------------------------------------------------------------------------------- taken back


async def test_cancellation_is_confirmed_by_the_broker(stage: Stage) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    view = await orders_of(stage).cancel(order)
    assert view.state is AccountOrderState.CANCELLED


async def test_cancellation_that_is_not_answered_is_not_taken_for_one(stage: Stage) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    stage.broker.obeys = False
    asked = asyncio.create_task(orders_of(stage).cancel(order))
    await settle()
    await stage.clock.advance(60)
    assert (await asked).state is AccountOrderState.WORKING


async def test_order_filled_before_its_cancellation_is_filled(stage: Stage) -> None:
    order = placed(stage)
    stage.broker.accept(order.order_id)
    stage.broker.fill(order.order_id, "100", "190.40")
    assert (await orders_of(stage).cancel(order)).state is AccountOrderState.FILLED
    assert f"cancel {order.order_id}" not in stage.broker.sent
