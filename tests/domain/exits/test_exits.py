from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.exits.routine import (
    MAX_MARKET_ORDERS,
    MAX_REPRICES,
    CancelStop,
    CancelTakeProfit,
    Done,
    ExitAction,
    ExitOrder,
    ExitProgress,
    ExitRole,
    ExitView,
    ReduceEntry,
    RepriceTakeProfit,
    SendMarket,
    Stuck,
    Wait,
    WithdrawEntry,
    decide,
)
from apps.domain.orders import OrderState, OrderStatus, Side
from apps.domain.quotes import Quote
from apps.domain.ticks import TickRule

CENT = TickRule.of("0.01")
WORKING, HELD = OrderStatus.SUBMITTED, OrderStatus.PRE_SUBMITTED
ENTRY, TARGET, STOP, MARKET = (
    ExitRole.ENTRY,
    ExitRole.TAKE_PROFIT,
    ExitRole.STOP,
    ExitRole.MARKET,
)


def quote(bid: str = "190.00", ask: str = "190.02") -> Quote:
    return Quote(Decimal(bid), Decimal(ask), None, None, None, None, 0.0)


def order(
    role: ExitRole,
    order_id: int,
    *,
    quantity: int = 10,
    filled: int = 0,
    executed: int | None = None,
    status: OrderStatus = WORKING,
    side: Side | None = None,
    limit: str | None = None,
    why_held: str = "",
) -> ExitOrder:
    sides = {ENTRY: Side.BUY}
    state = OrderState(
        order_id, 1000 + order_id, 1, "DU1", 265598, "AAPL", side or sides.get(role, Side.SELL),
        Decimal(quantity), role.value, None if limit is None else Decimal(limit), None, "GTC", "",
        0, "", status, Decimal(filled), Decimal(quantity - filled), None, why_held,
    )  # fmt: skip
    return ExitOrder(role, state, Decimal(filled if executed is None else executed))


FILLED_ENTRY = order(ENTRY, 1, filled=10, status=OrderStatus.FILLED)
LIVE_TARGET = order(TARGET, 2, limit="195.00")
LIVE_STOP = order(STOP, 3, status=HELD)
NONE = ExitProgress()


def view(
    *orders: ExitOrder,
    ours: int = 10,
    account: int | None = 10,
    quoted: Quote | None = None,
    mark: str | None = None,
) -> ExitView:
    return ExitView(
        "AAPL",
        CENT,
        Decimal(ours),
        None if account is None else Decimal(account),
        orders,
        quoted,
        None if mark is None else Decimal(mark),
    )


def asked(actions: tuple[ExitAction, ...]) -> list[type]:
    return [type(action) for action in actions]


# entries


def test_an_entry_with_nothing_filled_is_withdrawn_once() -> None:
    waiting = view(order(ENTRY, 1), LIVE_TARGET, LIVE_STOP, ours=0, account=0)
    progress, actions = decide(waiting, NONE)
    assert actions == (WithdrawEntry(1),)
    again, actions = decide(waiting, progress)
    assert (again, asked(actions)) == (progress, [Wait])


def test_a_partly_filled_entry_is_reduced_to_what_is_filled() -> None:
    partly = view(order(ENTRY, 1, filled=4), LIVE_TARGET, LIVE_STOP, ours=4, account=4)
    progress, actions = decide(partly, NONE)
    assert actions == (ReduceEntry(1, Decimal(4)),)
    assert asked(decide(partly, progress)[1]) == [Wait]


def test_an_entry_that_fills_further_is_reduced_again() -> None:
    progress, _ = decide(view(order(ENTRY, 1, filled=4), ours=4), NONE)
    _, actions = decide(view(order(ENTRY, 1, filled=6), ours=6), progress)
    assert actions == (ReduceEntry(1, Decimal(6)),)


def test_an_entry_known_to_fill_by_its_execution_alone_is_reduced_and_not_withdrawn() -> None:
    _, actions = decide(view(order(ENTRY, 1, filled=0, executed=4), ours=4), NONE)
    assert actions == (ReduceEntry(1, Decimal(4)),)


def test_an_entry_being_cancelled_is_waited_for_though_it_fills() -> None:
    progress, _ = decide(view(order(ENTRY, 1), ours=0), NONE)
    filling = order(ENTRY, 1, filled=4, status=OrderStatus.PENDING_CANCEL)
    assert asked(decide(view(filling, ours=4), progress)[1]) == [Wait]
    assert asked(decide(view(filling, ours=4), NONE)[1]) == [Wait]


