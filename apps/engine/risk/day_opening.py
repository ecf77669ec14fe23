"""What the day's result begins with: written down, taken up again, asked for where it is missing.

The session's first bar begins the day, wherever the desk is open by then. A desk that opens within
a session goes on with what the journal has of it; where it has nothing, what was carried in is
what is held and was not traded in the session, at the last close before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from apps.domain.day_result import Opening
from apps.domain.errors import DeskError
from apps.domain.records import CarriedIn, Record, SessionBegan
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.ports import Clock, Journal, MarketData
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.own_book import OwnBook
from apps.engine.supervisor import Supervisor

__all__ = ["DayOpening"]

RETRY_S = 30.0


class DayOpening:
    """Keeps the beginning of one desk's days. ``note`` writes into the journal."""

    def __init__(
        self,
        *,
        book: OwnBook,
        market: MarketData,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        note: Callable[[Record], None],
        alerts: AlertSink,
    ) -> None:
        self._book = book
        self._market = market
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._note = note
        self._alerts = alerts
        book.on_session = self._begun

    def take_up(self, journal: Journal) -> None:
        """Go on with the newest session of the journal, before executions are told again."""
        kept = journal.kept_day()
        if kept is not None:
            own = self._book.is_own
            self._book.day.restore(
                replace(
                    kept,
                    before=tuple(each for each in kept.before if own(each)),
                    since=tuple(each for each in kept.since if own(each)),
                )
            )

    def begin(self) -> None:
        """Find out in the background what is missing: everything that was read again is told."""
        if symbols := self._book.own_symbols():
            self._supervisor.start("the day's session", lambda: self._find_session(symbols))
        self._find_marks()

    async def _find_session(self, symbols: frozenset[str]) -> None:
        """Begin the session that is under way, where the journal knows of none or an older one."""
        for symbol in sorted(symbols):
            try:
                instrument = await self._market.qualify(symbol)
            except DeskError:
                continue  # its first bar begins the day
            now, known = self._market_clock.now, self._book.day.session
            session = None if now is None else instrument.hours.regular_at(now)
            if session is not None and (known is None or session.start >= known.end):
                self._book.begin_session(session)

    def _begun(self) -> None:
        session, at = self._book.day.session, self._market_clock.now
        if session is not None:
            self._note(SessionBegan(session.start, session.end, at))
        for opening in self._book.day.openings:
            self._note(_carried(opening, at))
        self._find_marks()

    def _find_marks(self) -> None:
        for opening in self._book.day.openings:
            if opening.mark is None:
                name = f"close of {opening.symbol}"
                self._supervisor.start(name, partial(self._find_mark, opening))

    async def _find_mark(self, opening: Opening) -> None:
        """Ask for the last close until it is known, or nobody wants to know it any more."""
        session, told = self._book.day.session, False
        while self._book.day.session == session:
            close = await self._last_close(opening.symbol)
            if close is not None:
                marked = self._book.day.mark_opening(opening.con_id, close)
                if marked is not None:
                    self._note(_carried(marked, self._market_clock.now))
                return
            if not told:
                text = f"the last close of {opening.symbol} is not to be had: until it is, the "
                self._tell(f"{text}day's result is not known", opening.symbol)
            told = True
            await self._clock.sleep(RETRY_S)

    async def _last_close(self, symbol: str) -> Decimal | None:
        try:
            return (await self._market.quote(await self._market.qualify(symbol))).close
        except DeskError:
            return None

    def _tell(self, text: str, symbol: str) -> None:
        self._alerts(Alert(AlertKind.WARNING, text, self._market_clock.now, symbol))


def _carried(opening: Opening, at: datetime | None) -> CarriedIn:
    return CarriedIn(opening.con_id, opening.symbol, opening.quantity, opening.mark, at)
