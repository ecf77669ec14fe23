"""The `MarketData` port on IB: bars, quotes, history, the broker's clock.

At home here: subscriptions are begun (counted against IB's budgets, watched for a refusal), and
one-time questions asked. Subscriptions are not renewed after a loss: who holds one hears of
the link and subscribes anew.
"""

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from typing import TYPE_CHECKING

from apps.domain.bars import Bar
from apps.domain.errors import BrokerError, DeadlineExceeded, InvalidInput
from apps.domain.history.bar_sizes import bar_size
from apps.domain.history.series import What
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.quotes import Quote
from apps.engine.ports import BarListener, Clock, EndListener, QuoteStream, Subscription
from apps.ib.connection import IBConnection
from apps.ib.contracts import Contracts
from apps.ib.errors import is_no_data
from apps.ib.pacer import Pacer
from apps.ib.pacing import HistoryRequest
from apps.ib.quotes import LiveQuote
from apps.ib.reports import Fanout, Reporter
from apps.ib.requests import Timeouts
from apps.ib.session import Session
from apps.ib.subscriptions import BarSubscription, QuoteSubscription, Routes
from apps.ib.translate import bar_from_history

if TYPE_CHECKING:
    from ib_insync import objects as ibo

__all__ = ["IBMarketData", "duration"]

_LARGEST_IN_SECONDS = 60
_DAY_S = 86_400
_REGULAR_DAY_S = 23_400
_DAYS_OF_A_YEAR = 252
_NEEDS = {
    InstrumentKind.STOCK: frozenset({"bid", "ask", "last"}),
    InstrumentKind.FUTURE: frozenset({"bid", "ask", "last"}),
    InstrumentKind.FOREX: frozenset({"bid", "ask"}),
    InstrumentKind.INDEX: frozenset({"last"}),
}


