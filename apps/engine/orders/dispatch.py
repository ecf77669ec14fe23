"""The one way of an order to the broker: into the journal first, then to the socket.

At home here is that order of things: what may be sent is the gate's to say, what becomes of an
order its owner's to know. Whether anything may be sent at all is asked here once more, for nothing
gets by. An order that opens is not sent unless it is written
down; one that protects or reduces is held back by nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from apps.domain.errors import DeskError
from apps.domain.instruments import Instrument
from apps.domain.orders import Bracket, Ticket
from apps.domain.records import ChangeAsked, IntentDropped, IntentReserved, OrderReserved
from apps.engine.chronicle import Chronicle
from apps.engine.orders.legs import LegRole, roles_of
from apps.engine.ports import Broker
from apps.engine.prices.market_clock import MarketClock

__all__ = ["Dispatch"]


class Dispatch:
    """Sends, changes and cancels orders of one desk.

    ``check_mode`` raises RiskRefused where nothing may be sent at all; so does every method then.
    """

    def __init__(
        self,
        broker: Broker,
        chronicle: Chronicle,
        market_clock: MarketClock,
        check_mode: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._client_id = broker.client_id
        self._chronicle = chronicle
        self._market_clock = market_clock
        self._check_mode = check_mode

    def bracket(
        self, bracket: Bracket, *, label: str, reference: Decimal, rests: bool
    ) -> tuple[int, ...]:
        """Reserve an intent and its orders, then send them; give the ids in the order of legs.

        Raises JournalLost and what `Broker.place_bracket` raises: nothing was sent.
        """
        self._check_mode()
        order_ids = self._broker.reserve_ids(len(bracket.legs))
        entry = bracket.entry
        intent = self._intent(
            bracket.instrument, entry, label=label, reference=reference, rests=rests
        )
        orders = self._orders(bracket, order_ids)
        self._chronicle.reserve(intent, *orders)
        for order_id in order_ids:
            self._chronicle.sending(order_id, intent.order_ref)
        try:
            self._broker.place_bracket(bracket, order_ids)
        except DeskError as error:
            at = self._market_clock.now
            self._chronicle.note(IntentDropped(intent.order_ref, error.message, at))
            raise
        return order_ids

    def for_account(
        self, instrument: Instrument, ticket: Ticket, *, label: str, reference: Decimal, opens: bool
    ) -> int:
        """Reserve an order for the account as a whole, then send it; give its id.

        Raises JournalLost and what `Broker.place` raises: nothing was sent.
        """
        self._check_mode()
        (order_id,) = self._broker.reserve_ids(1)
        intent = self._intent(instrument, ticket, label=label, reference=reference, rests=True)
        order = self._order(instrument, ticket, LegRole.ENTRY, order_id, parent_id=0)
        self._chronicle.reserve(intent, order)
        self._chronicle.sending(order_id, ticket.order_ref)
        try:
            self._broker.place(instrument, ticket, order_id, opens=opens)
        except DeskError as error:
            at = self._market_clock.now
            self._chronicle.note(IntentDropped(ticket.order_ref, error.message, at))
            raise
        return order_id

    def place(self, instrument: Instrument, ticket: Ticket, role: LegRole) -> int:
        """Send an order that protects or closes; give its id. Raises as `Broker.place`."""
        self._check_mode()
        (order_id,) = self._broker.reserve_ids(1)
        self._chronicle.note(self._order(instrument, ticket, role, order_id, parent_id=0))
        self._chronicle.sending(order_id, ticket.order_ref)
        self._broker.place(instrument, ticket, order_id)
        return order_id

    def modify(self, order_id: int, ticket: Ticket) -> None:
        """Ask for a changed price or quantity. Raises as `Broker.modify`."""
        self._check_mode()
        self._chronicle.note(
            ChangeAsked.modification(
                order_id, ticket, client_id=self._client_id, at=self._market_clock.now
            )
        )
        self._broker.modify(order_id, ticket)

    def cancel(self, order_id: int) -> None:
        """Ask for an order's end. Raises as `Broker.cancel`."""
        self._check_mode()
        self._chronicle.note(
            ChangeAsked.cancellation(
                order_id,
                self._chronicle.order_ref(order_id),
                client_id=self._client_id,
                at=self._market_clock.now,
            )
        )
        self._broker.cancel(order_id)

    def discard(self, order_id: int, order_ref: str) -> None:
        """Ask for the end of an order that the broker does not list. Raises as `Broker.discard`."""
        self._check_mode()
        client_id, at = self._client_id, self._market_clock.now
        self._chronicle.note(
            ChangeAsked.cancellation(order_id, order_ref, client_id=client_id, at=at)
        )
        self._broker.discard(order_id)

    def outcome(self, order_ref: str, outcome: str, *, is_over: bool) -> None:
        """Write down what became of an intent."""
        self._chronicle.outcome(order_ref, outcome, is_over=is_over)

    def _intent(
        self, instrument: Instrument, entry: Ticket, *, label: str, reference: Decimal, rests: bool
    ) -> IntentReserved:
        return IntentReserved(
            order_ref=entry.order_ref,
            label=label,
            con_id=instrument.con_id,
            symbol=instrument.symbol,
            primary_exchange=instrument.primary_exchange,
            side=entry.side,
            quantity=entry.quantity,
            reference=reference,
            rests=rests,
            at=self._market_clock.now,
        )

    def _orders(self, bracket: Bracket, order_ids: tuple[int, ...]) -> list[OrderReserved]:
        parent_id = order_ids[0]
        return [
            self._order(
                bracket.instrument,
                ticket,
                role,
                order_id,
                parent_id=0 if role is LegRole.ENTRY else parent_id,
            )
            for role, ticket, order_id in zip(
                roles_of(bracket), bracket.legs, order_ids, strict=True
            )
        ]

    def _order(
        self,
        instrument: Instrument,
        ticket: Ticket,
        role: LegRole,
        order_id: int,
        *,
        parent_id: int,
    ) -> OrderReserved:
        return OrderReserved(
            order_ref=ticket.order_ref,
            client_id=self._client_id,
            order_id=order_id,
            parent_id=parent_id,
            role=role.value,
            con_id=instrument.con_id,
            symbol=instrument.symbol,
            side=ticket.side,
            quantity=ticket.quantity,
            order_type=ticket.order_type.value,
            limit_price=ticket.limit_price,
            stop_price=ticket.stop_price,
            time_in_force=ticket.time_in_force.value,
            at=self._market_clock.now,
        )
