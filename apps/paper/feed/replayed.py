"""A market that really was: the bars of files, played again.

At home here: reading the paths of files as touches, prints and bars, and which file is of which
listing. What files hold is read in `bar_file`, what it means in `bar_spans`, and filled in in
`bar_path`. A listing without a file has the market that stands behind.

Before a file's first bar nothing is known: the price stands at the first open, and history begins
there. After its last bar nothing happens any more. In between, hours without a bar are a halt:
no prints, quotes stand still, and bars are flat with volume and count 0, in a part of the day
(before, in, after regular hours) of which the file has anything at all; of one that it has nothing
of there are no bars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from apps.domain.errors import InvalidInput
from apps.paper.feed.bar_file import TableReader, read_bars
from apps.paper.feed.bar_path import BarPath, Sum
from apps.paper.feed.bar_source import GapPolicy, NamedFile
from apps.paper.feed.bar_spans import Spans, spans_of
from apps.paper.feed.bars import buckets
from apps.paper.feed.chance import DRAW_BITS, DRAW_MASK, EXPONENTIAL, STEP, mix
from apps.paper.feed.market import BarSource, Market, MarketBar, Millis, Print, Touch
from apps.paper.feed.parquet import read_parquet
from apps.paper.hours.calendar import Session, previous_session, session_at, sessions
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.instruments.listing import Listing, SecType

__all__ = ["ReplayedMarket"]

_DAY_S = 86_400
_EXACT_BELOW_S = 60
"""Average prices of shorter bars are exact, from the prints; as in the made-up market."""

_FINENESS = 1_000
"""Average prices are whole thousandths of a tick, rounded down."""

_NOT_TRADES = -1
_LOT = 100
_LOTS_AT_TOUCH = 5
_READERS: Mapping[str, TableReader] = {".parquet": read_parquet}


class ReplayedMarket:
    """A `Market` of files; ``start`` is when the first of them begins.

    ``notices`` are sentences about what of the files is missing or was not taken as it is.
    """

    def __init__(self, files: Mapping[Listing, Spans], otherwise: Market) -> None:
        """Play ``files``, one at least; what else there is, ``otherwise`` knows."""
        self._feeds = {listing.con_id: _Feed(listing, spans) for listing, spans in files.items()}
        self._otherwise = otherwise
        self.start: Millis = min(feed.path.start for feed in self._feeds.values())
        self.notices = tuple(notice for spans in files.values() for notice in spans.notices)

    @classmethod
    def of_files(
        cls,
        named: Iterable[NamedFile],
        *,
        catalogue: Catalogue,
        otherwise: Market,
        gaps: GapPolicy = GapPolicy.HALT,
        readers: Mapping[str, TableReader] = _READERS,
    ) -> ReplayedMarket:
        """Read the files; a folder stands for all files in it that can be read.

        A symbol is that of the catalogue: AAPL, EUR.USD, or AMD.EUR where currencies tell apart.
        Raises InvalidInput with one sentence that names the file, and where it can line and column.
        """
        files: dict[Listing, Spans] = {}
        for symbol, path in _spread(named, {".csv", *readers}):
            listing = _listing(catalogue, symbol, path)
            if listing in files:
                raise InvalidInput(f"{path}: there is another file of {symbol}; give one of them.")
            files[listing] = spans_of(read_bars(path, readers), listing, gaps)
        if not files:
            raise InvalidInput("no file of bars was given.")
        return cls(files, otherwise)

    def touch(self, listing: Listing, at: Millis) -> Touch:
        """Give bid and ask at ``at``; outside the sessions those of the last close."""
        feed = self._feeds.get(listing.con_id)
        return self._otherwise.touch(listing, at) if feed is None else feed.touch(at)

    def last(self, listing: Listing, at: Millis) -> Print:
        """Give the newest print at or before ``at``; before the first, the first open."""
        feed = self._feeds.get(listing.con_id)
        return self._otherwise.last(listing, at) if feed is None else feed.last(at)

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        """Give the close of the last regular session that ended before the one of ``at``."""
        feed = self._feeds.get(listing.con_id)
        if feed is None:
            return self._otherwise.previous_close(listing, at)
        return feed.previous_close(at)

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        """Give the prints in ``(after, until]``, oldest first."""
        feed = self._feeds.get(listing.con_id)
        if feed is None:
            return self._otherwise.prints(listing, after, until)
        return feed.prints(after, until)

    def bars(
        self,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,
    ) -> Sequence[MarketBar]:
        """Give the bars that start in ``[start, end)``, oldest first.

        Buckets are aligned to midnight in the market's own zone and cut at the session's edges; a
        bar of a day is stamped with the start of its session. Raises `InvalidInput` for a size
        that does not divide a day.
        """
        feed = self._feeds.get(listing.con_id)
        if feed is None:
            return self._otherwise.bars(
                listing, source, seconds, start, end, regular_only=regular_only
            )
        return list(feed.bars(source, seconds, start, end, regular_only=regular_only))

    def head(self, listing: Listing) -> Millis:
        """Give the time of the oldest bar there is."""
        feed = self._feeds.get(listing.con_id)
        return self._otherwise.head(listing) if feed is None else feed.path.start


class _Feed:
    """What the market shows of one listing that has a file."""

    def __init__(self, listing: Listing, spans: Spans) -> None:
        self._listing = listing
        self.path = BarPath(spans.spans)
        self._tick = spans.tick
        self._is_index = listing.sec_type is SecType.INDEX
        self._has_trades = listing.sec_type not in {SecType.INDEX, SecType.FOREX}
        self._spread = 0 if self._is_index else listing.market.spread_ticks
        odd_side = mix(listing.con_id) & 1 if self._spread % 2 else 0
        self._above_bid = self._spread // 2 + odd_side

    def touch(self, at: Millis) -> Touch:
        printed, price, _ = self._newest(at)
        if self._is_index:
            value = self._price(price)
            return Touch(value, value, 0, 0)
        bid = max(1, price - self._above_bid)
        draws = mix(printed * STEP + self._listing.con_id)
        return Touch(
            self._price(bid),
            self._price(bid + self._spread),
            self._size(draws),
            self._size(draws >> DRAW_BITS),
        )

    def last(self, at: Millis) -> Print:
        printed, price, size = self._newest(at)
        return Print(printed, self._price(price), size)

    def previous_close(self, at: Millis) -> Decimal:
        session = session_at(self._listing.calendar, at)
        before = previous_session(self._listing.calendar, session.start if session else at)
        _, price, _ = self._newest(before.regular[1] - 1)
        return self._price(price)

    def prints(self, after: Millis, until: Millis) -> list[Print]:
        return [
            Print(at, self._price(tick.price), tick.size if self._has_trades else 0)
            for at, tick in self.path.tape(after + 1, until + 1)
        ]

    def bars(
        self, source: BarSource, seconds: int, start: Millis, end: Millis, *, regular_only: bool
    ) -> Iterator[MarketBar]:
        if seconds < 1 or _DAY_S % seconds:
            raise InvalidInput(f"a bar of {seconds} s does not divide a day; ask for another size")
        if self._is_index != (source is BarSource.TRADES) and not self._has_trades:
            return
        for session in sessions(self._listing.calendar, start, end):
            edges = session.regular if regular_only else (session.start, session.end)
            for opens, closes in buckets(
                self._listing.calendar, session, edges, seconds, (start, end)
            ):
                if (held := self._sum(session, seconds, opens, closes)) is not None:
                    yield self._bar(source, opens, seconds, held)

    def _newest(self, at: Millis) -> tuple[Millis, int, int]:
        """Give time, price in ticks and size of the last print; of the first open before any."""
        newest = self.path.newest(at)
        if newest is None:
            return at, self.path.first_price, 0
        return newest.at, newest.tick.price, newest.tick.size if self._has_trades else 0

    def _sum(self, session: Session, seconds: int, opens: Millis, closes: Millis) -> Sum | None:
        """Add up a bar: flat where nothing traded, None where there is no bar."""
        add_up = self.path.exact_sum if seconds < _EXACT_BELOW_S else self.path.rough_sum
        if (held := add_up(opens, closes)) is not None:
            return held
        if seconds == _DAY_S or not self._is_open(session, opens):
            return None
        _, price, _ = self._newest(opens)
        return Sum(price, price, price, price, 0, 0, 0)

    def _is_open(self, session: Session, at: Millis) -> bool:
        """Tell whether the file has anything of the part of the day that holds ``at``."""
        if not self.path.start <= at < self.path.end:
            return False
        edges = (session.start, *session.regular, session.end)
        number = next(n for n in (2, 1, 0) if edges[n] <= at)
        return self.path.has_spans(edges[number], edges[number + 1])

    def _bar(self, source: BarSource, start: Millis, seconds: int, held: Sum) -> MarketBar:
        if source is not BarSource.TRADES:
            return self._of_quotes(source, start, seconds, held)
        volume = held.volume if self._has_trades else 0
        return MarketBar(
            start,
            seconds,
            self._price(held.open),
            self._price(held.high),
            self._price(held.low),
            self._price(held.close),
            volume,
            self._average(held),
            held.trades,
        )

    def _average(self, held: Sum) -> Decimal:
        if not held.volume:
            return self._price(held.close)
        return self._tick * (held.money * _FINENESS // (4 * held.volume)) / _FINENESS

    def _of_quotes(self, source: BarSource, start: Millis, seconds: int, held: Sum) -> MarketBar:
        """Make a bar of quotes, which stand as far from the prints at any time."""
        return MarketBar(
            start,
            seconds,
            self._quoted(source, held.open),
            self._quoted(source, held.high),
            self._quoted(source, held.low),
            self._quoted(source, held.close),
            _NOT_TRADES,
            Decimal(_NOT_TRADES),
            _NOT_TRADES,
        )

    def _quoted(self, source: BarSource, price: int) -> Decimal:
        bid = max(1, price - self._above_bid)
        if source is BarSource.MIDPOINT:
            return (self._price(bid) + self._price(bid + self._spread)) / 2
        return self._price(bid if source is BarSource.BID else bid + self._spread)

    def _price(self, ticks: int) -> Decimal:
        return self._tick * ticks

    def _size(self, draws: int) -> int:
        lot = 1 if self._listing.sec_type is SecType.FUTURE else _LOT
        if self._listing.sec_type is SecType.FOREX:
            lot = 1_000_000
        return lot * (1 + int(EXPONENTIAL[draws & DRAW_MASK] * _LOTS_AT_TOUCH))


def _spread(named: Iterable[NamedFile], suffixes: set[str]) -> Iterator[NamedFile]:
    """Yield each file with its symbol; a folder's files are named by theirs."""
    for symbol, path in named:
        if not path.is_dir():
            yield NamedFile(symbol or path.stem, path)
            continue
        if symbol:
            raise InvalidInput(f"{path} is a folder, and {symbol} needs a file.")
        within = sorted(each for each in path.iterdir() if each.suffix.lower() in suffixes)
        if not within:
            raise InvalidInput(f"{path} has no file of bars in it ({', '.join(sorted(suffixes))}).")
        yield from (NamedFile(each.stem, each) for each in within)


def _listing(catalogue: Catalogue, symbol: str, path: Path) -> Listing:
    """Give the listing of a symbol; of several, the one in USD."""
    wanted = symbol.upper()
    found = [
        each
        for each in catalogue
        if wanted in {each.symbol, each.local_symbol, f"{each.symbol}.{each.currency}"}
    ]
    if len(found) > 1:
        found = [each for each in found if each.currency == "USD"] or found
    if not found:
        raise InvalidInput(f"{path}: there is no {symbol} in the catalogue.")
    if len(found) > 1:
        names = ", ".join(f"{each.symbol}.{each.currency}" for each in found)
        raise InvalidInput(f"{path}: {symbol} may be any of {names}; say which.")
    return found[0]
