"""cash-balancer: foreign cash into the account's base currency, and debts in it bought back.

What is converted is planned by `apps.domain.cash_balance`. Conversions that bring the base currency
are sent first and waited for; a debt is bought back of what is there by then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.domain.cash_balance import (
    CashPlan,
    CashTerms,
    Conversion,
    ConversionStyle,
    PairMarket,
    plan_conversions,
)
from apps.domain.errors import BadRequest, DeskError, NotFound, Refused
from apps.domain.intents import AccountLabel
from apps.engine.routines.parameters import choice, number, parameter, symbols, whole
from apps.engine.routines.routine import Grounds, Progress, Routine

if TYPE_CHECKING:
    from apps.domain.account import CurrencyCash
    from apps.engine.orders.account_order import AccountOrderView
    from apps.engine.orders.account_orders import Wanted
    from apps.engine.orders.account_trading import NotSent, Priced, Sending

__all__ = ["CASH_BALANCER", "Balanced", "CashRequest"]

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class CashRequest:
    """Which balances are converted, and how."""

    currencies: tuple[str, ...] = parameter(
        "Only these currencies.", symbols(most=50), default=(), positional=True
    )
    threshold: Decimal = parameter(
        "Balances worth less than this, in the base currency, are left.",
        number("0", "1000000000", metavar="AMOUNT", includes_low=True),
        default=Decimal(100),
    )
    lot: Decimal = parameter(
        "Convert in multiples of so many units of the pair's first currency.",
        number("0", "10000000", metavar="UNITS"),
        default=Decimal(1),
    )
    order: ConversionStyle = parameter(
        "How the conversions trade.", choice(ConversionStyle), default=ConversionStyle.MARKET
    )
    offset_pct: Decimal = parameter(
        "How far limits are beyond the market, in percent; below 0 they rest before it.",
        number("-5", "5", metavar="PERCENT", includes_low=True),
        default=_NONE,
    )
    wait: int = parameter(
        "Seconds that conversions are waited for.", whole(1, 120), default=30, identifies=False
    )

    def __post_init__(self) -> None:
        problems = {}
        if self.lot != self.lot.to_integral_value():
            problems["lot"] = "is a fraction; currencies are converted in whole units"
        if self.offset_pct and self.order is not ConversionStyle.LIMIT:
            problems["offset_pct"] = "is for lmt orders, and these are mkt"
        if problems:
            raise BadRequest(problems)

    @property
    def terms(self) -> CashTerms:
        """What is converted, and how."""
        return CashTerms(self.threshold, self.lot, self.order, self.offset_pct, self.currencies)


@dataclass(frozen=True, slots=True)
class Balanced:
    """The plan, and what became of it.

    ``stale`` are orders of an earlier run: cancelled, or in a dry run those that would be.
    ``sent`` are the orders as they stood at the end, ``not_sent`` those of the plan that were not.
    """

    plan: CashPlan
    stale: tuple[AccountOrderView, ...] = ()
    sent: tuple[AccountOrderView, ...] = ()
    not_sent: tuple[NotSent, ...] = ()
    is_good: bool = True


async def _run(grounds: Grounds, request: CashRequest) -> Balanced:
    trading = grounds.desk.account_trading
    if grounds.dry_run:
        plan = await _plan(grounds, request)
        refusal = trading.refusal([_wanted(each) for each in plan.orders])
        if refusal:
            plan = replace(plan, problems=(*plan.problems, refusal))
        return Balanced(plan, trading.stale(AccountLabel.CASH), is_good=not plan.problems)
    with trading.alone("cash-balancer"):
        plan = _sendable(grounds, await _plan(grounds, request))
        stale = await trading.end_stale(AccountLabel.CASH)
        if stale:  # they may have traded
            plan = _sendable(grounds, await _plan(grounds, request))
        return await _carry_out(grounds, request, plan, stale)


async def _plan(grounds: Grounds, request: CashRequest) -> CashPlan:
    grounds.tell(Progress(0, 1, "asking for balances"))
    summary, cash = await grounds.desk.account_trading.balances()
    base = summary.currency
    wanted = [
        each.currency
        for each in cash
        if each.currency != base and base and _is_wanted(each, request)
    ]
    markets = await _markets(grounds, wanted, base)
    return plan_conversions(cash, base, markets, request.terms)


def _is_wanted(cash: CurrencyCash, request: CashRequest) -> bool:
    is_named = not request.currencies or cash.currency in request.currencies
    is_much = cash.rate is not None and abs(cash.amount * cash.rate) >= request.threshold
    return is_named and is_much and cash.amount != 0


async def _markets(grounds: Grounds, currencies: list[str], base: str) -> dict[str, PairMarket]:
    """Find the pair of each currency with the base, whichever way it is quoted.

    Raises what the broker raises, save that there is no such pair.
    """
    trading = grounds.desk.account_trading
    markets: dict[str, PairMarket] = {}
    for is_direct in (True, False):
        left = [each for each in currencies if each not in markets]
        names = {each: f"{each}.{base}" if is_direct else f"{base}.{each}" for each in left}
        found = await trading.priced(names.values())
        for currency, name in names.items():
            priced = _or_none(found[name])
            if priced is not None:
                markets[currency] = _market(priced, grounds.desk.market_now, is_direct=is_direct)
    return markets


def _market(priced: Priced, now: datetime | None, *, is_direct: bool) -> PairMarket:
    hours = priced.instrument.hours
    is_open, later = None, None
    if now is not None:
        later = hours.next_regular(now)
        # the broker's hours begin today: on a weekend nothing lies before the next session
        is_open = hours.regular_at(now) is not None if later is not None else hours.is_open(now)
    return PairMarket(
        instrument=priced.instrument,
        is_direct=is_direct,
        quote=priced.quote,
        age_s=priced.age_s,
        is_open=is_open,
        opens_at=None if later is None else later.start,
    )


def _or_none(found: Priced | DeskError) -> Priced | None:
    if isinstance(found, NotFound):
        return None
    if isinstance(found, DeskError):
        raise found
    return found


def _sendable(grounds: Grounds, plan: CashPlan) -> CashPlan:
    """Give ``plan`` back. Raises Refused, RiskRefused, NotConnected: nothing of it may be sent."""
    if plan.problems:
        raise Refused(f"nothing was sent: {'; '.join(plan.problems)}.")
    grounds.desk.account_trading.check_all([_wanted(each) for each in plan.orders])
    return plan


async def _carry_out(
    grounds: Grounds, request: CashRequest, plan: CashPlan, stale: tuple[AccountOrderView, ...]
) -> Balanced:
    sending = grounds.desk.account_trading.sending()
    bringing = [each for each in plan.orders if each.gives]
    _send(grounds, sending, bringing, len(plan.orders))
    await sending.settled(request.wait)
    if paid := _paid_for(plan, sending):
        _send(grounds, sending, paid, len(plan.orders))
        await sending.settled(request.wait)
    return Balanced(plan, stale, sending.sent, tuple(sending.not_sent), sending.is_good)


def _send(grounds: Grounds, sending: Sending, orders: list[Conversion], of: int) -> None:
    for each in orders:
        sending.send(_wanted(each))
        done = len(sending.sent) + len(sending.not_sent)
        grounds.tell(Progress(done, of, each.instrument.symbol))


def _paid_for(plan: CashPlan, sending: Sending) -> list[Conversion]:
    """Give the debts that can be bought back now; of the others it is said why not."""
    buying = [each for each in plan.orders if each.costs]
    if sending.why_stopped:
        return buying  # each is told as not sent, by what stopped the sending
    filled = {each.order_ref for each in sending.sent if each.filled >= each.quantity}
    is_all_there = len(filled) == len(sending.sent)
    room, paid = plan.base_before, []
    for each in buying:
        if is_all_there or each.costs <= room:
            room -= each.costs
            paid.append(each)
        else:
            why = f"the {plan.base} for it has not come in"
            sending.leave(each.instrument, each.ticket, why)
    return paid


def _wanted(order: Conversion) -> Wanted:
    from apps.engine.orders.account_orders import Wanted  # noqa: PLC0415 - help stays light

    return Wanted(order.instrument, order.ticket, AccountLabel.CASH, order.price)


CASH_BALANCER = Routine(
    name="cash-balancer",
    meaning="Convert foreign cash into the base currency.",
    explanation="Sell what the account has of foreign currencies beyond the threshold for its base "
    "currency, and buy back what it owes, on IDEALPRO and in whole lots. Less than about 25,000 "
    "USD goes as an odd lot, at a wider price: that is told. Where a currency has no rate, or no "
    "pair, nothing is sent.",
    request=CashRequest,
    run=_run,
    examples=(
        "cash-balancer --dry-run",
        "cash-balancer EUR --threshold 1000 --yes",
        "cash-balancer --order lmt --offset-pct 0.05 --lot 1000",
    ),
    trades=True,
    deadline_s=300.0,
    is_done=lambda result: result.is_good,
)
