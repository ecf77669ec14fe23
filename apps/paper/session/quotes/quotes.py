"""Market data: streaming quotes, snapshots, and the kind of data that a client wants.

A request is judged here (instrument, generic ticks, subscription, lines); what is then sent
stands in `quote_stream`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.paper.instruments.catalogue import Listing
from apps.paper.session.faults import RequestRefused
from apps.paper.session.market_topic import MarketTopic
from apps.paper.session.quotes.generic_ticks import BadGenericTicks, read_generic_ticks
from apps.paper.session.quotes.quote_stream import QuoteStream
from apps.paper.vendor.permissions import MarketDataKind, Unsubscribed
from apps.paper.wire import (
    CancelMarketData,
    ReqMarketData,
    ReqMarketDataType,
    TickSnapshotEnd,
)

__all__ = ["Quotes"]

_INVALID = "Error validating request.-'bQ' : cause - "
_NOT_SUBSCRIBED = "Requested market data is not subscribed."
_PART = (
    "Part of requested market data is not subscribed. "
    "Subscription-independent ticks are still active."
)
_NOT_ENABLED = {Unsubscribed.NOT_ENABLED: 10168, Unsubscribed.NOT_ENABLED_10186: 10186}


class Quotes(MarketTopic):
    """Quotes of instruments, one stream a request id."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqMarketData: self._market_data,
            CancelMarketData: self._cancel,
            ReqMarketDataType: self._type,
        }

    def _market_data(self, request: ReqMarketData) -> None:
        req_id = request.req_id
        listing = self.resolve(req_id, request.contract)
        is_snapshot = request.snapshot or request.regulatory_snapshot
        generic = self._generic(request, listing, is_snapshot=is_snapshot)
        is_delayed, in_part = self._subscription(req_id, listing)
        stream = QuoteStream(
            self.world,
            self.client,
            req_id,
            listing,
            asked=self.client.market_data_kind,
            is_delayed=is_delayed,
            generic=frozenset() if in_part else generic,
        )
        if is_snapshot:
            stream.send_whole_quote()
            self.client.send(TickSnapshotEnd(req_id))
            return
        self.refuse_used_id(req_id)
        self.take_line(req_id)
        self.start(req_id, stream, stream.next_due())
        stream.send_whole_quote()

    @staticmethod
    def _generic(request: ReqMarketData, listing: Listing, *, is_snapshot: bool) -> frozenset[int]:
        asked = [token for token in request.generic_ticks if token.strip()]
        if asked and is_snapshot:
            text = "Snapshot market data subscription is not applicable to generic ticks"
            raise RequestRefused(request.req_id, 321, _INVALID + text)
        try:
            return read_generic_ticks(asked, listing.sec_type.value)
        except BadGenericTicks as error:
            raise RequestRefused(request.req_id, 321, f"{_INVALID}{error}") from error

    def _subscription(self, req_id: int, listing: Listing) -> tuple[bool, bool]:
        """Tell whether the data is delayed, and whether only in part; refuse what is not had."""
        if self.sees_live(listing):
            return False, False
        instead = self.world.vendor.permissions.instead
        place = f"{listing.symbol} {listing.primary_exchange or listing.exchange}/TOP/ALL"
        if instead is Unsubscribed.PART:
            text = f"{_PART}Delayed market data is available.{place}"
            self.client.refuse(req_id, 10090, text)
            return False, True
        if instead in _NOT_ENABLED:
            text = f"{_NOT_SUBSCRIBED} Delayed market data is not enabled."
            raise RequestRefused(req_id, _NOT_ENABLED[instead], text)
        if not self.client.market_data_kind.takes_delayed:
            text = f"{_NOT_SUBSCRIBED}Delayed market data is available.{place}"
            raise RequestRefused(req_id, 354, text)
        text = f"{_NOT_SUBSCRIBED} Displaying delayed market data."
        self.client.refuse(req_id, 10167, text)
        return True, False

    def _cancel(self, request: CancelMarketData) -> None:
        if not self.stop(request.req_id):
            self.refuse_cancel(request.req_id)

    def _type(self, request: ReqMarketDataType) -> None:
        """Take note for what is asked from now on; the type arrives with the data."""
        try:
            self.client.market_data_kind = MarketDataKind(request.market_data_type)
        except ValueError as error:
            text = f"Error validating request.-'no market data type {request.market_data_type}'"
            raise RequestRefused(-1, 321, text) from error
