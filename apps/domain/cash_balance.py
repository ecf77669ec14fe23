"""Foreign cash into the base currency, and debts in it bought back: what would be converted.

Pure: balances, rates and markets are handed in. A pair is quoted one way only (EUR.USD, but
USD.JPY), so what is sold for euros is bought for yen, in units of the pair's own first currency.
Of a balance no more is sold than there is; of a debt no less is bought back than is owed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from enum import Enum

from apps.domain.account import CurrencyCash
from apps.domain.instruments import Instrument
from apps.domain.orders import OrderType, Side, Ticket
from apps.domain.quotes import Quote

__all__ = [
    "CashLine",
    "CashPlan",
    "CashTerms",
    "Conversion",
    "ConversionStyle",
    "PairMarket",
    "plan_conversions",
]

ODD_LOT_USD = 25_000
"""Below about so much IDEALPRO takes an order as an odd lot, at a wider price, and says so (399).

IB's exact minimum is by currency and changes."""

_NONE, _ONE = Decimal(0), Decimal(1)


class ConversionStyle(Enum):
    """How conversions trade; the value is what is typed."""

    MARKET = "mkt"
    LIMIT = "lmt"


@dataclass(frozen=True, slots=True)
class CashTerms:
    """What is converted, and how. ``threshold`` is a worth in the base currency.

    ``lot`` is in units of a pair's first currency, ``offset_pct`` how far a limit is beyond the
    market, in percent. ``currencies`` are the only ones, or none for all.
    """

    threshold: Decimal
    lot: Decimal = _ONE
    style: ConversionStyle = ConversionStyle.MARKET
    offset_pct: Decimal = _NONE
    currencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairMarket:
    """The pair of a currency and the base; ``is_direct``: the currency comes first in it.

    ``is_open`` is None where its hours are not known, ``opens_at`` aware UTC where they are.
    """

    instrument: Instrument
    is_direct: bool
    quote: Quote | None
    age_s: float | None
    is_open: bool | None = None
    opens_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """One order. ``gives`` and ``costs`` are in the base currency, at ``price``; one is zero."""

    instrument: Instrument
    ticket: Ticket
    price: Decimal
    gives: Decimal
    costs: Decimal


@dataclass(frozen=True, slots=True)
class CashLine:
    """One currency in a plan: its cash now and after, and the order, if there is one.

    ``worth`` is in the base currency, None without a rate. ``note`` says why nothing is converted;
    where it ``is_refused``, why nothing of the plan may be.
    """

    currency: str
    amount: Decimal
    after: Decimal
    rate: Decimal | None
    worth: Decimal | None
    pair: str = ""
    price: Decimal | None = None
    price_age_s: float | None = None
    order: Conversion | None = None
    is_odd_lot: bool = False
    note: str = ""
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class CashPlan:
    """What would be converted. With ``problems`` nothing may be sent, each of them says why."""

    base: str
    base_before: Decimal
    base_after: Decimal
    lines: tuple[CashLine, ...]
    problems: tuple[str, ...] = ()

    @property
    def orders(self) -> tuple[Conversion, ...]:
        """The orders: those that bring the base currency first."""
        every = [each.order for each in self.lines if each.order is not None]
        return tuple(sorted(every, key=lambda each: (each.costs > 0, each.instrument.symbol)))


def plan_conversions(
    cash: Iterable[CurrencyCash],
    base: str,
    markets: Mapping[str, PairMarket],
    terms: CashTerms,
) -> CashPlan:
    """Give what brings ``cash`` into the base currency. ``markets`` are by foreign currency."""
    held = {each.currency: each for each in cash}
    dollar = _ONE if base == "USD" else (held["USD"].rate if "USD" in held else None)
    before = held[base].amount if base in held else _NONE
    lines = tuple(
        _line(each, markets.get(name), terms, dollar)
        for name, each in sorted(held.items())
        if name != base and each.amount and name in (terms.currencies or (name,))
    )
    problems = [f"{each.currency}: {each.note}" for each in lines if each.is_refused]
    problems += [f"{name}: there is none of it" for name in terms.currencies if name not in held]
    if not base:
        problems.append("the account's base currency is not known")
    orders = [each.order for each in lines if each.order is not None]
    after = before + sum((each.gives - each.costs for each in orders), _NONE)
    if after < 0 and any(each.costs for each in orders):
        problems.append(
            f"what is owed cannot be bought back: {-after:,.2f} {base} would be missing for it"
        )
    return CashPlan(base, before, after, lines, tuple(problems))


