"""Selling what is not held: shares that must be found first, and sides that are crossed.

Pure rules. Which shares are hard to borrow is said by the `ExchangePolicy`; an order that waits
for them is the `floor`'s.
"""

from __future__ import annotations

from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.books.ledger import Account
from apps.paper.exchange.book.book import Book
from apps.paper.exchange.orders import Order
from apps.paper.exchange.policies import ExchangePolicy

__all__ = ["crosses_sides", "needs_locate", "sells_short"]


def sells_short(account: Account, book: Book, order: Order) -> bool:
    """Tell whether an order sells more than the account holds, less what it is selling already.

    A bracket's exits never do: what they sell is bought by their parent first. Of a group of
    which one cancels the others only one sells.
    """
    if order.side is not Side.SELL or order.legs:
        return False
    parent = book.parent(order)
    if parent is not None and parent.order.side is Side.BUY:
        return False
    selling = sum(
        (
            other.remaining
            for other in book.alive_of(order.listing.con_id)
            if other.order.account == account.name
            and other.order.side is Side.SELL
            and other.key != order.key
            and not (order.oca_group and other.oca_group == order.oca_group)
        ),
        Decimal(0),
    )
    return account.holding(order.listing).quantity - selling < order.quantity


def needs_locate(account: Account, book: Book, order: Order, policy: ExchangePolicy) -> bool:
    """Tell whether an order must wait until shares are found that can be borrowed (404)."""
    is_hard = order.listing.sec_type == "STK" and order.listing.con_id in policy.hard_to_borrow
    return is_hard and sells_short(account, book, order)


def crosses_sides(account: Account, order: Order) -> bool:
    """Tell whether an order would turn the position that there is to the other side (2137)."""
    held = account.holding(order.listing).quantity
    return held * order.side.sign < 0 and order.quantity > abs(held)
