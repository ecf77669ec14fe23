"""Historical ticks: trades, quotes and midpoints of the past, as they streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.paper.instruments.catalogue import Listing
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.market_topic import MarketTopic
from apps.paper.session.quotes.ticks import TickKind, TickReader, past_ticks
from apps.paper.session.times import BadTime, parse_moment
from apps.paper.vendor.permissions import no_permissions
from apps.paper.wire import ReqHistoricalTicks
from apps.paper.world import World

__all__ = ["HistoricalTicks"]

_MOST_TICKS = 1_000
_FAILED = "Failed to request historical ticks:"
_KINDS = {kind.value: kind for kind in TickKind}


class HistoricalTicks(MarketTopic):
    """Ticks of the past, one answer a request id.

    More than 1000 are not given, except for the rest of the last one's second. Those before an
    end do not include the end itself.
    """

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._is_closed = False

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {ReqHistoricalTicks: self._begin}

    def close(self) -> None:
        """Answer nothing any more."""
        self._is_closed = True
        super().close()

    def _begin(self, request: ReqHistoricalTicks) -> None:
        req_id = request.req_id
        listing = self.resolve(req_id, request.contract)
        kind = _KINDS.get(request.what_to_show)
        if kind is None or not kind.exists_for(listing):
            text = f"{_FAILED}{request.what_to_show} ticks do not exist for {listing.symbol}"
            raise RequestRefused(req_id, 10187, text)
        if not self.sees_live(listing):
            raise RequestRefused(req_id, 10187, _FAILED + no_permissions(listing))
        if bool(request.start_date_time.strip()) == bool(request.end_date_time.strip()):
            raise _invalid(req_id, "Historical ticks need a start or an end date, and not both")
        if request.number_of_ticks < 1:
            raise _invalid(req_id, "Number of ticks must be 1 or more")
        reader = TickReader(self.world, listing, kind, ignore_size=request.ignore_size)
        self.world.jobs.append(self._answer(request, listing, reader))

    def _answer(
        self, request: ReqHistoricalTicks, listing: Listing, reader: TickReader
    ) -> Iterator[None]:
        """Collect the ticks window by window, then send them all at once."""
        number = min(request.number_of_ticks, _MOST_TICKS)
        text = request.start_date_time.strip() or request.end_date_time.strip()
        try:
            at = parse_moment(text, listing.time_zone)
        except BadTime as error:
            self.client.refuse(request.req_id, 321, f"Error validating request.-'{error}'")
            return
        read = reader.forward if request.start_date_time.strip() else reader.backward
        ticks = yield from read(at, number, regular_only=request.use_rth)
        if not self._is_closed:
            self.client.send(past_ticks(request.req_id, listing, reader.kind, ticks))


def _invalid(req_id: int, cause: str) -> RequestRefused:
    return RequestRefused(req_id, 321, f"Error validating request.-'{cause}'")