def _line(
    cash: CurrencyCash, market: PairMarket | None, terms: CashTerms, dollar: Decimal | None
) -> CashLine:
    worth = None if cash.rate is None else cash.amount * cash.rate
    if worth is None:
        return _idle(cash, worth, "its rate is not known", is_refused=True)
    if abs(worth) < terms.threshold:
        return _idle(cash, worth, "below the threshold")
    if market is None:
        return _idle(cash, worth, "no pair of it is traded", is_refused=True)
    if market.is_open is False:
        until = "" if market.opens_at is None else f" until {market.opens_at:%Y-%m-%d %H:%M} UTC"
        return _idle(cash, worth, f"IDEALPRO is closed{until}", is_refused=True)
    side = Side.SELL if (cash.amount > 0) is market.is_direct else Side.BUY
    priced = _prices(market, side, terms)
    if priced is None:
        return _idle(
            cash, worth, f"there is no price of {market.instrument.symbol}", is_refused=True
        )
    worst, limit = priced
    quantity = _quantity(cash.amount, market, worst, terms)
    if not quantity:
        return _idle(cash, worth, "less than a lot")
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    other = quantity * worst
    in_base, moved = (other, quantity) if market.is_direct else (quantity, other)
    is_owed = cash.amount < 0
    return CashLine(
        currency=cash.currency,
        amount=cash.amount,
        after=cash.amount + (moved if is_owed else -moved),
        rate=cash.rate,
        worth=worth,
        pair=market.instrument.symbol,
        price=worst,
        price_age_s=market.age_s,
        order=Conversion(
            market.instrument,
            Ticket(side, quantity, kind, limit_price=limit),
            worst,
            gives=_NONE if is_owed else in_base,
            costs=in_base if is_owed else _NONE,
        ),
        is_odd_lot=dollar is not None and in_base < ODD_LOT_USD * dollar,
    )


def _idle(
    cash: CurrencyCash, worth: Decimal | None, why: str, *, is_refused: bool = False
) -> CashLine:
    return CashLine(
        currency=cash.currency,
        amount=cash.amount,
        after=cash.amount,
        rate=cash.rate,
        worth=worth,
        note=why,
        is_refused=is_refused,
    )


def _prices(
    market: PairMarket, side: Side, terms: CashTerms
) -> tuple[Decimal, Decimal | None] | None:
    """Give the price that is reckoned with, and the limit where the order has one."""
    quote = market.quote
    touch = None
    if quote is not None:
        touch = (quote.ask if side is Side.BUY else quote.bid) or quote.last
    if touch is None or touch <= 0:
        return None
    if terms.style is ConversionStyle.MARKET:
        return touch, None
    asked, ticks = touch * (1 + side.sign * terms.offset_pct / 100), market.instrument.ticks
    limit = ticks.down(asked) if side is Side.BUY else ticks.up(asked)
    return (limit, limit) if limit > 0 else None


def _quantity(amount: Decimal, market: PairMarket, price: Decimal, terms: CashTerms) -> Decimal:
    """Give units of the pair's first currency: of a balance down, of a debt up, in whole lots."""
    lot = max(terms.lot, market.instrument.size_increment)
    units = abs(amount) if market.is_direct else abs(amount) / price
    rounding = ROUND_DOWN if amount > 0 else ROUND_CEILING
    return (units / lot).to_integral_value(rounding) * lot
