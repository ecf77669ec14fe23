"""Whether the demo's story happened, by the gateway's books: pure.

The desk's own belief enters at one point only: its P&L, which has to be the ledger's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.api.replies import Check, Verdict
from apps.domain.numerals import priced
from apps.paper.books.ledger import Holding
from apps.paper.exchange.orders import LIMIT_TYPES, STOP_TYPES, OrderSnapshot

__all__ = ["Books", "judge"]

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Books:
    """What the gateway knows at the end: every order, working or done, and every holding."""

    working: Sequence[OrderSnapshot]
    done: Sequence[OrderSnapshot]
    holdings: Sequence[Holding]


def judge(seed: int, books: Books, *, armed: int, believed_pnl: Decimal) -> Verdict:
    """Give the verdict; ``believed_pnl`` is what the desk says it realised, fees included."""
    orders = [*books.done, *books.working]
    entries = [order for order in orders if not order.order.parent_id and order.filled]
    told = next((entry for entry in entries if _exit_of(entry, orders)), None) or (
        entries[0] if entries else None
    )
    return Verdict(
        seed,
        (
            Check("Watchers were armed", armed > 0, f"{armed}, on both sides of the market"),
            Check("A break was entered", bool(entries), _entry_words(told)),
            _bracket_check(told, orders),
            Check("The entry filled", told is not None, _fill_words(told)),
            _exit_check(told, orders),
            _flat_check(books),
            _pnl_check(books, believed_pnl),
        ),
    )


def _children(entry: OrderSnapshot, orders: Sequence[OrderSnapshot]) -> list[OrderSnapshot]:
    return [order for order in orders if order.order.parent_key == entry.key]


def _exit_of(entry: OrderSnapshot, orders: Sequence[OrderSnapshot]) -> OrderSnapshot | None:
    """Give the target or stop that closed the whole of ``entry`` by itself."""
    filled = (child for child in _children(entry, orders) if child.filled == entry.filled)
    return next(filled, None)


def _bracket_check(entry: OrderSnapshot | None, orders: Sequence[OrderSnapshot]) -> Check:
    children = _children(entry, orders) if entry else []
    types = {child.order.order_type for child in children}
    holds = len(children) == 2 and bool(types & LIMIT_TYPES) and bool(types & STOP_TYPES)
    words = ", ".join(
        f"{child.order.order_type} {_priced(child.order.limit_price or child.order.stop_price)}"
        for child in children
    )
    return Check("Its exits went with it", holds, words or "none")


def _exit_check(entry: OrderSnapshot | None, orders: Sequence[OrderSnapshot]) -> Check:
    closing = _exit_of(entry, orders) if entry else None
    if closing is None:
        return Check("An exit closed it", False, "neither target nor stop")
    name = "stop" if closing.order.order_type in STOP_TYPES else "take-profit"
    return Check(
        "An exit closed it", True, f"{name}, {closing.filled} at {closing.avg_fill_price:.2f}"
    )


def _flat_check(books: Books) -> Check:
    left = [f"{held.quantity} {held.listing.symbol}" for held in books.holdings if held.quantity]
    left += [f"order {order.order.order_id}" for order in books.working]
    return Check("Nothing is left behind", not left, ", ".join(left) or "flat, no orders")


def _pnl_check(books: Books, believed: Decimal) -> Check:
    realized = sum((held.realized_pnl for held in books.holdings), Decimal(0))
    agrees = abs(realized - believed) < _CENT
    words = f"{realized:+.2f} with fees"
    return Check(
        "The desk's P&L is the ledger's",
        agrees,
        words if agrees else f"{words}, the desk says {believed:+.2f}",
    )


def _entry_words(entry: OrderSnapshot | None) -> str:
    if entry is None:
        return "no entry"
    wish = entry.order
    limit = _priced(wish.limit_price)
    return f"{wish.side.value} {wish.quantity} {wish.listing.symbol}, limit {limit}"


def _fill_words(entry: OrderSnapshot | None) -> str:
    return f"{entry.filled} at {entry.avg_fill_price:.2f}" if entry else "nothing"


def _priced(price: Decimal | None) -> str:
    return "none" if price is None else priced(price)
