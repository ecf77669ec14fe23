"""From target weights to whole-share orders: what an allocation would do, and why it may not.

Pure: positions, prices and balances are handed in, all in one currency. A weight is of the net
liquidation value times the exposure; a target is rounded toward zero, so no position is ever worth
more than its weight. What an order costs is reckoned at the worst price that it is likely to fill
at: its limit, or the side of the market that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import Enum

from apps.domain.errors import BadRequest
from apps.domain.instruments import Instrument
from apps.domain.numerals import plain
from apps.domain.orders import AdaptivePriority, OrderType, Side, Ticket, TimeInForce
from apps.domain.quotes import Quote
from apps.domain.sizing import MAX_SHARES

__all__ = [
    "AllocationPlan",
    "AllocationTerms",
    "Lasting",
    "OrderStyle",
    "PlanLine",
    "PlannedOrder",
    "Standing",
    "Subject",
    "Urgency",
    "check_terms",
    "plan_allocation",
    "price_of",
]

_NONE, _ONE = Decimal(0), Decimal(1)


class OrderStyle(Enum):
    """How the orders trade; the value is what is typed."""

    MARKET = "mkt"
    LIMIT = "lmt"
    ON_CLOSE = "moc"
    ADAPTIVE = "adaptive"


class Lasting(Enum):
    """How long an order stays; the value is what is typed."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"


class Urgency(Enum):
    """How urgently IB's Adaptive algorithm fills; the value is what is typed."""

    URGENT = "urgent"
    NORMAL = "normal"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class AllocationTerms:
    """How weights become orders.

    ``minimum`` is the least worth of a trade, in the currency; ``offset_pct`` how far a limit is
    beyond the market, in percent: below zero it rests before it.
    """

    exposure: Decimal = _ONE
    minimum: Decimal = _NONE
    style: OrderStyle = OrderStyle.MARKET
    offset_pct: Decimal = _NONE
    lasting: Lasting = Lasting.DAY
    urgency: Urgency = Urgency.NORMAL
    allow_short: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """One instrument: its weight, the account's signed holding, its market and how old that is.

    ``why_not`` says why the account may not trade it, or nothing.
    """

    instrument: Instrument
    weight: Decimal
    held: Decimal
    quote: Quote | None
    age_s: float | None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the account has, in the currency of the instruments; None is what nobody said.

    ``others`` is what its other positions are worth, without sign.
    """

    net_liquidation: Decimal | None
    cash: Decimal | None
    buying_power: Decimal | None
    is_cash_account: bool
    others: Decimal = _NONE


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """One order. ``price`` is what it is reckoned at; one that ``reduces`` frees funds."""

    instrument: Instrument
    ticket: Ticket
    price: Decimal
    reduces: bool

    @property
    def worth(self) -> Decimal:
        """What it costs, or brings."""
        return self.ticket.quantity * self.price * self.instrument.multiplier


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One instrument in a plan: shares now, wanted and to be traded, all signed.

    ``price`` is the market's, None where there is none; ``notional`` what is traded is worth.
    ``note`` says why nothing is traded; where it ``is_refused``, why nothing of the plan may be.
    """

    symbol: str
    weight: Decimal
    current: Decimal
    target: Decimal
    delta: Decimal
    price: Decimal | None
    price_age_s: float | None
    notional: Decimal
    orders: tuple[PlannedOrder, ...] = ()
    note: str = ""
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class AllocationPlan:
    """What an allocation would do. With ``problems`` it may not be sent, each of them says why.

    ``gross_after`` is what would be held in all, without sign, the account's other positions too;
    ``room_after`` what can be paid for new positions once all that reduces has traded.
    """

    lines: tuple[PlanLine, ...]
    currency: str
    net_liquidation: Decimal | None
    cash_before: Decimal | None
    cash_after: Decimal | None
    gross_after: Decimal
    room_after: Decimal = _NONE
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def orders(self) -> tuple[PlannedOrder, ...]:
        """Every order in the order of sending: what reduces first, and sells before buys."""
        every = [order for line in self.lines for order in line.orders]
        return tuple(
            sorted(
                every,
                key=lambda each: (
                    not each.reduces,
                    each.ticket.side is Side.BUY,
                    each.instrument.symbol,
                ),
            )
        )


