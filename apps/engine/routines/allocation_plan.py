"""What an allocation's plan is made of: prices, positions and balances, asked for and put together.

The instruments are US stocks, so all is reckoned in dollars: balances of an account in another
currency by the rate that the broker tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.domain.account import AccountSummary, CurrencyCash, Position
from apps.domain.allocation import (
    AllocationPlan,
    AllocationTerms,
    Standing,
    Subject,
    plan_allocation,
)
from apps.domain.errors import BadRequest, DeskError, NotTradableYet
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.numerals import plain
from apps.engine.routines.routine import Grounds, Progress

if TYPE_CHECKING:
    from apps.engine.orders.account_trading import Priced

__all__ = ["Targets", "allocation_plan"]

_CURRENCY = "USD"
"""The currency that orders are in: see `Instrument.require_tradable`."""

_NONE, _ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class Targets:
    """Weights by symbol as asked for, how they become orders, and what of what is not named."""

    weights: Mapping[str, Decimal]
    terms: AllocationTerms
    close_others: bool = False


async def allocation_plan(grounds: Grounds, targets: Targets) -> AllocationPlan:
    """Ask, and make the plan.

    Raises BadRequest, which names every symbol that is unknown, and what the broker raises.
    """
    trading = grounds.desk.account_trading
    grounds.tell(Progress(0, 1, "asking for prices"))
    priced = _known(await trading.priced(targets.weights))
    positions = [
        each
        for each in await trading.positions()
        if each.quantity and each.kind != InstrumentKind.FOREX.value
    ]
    named = {each.instrument.con_id for each in priced.values()}
    others = [each for each in positions if each.con_id not in named]
    wanted = [(each, targets.weights[symbol]) for symbol, each in priced.items()]
    notes: list[str] = []
    if targets.close_others:
        found = await trading.priced(each.symbol for each in others)
        closing, others = _closable(others, found)
        wanted += [(each, _NONE) for each in closing]
        notes += [
            f"{plain(each.quantity)} {each.symbol} ({each.kind} in {each.currency}) are left: "
            "close them in TWS"
            for each in others
        ]
    held = {each.con_id: each.quantity for each in positions}
    subjects = [
        _subject(grounds, each, weight, held.get(each.instrument.con_id, _NONE))
        for each, weight in wanted
    ]
    notes += await trading.foreign_orders(each.instrument.symbol for each in subjects)
    summary, cash = await trading.balances()
    standing = _standing(summary, cash, others, notes)
    return plan_allocation(subjects, standing, targets.terms, _CURRENCY, tuple(notes))


def _known(found: Mapping[str, Priced | DeskError]) -> dict[str, Priced]:
    """Give what was found. Raises BadRequest, which names all that was not."""
    unknown = [each.message for each in found.values() if isinstance(each, DeskError)]
    if unknown:
        raise BadRequest({"weights": f"name what is not to be had: {' '.join(unknown)}"})
    return {name: each for name, each in found.items() if not isinstance(each, DeskError)}


def _closable(
    others: list[Position], found: Mapping[str, Priced | DeskError]
) -> tuple[list[Priced], list[Position]]:
    """Give what can be closed of positions, and those that cannot."""
    closing, left = [], []
    for each in others:
        priced = found[each.symbol]
        if (
            not isinstance(priced, DeskError)
            and priced.instrument.con_id == each.con_id
            and not _why_untradable(priced.instrument)
        ):
            closing.append(priced)
        else:
            left.append(each)
    return closing, left


def _subject(grounds: Grounds, priced: Priced, weight: Decimal, held: Decimal) -> Subject:
    instrument, quote = priced.instrument, priced.quote
    why_not = _why_untradable(instrument)
    if not why_not and quote is not None and quote.halted:
        why_not = "its trading is halted"
    why_not = why_not or grounds.desk.account_trading.why_not(instrument)
    return Subject(instrument, weight, held, quote, priced.age_s, why_not)


def _why_untradable(instrument: Instrument) -> str:
    try:
        instrument.require_tradable()
    except NotTradableYet as error:
        return error.message.rstrip(".")
    return ""


def _standing(
    summary: AccountSummary,
    cash: tuple[CurrencyCash, ...],
    others: Iterable[Position],
    notes: list[str],
) -> Standing:
    """Give what the account has, in dollars; a rate that nobody tells leaves it unknown."""
    rates = {each.currency: each.rate for each in cash} | {summary.currency: _ONE}
    dollar = rates.get(_CURRENCY)

    def in_dollars(amount: Decimal | None) -> Decimal | None:
        return None if amount is None or dollar is None else amount / dollar

    if dollar is None:
        notes.append(f"the rate of {_CURRENCY} in {summary.currency} is not known")
    worth = _NONE
    for each in others:
        rate, price = rates.get(each.currency), each.market_price or each.average_cost
        if rate is None or dollar is None:
            notes.append(f"{each.symbol} is in {each.currency}, without a rate: not counted")
        else:
            worth += abs(each.quantity) * price * rate / dollar
    return Standing(
        net_liquidation=in_dollars(summary.net_liquidation),
        cash=in_dollars(summary.cash),
        buying_power=in_dollars(summary.buying_power),
        is_cash_account=summary.is_cash_account,
        others=worth,
    )
