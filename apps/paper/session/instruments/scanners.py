"""Market scanners: what passes, told at once and again with every half minute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from apps.paper.feed.market import Millis
from apps.paper.instruments.catalogue import Listing, SecType
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.instruments.contracts import contract_of
from apps.paper.session.instruments.scan import (
    LOCATIONS,
    MOST_ROWS,
    SCANS,
    Figures,
    filters_of,
    passing,
)
from apps.paper.session.instruments.scanner_parameters import scanner_parameters
from apps.paper.session.quotes.day_figures import DayFigures
from apps.paper.session.topic import Topic
from apps.paper.timetable import RANK_REPORTS
from apps.paper.wire import (
    CancelScannerSubscription,
    ReqScannerParameters,
    ReqScannerSubscription,
    ScannerParameters,
    ScannerResults,
    ScannerRow,
)
from apps.paper.world import World

__all__ = ["Scanners"]

_REFRESH_MS = 30_000
_FIGURES_A_PIECE = 5
"""Days that are added up in one go: a few milliseconds."""

_SERVICE_ERROR = "Historical Market Data Service error message:"
_SERVICE_NOTICE = "Historical Market Data Service query message:"


class Scanners(Topic):
    """Scans of this gateway's own market."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqScannerSubscription: self._subscribe,
            CancelScannerSubscription: self._cancel,
            ReqScannerParameters: self._parameters,
        }

    def _subscribe(self, request: ReqScannerSubscription) -> None:
        _require_known(request)
        most = self.world.limits.scanner_subscriptions
        if most is not None and len(self.streams) >= most:
            text = f"{_SERVICE_ERROR}only {most} simultaneous API scanner subscriptions allowed"
            raise RequestRefused(request.req_id, 162, text)
        stream = _ScanStream(self.world, self.client, request)
        self.start(request.req_id, stream, self.world.now + _REFRESH_MS)
        self.world.jobs.append(stream.telling(self.world.now, is_first=True))

    def _cancel(self, request: CancelScannerSubscription) -> None:
        """End a scan, and say so as IB does: by an error that is none."""
        stream = self.streams.get(request.req_id)
        if not self.stop(request.req_id):
            text = f"No scanner subscription found for ticker id:{request.req_id}"
            raise RequestRefused(request.req_id, 365, text)
        if isinstance(stream, _ScanStream):
            stream.end()
        text = f"{_SERVICE_ERROR}API scanner subscription cancelled: {request.req_id}"
        raise RequestRefused(request.req_id, 162, text)

    def close(self) -> None:
        """End every scan, one that is being computed too."""
        for stream in self.streams.values():
            if isinstance(stream, _ScanStream):
                stream.end()
        super().close()

    def _parameters(self, _: ReqScannerParameters) -> None:
        self.client.send(ScannerParameters(scanner_parameters()))


class _ScanStream:
    """One subscription to a scan."""

    rank = RANK_REPORTS

    def __init__(self, world: World, client: Client, request: ReqScannerSubscription) -> None:
        self._world = world
        self._client = client
        self._request = request
        self._scan = SCANS[request.scan_code]
        self._location = LOCATIONS[request.location_code]
        self._bounds = filters_of(request)
        self._ended = False

    def run(self, at: Millis) -> Millis | None:
        self._world.jobs.append(self.telling(at, is_first=False))
        return at + _REFRESH_MS

    def end(self) -> None:
        """Tell nothing any more, of what is being computed neither."""
        self._ended = True

    def telling(self, at: Millis, *, is_first: bool) -> Iterator[None]:
        """Read the figures of ``at`` a piece at a time, then tell who passes."""
        figures = []
        for place, listing in enumerate(self._scanned(at), start=1):
            figures.append(_figures(self._world, listing, at))
            if place % _FIGURES_A_PIECE == 0:
                yield
            if self._ended:
                return
        passed = passing(self._scan, figures, self._bounds, self._request.stock_type_filter)
        self._tell(passed[: self._most_rows], is_first=is_first)

    @property
    def _most_rows(self) -> int:
        asked = self._request.number_of_rows
        return min(asked, MOST_ROWS) if asked > 0 else MOST_ROWS

    def _scanned(self, at: Millis) -> list[Listing]:
        everything: Iterable[Listing] = self._world.catalogue
        if self._location.instrument.startswith(SecType.FUTURE):
            everything = self._world.catalogue.futures(at)
        return [
            listing
            for listing in everything
            if self._location.holds(listing) and self._world.market.head(listing) <= at
        ]

    def _tell(self, passed: Sequence[Listing], *, is_first: bool) -> None:
        req_id = self._request.req_id
        if is_first or not passed:
            found = f"{len(passed)} items retrieved" if passed else "no items retrieved"
            self._client.refuse(req_id, 165, _SERVICE_NOTICE + found)
        rows = tuple(_row(rank, listing) for rank, listing in enumerate(passed))
        self._client.send(ScannerResults(req_id, rows))


def _require_known(request: ReqScannerSubscription) -> None:
    """Refuse, with 162, what there is no scan for, and with 321 a bound that is no number."""
    location = LOCATIONS.get(request.location_code)
    if request.scan_code not in SCANS:
        text = f"{_SERVICE_ERROR}Scanner type with code {request.scan_code} is disabled"
        raise RequestRefused(request.req_id, 162, text)
    if location is None or request.instrument not in {"", location.instrument}:
        text = f"{_SERVICE_ERROR}Market Scanner is not configured for one of the chosen locations."
        raise RequestRefused(request.req_id, 162, text)
    try:
        filters_of(request)
    except ValueError as error:
        text = f"Error validating request.-'bV' : cause - {error}"
        raise RequestRefused(request.req_id, 321, text) from error


def _figures(world: World, listing: Listing, at: Millis) -> Figures:
    day = DayFigures(world, listing, at)
    last = float(world.market.last(listing, at).price)
    return Figures(
        listing=listing,
        last=last,
        previous_close=float(world.market.previous_close(listing, at)),
        open=last if day.open is None else float(day.open),
        high=last if day.high is None else float(day.high),
        low=last if day.low is None else float(day.low),
        volume=day.volume,
        usual_volume=listing.market.volume,
        volatility=100 * listing.market.volatility,
    )


def _row(rank: int, listing: Listing) -> ScannerRow:
    return ScannerRow(rank, contract_of(listing), market_name=listing.market_name)