def check_terms(weights: Mapping[str, Decimal] | None, terms: AllocationTerms) -> None:
    """Raise BadRequest, with every reason, for what no account could be brought to."""
    problems: dict[str, str] = {}
    if not weights:
        problems["weights"] = "are missing; give some, such as AAPL=0.4 MSFT=0.3"
        raise BadRequest(problems)
    large = [symbol for symbol, weight in weights.items() if abs(weight) > 1]
    short = [symbol for symbol, weight in weights.items() if weight < 0]
    total = sum((abs(weight) for weight in weights.values()), _NONE)
    if large:
        problems["weights"] = f"are above 1 for {', '.join(large)}; 0.4 is 40%"
    elif short and not terms.allow_short:
        names = ", ".join(short)
        problems["weights"] = f"are below 0 for {names}, which asks for shorts: --allow-short"
    elif total > 1:
        problems["weights"] = (
            f"add up to {plain(total)}, which is above 1; make them parts of the whole, and give "
            f"--exposure {plain(total)} if the account is to borrow for it"
        )
    if terms.lasting is not Lasting.DAY and terms.style is not OrderStyle.LIMIT:
        problems["tif"] = f"is {terms.lasting.value}; {terms.style.value} orders are for the day"
    if terms.offset_pct and terms.style is not OrderStyle.LIMIT:
        problems["offset_pct"] = f"is for lmt orders, and these are {terms.style.value}"
    if problems:
        raise BadRequest(problems)


def plan_allocation(
    subjects: Iterable[Subject],
    standing: Standing,
    terms: AllocationTerms,
    currency: str,
    notes: tuple[str, ...] = (),
) -> AllocationPlan:
    """Give what brings ``subjects`` to their weights, by symbol, and what speaks against it."""
    whole = standing.net_liquidation
    in_order = sorted(subjects, key=lambda each: each.instrument.symbol)
    lines = tuple(_line(each, whole or _NONE, terms) for each in in_order)
    refused = [line for line in lines if line.is_refused]
    problems = [f"{line.symbol}: {line.note}" for line in refused]
    gross = standing.others + sum(
        (abs(line.current + line.delta) * (line.price or _NONE) for line in lines), _NONE
    )
    orders = [order for line in lines for order in line.orders]
    traded = sum((each.ticket.side.sign * each.worth for each in orders), _NONE)
    after = None if standing.cash is None else standing.cash - traded
    freed = sum((each.worth for each in orders if each.reduces), _NONE)
    means = standing.cash if standing.is_cash_account else standing.buying_power
    if whole is None or whole <= 0:
        problems.append("the account's net liquidation value is not known, or not above zero")
    elif not refused:
        problems += _beyond_means(lines, orders, standing, terms, gross, after)
    return AllocationPlan(
        lines=lines,
        currency=currency,
        net_liquidation=whole,
        cash_before=standing.cash,
        cash_after=after,
        gross_after=gross,
        room_after=(means or _NONE) + freed,
        problems=tuple(problems),
        notes=notes,
    )


def price_of(quote: Quote | None) -> Decimal | None:
    """Give the last trade, else the middle of the market, else the previous close."""
    if quote is None:
        return None
    if quote.last is not None and quote.last > 0:
        return quote.last
    if quote.bid is not None and quote.ask is not None and 0 < quote.bid <= quote.ask:
        return (quote.bid + quote.ask) / 2
    return quote.close if quote.close is not None and quote.close > 0 else None


def _line(subject: Subject, whole: Decimal, terms: AllocationTerms) -> PlanLine:
    instrument, held = subject.instrument, subject.held
    price = price_of(subject.quote)
    if subject.why_not or price is None:
        why = subject.why_not or "there is no price of it"
        return _refused(subject, price, why)
    step = max(_ONE, instrument.size_increment)
    wanted = whole * terms.exposure * subject.weight / (price * instrument.multiplier)
    target = _whole(wanted, step)
    delta = _whole(target - held, step)
    notional = abs(delta) * price * instrument.multiplier
    note = ""
    if delta and notional < terms.minimum:
        note = f"{plain(abs(delta))} shares are below the minimum trade"
        delta = notional = _NONE
    orders = _orders(subject, delta, price, step, terms)
    if any(each.ticket.quantity > MAX_SHARES for each in orders):
        return _refused(subject, price, f"{plain(abs(delta))} shares are too many for an order")
    if any(each.price <= 0 for each in orders):
        return _refused(subject, price, "its limit price would be zero")
    symbol, age_s = instrument.symbol, subject.age_s
    return PlanLine(
        symbol, subject.weight, held, target, delta, price, age_s, notional, orders, note
    )


