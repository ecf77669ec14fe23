"""What the topics of market data share: lines, permissions, and IB's refusals of both."""

from __future__ import annotations

from collections.abc import Hashable

from apps.paper.instruments.catalogue import Listing
from apps.paper.limits import PacingClock
from apps.paper.session.faults import RequestRefused
from apps.paper.session.topic import Topic
from apps.paper.vendor.lines import Lines

__all__ = ["MarketTopic"]


class MarketTopic(Topic):
    """A topic whose subscriptions hold lines of the vendor's until they end."""

    def stop(self, req_id: int) -> bool:
        """End a subscription, and give back its lines; tell whether there was one."""
        self.world.vendor.let_go(self.holder(req_id))
        return super().stop(req_id)

    def holder(self, req_id: int) -> Hashable:
        """Give the name under which a request holds its lines."""
        return self, req_id

    def refuse_used_id(self, req_id: int) -> None:
        """Refuse an id on which a subscription runs: before a line is taken for it."""
        if req_id in self.streams:
            raise RequestRefused(req_id, 322, "Error processing request.-'Duplicate ticker id'")

    def take_line(self, req_id: int) -> None:
        """Take a market-data line until `stop`; 101 when there is none left."""
        self.take(self.world.vendor.lines, req_id, 101, "Max number of tickers has been reached")

    def take(
        self, lines: Lines, req_id: int, code: int, text: str, line: Hashable | None = None
    ) -> None:
        """Take one of ``lines`` until `stop`, or refuse the request."""
        if not lines.take(self.holder(req_id), line):
            raise RequestRefused(req_id, code, text)

    def sees_live(self, listing: Listing) -> bool:
        """Tell whether this client has the subscription for a market."""
        return self.world.vendor.permissions.permit(self.client.client_id, listing)

    @property
    def pacing_s(self) -> float:
        """Seconds by the clock that pacing counts by."""
        world = self.world
        by_market = world.limits.pacing_clock is PacingClock.MARKET
        return world.now / 1000 if by_market else world.wall_s()

    def refuse_cancel(self, req_id: int) -> None:
        """Answer the cancel of what is not there."""
        self.client.refuse(req_id, 300, f"Can't find EId with tickerId:{req_id}")
