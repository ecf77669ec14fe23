"""allocation: the account brought to target weights, by whole-share orders.

What is sent and in which order is planned by `apps.domain.allocation`; here is when: what an
earlier run left working is ended and confirmed first, what reduces is sent first and waited for,
and what is not paid for by then is not sent. Once an order is out nothing is raised any more: the
result tells of each order what became of it, and nothing is sent again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.domain.allocation import (
    AllocationPlan,
    AllocationTerms,
    Lasting,
    OrderStyle,
    PlannedOrder,
    Urgency,
    check_terms,
)
from apps.domain.errors import AlreadyDone, Refused
from apps.domain.intents import AccountLabel
from apps.engine.routines.allocation_plan import Targets, allocation_plan
from apps.engine.routines.parameters import (
    choice,
    number,
    parameter,
    switch,
    weights,
    whole,
)
from apps.engine.routines.routine import Grounds, Progress, Routine

if TYPE_CHECKING:
    from apps.engine.orders.account_order import AccountOrderView
    from apps.engine.orders.account_orders import Wanted
    from apps.engine.orders.account_trading import NotSent, Sending

__all__ = ["ALLOCATION", "Allocated", "AllocationRequest"]

_LABELS = (AccountLabel.ALLOCATION, AccountLabel.CLOSING)
"""Orders of these are ended first: both trade whole positions."""


@dataclass(frozen=True, slots=True)
class AllocationRequest:
    """Which part of the account each symbol is to be, and how it is brought there."""

    weights: Mapping[str, Decimal] | None = parameter(
        "What part of the account each symbol is to be.", weights(), default=None, positional=True
    )
    exposure: Decimal = parameter(
        "What part of the net liquidation value is allocated; above 1 borrows.",
        number("0", "4", metavar="FACTOR"),
        default=Decimal(1),
    )
    min_trade: Decimal = parameter(
        "What a trade has to be worth at least, in USD.",
        number("0", "1000000000", metavar="AMOUNT", includes_low=True),
        default=Decimal(0),
    )
    close_others: bool = parameter(
        "Close what is held and not named; without it that is left alone.", switch(), default=False
    )
    allow_short: bool = parameter("Let weights be below 0.", switch(), default=False)
    order: OrderStyle = parameter(
        "How the orders trade.", choice(OrderStyle), default=OrderStyle.MARKET
    )
    offset_pct: Decimal = parameter(
        "How far limits are beyond the market, in percent; below 0 they rest before it.",
        number("-20", "20", metavar="PERCENT", includes_low=True),
        default=Decimal(0),
    )
    tif: Lasting = parameter("How long the orders stay.", choice(Lasting), default=Lasting.DAY)
    urgency: Urgency = parameter(
        "How urgently adaptive orders fill.", choice(Urgency), default=Urgency.NORMAL
    )
    wait: int = parameter(
        "Seconds that the orders that reduce, and then the others, are waited for.",
        whole(1, 120),
        default=30,
        identifies=False,
    )
    window: int = parameter(
        "Minutes within which the same allocation is not sent again.",
        whole(0, 1440),
        default=10,
        identifies=False,
    )
    again: bool = parameter(
        "Send the same allocation again within the window.",
        switch(),
        default=False,
        identifies=False,
    )

    def __post_init__(self) -> None:
        check_terms(self.weights, self.terms)

    @property
    def terms(self) -> AllocationTerms:
        """How weights become orders."""
        return AllocationTerms(
            exposure=self.exposure,
            minimum=self.min_trade,
            style=self.order,
            offset_pct=self.offset_pct,
            lasting=self.tif,
            urgency=self.urgency,
            allow_short=self.allow_short,
        )


@dataclass(frozen=True, slots=True)
class Allocated:
    """The plan, and what became of it.

    ``stale`` are orders of an earlier run: cancelled, or in a dry run those that would be.
    ``sent`` are the orders as they stood at the end, ``not_sent`` those of the plan that were not.
    """

    plan: AllocationPlan
    stale: tuple[AccountOrderView, ...] = ()
    sent: tuple[AccountOrderView, ...] = ()
    not_sent: tuple[NotSent, ...] = ()
    is_good: bool = True


async def _run(grounds: Grounds, request: AllocationRequest) -> Allocated:
    trading = grounds.desk.account_trading
    if grounds.dry_run:
        plan = await allocation_plan(grounds, _targets(request))
        refusal = trading.refusal([_wanted(each) for each in plan.orders])
        if refusal:
            plan = replace(plan, problems=(*plan.problems, refusal))
        return Allocated(plan, trading.stale(*_LABELS), is_good=not plan.problems)
    _refuse_repeated(grounds, request)
    named = request.weights or {}
    with trading.alone("allocation"), trading.holding(named):
        plan = _sendable(grounds, await allocation_plan(grounds, _targets(request)))
        stale = await trading.end_stale(*_LABELS)
        if stale:  # they may have traded
            plan = _sendable(grounds, await allocation_plan(grounds, _targets(request)))
        with trading.holding(line.symbol for line in plan.lines):
            return await _carry_out(grounds, request, plan, stale)


def _targets(request: AllocationRequest) -> Targets:
    return Targets(request.weights or {}, request.terms, close_others=request.close_others)


def _refuse_repeated(grounds: Grounds, request: AllocationRequest) -> None:
    """Raise AlreadyDone for an allocation that was sent, or cut off, within the window."""
    kept = grounds.desk.activities.of_signature(grounds.signature)
    now = grounds.desk.market_now
    if kept is None or request.again or not request.window:
        return
    at = kept.began.at
    is_within = at is None or now is None or now - at < timedelta(minutes=request.window)
    if not is_within:
        return
    is_cut_off = kept.ended is None
    label = AccountLabel.ALLOCATION.value
    if is_cut_off or at is None or grounds.desk.activities.has_traded(label, at):
        when = "before" if at is None else f"at {at:%H:%M:%S} UTC"
        how = "begun and cut off" if is_cut_off else "sent"
        raise AlreadyDone(
            f"this allocation was {how} {when}, and is not sent twice within {request.window} "
            "minutes: nothing was sent. See `orders` and `positions`; --again sends it all the "
            "same."
        )


def _sendable(grounds: Grounds, plan: AllocationPlan) -> AllocationPlan:
    """Give ``plan`` back. Raises Refused, RiskRefused, NotConnected: nothing of it may be sent."""
    if plan.problems:
        raise Refused(f"nothing was sent: {'; '.join(plan.problems)}.")
    grounds.desk.account_trading.check_all([_wanted(each) for each in plan.orders])
    return plan


async def _carry_out(
    grounds: Grounds,
    request: AllocationRequest,
    plan: AllocationPlan,
    stale: tuple[AccountOrderView, ...],
) -> Allocated:
    """Send what reduces, then what opens as far as it can be paid for; give what became of it."""
    sending = grounds.desk.account_trading.sending()
    rests = request.order is OrderStyle.ON_CLOSE
    reducing = [each for each in plan.orders if each.reduces]
    opening = [each for each in plan.orders if not each.reduces]
    _send(grounds, sending, reducing, len(plan.orders))
    await sending.settled(request.wait, is_enough_to_work=rests)
    if paid := _paid_for(plan, sending, reducing, opening):
        _send(grounds, sending, paid, len(plan.orders))
        await sending.settled(request.wait, is_enough_to_work=rests)
    return Allocated(plan, stale, sending.sent, tuple(sending.not_sent), sending.is_good)


def _send(grounds: Grounds, sending: Sending, orders: list[PlannedOrder], of: int) -> None:
    for each in orders:
        sending.send(_wanted(each))
        done = len(sending.sent) + len(sending.not_sent)
        grounds.tell(Progress(done, of, each.instrument.symbol))


def _paid_for(
    plan: AllocationPlan,
    sending: Sending,
    reducing: list[PlannedOrder],
    opening: list[PlannedOrder],
) -> list[PlannedOrder]:
    """Give what may be sent now; of the rest it is said why it is not."""
    if not opening or sending.why_stopped:
        return opening  # each is told as not sent, by what stopped the sending
    if dark := sending.in_the_dark:
        why = f"it is not known what became of the orders in {', '.join(dark)}"
        return _left(sending, opening, why)
    missing = max(Decimal(0), _worth(reducing) - sum(sending.proceeds(), Decimal(0)))
    is_all_sold = all(each.filled >= each.quantity for each in sending.sent)
    if is_all_sold:
        return opening
    room = plan.room_after - missing
    paid = []
    for each in opening:
        if each.worth <= room:
            room -= each.worth
            paid.append(each)
        else:
            _left(sending, [each], "what was to be sold for it is not sold")
    return paid


def _left(sending: Sending, orders: list[PlannedOrder], why: str) -> list[PlannedOrder]:
    for each in orders:
        sending.leave(each.instrument, each.ticket, why)
    return []


def _worth(orders: list[PlannedOrder]) -> Decimal:
    return sum((each.worth for each in orders), Decimal(0))


def _wanted(order: PlannedOrder) -> Wanted:
    from apps.engine.orders.account_orders import Wanted  # noqa: PLC0415 - help stays light

    return Wanted(order.instrument, order.ticket, AccountLabel.ALLOCATION, order.price)


ALLOCATION = Routine(
    name="allocation",
    meaning="Bring the account to target weights, by whole-share orders.",
    explanation="Make each symbol the part of the account that is named, by whole shares. What an "
    "earlier allocation left working is cancelled first; what reduces is sent, and waited for, "
    "before what opens; nothing is sent where something of the plan cannot be. Symbols in which a "
    "bracket is live are refused. Nothing protects what is bought: it is the account's, and no "
    "trade of the desk's.",
    request=AllocationRequest,
    run=_run,
    examples=(
        "allocation AAPL=0.4 MSFT=0.3 --dry-run",
        "allocation AAPL=0.4 MSFT=0.3 --order lmt --offset-pct 0.2 --min-trade 500",
        "allocation AAPL=0.5 MSFT=0.5 --exposure 0.9 --close-others --yes",
    ),
    trades=True,
    deadline_s=300.0,
    is_done=lambda result: result.is_good,
)