def _refused(subject: Subject, price: Decimal | None, why: str) -> PlanLine:
    return PlanLine(
        symbol=subject.instrument.symbol,
        weight=subject.weight,
        current=subject.held,
        target=subject.held,
        delta=_NONE,
        price=price,
        price_age_s=subject.age_s,
        notional=_NONE,
        note=why,
        is_refused=True,
    )


def _orders(
    subject: Subject, delta: Decimal, price: Decimal, step: Decimal, terms: AllocationTerms
) -> tuple[PlannedOrder, ...]:
    """Give the orders of a difference: one, or two where it turns a position around.

    IB refuses an order that crosses from one side to the other (2137).
    """
    if not delta:
        return ()
    side = Side.BUY if delta > 0 else Side.SELL
    is_against = subject.held * delta < 0
    reducing = min(abs(delta), _whole(abs(subject.held), step)) if is_against else _NONE
    worst, limit = _prices(subject, side, price, terms)
    return tuple(
        PlannedOrder(subject.instrument, _ticket(side, quantity, limit, terms), worst, reduces)
        for quantity, reduces in ((reducing, True), (abs(delta) - reducing, False))
        if quantity
    )


def _prices(
    subject: Subject, side: Side, price: Decimal, terms: AllocationTerms
) -> tuple[Decimal, Decimal | None]:
    """Give the worst price that is likely, and the limit where the order has one."""
    quote, ticks = subject.quote, subject.instrument.ticks
    touch = None
    if quote is not None:
        touch = quote.ask if side is Side.BUY else quote.bid
    worst = touch if touch is not None and touch > 0 else price
    if terms.style is not OrderStyle.LIMIT:
        return worst, None
    asked = worst * (1 + side.sign * terms.offset_pct / 100)
    limit = ticks.down(asked) if side is Side.BUY else ticks.up(asked)
    return limit, limit


def _ticket(side: Side, quantity: Decimal, limit: Decimal | None, terms: AllocationTerms) -> Ticket:
    types = {OrderStyle.LIMIT: OrderType.LIMIT, OrderStyle.ON_CLOSE: OrderType.MARKET_ON_CLOSE}
    is_adaptive = terms.style is OrderStyle.ADAPTIVE
    return Ticket(
        side=side,
        quantity=quantity,
        order_type=types.get(terms.style, OrderType.MARKET),
        limit_price=limit,
        time_in_force=TimeInForce[terms.lasting.name],
        adaptive=AdaptivePriority[terms.urgency.name] if is_adaptive else None,
    )


def _beyond_means(
    lines: Iterable[PlanLine],
    orders: Iterable[PlannedOrder],
    standing: Standing,
    terms: AllocationTerms,
    gross: Decimal,
    after: Decimal | None,
) -> list[str]:
    """Say what the account cannot pay for, or was not said to be borrowed for."""
    found = []
    opening = [each for each in orders if not each.reduces]
    freed = sum((each.worth for each in orders if each.reduces), _NONE)
    needed = sum((each.worth for each in opening), _NONE)
    allowed = max(_ONE, terms.exposure) * (standing.net_liquidation or _NONE)
    if opening and gross > allowed + _leftovers(lines, terms):
        found.append(
            f"{_money(gross)} would be held in all, {_money(standing.others)} of that in what is "
            f"not named, and {_money(allowed)} is the account's: close the others too "
            "(--close-others), or lower the exposure"
        )
    if standing.is_cash_account:
        if any(each.ticket.side is Side.SELL for each in opening):
            found.append("a cash account cannot sell what it does not hold")
        if opening and (after is None or after < 0):
            short = "an amount that is not known" if after is None else _money(-after)
            found.append(f"the account's cash would not do, by {short}: lower the exposure")
    elif opening and standing.buying_power is None:
        found.append("the account's buying power is not known: ask again")
    elif standing.buying_power is not None and needed > standing.buying_power + freed:
        found.append(
            f"it takes {_money(needed)}, and {_money(standing.buying_power)} can be bought, "
            f"{_money(freed)} more after what is sold: lower the exposure"
        )
    return found


def _leftovers(lines: Iterable[PlanLine], terms: AllocationTerms) -> Decimal:
    """Give what may stay above its weight: a fraction of a share, and what is not worth a trade."""
    left = _NONE
    for line in lines:
        above = abs(line.current + line.delta) - abs(line.target)
        if above > 0 and line.price is not None:
            left += min(above * line.price, max(line.price, terms.minimum))
    return left


def _whole(quantity: Decimal, step: Decimal) -> Decimal:
    """Round toward zero to a multiple of ``step``."""
    return (quantity / step).to_integral_value(ROUND_DOWN) * step


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
