"""collect-market-data: a quote of each instrument, and its bars into the history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from apps.domain.errors import BadRequest, DeskError
from apps.domain.history.bar_sizes import BAR_SIZES, parse_bar_size
from apps.domain.history.ranges import EXCHANGE_ZONE, exchange_day, exchange_time
from apps.domain.history.series import What
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.quotes import Quote
from apps.domain.sessions import Span
from apps.engine.routines.parameters import day, one_of, parameter, switch, symbols
from apps.engine.routines.routine import Grounds, Progress, Routine
from apps.engine.together import all_done

if TYPE_CHECKING:
    from apps.engine.history import loading

__all__ = ["COLLECT_MARKET_DATA", "CollectRequest", "Collected", "CollectedQuote"]


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """Which instruments, which bars, of which days of the exchange."""

    symbols: tuple[str, ...] = parameter("Of these.", symbols(), positional=True)
    bar: str = parameter(
        "The size of the bars.", one_of(*(each.name for each in BAR_SIZES)), default="1m"
    )
    since: date | None = parameter(
        "The first day, New York's; the market's today without.", day(), default=None
    )
    until: date | None = parameter(
        "The last day; without it all that there is by now.", day(), default=None
    )
    bids_and_asks: bool = parameter("Bars of bids and of asks too.", switch(), default=False)
    all_hours: bool = parameter("Bars of all hours.", switch(), default=False)
    no_quotes: bool = parameter("No quotes now, bars only.", switch(), default=False)

    def __post_init__(self) -> None:
        if not self.symbols:
            raise BadRequest({"symbols": "is empty; may be symbols such as AAPL"})
        if self.since and self.until and self.since > self.until:
            raise BadRequest({"until": f"is {self.until}, before since, {self.since}"})


@dataclass(frozen=True, slots=True)
class CollectedQuote:
    """A quote of now, or why there is none."""

    symbol: str
    quote: Quote | None
    error: str = ""
    ib_code: int | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """What came. ``bars`` has a row for each series; ``failed`` are symbols that are none."""

    quotes: tuple[CollectedQuote, ...]
    bars: loading.LoadReport
    failed: tuple[CollectedQuote, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Every symbol was known, and all of its bars that there are is kept now."""
        return self.bars.is_complete and not self.failed


async def _run(grounds: Grounds, request: CollectRequest) -> Collected:
    from apps.engine.history.loading import Wanted  # noqa: PLC0415 - help stays light

    desk = grounds.desk
    span = _span(await desk.market_time(), request)
    found = await all_done(*(_instrument(grounds, each) for each in request.symbols))
    failed = tuple(each for each in found if isinstance(each, CollectedQuote))
    instruments = [each for each in found if isinstance(each, Instrument)]
    wanted = [
        Wanted(each, parse_bar_size(request.bar).seconds, span, what, not request.all_hours)
        for each in dict.fromkeys(instruments)
        for what in _whats(each, request)
    ]

    def tell(at: loading.Progress) -> None:
        grounds.tell(Progress(at.done, at.requests, f"{at.bars:,} bars"))

    quoted = [] if request.no_quotes else instruments
    quotes, bars = await all_done(_quotes(grounds, quoted), desk.history.load(wanted, tell))
    return Collected(tuple(quotes), bars, failed)


async def _instrument(grounds: Grounds, symbol: str) -> Instrument | CollectedQuote:
    try:
        return await grounds.desk.instrument(symbol)
    except DeskError as error:
        return CollectedQuote(symbol, None, error.message, error.code)


async def _quotes(grounds: Grounds, instruments: Iterable[Instrument]) -> list[CollectedQuote]:
    return await all_done(*(_quote(grounds, each.symbol) for each in instruments))


async def _quote(grounds: Grounds, symbol: str) -> CollectedQuote:
    try:
        view = await grounds.desk.quote(symbol)
    except DeskError as error:
        return CollectedQuote(symbol, None, error.message, error.code)
    return CollectedQuote(symbol, view.quote)


def _whats(instrument: Instrument, request: CollectRequest) -> tuple[What | None, ...]:
    if request.bids_and_asks and instrument.kind is not InstrumentKind.INDEX:
        return (None, What.BID, What.ASK)
    return (None,)


def _span(now: datetime, request: CollectRequest) -> Span:
    start = exchange_day(request.since or now.astimezone(EXCHANGE_ZONE).date())
    end = now if request.until is None else exchange_time(str(request.until), is_end=True)
    if end <= start:
        raise BadRequest({"since": f"is {request.since}, which has not begun yet"})
    return Span(start, end)


COLLECT_MARKET_DATA = Routine(
    name="collect-market-data",
    meaning="Quotes of many instruments, and their bars into the history.",
    explanation="Ask for a quote of each SYMBOL, and fetch the bars that the history lacks, in "
    "parallel and within IB's pacing. What came is kept however it ends; the next run goes on from "
    "there. A symbol that is not known, or has no data, stops no other.",
    request=CollectRequest,
    run=_run,
    examples=(
        "collect-market-data AAPL MSFT SPY",
        "collect-market-data AAPL --bar 5s --since 2026-11-16 --bids-and-asks --json",
    ),
    deadline_s=3_600.0,
    is_done=lambda result: result.is_complete,
)
