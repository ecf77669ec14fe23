"""Whether an account can afford an order, and what an order would do to its margin.

An order is weighed at its own price (a market order at the mark), together with everything else
that is working, as if all of it filled in the direction that costs most. An order that asks for
no more margin than the account needs already, because it reduces or protects, is never refused.
A bracket's exits weigh nothing: no larger than their parent, they never trade more than it has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.exchange.book import Book
from apps.paper.exchange.events import MarginImpact, WhatIfAnswered
from apps.paper.exchange.fees import FeeSchedule
from apps.paper.exchange.order_rules import Refusal, rejection
from apps.paper.exchange.orders import LIMIT_TYPES, STOP_TYPES, Order
from apps.paper.ledger import Account, Mark
from apps.paper.listing import Listing

__all__ = ["answer_what_if", "order_price", "refusal_for_margin"]

_ZERO = Decimal(0)


@dataclass(slots=True)
class _Exposure:
    """One listing's value held, and what the orders would add on either side."""

    held: Decimal = _ZERO
    buys: Decimal = _ZERO
    sells: Decimal = _ZERO

    def initial_margin(self, account: Account) -> Decimal:
        rates = account.margin_rates
        long, short = max(_ZERO, self.held + self.buys), min(_ZERO, self.held - self.sells)
        return max(rates.initial(long), rates.initial(short))


def order_price(order: Order, mark: Mark) -> Decimal:
    """Give the price at which an order is weighed: its limit, its stop, or the mark."""
    if order.order_type in LIMIT_TYPES and order.limit_price is not None:
        return order.limit_price
    if order.order_type in STOP_TYPES and order.stop_price is not None:
        return order.stop_price
    return mark(order.listing)


def refusal_for_margin(
    account: Account, book: Book, order: Order, filled: Decimal, mark: Mark
) -> Refusal | None:
    """Say why an account cannot afford an order (of which ``filled`` has traded), or None."""
    if _is_exit(book, order):
        return None
    working = [
        (other.order, other.remaining)
        for other in book.alive()
        if other.order.account == account.name
        and other.key != order.key
        and not _is_exit(book, other.order)
    ]
    replaced = book.find(order.key)
    standing = (
        [(replaced.order, replaced.remaining)]
        if replaced is not None and replaced.stage.is_alive
        else []
    )
    before = _initial_margin(account, [*working, *standing], mark)
    after = _initial_margin(account, [*working, (order, order.quantity - filled)], mark)
    equity = account.balances(mark).net_liquidation
    if after <= before or after <= equity:
        return None
    return rejection(
        "Your order is not accepted. To obtain the desired position your equity with loan value "
        f"[{equity:.2f} {account.currency}] must exceed the initial margin "
        f"[{after:.2f} {account.currency}]"
    )


def answer_what_if(account: Account, order: Order, mark: Mark, fees: FeeSchedule) -> WhatIfAnswered:
    """Say what a complete fill of an order at its own price would do."""
    rates, now = account.margin_rates, account.balances(mark)
    rate = account.rate(order.listing.currency)
    value = order.quantity * order_price(order, mark) * order.listing.multiplier
    held = account.value(account.holding(order.listing), mark).market_value * rate
    then = held + order.side.sign * value * rate
    commission = fees.owed(order.quantity, value)
    equity = now.net_liquidation
    return WhatIfAnswered(
        order=order,
        initial_margin=_impact(now.initial_margin, rates.initial(then) - rates.initial(held)),
        maintenance_margin=_impact(
            now.maintenance_margin, rates.maintenance(then) - rates.maintenance(held)
        ),
        equity_with_loan=_impact(equity, -commission * rate),
        commission=commission,
        currency=order.listing.currency,
    )


def _impact(before: Decimal, change: Decimal) -> MarginImpact:
    return MarginImpact(before, before + change)


def _initial_margin(
    account: Account, orders: Iterable[tuple[Order, Decimal]], mark: Mark
) -> Decimal:
    exposures = {
        held.listing.con_id: _Exposure(_in_base(account, held.listing, held.quantity, mark))
        for held in account.positions()
        if held.quantity
    }
    for order, quantity in orders:
        exposure = exposures.setdefault(order.listing.con_id, _Exposure())
        price = order_price(order, mark)
        value = quantity * price * order.listing.multiplier * account.rate(order.listing.currency)
        if order.side is Side.BUY:
            exposure.buys += value
        else:
            exposure.sells += value
    return sum((exposure.initial_margin(account) for exposure in exposures.values()), _ZERO)


def _in_base(account: Account, listing: Listing, quantity: Decimal, mark: Mark) -> Decimal:
    return quantity * mark(listing) * listing.multiplier * account.rate(listing.currency)


def _is_exit(book: Book, order: Order) -> bool:
    parent = book.parent(order)
    if parent is None or parent.order.side is order.side:
        return False
    return order.quantity <= parent.order.quantity