def test_a_reduced_entry_no_longer_stands_in_the_way() -> None:
    reduced = order(ENTRY, 1, quantity=4, filled=4)
    _, actions = decide(
        view(reduced, LIVE_TARGET, LIVE_STOP, ours=4, account=4, quoted=quote()), NONE
    )
    assert actions == (RepriceTakeProfit(2, Decimal("189.05"), Decimal(4)),)


def test_a_rejected_entry_is_over_but_one_held_for_a_locate_is_not() -> None:
    rejected = order(ENTRY, 1, status=OrderStatus.INACTIVE)
    assert decide(view(rejected, ours=0, account=0), NONE)[1] == (Done(),)
    located = order(ENTRY, 1, status=OrderStatus.INACTIVE, why_held="locate")
    assert decide(view(located, ours=0, account=0), NONE)[1] == (WithdrawEntry(1),)


# recount


def test_executions_that_lag_behind_a_status_are_waited_for() -> None:
    ahead = order(ENTRY, 1, filled=10, executed=0, status=OrderStatus.FILLED)
    _, actions = decide(view(ahead, LIVE_TARGET, LIVE_STOP, ours=0), NONE)
    assert actions == (Wait("the executions of order 1"),)


def test_what_an_exit_filled_before_today_is_not_waited_for() -> None:
    target = order(TARGET, 2, filled=3, executed=0, limit="195.00")
    held = view(target, LIVE_STOP, ours=7, account=7, quoted=quote())
    assert decide(held, NONE)[1] == (Wait("the executions of order 2"),)
    known = replace(held, orders=(replace(target, traded=Decimal(3)), LIVE_STOP))
    assert decide(known, NONE)[1] == (RepriceTakeProfit(2, Decimal("189.05"), Decimal(10)),)


def test_the_account_position_is_waited_for() -> None:
    _, actions = decide(view(FILLED_ENTRY, LIVE_STOP, account=None, quoted=quote()), NONE)
    assert actions == (Wait("the account's position"),)


# take-profit through the market


def test_a_take_profit_is_priced_through_the_bid() -> None:
    held = view(FILLED_ENTRY, LIVE_TARGET, LIVE_STOP, quoted=quote())
    progress, actions = decide(held, NONE)
    assert actions == (RepriceTakeProfit(2, Decimal("189.05"), Decimal(10)),)
    assert asked(decide(held, progress)[1]) == [Wait]


def test_a_quote_that_is_not_of_now_prices_nothing() -> None:
    for late in (replace(quote(), delayed=True), replace(quote(), frozen=True)):
        held = view(FILLED_ENTRY, LIVE_TARGET, LIVE_STOP, quoted=late)
        assert decide(held, NONE) == decide(replace(held, quote=None), NONE)
        assert decide(held, NONE) != decide(replace(held, quote=quote()), NONE)


def test_a_short_is_bought_back_through_the_ask() -> None:
    target = order(TARGET, 2, side=Side.BUY, limit="180.00")
    stop = order(STOP, 3, side=Side.BUY)
    _, actions = decide(view(target, stop, ours=-10, account=-10, quoted=quote()), NONE)
    assert actions == (RepriceTakeProfit(2, Decimal("190.98"), Decimal(10)),)


def test_without_a_quote_the_newest_price_known_serves() -> None:
    _, actions = decide(view(LIVE_TARGET, LIVE_STOP, mark="100.00"), NONE)
    assert actions == (RepriceTakeProfit(2, Decimal("99.50"), Decimal(10)),)


def test_a_take_profit_larger_than_the_account_holds_is_cut() -> None:
    _, actions = decide(view(LIVE_TARGET, LIVE_STOP, account=4, quoted=quote()), NONE)
    assert actions == (RepriceTakeProfit(2, Decimal("189.05"), Decimal(4)),)


def test_a_partly_filled_take_profit_keeps_its_filled_shares_in_its_total() -> None:
    target = order(TARGET, 2, filled=3, limit="195.00")
    _, actions = decide(view(target, LIVE_STOP, ours=7, account=7, quoted=quote()), NONE)
    assert actions == (RepriceTakeProfit(2, Decimal("189.05"), Decimal(10)),)


