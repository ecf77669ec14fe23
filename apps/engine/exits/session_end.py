"""The end of the regular session: closing what is ours before it, or telling what stays overnight.

When that is, is said by `apps.domain.exits.session_end`; market time drives it, so a gateway at any
speed needs no word here. A symbol is closed by the exit routine, which withdraws its unfilled
entries too; from that moment on the gate lets no entry of that symbol through until the next
session. A desk that opens late acts at once. What does not become flat is tried again while the
session lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from apps.domain.bars import Bar
from apps.domain.errors import DeskError, NotFound, TradingHalted
from apps.domain.exits.session_end import SessionEndRule
from apps.domain.instruments import Instrument
from apps.domain.numerals import plain
from apps.domain.sessions import Span
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.deadlines import Changes
from apps.engine.exits.closings import Closings
from apps.engine.ports import Clock, MarketData
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.own_book import OwnBook
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd

__all__ = ["SessionEnd"]

LOOK_S = 15.0
"""How often the broker's clock is asked where no bar tells the time, in seconds of this machine."""

TRIES = 3
"""How often an exit routine is begun for a symbol before its end is left to the trader."""

RETRY_AFTER_S = 5.0


class SessionEnd:
    """Acts once for each symbol and session. ``ours`` gives the instruments with something of ours.

    `begin` starts it; `on_bar` wakes it at the moment that is due.
    """

    def __init__(
        self,
        rule: SessionEndRule,
        *,
        market: MarketData,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        book: OwnBook,
        closings: Closings,
        ours: Callable[[], Awaitable[tuple[Instrument, ...]]],
        alerts: AlertSink,
    ) -> None:
        self._rule = rule
        self._market = market
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._book = book
        self._closings = closings
        self._ours = ours
        self._alerts = alerts
        self._changes = Changes()
        self._sessions: dict[int, Span] = {}
        self._woken: set[int] = set()
        self._done: dict[int, Span] = {}
        self._is_due = False

    def check_opening(self, instrument: Instrument) -> None:
        """Raise TradingHalted for an entry that would be closed again at once."""
        at = self._market_clock.now
        if at is None or not self._rule.is_flat:
            return
        ending = self._rule.ending(instrument.hours, at)
        if ending is not None:
            raise TradingHalted(
                f"{instrument.symbol}: not sent. The session ends at {ending.end:%H:%M} UTC, and "
                f"from {self._rule.words()} before that everything is flat (FLAT_BEFORE_CLOSE, "
                "OVERNIGHT): enter in the next session."
            )

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Take note of the time, and wake up where the end of a session has begun."""
        con_id = instrument.con_id
        session = self._sessions.get(con_id)
        if session is None or bar.start not in session:
            session = instrument.hours.regular_at(bar.start)
            if session is None:
                return
            self._sessions[con_id] = session
            self._woken.discard(con_id)
        if con_id not in self._woken and bar.start >= session.end - self._rule.before:
            self._woken.add(con_id)
            self._is_due = True
            self._changes.announce()

    def begin(self) -> None:
        """Begin to look, for as long as the desk is open."""
        self._supervisor.start("session end", self._run, self._over)

    def _over(self, task: Supervised) -> None:
        if task.end is TaskEnd.FAILED:
            text = f"the end of the session is not looked after any more: {task.reason}"
            self._tell(AlertKind.ERROR, text, "")

    async def _run(self) -> None:
        while True:
            self._is_due = False
            with suppress(DeskError):  # no link: looked at again, and told of elsewhere
                await self._market_clock.ask()
                ours = [await self._with_hours(each) for each in await self._ours()]
                async with asyncio.TaskGroup() as group:
                    for instrument in ours:
                        group.create_task(self._see_to(instrument))
            await self._changes.until(lambda: self._is_due, LOOK_S, self._clock)

    async def _with_hours(self, instrument: Instrument) -> Instrument:
        """Give the instrument with hours of today: those of a week are known at a time."""
        at = self._market_clock.now
        if at is None or instrument.hours.is_open(at) is not None:
            return instrument
        return await self._market.qualify(instrument.symbol)

    async def _see_to(self, instrument: Instrument) -> None:
        at = self._market_clock.now
        ending = None if at is None else self._rule.ending(instrument.hours, at)
        if ending is None or self._done.get(instrument.con_id) == ending:
            return
        self._done[instrument.con_id] = ending
        if self._rule.is_flat:
            await self._flatten(instrument, ending)
        else:
            self._tell_held(instrument)

    async def _flatten(self, instrument: Instrument, ending: Span) -> None:
        symbol, words = instrument.symbol, self._rule.words()
        self._tell(AlertKind.ORDER, f"{words} to the close: {symbol} is made flat", symbol)
        for _ in range(TRIES):
            try:
                outcome = await self._closings.close(instrument)
            except NotFound:
                return  # it was closed on the way
            except DeskError as error:
                self._tell(AlertKind.WARNING, f"{symbol} is not flat yet: {error.message}", symbol)
            else:
                kind = AlertKind.CLOSED if outcome.ok else AlertKind.WARNING
                self._tell(kind, outcome.text, symbol)
                if outcome.ok:
                    return
            await self._clock.sleep(RETRY_AFTER_S)
            if (self._market_clock.now or ending.end) >= ending.end:
                break
        text = f"{symbol} could not be made flat before the close: look at `positions`"
        self._tell(AlertKind.ERROR, text, symbol)

    def _tell_held(self, instrument: Instrument) -> None:
        symbol, held = instrument.symbol, self._book.quantity(instrument.con_id)
        if held:
            text = (
                f"{self._rule.words()} to the close: {plain(held)} {symbol} are held overnight "
                f"(OVERNIGHT=hold), their exits stay at the broker; `close {symbol}` if not"
            )
            self._tell(AlertKind.WARNING, text, symbol)

    def _tell(self, kind: AlertKind, text: str, symbol: str) -> None:
        self._alerts(Alert(kind, text, self._market_clock.now, symbol))
