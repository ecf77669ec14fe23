"""What the broker has said of orders and executions: the adapter's own record of it.

ib_insync keeps such a record too, but takes nearly any code that names an order for its end.
Here an order's state changes by openOrder, orderStatus and completedOrder alone.

An order is known by its client and order id, or by its perm id when it was made by hand and
has no order id; an execution by its exec id. Each change is passed on once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.domain.errors import NotFound
from apps.domain.orders import Fill, OrderState, OrderStatus
from apps.ib.reports import Fanout, Reporter
from apps.ib.translate import (
    completed_order_from,
    exact,
    exact_or_none,
    fill_from,
    order_state_from,
)

if TYPE_CHECKING:
    from ib_insync import contract as ibc
    from ib_insync import objects as ibo
    from ib_insync import order as ibd

__all__ = ["BookEntry", "OrderBook", "OrderKey"]

OrderKey = tuple[int, int]
"""(client id, order id), or (−1, perm id) for an order without an order id."""


@dataclass(slots=True)
class BookEntry:
    """One order: its state for the desk, and the words of the broker to echo in a change."""

    state: OrderState
    contract: ibc.Contract
    order: ibd.Order
    concluded: bool = False
    """Its end was concluded by us, not said by the broker, whose word still counts."""


class OrderBook:
    """Orders and executions, over all links of the process."""

    def __init__(self, fanout: Fanout, reporter: Reporter) -> None:
        self._fanout = fanout
        self._reporter = reporter
        self._entries: dict[OrderKey, BookEntry] = {}
        self._fills: dict[str, Fill] = {}
        self._reports: dict[str, ibo.CommissionReport] = {}
        self._seen_open: set[OrderKey] = set()
        self._seen_completed: list[OrderState] = []
        self._asked: dict[int, list[str]] = {}
        self.tells_all_fills = False
        """False until the first link is synchronised: what it reads then is history."""

    # ------------------------------------------------------------------------ what is known

    def orders(self) -> tuple[OrderState, ...]:
        """Give every order that was seen."""
        return tuple(entry.state for entry in self._entries.values())

    def own(self, client_id: int, order_id: int) -> BookEntry:
        """Give one order of the client's own. Raises NotFound."""
        entry = self._entries.get((client_id, order_id))
        if entry is None:
            raise NotFound(f"This desk has no order {order_id}. See the list of orders.")
        return entry

    def has_own(self, client_id: int, order_id: int) -> bool:
        """Tell whether ``order_id`` is an order, and not a request, of the client's."""
        return (client_id, order_id) in self._entries

    def collect_open(self) -> set[OrderKey]:
        """Give a set that the keys of open orders go into, until the next call."""
        self._seen_open = set()
        return self._seen_open

    def collect_completed(self) -> list[OrderState]:
        """Give a list that orders which are over go into, until the next call."""
        self._seen_completed = []
        return self._seen_completed

    def state(self, key: OrderKey) -> OrderState:
        """Give the state of an order that was seen."""
        return self._entries[key].state

    def asked(self, req_id: int) -> tuple[Fill, ...]:
        """Give, and forget, which executions came in answer to a request."""
        return tuple(self._fills[exec_id] for exec_id in self._asked.pop(req_id, []))

    # ------------------------------------------------------------------- what we do ourselves

    def placed(self, contract: ibc.Contract, order: ibd.Order) -> None:
        """Note an order that was handed to the socket, or waits for its turn."""
        state = order_state_from(contract, order, status=OrderStatus.PENDING_SUBMIT, before=None)
        self._entries[state.client_id, state.order_id] = BookEntry(state, contract, order)

    def conclude(self, key: OrderKey, status: OrderStatus, warning: str) -> None:
        """Note the end of an order of which the broker will say nothing more."""
        entry = self._entries[key]
        entry.concluded = True
        self._change(entry, replace(entry.state, status=status, warning=warning))

    # -------------------------------------------------------------------- what the broker says

    def on_open_order(
        self, contract: ibc.Contract, order: ibd.Order, state: ibd.OrderState
    ) -> None:
        """Take an order as the broker holds it."""
        key = _key(order.clientId, order.orderId, order.permId)
        self._seen_open.add(key)
        entry = self._entries.get(key)
        before = entry.state if entry is not None else None
        status = self._status(state.status, before)
        if entry is not None and _is_stale(entry, status):
            # an answer may still list an order whose end was told already
            status = entry.state.status
        after = order_state_from(
            contract, order, status=status, before=before, warning=state.warningText
        )
        if entry is None:
            self._entries[key] = BookEntry(after, contract, order)
            self._fanout.on_order(after)
            return
        entry.contract, entry.order = contract, order
        self._change(entry, after)

    def on_order_status(
        self,
        order_id: int,
        status: str,
        filled: float,
        remaining: float,
        avg_fill_price: float,
        perm_id: int,
        client_id: int,
        why_held: str,
    ) -> None:
        """Take the state of an order; one that no openOrder has told of is not known yet."""
        entry = self._entries.get(_key(client_id, order_id, perm_id))
        if entry is None:
            return
        said = self._status(status, entry.state)
        if exact(filled) < entry.state.filled or _is_stale(entry, said):
            return  # repeats come late, and out of order
        entry.concluded = False
        self._change(
            entry,
            replace(
                entry.state,
                status=said,
                filled=exact(filled),
                remaining=exact(remaining),
                avg_fill_price=exact_or_none(avg_fill_price) or entry.state.avg_fill_price,
                perm_id=perm_id or entry.state.perm_id,
                why_held=why_held,
            ),
        )

    def on_completed_order(
        self, contract: ibc.Contract, order: ibd.Order, state: ibd.OrderState
    ) -> None:
        """Take an order that is over; one that we know, and have not seen the end of, ends.

        It comes without an order id, so it is matched by its perm id; one of whose perm id we were
        never told, by its reference and what it is.
        """
        completed = completed_order_from(contract, order, state, self._status(state.status, None))
        self._seen_completed.append(completed)
        entry = self._entry_of(completed)
        if entry is None or entry.state.status.is_done:
            return
        before, entry.concluded = entry.state, False
        filled = max(completed.filled, before.filled)
        self._change(
            entry,
            replace(
                before,
                perm_id=completed.perm_id,
                status=completed.status,
                filled=filled,
                remaining=max(before.quantity - filled, Decimal(0)),
                warning=completed.warning or before.warning,
            ),
        )

    def on_execution(
        self, contract: ibc.Contract, execution: ibo.Execution, *, asked_by: int | None
    ) -> None:
        """Take an execution; each is passed on once, and once more with its commission."""
        exec_id = execution.execId
        if asked_by is not None:
            self._asked.setdefault(asked_by, []).append(exec_id)
        if exec_id in self._fills:
            return
        fill = fill_from(contract, execution, self._reports.pop(exec_id, None))
        self._fills[exec_id] = fill
        if asked_by is None or self.tells_all_fills:
            self._fanout.on_fill(fill)

    def on_commission(self, report: ibo.CommissionReport) -> None:
        """Take what an execution cost; it may come before the execution itself."""
        fill = self._fills.get(report.execId)
        if fill is None:
            self._reports[report.execId] = report
            return
        known = replace(
            fill,
            commission=exact_or_none(report.commission),
            realized_pnl=exact_or_none(report.realizedPNL),
        )
        if known != fill:
            self._fills[report.execId] = known
            if self.tells_all_fills:
                self._fanout.on_fill(known)

    def _entry_of(self, completed: OrderState) -> BookEntry | None:
        for entry in self._entries.values():
            if entry.state.perm_id == completed.perm_id:
                return entry
        if not completed.order_ref:
            return None
        nameless = (entry for entry in self._entries.values() if not entry.state.perm_id)
        return next((each for each in nameless if _look(each.state) == _look(completed)), None)

    def _change(self, entry: BookEntry, after: OrderState) -> None:
        if after != entry.state:
            entry.state = after
            self._fanout.on_order(after)

    def _status(self, text: str, before: OrderState | None) -> OrderStatus:
        try:
            return OrderStatus(text)
        except ValueError:
            self._reporter.say(f"IB sent an order status that is not known here: {text!r}.")
            return before.status if before is not None else OrderStatus.PENDING_SUBMIT


def _key(client_id: int, order_id: int, perm_id: int) -> OrderKey:
    return (client_id, order_id) if order_id > 0 else (-1, perm_id)


def _look(order: OrderState) -> tuple[object, ...]:
    return order.order_ref, order.con_id, order.side, order.order_type


def _is_stale(entry: BookEntry, said: OrderStatus) -> bool:
    return entry.state.status.is_done and not said.is_done and not entry.concluded