def test_a_market_that_ran_away_is_followed_once_the_last_change_is_acknowledged() -> None:
    progress, _ = decide(view(LIVE_TARGET, LIVE_STOP, quoted=quote()), NONE)
    lower = quote("185.00", "185.02")
    _, actions = decide(view(LIVE_TARGET, LIVE_STOP, quoted=lower), progress)
    assert asked(actions) == [Wait]
    changed = order(TARGET, 2, limit="189.05")
    _, actions = decide(view(changed, LIVE_STOP, quoted=lower), progress)
    assert actions == (RepriceTakeProfit(2, Decimal("184.07"), Decimal(10)),)


def test_after_tries_enough_the_exits_give_way_to_a_market_order() -> None:
    progress, price = NONE, "195.00"
    for n in range(MAX_REPRICES):
        target = order(TARGET, 2, limit=price)
        bid = str(190 - 5 * n)
        progress, actions = decide(view(target, LIVE_STOP, quoted=quote(bid)), progress)
        (action,) = actions
        assert isinstance(action, RepriceTakeProfit)
        price = str(action.price)
    target = order(TARGET, 2, limit=price)
    progress, actions = decide(view(target, LIVE_STOP, quoted=quote("150.00")), progress)
    assert actions == (CancelTakeProfit(2), CancelStop(3))


def test_a_take_profit_not_yet_accepted_is_waited_for() -> None:
    target = order(TARGET, 2, status=OrderStatus.PENDING_SUBMIT)
    assert asked(decide(view(target, LIVE_STOP, quoted=quote()), NONE)[1]) == [Wait]


def test_several_take_profits_are_priced_together_if_they_fit() -> None:
    both = (order(TARGET, 2, quantity=6), order(TARGET, 5, quantity=4))
    _, actions = decide(view(*both, LIVE_STOP, quoted=quote()), NONE)
    assert actions == (
        RepriceTakeProfit(2, Decimal("189.05"), Decimal(6)),
        RepriceTakeProfit(5, Decimal("189.05"), Decimal(4)),
    )


def test_several_take_profits_that_are_too_many_are_cancelled_instead() -> None:
    both = (order(TARGET, 2, quantity=6), order(TARGET, 5, quantity=6))
    _, actions = decide(view(*both, quoted=quote()), NONE)
    assert actions == (CancelTakeProfit(2), CancelTakeProfit(5))


# without a take-profit


def test_a_stop_is_cancelled_awaited_and_followed_by_a_market_order() -> None:
    progress, actions = decide(view(FILLED_ENTRY, LIVE_STOP, quoted=quote()), NONE)
    assert actions == (CancelStop(3),)
    going = replace(LIVE_STOP, order=replace(LIVE_STOP.order, status=OrderStatus.PENDING_CANCEL))
    progress, actions = decide(view(FILLED_ENTRY, going, quoted=quote()), progress)
    assert asked(actions) == [Wait]
    gone = order(STOP, 3, status=OrderStatus.CANCELLED)
    progress, actions = decide(view(FILLED_ENTRY, gone, quoted=quote()), progress)
    assert actions == (SendMarket(Side.SELL, Decimal(10)),)
    _, actions = decide(view(FILLED_ENTRY, gone, quoted=quote()), progress)
    assert actions == (Wait("the closing order to be acknowledged"),)


def test_a_stop_that_filled_while_it_was_cancelled_leaves_less_to_sell() -> None:
    progress, _ = decide(view(LIVE_STOP), NONE)
    partly = order(STOP, 3, filled=6, status=OrderStatus.CANCELLED)
    assert decide(view(partly, ours=4, account=4), progress)[1] == (
        SendMarket(Side.SELL, Decimal(4)),
    )
    full = order(STOP, 3, filled=10, status=OrderStatus.FILLED)
    assert decide(view(full, ours=0, account=0), progress)[1] == (Done(),)


def test_a_naked_position_is_sold_at_once_and_only_once() -> None:
    progress, actions = decide(view(FILLED_ENTRY), NONE)
    assert actions == (SendMarket(Side.SELL, Decimal(10)),)
    working = order(MARKET, 9)
    assert asked(decide(view(FILLED_ENTRY, working), progress)[1]) == [Wait]
    status_first = order(MARKET, 9, filled=10, executed=0, status=OrderStatus.FILLED)
    assert asked(decide(view(FILLED_ENTRY, status_first), progress)[1]) == [Wait]
    done = order(MARKET, 9, filled=10, status=OrderStatus.FILLED)
    assert decide(view(FILLED_ENTRY, done, ours=0, account=0), progress)[1] == (Done(),)


