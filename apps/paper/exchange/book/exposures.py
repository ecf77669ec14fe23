"""What working orders would add to an account's positions, kept up to date order by order.

So that weighing one more order asks for what is held and for the orders without a price of their
own, not for every order that works. What is done with the figure is `margin`'s.

An order counts at its own price, one without at the mark, a combination leg by leg at the marks; a
bracket's exits count nothing: no larger than their parent, they never trade more than it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.books.ledger import Account, Mark
from apps.paper.exchange.book.book import Book
from apps.paper.exchange.orders import LIMIT_TYPES, STOP_TYPES, Order, OrderKey
from apps.paper.instruments.listing import Listing

__all__ = ["Exposures", "Part", "held_part", "is_exit", "parts_of"]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """So many of one listing, at a value: a position, or what an order adds; both are signed."""

    listing: Listing
    quantity: Decimal = _ZERO
    value: Decimal = _ZERO

    def and_of(self, other: Part) -> Part:
        """Give both together."""
        return Part(self.listing, self.quantity + other.quantity, self.value + other.value)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an order adds to one listing. ``price`` is None where the mark is to be asked."""

    listing: Listing
    quantity: Decimal
    price: Decimal | None

    def at(self, mark: Mark) -> Part:
        price = mark(self.listing) if self.price is None else self.price
        return Part(self.listing, self.quantity, self.quantity * price * self.listing.multiplier)


@dataclass(slots=True)
class _Line:
    """All that the orders of one account would add to one listing.

    ``buys`` and ``sells`` are those with a price, ``at_mark`` the others; ``margin`` is what the
    former ask for when nothing is held, in the listing's currency, None when it must be asked.
    """

    buys: Part
    sells: Part
    at_mark: dict[OrderKey, tuple[_Wanted, ...]] = field(default_factory=dict)
    margin: Decimal = _ZERO

    @property
    def is_fixed(self) -> bool:
        """Nothing but the orders themselves decides what they ask for."""
        return not self.at_mark

    def add(self, key: OrderKey, wanted: _Wanted) -> None:
        if wanted.price is None:
            self.at_mark[key] = (*self.at_mark.get(key, ()), wanted)
        else:
            self._count(wanted, 1)

    def remove(self, key: OrderKey, wanted: _Wanted) -> None:
        if wanted.price is None:
            self.at_mark.pop(key, None)
        else:
            self._count(wanted, -1)

    def copy(self) -> _Line:
        return replace(self, at_mark=dict(self.at_mark))

    def initial_margin(self, account: Account, held: Part, mark: Mark) -> Decimal:
        """Give what position and orders ask for together, in the listing's currency."""
        long, short = held.and_of(self.buys), held.and_of(self.sells)
        for wanted in (each for several in self.at_mark.values() for each in several):
            if wanted.quantity > 0:
                long = long.and_of(wanted.at(mark))
            else:
                short = short.and_of(wanted.at(mark))
        return max(
            account.margins.initial(part.listing, part.quantity, part.value)
            for part in (_on_side(long, Side.BUY), _on_side(short, Side.SELL))
        )

    def _count(self, wanted: _Wanted, times: int) -> None:
        part = wanted.at(_unmarked)
        part = Part(part.listing, times * part.quantity, times * part.value)
        if wanted.quantity > 0:
            self.buys = self.buys.and_of(part)
        else:
            self.sells = self.sells.and_of(part)


class _Account:
    """One account's lines, and what the fixed ones ask for by currency."""

    def __init__(self) -> None:
        self.lines: dict[int, _Line] = {}
        self.stale: dict[int, None] = {}
        self.at_mark: dict[int, None] = {}
        self.fixed: defaultdict[str, Decimal] = defaultdict(Decimal)

    def line(self, listing: Listing) -> _Line:
        known = self.lines.get(listing.con_id)
        if known is None:
            known = self.lines[listing.con_id] = _Line(Part(listing), Part(listing))
        return known

    def refresh(self, account: Account) -> None:
        """Bring the sums of the fixed lines up to date."""
        for con_id in self.stale:
            line = self.lines[con_id]
            listing, before = line.buys.listing, line.margin
            line.margin = _ZERO
            if line.is_fixed:
                self.at_mark.pop(con_id, None)
                line.margin = line.initial_margin(account, Part(listing), _unmarked)
            else:
                self.at_mark[con_id] = None
            self.fixed[listing.currency] += line.margin - before
        self.stale.clear()