class IBMarketData:
    """Instruments, bars and quotes of one connection."""

    def __init__(
        self,
        connection: IBConnection,
        contracts: Contracts,
        *,
        clock: Clock,
        pacer: Pacer,
        fanout: Fanout,
        reporter: Reporter,
        timeouts: Timeouts,
    ) -> None:
        self._connection = connection
        self._contracts = contracts
        self._clock = clock
        self._pacer = pacer
        self._fanout = fanout
        self._reporter = reporter
        self._timeouts = timeouts

    async def qualify(self, symbol: str) -> Instrument:
        """Give the one instrument for ``symbol``; see `MarketData.qualify`."""
        return await self._contracts.qualify(symbol)

    async def subscribe_bars(
        self, instrument: Instrument, on_bar: BarListener, on_end: EndListener | None = None
    ) -> Subscription:
        """Stream 5-second bars of regular hours, of trades (of the midpoint for currencies).

        Returns with the first bar, or when no refusal came within a moment. Raises BrokerError
        when IB or its budgets refuse, NotConnected. A later end is told to ``on_end``, and as a
        notice.
        """
        contract = self._contracts.contract_for(instrument)
        self._connection.session.require_usable()
        self._pacer.take_bar_subscription()
        try:
            await self._turn(f"{instrument.symbol} bars")
            subscription = BarSubscription(
                self._routes(), contract, _what_to_show(instrument), on_bar, on_end
            )
        except BaseException:
            self._pacer.lines.close()
            raise
        try:
            subscription.request()
            await subscription.accepted(self._timeouts.refusal_s)
        except BaseException:
            subscription.close()
            raise
        return subscription

    def bars_wait_s(self, nth: int = 1) -> float:
        """Give the seconds until IB takes the ``nth`` next subscription of bars, or 0."""
        return self._pacer.bars_wait_s(nth)

    def subscribe_quote(self, instrument: Instrument) -> QuoteStream:
        """Begin a running quote. Raises NotConnected, BrokerError when no line is left."""
        routes = self._routes()
        subscription = self._quote(routes, instrument, snapshot=False)
        routes.send(subscription.request)
        return subscription

    async def quote(self, instrument: Instrument) -> Quote:
        """Ask for a quote once.

        Gives what is there when it is complete, when IB says that no more comes (after some
        11 s for a quiet instrument), or at the deadline. Raises BrokerError, DeadlineExceeded.
        """
        await self._turn(f"a quote of {instrument.symbol}")
        subscription = self._quote(self._routes(), instrument, snapshot=True)
        try:
            subscription.request()
            await asyncio.wait({subscription.live.settled}, timeout=self._timeouts.request_s)
            if subscription.live.settled.done():
                subscription.live.settled.result()
        finally:
            subscription.close()
        return self._complete(instrument, subscription.live)

    async def history(
        self, instrument: Instrument, *, seconds: int, duration_s: int
    ) -> tuple[Bar, ...]:
        """Ask for the bars of regular hours of the last ``duration_s`` seconds of trading.

        Without any trading there are none. Raises InvalidInput for a bar size that IB does not
        have, BrokerError, DeadlineExceeded, NotConnected.
        """
        span = duration(seconds, duration_s)
        session = self._connection.session
        contract = self._contracts.contract_for(instrument)
        what = _what_to_show(instrument)
        size = bar_size(seconds).ib_text
        paced = HistoryRequest(instrument.con_id, seconds, span, what)
        bars: list[ibo.BarData] = []
        try:
            async with self._pacer.history_turn(paced, self._timeouts.history_s):
                await self._connection.requests.by_id(
                    f"{size} bars of {instrument.symbol}",
                    lambda req_id: session.client.reqHistoricalData(
                        req_id, contract, "", span, size, what, True, 2, False, []
                    ),
                    container=bars,
                    on_deadline=session.client.cancelHistoricalData,
                    timeout_s=self._timeouts.history_s,
                )
        except BrokerError as error:
            if is_no_data(error):
                return ()
            raise
        # a daily bar holds the trading of a regular day
        wanted = math.ceil(duration_s / min(seconds, _REGULAR_DAY_S))
        return tuple(bar_from_history(bar, seconds) for bar in bars[-wanted:])

    async def market_time(self) -> datetime:
        """Ask the broker's clock; callers at the same moment share one request."""
        return await self._connection.broker_time()

    async def _turn(self, what: str) -> None:
        try:
            async with asyncio.timeout(self._timeouts.request_s):
                await self._pacer.acquire()
        except TimeoutError:
            raise DeadlineExceeded(
                f"Too many requests wait for IB's rate; {what} was not asked for. Try again."
            ) from None

    def _routes(self) -> Routes:
        session: Session = self._connection.session
        return Routes(session, self._pacer, self._fanout, self._reporter)

    def _quote(
        self, routes: Routes, instrument: Instrument, *, snapshot: bool
    ) -> QuoteSubscription:
        contract = self._contracts.contract_for(instrument)
        self._pacer.take_line()
        live = LiveQuote(self._clock, _NEEDS[instrument.kind])
        return QuoteSubscription(routes, contract, live, snapshot=snapshot)

    def _complete(self, instrument: Instrument, live: LiveQuote) -> Quote:
        quote = live.latest()
        if quote is not None and (quote.bid or quote.ask or quote.last or quote.close):
            return quote
        if live.snapshot_ended:
            raise BrokerError(f"IB has no quote of {instrument.symbol} now. Try again later.")
        raise DeadlineExceeded(
            f"No quote of {instrument.symbol} came within {self._timeouts.request_s:g} s. "
            "Ask again."
        )


def duration(seconds: int, duration_s: int) -> str:
    """Give IB's words for a span of trading time, long enough for bars of ``seconds``.

    Small bars are asked for by the second, larger ones by the regular day of 6½ hours, and one
    day more than that, for the running day may have just begun. Raises
    InvalidInput for a bar size that IB does not have, or a span that holds no bar.

    >>> duration(5, 600), duration(300, 24_000), duration(86_400, 10 * 23_400)
    ('600 S', '3 D', '11 D')
    """
    bar_size(seconds)
    if duration_s <= 0:
        raise InvalidInput("A span of history is longer than 0 s.")
    if seconds <= _LARGEST_IN_SECONDS and duration_s <= _DAY_S:
        return f"{math.ceil(duration_s / seconds) * seconds} S"
    days = math.ceil(duration_s / _REGULAR_DAY_S) + 1
    return f"{days} D" if days <= _DAYS_OF_A_YEAR else f"{math.ceil(days / _DAYS_OF_A_YEAR)} Y"


def _what_to_show(instrument: Instrument) -> str:
    return What.usual_of(instrument.kind).value
