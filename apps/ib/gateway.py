"""The adapter as the wiring sees it: one object for one TWS or IB Gateway."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from apps.domain.errors import BrokerError, DeadlineExceeded, DeskError
from apps.domain.link import Link
from apps.domain.market_data_type import MarketDataType
from apps.domain.restart_window import RestartWindow
from apps.engine.ports import BrokerNotice, Clock
from apps.ib.account import IBAccount
from apps.ib.broker import IBBroker
from apps.ib.connection import Endpoint, IBConnection
from apps.ib.contracts import Contracts
from apps.ib.errors import CodeKind, meaning
from apps.ib.link_codes import LINK_CODES
from apps.ib.market_data import IBMarketData
from apps.ib.order_book import OrderBook
from apps.ib.order_queries import Doubts, IBOrderQueries
from apps.ib.orders import IBOrders
from apps.ib.pacer import Pacer
from apps.ib.pacing import Limits
from apps.ib.past_bars import IBPastBars
from apps.ib.patience import ONCE, Patience
from apps.ib.reports import ErrorSink, Fanout, Reporter
from apps.ib.requests import Requests, Timeouts
from apps.ib.session import Session

__all__ = ["IBGateway"]

_SELF_HEALING = 2110
"""TWS's own link is broken and heals by itself: in the nightly restart, that is known."""


_TYPES = {
    MarketDataType.LIVE: 1,
    MarketDataType.FROZEN: 2,
    MarketDataType.DELAYED: 3,
    MarketDataType.DELAYED_FROZEN: 4,
}
"""IB's numbers; what each request then gets is told with it."""


class IBGateway:
    """One TWS or IB Gateway: its connection, and the two ports on top of it.

    Made inside the running loop; nothing is imported or connected before `connect`. Errors
    that no caller is there to hear go to ``on_error`` as a sentence and the exception behind it.
    ``restarts`` are the spans of the day in which the broker's own restart is expected;
    ``market_data_type`` is asked for on each link.

        async with IBGateway(Endpoint(host, port, client_id), clock=clock, on_error=say) as ib:
            await ib.connect()
            group.create_task(ib.keep_connected())
            instrument = await ib.market_data.qualify("AAPL")
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Clock,
        on_error: ErrorSink,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        restarts: Sequence[RestartWindow] = (),
        market_data_type: MarketDataType = MarketDataType.LIVE,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        timeouts = timeouts or Timeouts()
        reporter = Reporter(on_error)
        fanout = Fanout(reporter)
        pacer = Pacer(limits or Limits())
        book = OrderBook(fanout, reporter)
        self._market_data_type = _TYPES[market_data_type]
        self._clock = clock
        self._reporter = reporter
        self._fanout = fanout
        self._book = book
        self.connection = IBConnection(
            endpoint,
            self,
            clock=clock,
            pacer=pacer,
            orders=book,
            reporter=reporter,
            timeouts=timeouts,
            restarts=restarts,
            jitter=jitter,
        )
        contracts = Contracts(self.connection, reporter)
        orders = IBOrders(self.connection, contracts, book, pacer=pacer, fanout=fanout)
        self._orders = orders
        self._queries = IBOrderQueries(self.connection, book)
        self._account = IBAccount(self.connection)
        self._doubts = Doubts(self.connection, self._queries, book, reporter)
        self.broker = IBBroker(self.connection, orders, self._queries, self._account, book, fanout)
        self.past_bars = IBPastBars(self.connection, contracts, pacer=pacer, timeouts=timeouts)
        self.market_data = IBMarketData(
            self.connection,
            contracts,
            clock=clock,
            pacer=pacer,
            fanout=fanout,
            reporter=reporter,
            timeouts=timeouts,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.disconnect()

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts of the login; empty until the first link is made."""
        return self.connection.accounts

    @property
    def server_version(self) -> int:
        """The version that the other side speaks; 0 until the first link is made."""
        return self.connection.server_version

    async def connect(self, patience: Patience = ONCE) -> None:
        """Connect, with as many attempts as ``patience`` has; see `IBConnection.connect`."""
        failures = 0
        while True:
            try:
                return await self.connection.connect()
            except DeskError as error:
                failures += 1
                pause_s = patience.pause_s(error, failures)
                if pause_s is None:
                    raise
                self._reporter.say(f"{error.message} It is tried again in {pause_s:g} s.")
            await self._clock.sleep(pause_s)

    async def keep_connected(self) -> None:
        """Watch the link and make it again when it is lost, until `disconnect`."""
        await self.connection.keep_connected()

    async def disconnect(self) -> None:
        """End subscriptions and link within a bounded time; again does nothing."""
        await self.connection.disconnect()

    # -------------------------------------------------------- what the connection tells us

    async def synchronise(self, session: Session, requests: Requests) -> None:
        """Read orders, executions and account before the link counts as ready."""
        session.client.reqMarketDataType(self._market_data_type)
        await self._queries.synchronise_open(session, requests)
        await self._queries.synchronise_executions(session, requests)
        for step, without in (
            (self._queries.synchronise_completed, "Orders that ended meanwhile may be missed."),
            (self._account.synchronise, "Positions are shown without market values."),
        ):
            try:
                await step(session, requests)
            except (BrokerError, DeadlineExceeded) as error:
                self._reporter.say(f"{error.message} {without}", error)

    def on_link(self, link: Link) -> None:
        """Pass on the link's new state."""
        self._fanout.on_link(link)

    def on_code(self, req_id: int, code: int, text: str) -> None:
        """Pass on a code; one that may be the end of an own order is asked about."""
        own = self._book.has_own(self.connection.endpoint.client_id, req_id)
        names_order = own or req_id in self._orders.discarded
        is_routine = self._is_routine(code)
        self._fanout.on_notice(
            BrokerNotice(code, text, req_id if names_order else None, is_routine)
        )
        if own:
            self._doubts.on_code((self.connection.endpoint.client_id, req_id), code, text)

    def _is_routine(self, code: int) -> bool:
        if code == _SELF_HEALING:
            return self.connection.link.expected_until is not None
        return code in LINK_CODES or meaning(code).kind in (CodeKind.INFO, CodeKind.CONNECTION)