class Exposures:
    """The working orders of a book, weighed; follows the book by itself."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._changed = book.changes()
        self._accounts: defaultdict[str, _Account] = defaultdict(_Account)
        self._weighed: dict[OrderKey, tuple[_Account, tuple[_Wanted, ...]]] = {}

    def initial_margin(
        self, account: Account, mark: Mark, order: Order, quantity: Decimal
    ) -> Decimal:
        """Give what an account would need if all that works filled, ``quantity`` of ``order`` too.

        What the book knows of that order is left out. In the account's currency, at the worse of
        both directions for each listing.
        """
        self._follow()
        known = self._accounts[account.name]
        known.refresh(account)
        changed = self._with(known, order, quantity)
        held = {
            holding.listing.con_id: held_part(account, holding.listing, mark)
            for holding in account.positions()
            if holding.quantity
        }
        totals = dict(known.fixed)
        for con_id in {*changed, *held, *known.at_mark}:
            line = known.lines.get(con_id)
            now = changed.get(con_id, line)
            part = held.get(con_id)
            if now is None and part is not None:
                now = _Line(Part(part.listing), Part(part.listing))
            if now is None:
                continue
            listing = now.buys.listing
            asked = now.initial_margin(account, part or Part(listing), mark)
            before = line.margin if line is not None else _ZERO
            totals[listing.currency] = totals.get(listing.currency, _ZERO) + asked - before
        return sum((account.rate(code) * total for code, total in totals.items() if total), _ZERO)

    def _with(self, known: _Account, order: Order, quantity: Decimal) -> dict[int, _Line]:
        """Give the lines that would be others with this order instead of what is known of it."""
        changed: dict[int, _Line] = {}

        def line(listing: Listing) -> _Line:
            if listing.con_id not in changed:
                changed[listing.con_id] = known.line(listing).copy()
            return changed[listing.con_id]

        for wanted in self._weighed.get(order.key, (known, ()))[1]:
            line(wanted.listing).remove(order.key, wanted)
        for wanted in _wanted_by(order, quantity):
            line(wanted.listing).add(order.key, wanted)
        return changed

    def _follow(self) -> None:
        """Weigh again what has changed, and the children of it: an exit is one by its parent."""
        for key in self._changed:
            self._weigh(key)
            for child in self._book.children(key):
                self._weigh(child.key)
        self._changed.clear()

    def _weigh(self, key: OrderKey) -> None:
        before = self._weighed.pop(key, None)
        if before is not None:
            self._recount(key, before, _Line.remove)
        snapshot = self._book.find(key)
        if snapshot is None or not snapshot.stage.is_alive or is_exit(self._book, snapshot.order):
            return
        now = tuple(_wanted_by(snapshot.order, snapshot.remaining))
        self._weighed[key] = (self._accounts[snapshot.order.account], now)
        self._recount(key, self._weighed[key], _Line.add)

    def _recount(
        self,
        key: OrderKey,
        weighed: tuple[_Account, tuple[_Wanted, ...]],
        how: Callable[[_Line, OrderKey, _Wanted], None],
    ) -> None:
        known, parts = weighed
        for wanted in parts:
            how(known.line(wanted.listing), key, wanted)
            known.stale[wanted.listing.con_id] = None


def held_part(account: Account, listing: Listing, mark: Mark) -> Part:
    """Give what an account holds of a listing, at the mark."""
    valued = account.value(account.holding(listing), mark)
    return Part(listing, valued.holding.quantity, valued.market_value)


def parts_of(order: Order, quantity: Decimal, mark: Mark) -> Iterator[Part]:
    """Give what an order adds to positions: itself, or the legs of a combination."""
    return (wanted.at(mark) for wanted in _wanted_by(order, quantity))


def is_exit(book: Book, order: Order) -> bool:
    """Tell whether an order is a bracket's exit, no larger than what its parent opens."""
    parent = book.parent(order)
    if parent is None or parent.order.side is order.side:
        return False
    return order.quantity <= parent.order.quantity


def _wanted_by(order: Order, quantity: Decimal) -> Sequence[_Wanted]:
    if not order.legs:
        return (_Wanted(order.listing, order.side.sign * quantity, _own_price(order)),)
    return [
        _Wanted(leg.listing, order.side.sign * leg.side.sign * quantity * leg.ratio, None)
        for leg in order.legs
    ]


def _own_price(order: Order) -> Decimal | None:
    """Give the price at which an order is weighed: its limit, its stop, or none."""
    if order.order_type in LIMIT_TYPES and order.limit_price is not None:
        return order.limit_price
    return order.stop_price if order.order_type in STOP_TYPES else None


def _on_side(part: Part, side: Side) -> Part:
    """Give a position if it is on ``side``, else nothing; its value is never on the other one."""
    if part.quantity * side.sign <= 0:
        return Part(part.listing)
    value = max(_ZERO, part.value) if side is Side.BUY else min(_ZERO, part.value)
    return Part(part.listing, part.quantity, value)


def _unmarked(listing: Listing) -> Decimal:
    raise AssertionError(f"{listing.symbol} has a price of its own, or should not be asked for it")
