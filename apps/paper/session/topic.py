"""What every topic of a session has: the session, its handlers, and the streams it started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from apps.paper.catalogue import Listing
from apps.paper.session.faults import RequestRefused
from apps.paper.timetable import Stream
from apps.paper.wire import Contract

if TYPE_CHECKING:
    from apps.paper.hub import Hub
    from apps.paper.session.session import Session

__all__ = ["Topic"]


class Topic:
    """Base of the topics. ``streams`` are the running subscriptions by request id."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.streams: dict[int, Stream] = {}

    @property
    def hub(self) -> Hub:
        """The gateway that the session belongs to."""
        return self.session.hub

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {}

    def close(self) -> None:
        """End every subscription of this topic."""
        for req_id in tuple(self.streams):
            self.stop(req_id)

    def start(self, req_id: int, stream: Stream, due: int) -> None:
        """Begin a subscription; a used id is refused (322), as IB does."""
        if req_id in self.streams:
            raise RequestRefused(req_id, 322, "Error processing request.-'Duplicate ticker id'")
        self.streams[req_id] = stream
        self.hub.timetable.start(stream, due)

    def stop(self, req_id: int) -> bool:
        """End a subscription; tell whether there was one."""
        stream = self.streams.pop(req_id, None)
        if stream is None:
            return False
        self.hub.timetable.stop(stream)
        return True

    def resolve(self, req_id: int, contract: Contract) -> Listing:
        """Give the one listing that a contract names; 200 where there is none, or several."""
        found = self.hub.catalogue.find(contract)
        if not found:
            text = "No security definition has been found for the request"
            raise RequestRefused(req_id, 200, text)
        if len(found) > 1:
            text = f"The contract description specified for {contract.symbol} is ambiguous."
            raise RequestRefused(req_id, 200, text)
        return found[0]
