"""What goes on until it is closed: bars and quotes of one instrument on one session.

A subscription ends with its session, its close, or IB's refusal; a closed one passes nothing
on. It holds a market-data line from its start to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apps.domain.bars import BASE_SECONDS, Bar
from apps.domain.errors import BrokerError, NotConnected
from apps.domain.quotes import Quote
from apps.engine.ports import BarListener, BrokerNotice, EndListener
from apps.ib.errors import CodeKind, explain, meaning
from apps.ib.pacer import Pacer
from apps.ib.quotes import LiveQuote
from apps.ib.reports import Fanout, Reporter
from apps.ib.session import Session

if TYPE_CHECKING:
    from ib_insync import contract as ibc

__all__ = ["BarSubscription", "QuoteSubscription", "Routes"]

_BUST = 10225


@dataclass(frozen=True, slots=True)
class Routes:
    """Where a subscription sends and tells: the session, the pacing, the listeners."""

    session: Session
    pacer: Pacer
    fanout: Fanout
    reporter: Reporter

    def send(self, message: Callable[[], None]) -> None:
        """Send one message unless the session is over by then; it ends all subscriptions."""

        def while_usable() -> None:
            if self.session.is_usable:
                message()

        if self.session.is_usable:
            self.pacer.submit_control(while_usable)


class BarSubscription:
    """5-second bars of one instrument, passed on synchronously from the socket's callback."""

    def __init__(
        self,
        routes: Routes,
        contract: ibc.Contract,
        what_to_show: str,
        listener: BarListener,
        on_end: EndListener | None = None,
    ) -> None:
        self._routes = routes
        self._contract = contract
        self._what_to_show = what_to_show
        self._listener = listener
        self._on_end = on_end
        self._name = f"{contract.symbol} bars"
        self._open = True
        self._settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._req_id = routes.session.next_id()
        # before anything is sent: the answer may be read before this returns
        routes.session.bars[self._req_id] = self
        routes.session.codes[self._req_id] = self
        routes.session.subscriptions.add(self)

    def request(self) -> None:
        """Ask for the bars of regular hours."""
        self._routes.session.client.reqRealTimeBars(
            self._req_id, self._contract, BASE_SECONDS, self._what_to_show, True, []
        )

    async def accepted(self, window_s: float) -> None:
        """Wait for the first bar or a refusal, ``window_s`` at most.

        IB confirms a subscription only by its first bar. Raises BrokerError when it refused,
        NotConnected when the link went.
        """
        await asyncio.wait({self._settled}, timeout=window_s)
        if self._settled.done():
            self._settled.result()
        else:
            self._settled.set_result(None)

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
        """Pass on a bar."""
        start = datetime.fromtimestamp(epoch_s, UTC)
        bar = Bar(start, BASE_SECONDS, open_, high, low, close, volume, wap, count)
        self._routes.reporter.shielded(self._name, self._listener, bar)
        if not self._settled.done():
            self._settled.set_result(None)

    def on_code(self, code: int, text: str) -> None:
        """Take a code that names this subscription: a warning, or its end."""
        if code != _BUST and meaning(code).kind in (CodeKind.INFO, CodeKind.WARNING):
            self._tell(code, text)
            return
        accepted = self._settled.done()
        if code == _BUST:
            # IB has switched it off, but knows its id until that is cancelled
            client = self._routes.session.client
            self._routes.send(lambda: client.cancelRealTimeBars(self._req_id))
        self._end(BrokerError(f"{self._name}: {explain(code, text)}", code=code))
        if accepted:  # else whoever subscribes is told by the exception
            self._tell(code, text)
            if self._on_end is not None:
                reason = explain(code, text)
                self._routes.reporter.shielded(self._name, self._on_end, reason)

    def close(self) -> None:
        """End it; closing twice does nothing."""
        if self._end(NotConnected(f"The link was lost while {self._name} were subscribed.")):
            client = self._routes.session.client
            self._routes.send(lambda: client.cancelRealTimeBars(self._req_id))

    def _end(self, reason: Exception) -> bool:
        if not self._open:
            return False
        self._open = False
        session = self._routes.session
        session.bars.pop(self._req_id, None)
        session.codes.pop(self._req_id, None)
        session.subscriptions.discard(self)
        self._routes.pacer.lines.close()
        if not self._settled.done():
            self._settled.set_exception(reason)
            self._settled.exception()  # its waiter may be gone
        return True

    def _tell(self, code: int, text: str) -> None:
        self._routes.fanout.on_notice(BrokerNotice(code, f"{self._name}: {text}"))


class QuoteSubscription:
    """A quote of one instrument, running or asked for once."""

    def __init__(
        self, routes: Routes, contract: ibc.Contract, live: LiveQuote, *, snapshot: bool
    ) -> None:
        self._routes = routes
        self._contract = contract
        self._snapshot = snapshot
        self._name = f"{contract.symbol} quote"
        self._open = True
        self._req_id = routes.session.next_id()
        self.live = live
        routes.session.ticks[self._req_id] = live
        routes.session.codes[self._req_id] = self
        routes.session.subscriptions.add(self)

    def request(self) -> None:
        """Ask for the ticks."""
        self._routes.session.client.reqMktData(
            self._req_id, self._contract, "", self._snapshot, False, []
        )

    def latest(self) -> Quote | None:
        """Give the newest quote, or None while nothing came."""
        return self.live.latest()

    def on_code(self, code: int, text: str) -> None:
        """Take a code that names this quote: a warning, or its end."""
        warning = meaning(code).kind in (CodeKind.INFO, CodeKind.WARNING)
        if not warning:
            self._end(BrokerError(f"{self._name}: {explain(code, text)}", code=code))
        if warning or not self._snapshot:  # whoever asked once is told by the exception
            self._tell(code, text)

    def close(self) -> None:
        """End it; closing twice does nothing."""
        ended = self.live.snapshot_ended
        if self._end(NotConnected(f"The link was lost while {self._name} was asked for.")):
            client = self._routes.session.client
            if not ended:
                self._routes.send(lambda: client.cancelMktData(self._req_id))

    def _end(self, reason: Exception) -> bool:
        if not self._open:
            return False
        self._open = False
        session = self._routes.session
        session.ticks.pop(self._req_id, None)
        session.codes.pop(self._req_id, None)
        session.subscriptions.discard(self)
        self._routes.pacer.lines.close()
        self.live.refuse(reason)
        return True

    def _tell(self, code: int, text: str) -> None:
        self._routes.fanout.on_notice(BrokerNotice(code, f"{self._name}: {text}"))
