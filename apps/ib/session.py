"""One connection to TWS: its ib_insync objects, what is in flight on it, who hears its messages.

A `Session` is made for one attempt to connect and never used again: ib_insync does not clean
up behind a lost link, so each link begins with new objects.

ib_insync's `Wrapper` is where decoded messages arrive. Our methods take the place of some of
its own (`callbacks` is the table), because behind them the truth is already bent: an order
is marked Cancelled for nearly any code that names it (10349, 104, 105, 161, 321, 329 among
them), an unset P&L becomes 0.0, warning texts are dropped, bars are kept for ever, and
handlers' errors are only logged. What ends a request still goes to ib_insync.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from apps.domain.errors import NotConnected
from apps.ib.errors import CodeKind, meaning
from apps.ib.library import ib_insync
from apps.ib.link_codes import BUST
from apps.ib.reports import Reporter
from apps.ib.sinks import BarSink, Closable, CodeSink, OrderInbox, TickSink

if TYPE_CHECKING:
    from ib_insync import IB
    from ib_insync import contract as ibc
    from ib_insync import objects as ibo
    from ib_insync import order as ibd

__all__ = ["Session", "SessionOwner"]


class SessionOwner(Protocol):
    """Hears of the link itself."""

    def on_code(self, session: Session, req_id: int, code: int, text: str) -> None:
        """A code that neither answers a request nor names a subscription."""

    def on_bust(self, session: Session) -> None:
        """A subscription to bars was ended by a bust; who held it was told before."""

    def on_closed(self, session: Session, reason: str) -> None:
        """The link is gone, or was refused."""


class Session:
    """The ib_insync objects of one link, with routes from request ids to those who asked."""

    def __init__(self, owner: SessionOwner, orders: OrderInbox, reporter: Reporter) -> None:
        self.bars: dict[int, BarSink] = {}
        self.ticks: dict[int, TickSink] = {}
        self.codes: dict[int, CodeSink] = {}
        self.subscriptions: set[Closable] = set()
        self.bytes_seen = 0
        self.last_id = -1
        self.ended = False
        self._owner = owner
        self._orders = orders
        self._reporter = reporter
        self._chores: set[asyncio.Task[None]] = set()
        self._now_s = asyncio.get_running_loop().time
        self.heard_at_s = self._now_s()
        self._gone = asyncio.get_running_loop().create_future()
        self.library = ib_insync()
        self.ib = _make_ib(self.library, self)
        # ib_insync's Client and Wrapper carry no annotations
        self.client: Any = self.ib.client
        self.wrapper: Any = self.ib.wrapper
        self.client.MaxRequests = 0  # our own pacing stands before it
        self.client.apiError.connect(self._on_api_error, keep_ref=True)
        self.client.apiEnd.connect(self._on_api_end, keep_ref=True)
        self.client.conn.disconnected.connect(self._on_socket_gone, keep_ref=True)

    @property
    def is_usable(self) -> bool:
        """Messages can be sent."""
        return not self.ended and bool(self.client.isReady())

    def require_usable(self) -> None:
        """Raise NotConnected unless messages can be sent."""
        if not self.is_usable:
            raise NotConnected("There is no link to the broker; nothing was sent.")

    def next_id(self) -> int:
        """Give a new id, for a request or an order. Raises NotConnected."""
        self.require_usable()
        self.last_id = int(self.client.getReqId())
        return self.last_id

    def spawn(self, chore: Coroutine[Any, Any, None]) -> None:
        """Run ``chore`` until it ends or the session does; its failure is told."""
        task = asyncio.get_running_loop().create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chore_done)

    async def close(self, timeout_s: float) -> None:
        """End everything that runs on the link, then the link. Never raises, never hangs."""
        self.end()
        chores = [task for task in self._chores if task is not asyncio.current_task()]
        for task in chores:
            task.cancel()
        self.client.disconnect()
        await self._until_socket_gone(timeout_s)
        if chores:
            await asyncio.wait(chores, timeout=timeout_s)

    def end(self) -> None:
        """Let go of everybody: subscriptions are cancelled if the link is up, requests fail."""
        if self.ended:
            return
        for subscription in tuple(self.subscriptions):
            subscription.close()
        self.ended = True
        # ib_insync fails what is in flight only when the other side hangs up on a link that
        # was ready; here nobody may be left waiting
        self.wrapper.connectionClosed()

    async def _until_socket_gone(self, timeout_s: float) -> None:
        transport = self.client.conn.transport
        if transport is None:
            return
        await asyncio.wait({self._gone}, timeout=timeout_s)
        if not self._gone.done():
            # a half-open socket with bytes in its buffer would close never
            transport.abort()
            await asyncio.wait({self._gone}, timeout=timeout_s)

    def _chore_done(self, task: asyncio.Task[None]) -> None:
        self._chores.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._reporter.say(f"{error}", error)

    # ------------------------------------------------- callbacks of the socket and decoder

    def callbacks(self) -> Mapping[str, Callable[..., None]]:
        """Give our methods by the names of the wrapper's methods whose place they take."""
        return {
            "tcpDataArrived": self._on_bytes,
            "realtimeBar": self._on_bar,
            "priceSizeTick": self._on_price,
            "tickSize": self._on_size,
            "tickGeneric": self._on_value,
            "tickString": _ignored,
            "tickReqParams": _ignored,
            "marketDataType": self._on_data_type,
            "tickSnapshotEnd": self._on_snapshot_end,
            "orderStatus": self._on_order_status,
            "completedOrder": self._orders.on_completed_order,
            "execDetails": self._on_execution,
            "commissionReport": self._orders.on_commission,
        }

    def on_error(
        self, end_request: Callable[..., None], req_id: int, code: int, text: str, extra: str
    ) -> None:
        """Route a code: to the request that it ends, to a subscription, or to the owner.

        ``end_request`` is ib_insync's own handling, used for requests alone. For an order it
        would mark it Cancelled; for 1102 it would begin one more account summary, of which IB
        allows two (322).
        """
        if extra:
            text = f"{text} {extra}"
        is_request = req_id in self.wrapper._futures  # noqa: SLF001 - nothing public tells
        if is_request and meaning(code).kind not in (CodeKind.INFO, CodeKind.WARNING):
            end_request(req_id, code, text, extra)
        elif (sink := self.codes.get(req_id)) is not None:
            sink.on_code(code, text)
            if code == BUST:
                self._owner.on_bust(self)
        else:
            self._owner.on_code(self, req_id, code, text)

    def on_open_order(
        self,
        end_what_if: Callable[..., None],
        order_id: int,
        contract: ibc.Contract,
        order: ibd.Order,
        state: ibd.OrderState,
    ) -> None:
        """Take an order as the broker holds it; the answer to a what-if looks the same."""
        if order.whatIf:
            end_what_if(order_id, contract, order, state)
            return
        # ids of other clients too: a lower one of ours would be refused with 103
        self.client.updateReqId(order_id + 1)
        self._orders.on_open_order(contract, order, state)

    def _on_bytes(self) -> None:
        self.bytes_seen += 1
        self.heard_at_s = self._now_s()

    def _on_bar(self, req_id: int, epoch_s: int, *values: Any) -> None:
        sink = self.bars.get(req_id)
        if sink is not None:
            sink.on_bar(epoch_s, *values)

    def _on_price(self, req_id: int, tick_type: int, price: float, size: float) -> None:
        if (sink := self.ticks.get(req_id)) is not None:
            sink.on_price(tick_type, price, size)

    def _on_size(self, req_id: int, tick_type: int, size: float) -> None:
        if (sink := self.ticks.get(req_id)) is not None:
            sink.on_size(tick_type, size)

    def _on_value(self, req_id: int, tick_type: int, value: float) -> None:
        if (sink := self.ticks.get(req_id)) is not None:
            sink.on_value(tick_type, value)

    def _on_data_type(self, req_id: int, market_data_type: int) -> None:
        if (sink := self.ticks.get(req_id)) is not None:
            sink.on_data_type(market_data_type)

    def _on_snapshot_end(self, req_id: int) -> None:
        if (sink := self.ticks.get(req_id)) is not None:
            sink.on_snapshot_end()

    def _on_order_status(
        self,
        order_id: int,
        status: str,
        filled: float,
        remaining: float,
        avg_fill_price: float,
        perm_id: int,
        _parent_id: int,
        _last_fill_price: float,
        client_id: int,
        why_held: str,
        _mkt_cap_price: float = 0.0,
    ) -> None:
        self._orders.on_order_status(
            order_id, status, filled, remaining, avg_fill_price, perm_id, client_id, why_held
        )

    def _on_execution(self, req_id: int, contract: ibc.Contract, execution: ibo.Execution) -> None:
        asked = req_id in self.wrapper._futures  # noqa: SLF001 - nothing public tells
        self._orders.on_execution(contract, execution, asked_by=req_id if asked else None)

    def _on_api_error(self, text: str) -> None:
        self._owner.on_closed(self, text)

    def _on_api_end(self) -> None:
        self._owner.on_closed(self, "The broker's side closed the connection.")

    def _on_socket_gone(self, text: str) -> None:
        if not self._gone.done():
            self._gone.set_result(None)
        self._owner.on_closed(self, text or "The connection was closed.")


def _ignored(*_: object) -> None:
    """Nothing that the desk has a use for."""


def _make_ib(library: Any, session: Session) -> IB:
    ib = library.IB()
    wrapper = type(ib.wrapper)(ib)
    end_request, open_order = wrapper.error, wrapper.openOrder
    for name, method in session.callbacks().items():
        setattr(wrapper, name, method)
    wrapper.error = lambda *message: session.on_error(end_request, *message)
    wrapper.openOrder = lambda *message: session.on_open_order(open_order, *message)
    ib.wrapper = wrapper
    # after the above: the decoder looks the wrapper's methods up when it is made
    ib.client = library.Client(wrapper)
    ib.RaiseRequestErrors = True
    result: IB = ib
    return result
