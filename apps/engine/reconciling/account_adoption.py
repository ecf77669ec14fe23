"""Orders for the account as a whole, in a reconciliation: what is counted with, and what follows.

The same findings as for brackets, on single orders. Nothing depends on them: one of an earlier day
that is listed nowhere any more is let go, whatever the account holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from apps.domain.errors import DeskError
from apps.domain.instruments import Instrument
from apps.domain.orders import OrderState
from apps.domain.reconciling.expectations import ExpectedIntent, ExpectedOrder
from apps.domain.reconciling.findings import Finding, Verdict
from apps.domain.reconciling.open_intents import OpenIntent
from apps.engine.chronicle import Chronicle
from apps.engine.orders.account_order import AccountOrder
from apps.engine.orders.account_orders import AccountOrders
from apps.engine.orders.execution import Execution
from apps.engine.ports import Broker

__all__ = ["AccountAdoption"]


class AccountAdoption:
    """Brings the orders for the account to where the broker is. ``hear`` tells orders to all."""

    def __init__(
        self,
        *,
        broker: Broker,
        chronicle: Chronicle,
        execution: Execution,
        orders: AccountOrders,
        hear: Callable[[Iterable[OrderState]], None],
    ) -> None:
        self._broker = broker
        self._chronicle = chronicle
        self._execution = execution
        self._orders = orders
        self._hear = hear

    def has(self, order_ref: str) -> bool:
        """Tell whether the order that carries ``order_ref`` is followed."""
        return self._orders.order_of_ref(order_ref) is not None

    def expected(self) -> tuple[ExpectedIntent, ...]:
        """Give what is counted with now."""
        client_id = self._broker.client_id
        return tuple(
            _expected(each, client_id, self._chronicle.sent_at(each.order_id))
            for each in self._orders.orders
        )

    def begin(self, known: OpenIntent, instrument: Instrument) -> None:
        """Take up an order as it was last known. Raises ValueError for one without words for it."""
        for each in known.orders:
            order_id = each.reserved.order_id
            order = AccountOrder(
                instrument,
                each.ticket,
                order_id,
                label=known.intent.label,
                price=known.intent.reference,
            )
            for fill in known.fills:
                order.on_fill(fill)
            if each.notice is not None:
                order.on_notice(*each.notice)
            if (state := each.state(self._broker.account)) is not None:
                order.on_order(state)
            order.on_link_lost()
            self._chronicle.sending(order_id, order.order_ref, each.reserved.at)
            self._orders.restore(order)

    def act(self, finding: Finding) -> None:
        """Do what follows from a finding about an order that is followed."""
        order = self._orders.order_of_ref(finding.order_ref)
        if order is None or order.is_over:
            return
        match finding.verdict:
            case Verdict.ADOPTED | Verdict.DIFFERS if finding.state is not None:
                if finding.state.status.is_done:  # what lives told itself
                    self._hear((finding.state,))
            case Verdict.NEVER_ACCEPTED if not _was_answered(order):
                with suppress(DeskError):  # it is not there, or it is found by the next look
                    self._execution.discard(order.order_id, order.order_ref)
                self._orders.void(order)
            case Verdict.GONE:
                self._orders.let_go(order)
            case _:
                pass


def _was_answered(order: AccountOrder) -> bool:
    said = order.order
    return order.filled > 0 or (said is not None and said.perm_id != 0)


def _expected(order: AccountOrder, client_id: int, sent_at: datetime | None) -> ExpectedIntent:
    ticket, said, instrument = order.ticket, order.order, order.instrument
    return ExpectedIntent(
        order_ref=order.order_ref,
        symbol=instrument.symbol,
        con_id=instrument.con_id,
        side=ticket.side,
        orders=(
            ExpectedOrder(
                order_ref=order.order_ref,
                client_id=client_id,
                order_id=order.order_id,
                perm_id=said.perm_id if said is not None else 0,
                parent_id=0,
                is_entry=True,
                con_id=instrument.con_id,
                symbol=instrument.symbol,
                side=ticket.side,
                order_type=ticket.order_type.value,
                quantity=said.quantity if said is not None else ticket.quantity,
                limit_price=said.limit_price if said is not None else ticket.limit_price,
                stop_price=None,
                time_in_force=ticket.time_in_force.value,
                status=said.status if said is not None else None,
                filled=order.filled,
                sent_at=sent_at,
                is_over=order.is_over,
            ),
        ),
        fills=order.fills,
        open_quantity=Decimal(0),
        at=sent_at,
        is_over=order.is_over,
    )
