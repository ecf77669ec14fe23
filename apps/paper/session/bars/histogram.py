"""Histograms: how much was traded at each price, over some time."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from apps.paper.instruments.catalogue import Listing
from apps.paper.prints import open_windows
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.instruments.contracts import has_trades
from apps.paper.session.market_topic import MarketTopic
from apps.paper.vendor.permissions import no_permissions
from apps.paper.wire import (
    CancelHistogramData,
    HistogramBucket,
    HistogramData,
    ReqHistogramData,
)
from apps.paper.world import World

__all__ = ["Histograms"]

_FAILED = "Failed to request histogram data:"
_WINDOW_MS = 60_000
_DAY_MS = 86_400_000
_PERIOD = re.compile(r"(\d{1,4}) +(second|minute|hour|day|week|month|year)s?")
_UNIT_MS = {
    "second": 1_000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": _DAY_MS,
    "week": 7 * _DAY_MS,
    "month": 31 * _DAY_MS,
    "year": 366 * _DAY_MS,
}
_LONGEST_MS = 366 * _DAY_MS


class Histograms(MarketTopic):
    """Volumes by price, one answer a request id."""

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._open: dict[int, ReqHistogramData] = {}

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {ReqHistogramData: self._begin, CancelHistogramData: self._cancel}

    def close(self) -> None:
        """Answer nothing any more."""
        self._open.clear()
        super().close()

    def _begin(self, request: ReqHistogramData) -> None:
        req_id = request.req_id
        listing = self.resolve(req_id, request.contract)
        found = _PERIOD.fullmatch(request.period.strip())
        length_ms = int(found[1]) * _UNIT_MS[found[2]] if found else 0
        if not 0 < length_ms <= _LONGEST_MS:
            text = f"Error validating request.-'Invalid time period: {request.period}'"
            raise RequestRefused(req_id, 321, text)
        if not has_trades(listing):
            raise RequestRefused(req_id, 10188, f"{_FAILED}No data for {listing.symbol}")
        if not self.sees_live(listing):
            raise RequestRefused(req_id, 10188, _FAILED + no_permissions(listing))
        self._open[req_id] = request
        self.world.jobs.append(self._answer(request, listing, length_ms))

    def _answer(
        self, request: ReqHistogramData, listing: Listing, length_ms: int
    ) -> Iterator[None]:
        """Add up the prints window by window, then send all prices at once."""
        market, end = self.world.market, self.world.now + 1
        start = max(market.head(listing), end - length_ms)
        volumes: defaultdict[Decimal, int] = defaultdict(int)
        for opens, closes in open_windows(
            self.world.calendar, listing, start, end, _WINDOW_MS, regular_only=request.use_rth
        ):
            for trade in market.prints(listing, opens - 1, closes - 1):
                volumes[trade.price] += trade.size
            yield
            if self._open.get(request.req_id) is not request:
                return
        del self._open[request.req_id]
        buckets = tuple(HistogramBucket(price, volumes[price]) for price in sorted(volumes))
        self.client.send(HistogramData(request.req_id, buckets))

    def _cancel(self, request: CancelHistogramData) -> None:
        """Forget the request; its answer came already, or never comes."""
        self._open.pop(request.req_id, None)
