"""The account as the trader looks at it: positions with what protects them, orders, quotes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.domain.account import Position
from apps.domain.exits.protection import Protection, ProtectionState, protection_of
from apps.domain.instruments import Instrument
from apps.domain.orders import OrderState
from apps.domain.quotes import Quote
from apps.engine.ports import Broker
from apps.engine.risk.own_book import OwnBook
from apps.engine.together import all_done

__all__ = ["Portfolio", "PositionView", "QuoteView"]


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position, how well it is protected, and how much of it is the desk's own (signed)."""

    position: Position
    protection: Protection
    ours: Decimal

    @property
    def is_unprotected(self) -> bool:
        """Something of ours is held, and not all of it has a working stop."""
        covered = self.protection.quantity >= min(abs(self.ours), abs(self.position.quantity))
        is_flat = self.protection.state is ProtectionState.FLAT
        return bool(self.ours) and not is_flat and not covered


@dataclass(frozen=True, slots=True)
class QuoteView:
    """A quote and its age in seconds of this machine, when it was given."""

    instrument: Instrument
    quote: Quote
    age_s: float


class Portfolio:
    """Reads the account; each answer is the broker's of this moment."""

    def __init__(self, broker: Broker, book: OwnBook) -> None:
        self._broker = broker
        self._book = book

    async def positions(self) -> tuple[PositionView, ...]:
        """Give what is held, by symbol, each with its protection."""
        positions, _ = await self.holdings()
        return positions

    async def orders(self) -> tuple[OrderState, ...]:
        """Give the working orders of the account, of all clients, by symbol."""
        orders = await self._broker.open_orders()
        return tuple(sorted(orders, key=lambda order: (order.symbol, order.order_id)))

    async def holdings(self) -> tuple[tuple[PositionView, ...], tuple[OrderState, ...]]:
        """Give `positions` and `orders`, both asked for at the same time."""
        held: list[Position]
        orders: tuple[OrderState, ...]
        held, orders = await all_done(self._held(), self.orders())
        return tuple(self._view(position, orders) for position in held), orders

    async def _held(self) -> list[Position]:
        positions = None
        while positions is None:
            positions = await self._book.ask_positions(self._broker)
        return sorted((each for each in positions if each.quantity), key=lambda each: each.symbol)

    def _view(self, position: Position, orders: Iterable[OrderState]) -> PositionView:
        mine = [order for order in orders if order.con_id == position.con_id]
        protection = protection_of(position.quantity, mine)
        return PositionView(position, protection, self._book.quantity(position.con_id))
