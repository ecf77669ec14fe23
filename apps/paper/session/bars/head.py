"""Where history begins: head timestamps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from apps.paper.feed.market import Millis
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.bars.history import take_open_request
from apps.paper.session.bars.history_query import HMDS, source_of
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.market_topic import MarketTopic
from apps.paper.vendor.permissions import no_permissions
from apps.paper.wire import CancelHeadTimestamp, HeadTimestamp, ReqHeadTimestamp
from apps.paper.world import World

__all__ = ["HeadTimestamps"]

_EPOCH = 2


class HeadTimestamps(MarketTopic):
    """The times of oldest bars. Each counts as an open history request until it is cancelled."""

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._open: set[int] = set()

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {ReqHeadTimestamp: self._head, CancelHeadTimestamp: self._cancel}

    def close(self) -> None:
        """Give back what was never cancelled."""
        for req_id in tuple(self._open):
            self._let_go(req_id)
        super().close()

    def _head(self, request: ReqHeadTimestamp) -> None:
        listing = self.resolve(request.req_id, request.contract)
        source_of(request.req_id, request.what_to_show, listing)
        if not self.sees_live(listing) and not self.client.market_data_kind.takes_delayed:
            raise RequestRefused(request.req_id, 162, HMDS + no_permissions(listing))
        take_open_request(self, request.req_id)
        self._open.add(request.req_id)
        head_s = self._first(listing, regular_only=request.use_rth) // 1000
        stamp = str(head_s)
        if request.format_date != _EPOCH:
            stamp = datetime.fromtimestamp(head_s, UTC).strftime("%Y%m%d-%H:%M:%S")
        self.client.send(HeadTimestamp(request.req_id, stamp))

    def _first(self, listing: Listing, *, regular_only: bool) -> Millis:
        head, hours = self.world.market.head(listing), self.world.calendar
        if not regular_only or hours.session_at(listing, head, extended=False) is not None:
            return head
        return hours.next_session(listing, head, extended=False)[0]

    def _cancel(self, request: CancelHeadTimestamp) -> None:
        """Count it as open no more; what was never open is no error, as with IB."""
        self._let_go(request.req_id)

    def _let_go(self, req_id: int) -> None:
        self._open.discard(req_id)
        self.stop(req_id)
