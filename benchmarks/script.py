"""A market that follows a script: what each bar is worth stands fixed before anything runs.

The script is a row of rounds, each 15 s of market time long and about one listing:

    0 s .. 5 s    a bar that opens inside the level and closes beyond it (where there are triggers)
    5 s .. 10 s   a bar that opens and closes beyond it: what is measured begins with it
    11 s          one print far above, at which a take-profit fills: the position is closed again
    13 s .. 15 s  the price is back inside

Of all other listings there are no bars in a round, or quiet ones where the script has a crowd.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from apps.paper.feed.market import BarSource, MarketBar, Millis, Print, Touch
from apps.paper.instruments.catalogue import Catalogue, Listing, SecType

__all__ = ["BAR_MS", "LEVEL", "ROUND_MS", "SCRIPT_START", "Script", "ScriptedMarket", "us_stocks"]

BAR_MS = 5_000
ROUND_MS = 3 * BAR_MS

SCRIPT_START = int(datetime(2026, 11, 19, 15, 0, tzinfo=UTC).timestamp() * 1000)
"""A Thursday, half an hour after the open: more than five hours of regular session follow."""

INSIDE, LEVEL, BEYOND = Decimal(100), Decimal("100.50"), Decimal("100.65")
FAR_ABOVE = Decimal(102)

_SPREAD = Decimal("0.01")
_DISPLAYED = 100_000
_VOLUME, _TRADES = 1_200, 12


@dataclass(frozen=True, slots=True)
class Script:
    """``featured`` gives the contract of each round, in turn; ``crowd`` those with quiet bars.

    With ``steady``, the crowd has a bar every five seconds for ever, and no round takes place.
    """

    featured: tuple[int, ...] = ()
    crowd: frozenset[int] = frozenset()
    has_triggers: bool = True
    steady: bool = False

    def begin(self, number: int) -> Millis:
        """Give the market time at which a round begins."""
        return SCRIPT_START + number * ROUND_MS

    def con_id(self, number: int) -> int:
        """Give the contract that a round is about."""
        return self.featured[number % len(self.featured)]


class ScriptedMarket:
    """A `Market` whose every bar and print stands in its script."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def touch(self, listing: Listing, at: Millis) -> Touch:
        """Give bid and ask at ``at``; the ask is the price, and there is plenty on both sides."""
        price = self._price(listing.con_id, at)
        return Touch(price - _SPREAD, price, _DISPLAYED, _DISPLAYED)

    def last(self, listing: Listing, at: Millis) -> Print:
        """Give a print at ``at``."""
        return Print(at, self._price(listing.con_id, at), 100)

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:  # noqa: ARG002 - Market's
        """Give where every round begins."""
        return INSIDE

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        """Give the prints far above, one a round."""
        return [
            Print(at, FAR_ABOVE, _DISPLAYED)
            for number in self._rounds(after, until)
            if self._script.con_id(number) == listing.con_id
            and after < (at := self._script.begin(number) + 11_000) <= until
        ]

    def bars(
        self,
        listing: Listing,
        source: BarSource,  # noqa: ARG002 - one bar serves for all of them
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,  # noqa: ARG002 - the script is regular hours
    ) -> Sequence[MarketBar]:
        """Give the bars of the script; there are none but those of five seconds."""
        if seconds * 1000 != BAR_MS:
            return []
        first = max(start, SCRIPT_START)
        stamps = range(first + -first % BAR_MS, end, BAR_MS)
        made = (self._bar(listing.con_id, at) for at in stamps)
        return [bar for bar in made if bar is not None]

    def head(self, listing: Listing) -> Millis:  # noqa: ARG002 - Market's
        """Give where the script begins."""
        return SCRIPT_START

    def _rounds(self, start: Millis, end: Millis) -> Iterator[int]:
        if not self._script.featured or end < SCRIPT_START:
            return iter(())
        first = max(0, (start - SCRIPT_START) // ROUND_MS)
        return iter(range(first, (end - SCRIPT_START) // ROUND_MS + 1))

    def _phase(self, con_id: int, at: Millis) -> int | None:
        """Give how far into its round a featured contract is, in ms; None at all other times."""
        number, phase = divmod(at - SCRIPT_START, ROUND_MS)
        script = self._script
        if number < 0 or not script.featured or script.con_id(number) != con_id:
            return None
        return phase

    def _price(self, con_id: int, at: Millis) -> Decimal:
        phase = self._phase(con_id, at)
        if phase is None or phase < BAR_MS or phase >= 13_000:
            return INSIDE
        return FAR_ABOVE if phase >= 11_000 else BEYOND

    def _bar(self, con_id: int, start: Millis) -> MarketBar | None:
        phase = self._phase(con_id, start)
        if phase == 0 and self._script.has_triggers:
            return _bar(start, INSIDE, BEYOND)
        if phase == BAR_MS:
            return _bar(start, BEYOND, BEYOND)
        if con_id in self._script.crowd and (self._script.steady or self._has_others(start)):
            return _bar(start, INSIDE, INSIDE)
        return None

    def _has_others(self, start: Millis) -> bool:
        """Tell whether the crowd has bars too: whenever the featured contract has one."""
        phase = (start - SCRIPT_START) % ROUND_MS
        return phase == BAR_MS or (phase == 0 and self._script.has_triggers)


def us_stocks(count: int) -> tuple[Listing, ...]:
    """Give the first ``count`` US stocks of the catalogue."""
    listings = [
        listing
        for listing in Catalogue.load()
        if listing.sec_type is SecType.STOCK and listing.currency == "USD"
    ]
    return tuple(listings[:count])


def _bar(start: Millis, opened: Decimal, closed: Decimal) -> MarketBar:
    return MarketBar(
        start=start,
        seconds=BAR_MS // 1000,
        open=opened,
        high=max(opened, closed),
        low=min(opened, closed),
        close=closed,
        volume=_VOLUME,
        wap=(opened + closed) / 2,
        count=_TRADES,
    )