def test_an_older_closing_order_is_not_taken_for_the_new_one() -> None:
    older = order(MARKET, 5, filled=10, status=OrderStatus.FILLED)
    progress, actions = decide(view(older, FILLED_ENTRY), NONE)
    assert asked(actions) == [SendMarket]
    assert asked(decide(view(older, FILLED_ENTRY), progress)[1]) == [Wait]


def test_a_closing_order_that_is_under_way_is_seen_by_a_fresh_progress() -> None:
    assert asked(decide(view(FILLED_ENTRY, order(MARKET, 9)), NONE)[1]) == [Wait]


def test_a_cancelled_closing_order_is_followed_by_another_but_not_for_ever() -> None:
    progress, orders = NONE, [FILLED_ENTRY]
    for n in range(MAX_MARKET_ORDERS):
        progress, actions = decide(view(*orders), progress)
        assert actions == (SendMarket(Side.SELL, Decimal(10)),)
        orders.append(order(MARKET, 9 + n, status=OrderStatus.CANCELLED))
    _, (action,) = decide(view(*orders), progress)
    assert isinstance(action, Stuck)
    assert "AAPL: 10 shares are still open" in action.reason


def test_an_inactive_take_profit_held_for_something_is_cancelled() -> None:
    held = order(TARGET, 2, status=OrderStatus.INACTIVE, why_held="locate")
    assert asked(decide(view(held, LIVE_STOP, quoted=quote()), NONE)[1]) == [
        CancelTakeProfit,
        CancelStop,
    ]


def test_exits_that_were_cancelled_are_not_priced_when_a_quote_comes() -> None:
    progress, actions = decide(view(LIVE_TARGET, LIVE_STOP), NONE)
    assert asked(actions) == [CancelTakeProfit, CancelStop]
    assert asked(decide(view(LIVE_TARGET, LIVE_STOP, quoted=quote()), progress)[1]) == [Wait]


def test_an_exit_that_is_being_cancelled_is_not_cancelled_again() -> None:
    going = order(STOP, 3, status=OrderStatus.PENDING_CANCEL)
    assert asked(decide(view(going), NONE)[1]) == [Wait]


# what is ours and what is the account's


def test_with_nothing_of_ours_left_over_exits_are_cancelled_and_it_is_done() -> None:
    progress, actions = decide(view(LIVE_TARGET, LIVE_STOP, ours=0, account=5), NONE)
    assert actions == (CancelTakeProfit(2), CancelStop(3))
    gone = order(STOP, 3, status=OrderStatus.CANCELLED)
    assert decide(view(gone, ours=0, account=5), progress)[1] == (Done(),)


@pytest.mark.parametrize("account", [0, -5])
def test_shares_that_the_account_does_not_hold_are_not_sold(account: int) -> None:
    progress, actions = decide(view(LIVE_TARGET, LIVE_STOP, account=account, quoted=quote()), NONE)
    assert actions == (CancelTakeProfit(2), CancelStop(3))
    _, (action,) = decide(view(account=account, quoted=quote()), progress)
    assert isinstance(action, Stuck)
    assert f"we hold 10, but the account holds {account}" in action.reason


# laws, on a broker in miniature


