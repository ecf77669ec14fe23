"""Bracket prices: where an entry may fill at worst, and where its exits stand.

At home here: every price that goes into a bracket, on the tick of its own price band. Not at home
here: how a bracket is sent, and what became of it.

How prices are rounded. The entry's cap goes towards the reference: never more is paid than asked
for. A stop goes towards the reference as well: never more is risked per share. A take-profit goes
away from it: never less is gained. Each exit is at least one tick from the reference, and where
the two rules meet, the tick wins, for a stop at the reference would fire at once.

The reference is the price at which the entry is expected to fill: the ask for a buy, the bid for
a sell, or the close of the deciding bar. For an entry with a price of its own it is the better of
the two for a limit (a buy at 190 while 189 is offered fills at 189), and its own price for a stop.
A stop entry is a stop limit, capped from its own price, so that it does not buy a spike either.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.domain.errors import InvalidInput
from apps.domain.instruments import Instrument
from apps.domain.levels import MAX_PRICE
from apps.domain.numerals import parse_number, plain
from apps.domain.orders import Bracket, OrderType, Side, Ticket, TimeInForce
from apps.domain.sizing import check_quantity
from apps.domain.ticks import TickRule

__all__ = [
    "DEFAULT_CAP_PCT",
    "EntryPlan",
    "EntryStyle",
    "Stakes",
    "build_bracket",
    "entry_cap",
    "parse_entry_style",
    "parse_exit_pct",
    "plan_breakout_entry",
    "stakes",
    "stop_loss_price",
    "take_profit_price",
    "worst_price",
]

DEFAULT_CAP_PCT = Decimal("0.2")
"""How far beyond the reference a marketable limit may fill, in percent."""

_MAX_EXIT_PCT = Decimal(1000)
_MAX_CAP_PCT = Decimal(10)


class EntryStyle(Enum):
    """How a position is entered; the value is the word that is typed."""

    CAPPED = "capped"
    """A marketable limit: the reference and a cap beyond it."""
    MARKET = "mkt"
    LIMIT = "limit"
    """A limit at its own price, and nothing beyond it."""
    STOP = "stop"
    """A stop limit: elected at its own price, capped beyond it."""


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """A style with the price that it needs. ``price`` stands for LIMIT and STOP, and only there.

    ``cap_pct`` is how far beyond the reference (CAPPED) or the stop (STOP) it may fill. Raises
    InvalidInput.
    """

    style: EntryStyle = EntryStyle.CAPPED
    price: Decimal | None = None
    cap_pct: Decimal = DEFAULT_CAP_PCT

    def __post_init__(self) -> None:
        needs_price = self.style in (EntryStyle.LIMIT, EntryStyle.STOP)
        if needs_price != (self.price is not None):
            raise InvalidInput(
                f"an entry by {self.style.value} needs a price."
                if needs_price
                else f"an entry by {self.style.value} takes no price."
            )
        if not 0 <= self.cap_pct <= _MAX_CAP_PCT:
            raise InvalidInput(
                f"an entry cap of {plain(self.cap_pct)}% cannot be: give 0 to "
                f"{plain(_MAX_CAP_PCT)} percent."
            )


_UNPRICED = {style: EntryPlan(style) for style in (EntryStyle.CAPPED, EntryStyle.MARKET)}


@dataclass(frozen=True, slots=True)
class Stakes:
    """What a bracket puts at stake, for a fill at its worst price.

    ``worst_price`` is the entry's cap or limit; for a market order the reference, since it has no
    worst price (``is_capped`` is False then). Money in the instrument's currency.
    ``money_at_risk`` is None without a stop, ``reward`` None without a take-profit; a reward below
    zero says that the take-profit is nearer than the cap.
    """

    worst_price: Decimal
    is_capped: bool
    notional: Decimal
    money_at_risk: Decimal | None
    reward: Decimal | None


def parse_entry_style(text: str) -> EntryStyle:
    """Read ``capped``, ``limit``, ``mkt`` or ``stop``. Raises InvalidInput."""
    try:
        return EntryStyle(text.strip().lower())
    except ValueError:
        raise InvalidInput(f"the entry {text!r} is none of capped, limit, mkt and stop.") from None


def plan_breakout_entry(
    style: EntryStyle, side: Side, reference: Decimal, extreme: Decimal, ticks: TickRule
) -> EntryPlan:
    """Give the plan by which a confirmed break is entered.

    A limit stands at the reference itself. A stop stands one tick beyond ``extreme``, how far the
    deciding bar went, or beyond the reference where that is farther: the move has to go on.
    """
    if style is EntryStyle.LIMIT:
        return EntryPlan(style, ticks.up(reference) if side is Side.BUY else ticks.down(reference))
    if style is not EntryStyle.STOP:
        return _UNPRICED[style]
    if side is Side.BUY:
        return EntryPlan(style, ticks.step_up(max(reference, extreme)))
    return EntryPlan(style, _above_zero(ticks.step_down(min(reference, extreme)), "the stop"))


def parse_exit_pct(text: str, what: str) -> Decimal:
    """Read the percentage of an exit: ``0.5`` or ``0.5%``. Raises InvalidInput.

    ``what`` names it in the error: "the stop-loss", "the take-profit".
    """
    return _check_pct(parse_number(text.strip().removesuffix("%"), what), what)


def entry_cap(reference: Decimal, side: Side, cap_pct: Decimal, ticks: TickRule) -> Decimal:
    """Give the worst price at which a marketable limit may fill, on the tick.

    Never nearer than the reference itself, so that it stays marketable.

    >>> entry_cap(Decimal("190.00"), Side.BUY, Decimal("0.2"), TickRule.of("0.01"))
    Decimal('190.38')
    """
    _check_price(reference, "the reference")
    away = _offset(reference, side, cap_pct)
    if side is Side.BUY:
        return max(ticks.down(away), ticks.up(reference))
    return _above_zero(min(ticks.up(away), ticks.down(reference)), "the entry's cap")


def stop_loss_price(reference: Decimal, side: Side, pct: Decimal, ticks: TickRule) -> Decimal:
    """Give the stop of a position entered by ``side`` at ``reference``. Raises InvalidInput.

    >>> stop_loss_price(Decimal("190.00"), Side.BUY, Decimal("0.333"), TickRule.of("0.01"))
    Decimal('189.37')
    """
    _check_price(reference, "the reference")
    away = _offset(reference, side.opposite, _check_pct(pct, "the stop-loss"))
    if side is Side.BUY:
        return _above_zero(min(ticks.up(away), ticks.step_down(reference)), "the stop-loss")
    return max(ticks.down(away), ticks.step_up(reference))


def take_profit_price(reference: Decimal, side: Side, pct: Decimal, ticks: TickRule) -> Decimal:
    """Give the take-profit of a position entered by ``side`` at ``reference``.

    Raises InvalidInput.

    >>> take_profit_price(Decimal("190.00"), Side.BUY, Decimal("0.333"), TickRule.of("0.01"))
    Decimal('190.64')
    """
    _check_price(reference, "the reference")
    away = _offset(reference, side, _check_pct(pct, "the take-profit"))
    if side is Side.BUY:
        return max(ticks.up(away), ticks.step_up(reference))
    return _above_zero(min(ticks.down(away), ticks.step_down(reference)), "the take-profit")


def build_bracket(
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    reference: Decimal,
    *,
    take_profit_pct: Decimal | None,
    stop_loss_pct: Decimal | None,
    order_ref: str,
    entry: EntryPlan | None = None,
) -> Bracket:
    """Give a bracket ready to be sent: the entry for the day, its exits until cancelled.

    ``reference`` is the market's price for ``side`` (ask, bid, or the deciding bar's close).
    Percentages are distances and above zero; None is no such exit. Raises InvalidInput where a
    price or quantity cannot be, NotTradableYet for an instrument without order rules.
    """
    instrument.require_tradable()
    plan = entry or EntryPlan()
    ticks = instrument.ticks
    shares = check_quantity(quantity, instrument.size_increment)
    ticket = _entry_ticket(plan, side, shares, reference, ticks, order_ref)
    expected = _expected_fill(plan, side, reference)
    take_profit = stop_loss = None
    if take_profit_pct is not None:
        price = take_profit_price(expected, side, take_profit_pct, ticks)
        take_profit = _exit_ticket(ticket, OrderType.LIMIT, limit_price=price)
    if stop_loss_pct is not None:
        price = stop_loss_price(expected, side, stop_loss_pct, ticks)
        stop_loss = _exit_ticket(ticket, OrderType.STOP, stop_price=price)
    return Bracket(instrument, ticket, take_profit, stop_loss)


def worst_price(bracket: Bracket, reference: Decimal) -> Decimal:
    """Give the worst price of an entry: its cap or limit, ``reference`` where it has none."""
    return bracket.entry.limit_price or reference


def stakes(bracket: Bracket, reference: Decimal) -> Stakes:
    """Give what ``bracket`` puts at stake; ``reference`` is used where the entry has no price."""
    entry = bracket.entry
    worst = worst_price(bracket, reference)
    units = entry.quantity * bracket.instrument.multiplier * entry.side.sign
    stop, target = bracket.stop_loss, bracket.take_profit
    return Stakes(
        worst_price=worst,
        is_capped=entry.limit_price is not None,
        notional=worst * abs(units),
        money_at_risk=(worst - stop.stop_price) * units if stop and stop.stop_price else None,
        reward=(target.limit_price - worst) * units if target and target.limit_price else None,
    )


def _entry_ticket(
    plan: EntryPlan, side: Side, quantity: Decimal, reference: Decimal, ticks: TickRule, ref: str
) -> Ticket:
    _check_price(reference, "the reference")
    limit = stop = None
    order_type = OrderType.MARKET
    if plan.style is EntryStyle.CAPPED:
        order_type, limit = OrderType.LIMIT, entry_cap(reference, side, plan.cap_pct, ticks)
    elif plan.style is EntryStyle.LIMIT:
        order_type, limit = OrderType.LIMIT, _typed_price(plan.price, ticks, "the limit")
    elif plan.style is EntryStyle.STOP:
        stop = _typed_price(plan.price, ticks, "the entry's stop")
        _check_stop_entry(stop, side, reference)
        order_type, limit = OrderType.STOP_LIMIT, entry_cap(stop, side, plan.cap_pct, ticks)
    return Ticket(
        side=side,
        quantity=quantity,
        order_type=order_type,
        limit_price=limit,
        stop_price=stop,
        time_in_force=TimeInForce.DAY,
        outside_rth=False,
        order_ref=ref,
    )


def _exit_ticket(
    entry: Ticket,
    order_type: OrderType,
    *,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
) -> Ticket:
    return Ticket(
        side=entry.side.opposite,
        quantity=entry.quantity,
        order_type=order_type,
        limit_price=limit_price,
        stop_price=stop_price,
        time_in_force=TimeInForce.GTC,
        outside_rth=False,
        order_ref=entry.order_ref,
    )


def _expected_fill(plan: EntryPlan, side: Side, reference: Decimal) -> Decimal:
    if plan.price is None:
        return reference
    if plan.style is EntryStyle.STOP:
        return plan.price
    return min(plan.price, reference) if side is Side.BUY else max(plan.price, reference)


def _offset(reference: Decimal, side: Side, pct: Decimal) -> Decimal:
    return reference * (1 + side.sign * pct / 100)


def _check_pct(pct: Decimal, what: str) -> Decimal:
    if not pct.is_finite() or pct > _MAX_EXIT_PCT:
        raise InvalidInput(
            f"{what} of {pct}% cannot be: give a percentage up to {plain(_MAX_EXIT_PCT)}."
        )
    if pct == 0:
        raise InvalidInput(f"{what} of 0% would stand at the entry itself: give more than 0.")
    if pct < 0:
        raise InvalidInput(
            f"{what} of {plain(pct)}% would stand on the wrong side of the entry: give the "
            f"distance as a positive number, {plain(-pct)}."
        )
    return pct


def _check_price(price: Decimal, what: str) -> None:
    if not price.is_finite() or not 0 < price <= MAX_PRICE:
        raise InvalidInput(f"{what} {price} is not a price: it is above 0, up to {MAX_PRICE}.")


def _above_zero(price: Decimal, what: str) -> Decimal:
    if price <= 0:
        raise InvalidInput(f"{what} would stand at {plain(price)}, at or below zero: ask for less.")
    return price


def _typed_price(price: Decimal | None, ticks: TickRule, what: str) -> Decimal:
    if price is None:
        raise InvalidInput(f"{what} needs a price.")
    _check_price(price, what)
    if not ticks.is_on_tick(price):
        raise InvalidInput(
            f"{what} {plain(price)} is not on the tick: {plain(ticks.down(price))} and "
            f"{plain(ticks.up(price))} are the nearest prices."
        )
    return price


def _check_stop_entry(stop: Decimal, side: Side, reference: Decimal) -> None:
    if (stop - reference) * side.sign <= 0:
        where = "above" if side is Side.BUY else "below"
        raise InvalidInput(
            f"the entry's stop {plain(stop)} is on the wrong side: to {side.value.lower()}, it "
            f"stands {where} the market, which is at {plain(reference)}."
        )
