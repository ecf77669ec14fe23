"""Who takes the messages of a session, by topic: what each kind of taker must offer.

All are called synchronously from the socket's callback and must return at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ib_insync import contract as ibc
    from ib_insync import objects as ibo
    from ib_insync import order as ibd

__all__ = ["BarSink", "Closable", "CodeSink", "OrderInbox", "TickSink"]


class BarSink(Protocol):
    """Takes the bars of one subscription."""

    def on_bar(
        self,
        epoch_s: int,
        open_: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        wap: float,
        count: int,
    ) -> None:
        """A 5-second bar that starts at ``epoch_s``."""


class TickSink(Protocol):
    """Takes the ticks of one quote."""

    def on_price(self, tick_type: int, price: float, size: float) -> None:
        """A price with its size; −1 means that there is none now."""

    def on_size(self, tick_type: int, size: float) -> None:
        """A size alone."""

    def on_value(self, tick_type: int, value: float) -> None:
        """A generic tick, such as 49 for a halt."""

    def on_data_type(self, market_data_type: int) -> None:
        """1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    def on_snapshot_end(self) -> None:
        """A quote asked for once is complete."""


class CodeSink(Protocol):
    """Takes the codes that name one subscription."""

    def on_code(self, code: int, text: str) -> None:
        """A code with its text."""


class OrderInbox(Protocol):
    """Takes what the broker says of orders and executions."""

    def on_open_order(
        self, contract: ibc.Contract, order: ibd.Order, state: ibd.OrderState
    ) -> None:
        """An order as the broker holds it, asked for or of its own accord."""

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
        """The state of an order."""

    def on_completed_order(
        self, contract: ibc.Contract, order: ibd.Order, state: ibd.OrderState
    ) -> None:
        """An order that is over, as asked for."""

    def on_execution(
        self, contract: ibc.Contract, execution: ibo.Execution, *, asked_by: int | None
    ) -> None:
        """An execution; ``asked_by`` is the id of the request that it answers, if any."""

    def on_commission(self, report: ibo.CommissionReport) -> None:
        """What an execution cost, with unset values as IB sent them."""


class Closable(Protocol):
    """Something to be ended with the session."""

    def close(self) -> None:
        """End it; closing twice does nothing."""