@dataclass
class Broker:
    """Orders that fill, lag and are cancelled as the test draws it; its books are the truth."""

    others: int
    orders: dict[int, ExitOrder]
    shares: int = 0
    lagging: dict[int, int] = field(default_factory=dict)
    next_id: int = 100

    def fill(self, order_id: int, shares: int, *, report_later: bool) -> None:
        each = self.orders[order_id]
        if each.order.status.is_done:
            return
        left = int(each.order.quantity - each.order.filled)
        shares = min(shares, left)
        filled = each.order.filled + shares
        status = OrderStatus.FILLED if shares == left else each.order.status
        state = replace(each.order, filled=filled, status=status)
        self.orders[order_id] = replace(each, order=state)
        self.shares += shares * each.order.side.sign
        self.lagging[order_id] = self.lagging.get(order_id, 0) + shares
        if not report_later:
            self.report()
        if each.role in (TARGET, STOP):
            self._reduce_siblings(order_id, shares)

    def _reduce_siblings(self, order_id: int, shares: int) -> None:
        for other in list(self.orders.values()):
            if other.role not in (TARGET, STOP) or other.order_id == order_id:
                continue
            if other.order.status.is_done:
                continue
            quantity = max(other.order.quantity - shares, other.order.filled)
            over = quantity == other.order.filled
            status = OrderStatus.CANCELLED if over else other.order.status
            state = replace(other.order, quantity=quantity, status=status)
            self.orders[other.order_id] = replace(other, order=state)

    def report(self) -> None:
        for order_id, shares in self.lagging.items():
            each = self.orders[order_id]
            self.orders[order_id] = replace(each, traded=each.traded + shares)
        self.lagging.clear()

    def view(self) -> ExitView:
        ours = sum(each.traded * each.order.side.sign for each in self.orders.values())
        account = None if self.lagging else Decimal(self.shares + self.others)
        orders = tuple(self.orders.values())
        return ExitView("AAPL", CENT, Decimal(ours), account, orders, quote())

    def do(self, action: ExitAction) -> None:
        match action:
            case WithdrawEntry(order_id) | CancelStop(order_id) | CancelTakeProfit(order_id):
                self._change(order_id, status=OrderStatus.PENDING_CANCEL)
            case ReduceEntry(order_id, quantity):
                self._change(order_id, quantity=quantity)
            case RepriceTakeProfit(order_id, price, quantity):
                self._change(order_id, quantity=quantity, limit_price=price)
            case SendMarket(side, quantity):
                self.next_id += 1
                sent = order(MARKET, self.next_id, quantity=int(quantity), side=side)
                self.orders[self.next_id] = sent
            case _:
                pass

    def _change(self, order_id: int, **changes: object) -> None:
        each = self.orders[order_id]
        if not each.order.status.is_done:
            state = replace(each.order, **changes)  # type: ignore[arg-type]  # fields by name
            if state.quantity <= state.filled:
                state = replace(state, quantity=state.filled, status=OrderStatus.FILLED)
            self.orders[order_id] = replace(each, order=state)

    def settle(self) -> None:
        self.report()
        for each in list(self.orders.values()):
            if each.order.status is OrderStatus.PENDING_CANCEL:
                self._change(each.order_id, status=OrderStatus.CANCELLED)
            elif each.role is MARKET or each.order.limit_price == Decimal("189.05"):
                self.fill(each.order_id, 1000, report_later=False)
        self.report()


@given(
    entered=st.integers(0, 10),
    with_target=st.booleans(),
    with_stop=st.booleans(),
    others=st.integers(-15, 5),
    events=st.lists(
        st.tuples(st.sampled_from([1, 2, 3, 101]), st.integers(1, 10), st.booleans()), max_size=8
    ),
    fresh_at=st.integers(0, 12),
)
@settings(deadline=None, max_examples=100)
def test_no_order_of_events_sells_more_than_is_ours_and_the_accounts(
    entered: int,
    with_target: bool,
    with_stop: bool,
    others: int,
    events: list[tuple[int, int, bool]],
    fresh_at: int,
) -> None:
    orders = [order(ENTRY, 1)]
    orders += [replace(LIVE_TARGET)] if with_target else []
    orders += [replace(LIVE_STOP)] if with_stop else []
    broker = Broker(others, {each.order_id: each for each in orders})
    broker.fill(1, entered, report_later=False)
    progress: ExitProgress = NONE
    last: tuple[ExitAction, ...] = ()
    for turn in range(40):
        if turn == fresh_at:
            progress = NONE  # the link was lost and everything was read anew
        seen = broker.view()
        progress, last = decide(seen, progress)
        assert last
        again, repeated = decide(seen, progress)
        assert again == progress
        assert asked(repeated) in ([Wait], [Done], [Stuck])
        for action in last:
            if isinstance(action, SendMarket):
                assert action.quantity <= seen.closable
                assert not [each for each in seen.orders if not each.is_over]
            if isinstance(action, RepriceTakeProfit):
                assert action.quantity <= broker.orders[2].traded + seen.closable
            broker.do(action)
        if asked(last)[0] in (Done, Stuck):
            break
        if turn < len(events):
            order_id, shares, report_later = events[turn]
            held_child = order_id in (2, 3) and shares > broker.shares
            if order_id in broker.orders and not held_child:
                broker.fill(order_id, shares, report_later=report_later)
        else:
            broker.settle()
        assert broker.shares >= 0
    assert asked(last)[0] in (Done, Stuck)
    assert not [each for each in broker.orders.values() if not each.is_over]
    if others >= 0:
        assert (last, broker.shares) == ((Done(),), 0)
