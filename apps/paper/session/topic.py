"""What every topic of a session has: the client, the world, and the streams that it started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.paper.exchange.events import Event
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.instruments.contracts import the_one
from apps.paper.timetable import Stream
from apps.paper.wire import Contract
from apps.paper.world import World

__all__ = ["Topic"]


class Topic:
    """Base of the topics. ``streams`` are the running subscriptions by request id."""

    def __init__(self, world: World, client: Client) -> None:
        self.world = world
        self.client = client
        self.streams: dict[int, Stream] = {}

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {}

    def tell(self, event: Event) -> None:
        """Hear of something that happened at the exchange."""

    def close(self) -> None:
        """End every subscription of this topic."""
        for req_id in tuple(self.streams):
            self.stop(req_id)

    def start(self, req_id: int, stream: Stream, due: int) -> None:
        """Begin a subscription; a used id is refused (322), as IB does."""
        if req_id in self.streams:
            raise RequestRefused(req_id, 322, "Error processing request.-'Duplicate ticker id'")
        self.streams[req_id] = stream
        self.world.timetable.start(stream, due)

    def stop(self, req_id: int) -> bool:
        """End a subscription; tell whether there was one."""
        stream = self.streams.pop(req_id, None)
        if stream is None:
            return False
        self.world.timetable.stop(stream)
        return True

    def resolve(self, req_id: int, contract: Contract) -> Listing:
        """Give the one listing that a contract names, or IB's refusal; see `the_one`."""
        return the_one(self.world, req_id, contract)
