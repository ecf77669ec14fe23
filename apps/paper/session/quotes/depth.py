"""Market depth: the books of single venues, and those of several merged (SMART depth).

What a book holds, and which messages keep a copy of it right, stands in `apps.paper.feed.depth`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.paper.feed.depth import Change, DepthBook, Operation, book_of, changes
from apps.paper.feed.market import Millis
from apps.paper.instruments.catalogue import Listing, SecType
from apps.paper.prints import PrintCursor
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.instruments.contracts import has_quotes
from apps.paper.session.market_topic import MarketTopic
from apps.paper.session.quotes.smart import LETTERS, books_of
from apps.paper.timetable import RANK_TICKS
from apps.paper.wire import (
    CancelMarketDepth,
    MarketDepth,
    MarketDepthExchange,
    MarketDepthExchanges,
    MarketDepthL2,
    ReqMarketDepth,
    ReqMarketDepthExchanges,
    ReqSmartComponents,
    Response,
    SmartComponent,
    SmartComponents,
)
from apps.paper.world import World

__all__ = ["Depth"]

_MOST_ROWS = 60
_SMART = "SMART"
_HAS_BOOK = {SecType.STOCK, SecType.FOREX, SecType.FUTURE}
_US_STOCKS = "9c0001"


class Depth(MarketTopic):
    """Books of instruments, one stream a request id; and the exchanges that have them."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqMarketDepth: self._begin,
            CancelMarketDepth: self._cancel,
            ReqMarketDepthExchanges: self._exchanges,
            ReqSmartComponents: self._components,
        }

    def _begin(self, request: ReqMarketDepth) -> None:
        req_id = request.req_id
        listing = self.resolve(req_id, request.contract)
        if request.rows < 1:
            text = "Error validating request.-'Market depth needs 1 row or more'"
            raise RequestRefused(req_id, 321, text)
        venues = self._venues(request, listing)
        if not self.sees_live(listing):
            raise RequestRefused(req_id, 354, "Requested market data is not subscribed.")
        self.refuse_used_id(req_id)
        lines = self.world.vendor.depth
        text = f"Max number ({lines.most}) of market depth requests has been reached"
        # several requests for one book are one, as IB counts them
        self.take(lines, req_id, 309, text, line=(listing.con_id, venues))
        rows = min(request.rows, _MOST_ROWS)
        stream = _BookStream(self.world, self.client, req_id, listing, rows, venues)
        self.start(req_id, stream, stream.next_due())
        stream.send_changes(self.world.now)

    @staticmethod
    def _venues(request: ReqMarketDepth, listing: Listing) -> tuple[str, ...]:
        """Give the venues to be merged, none for the book of one; refuse where there is no book."""
        is_smart = (request.contract.exchange or listing.exchange) == _SMART
        venues = books_of(listing) if is_smart and request.is_smart_depth else ()
        has_book = listing.sec_type in _HAS_BOOK and has_quotes(listing)
        if not has_book or (is_smart and not venues):
            text = (
                "Deep market data is not supported for this combination of security type/exchange"
            )
            raise RequestRefused(request.req_id, 10092, text)
        return venues

    def _cancel(self, request: CancelMarketDepth) -> None:
        if not self.stop(request.req_id):
            text = f"Can't find the subscribed market depth with tickerId:{request.req_id}"
            self.client.refuse(request.req_id, 310, text)

    def _exchanges(self, _: ReqMarketDepthExchanges) -> None:
        catalogue = self.world.catalogue
        found = {
            (venue, listing.sec_type.value): listing
            for listing in (*catalogue, *catalogue.futures(self.world.now))
            if listing.sec_type in _HAS_BOOK
            for venue in books_of(listing) or (listing.exchange,)
        }
        self.client.send(
            MarketDepthExchanges(
                tuple(
                    MarketDepthExchange(venue, kind, agg_group=listing.agg_group)
                    for (venue, kind), listing in found.items()
                )
            )
        )

    def _components(self, request: ReqSmartComponents) -> None:
        if request.bbo_exchange != _US_STOCKS:
            text = f"Error validating request.-'no exchange map {request.bbo_exchange}'"
            raise RequestRefused(request.req_id, 321, text)
        components = tuple(
            SmartComponent(bit, exchange, letter)
            for bit, (exchange, letter) in enumerate(LETTERS.items())
        )
        self.client.send(SmartComponents(request.req_id, components))


class _BookStream:
    """One running book: all of it as inserts, then what each print changes."""

    rank = RANK_TICKS

    def __init__(
        self,
        world: World,
        client: Client,
        req_id: int,
        listing: Listing,
        rows: int,
        venues: tuple[str, ...],
    ) -> None:
        self._world = world
        self._client = client
        self._req_id = req_id
        self._listing = listing
        self._rows = rows
        self._venues = venues
        self._book = DepthBook()
        self._prints = PrintCursor(world.market, world.calendar, listing, world.now)

    def next_due(self) -> Millis:
        return self._prints.next_at()

    def run(self, at: Millis) -> Millis | None:
        if self._prints.take(at):
            self.send_changes(at)
        return self.next_due()

    def send_changes(self, at: Millis) -> None:
        touch = self._world.market.touch(self._listing, at)
        before = self._book
        self._book = book_of(self._listing, touch, at, self._rows, self._venues)
        for message in self._told(changes(before, self._book)):
            self._client.send(message)

    def _told(self, found: Iterator[Change]) -> Iterator[Response]:
        for change in found:
            row = change.row
            is_gone = change.operation is Operation.DELETE
            price, size = (0, 0) if is_gone else (row.price, row.size)
            place = (change.operation.value, change.side.value, price, size)
            if self._venues:
                yield MarketDepthL2(
                    self._req_id, change.position, row.venue, *place, is_smart_depth=True
                )
            else:
                yield MarketDepth(self._req_id, change.position, *place)
