"""Whether an account can afford an order, and what an order would do to its margin.

An order is weighed at its own price (a market order at the mark), together with everything else
that is working, as if all of it filled in the direction that costs most. An order that asks for
no more margin than the account needs already, because it reduces or protects, is never refused.
A bracket's exits weigh nothing: no larger than their parent, they never trade more than it has.
A combination is weighed leg by leg, each at its mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.books.ledger import Account, Mark
from apps.paper.exchange.book.book import Book
from apps.paper.exchange.book.exposures import Exposures, Part, held_part, is_exit, parts_of
from apps.paper.exchange.events import MarginImpact, WhatIfAnswered
from apps.paper.exchange.fees import NOTHING_TRADED, Charge, FeeTable, Traded
from apps.paper.exchange.orders import Order
from apps.paper.exchange.rules.refusals import Refusal, rejection
from apps.paper.feed.market import Millis

__all__ = ["answer_what_if", "refusal_for_margin"]

_ZERO = Decimal(0)


def refusal_for_margin(
    account: Account, book: Book, exposures: Exposures, order: Order, filled: Decimal, mark: Mark
) -> Refusal | None:
    """Say why an account cannot afford an order (of which ``filled`` has traded), or None."""
    if is_exit(book, order):
        return None
    after = exposures.initial_margin(account, mark, order, order.quantity - filled)
    equity = account.balances(mark).net_liquidation
    if after <= equity:
        return None
    known = book.find(order.key)
    standing = known.remaining if known is not None and known.stage.is_alive else _ZERO
    asked = known.order if known is not None else order
    if after <= exposures.initial_margin(account, mark, asked, standing):
        return None
    return rejection(
        "Your order is not accepted. To obtain the desired position your equity with loan value "
        f"[{equity:.2f} {account.currency}] must exceed the initial margin "
        f"[{after:.2f} {account.currency}]"
    )


def answer_what_if(
    account: Account, order: Order, mark: Mark, fees: FeeTable, at: Millis
) -> WhatIfAnswered:
    """Say what a complete fill of an order at its own price would do."""
    now, margins = account.balances(mark), account.margins
    initial = maintenance = _ZERO
    parts = list(parts_of(order, order.quantity, mark))
    for part in parts:
        rate = account.rate(part.listing.currency)
        held = held_part(account, part.listing, mark)
        then = held.and_of(part)
        initial += rate * (
            margins.initial(then.listing, then.quantity, then.value)
            - margins.initial(held.listing, held.quantity, held.value)
        )
        maintenance += rate * (
            margins.maintenance(then.listing, then.quantity, then.value)
            - margins.maintenance(held.listing, held.quantity, held.value)
        )
    cost = _cost(account, parts, fees, at)
    return WhatIfAnswered(
        order=order,
        initial_margin=_impact(now.initial_margin, initial),
        maintenance_margin=_impact(now.maintenance_margin, maintenance),
        equity_with_loan=_impact(now.net_liquidation, -cost.amount * account.rate(cost.currency)),
        commission=cost.amount,
        currency=cost.currency,
    )


def _cost(account: Account, parts: Iterable[Part], fees: FeeTable, at: Millis) -> Charge:
    """Add up what the parts of an order cost, all of them in one currency."""
    charges = [
        fees.charge(
            part.listing,
            Side.BUY if part.quantity > 0 else Side.SELL,
            before=NOTHING_TRADED,
            after=Traded(abs(part.quantity), abs(part.value)),
            at=at,
            worth=account.rate,
        )
        for part in parts
    ]
    return Charge(sum((charge.amount for charge in charges), _ZERO), charges[0].currency)


def _impact(before: Decimal, change: Decimal) -> MarginImpact:
    return MarginImpact(before, before + change)
