"""A stream of server-sent events, as long as somebody reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from apps.api.http.events import EventHub, EventKind, Listener

__all__ = ["EventsResponse"]

KEEP_ALIVE_S = 15.0
"""A comment is sent after so long a silence: a connection that is gone is found by it."""

LEAVING_S = 2.0
"""How long a listener that is dropped has to take the reason."""


class EventsResponse(Response):
    """Sends what happens until the listener leaves, is dropped, or the desk quits."""

    media_type = "text/event-stream"

    def __init__(self, hub: EventHub, kinds: frozenset[EventKind]) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._kinds = kinds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream; a listener that takes nothing is cut off."""
        with self._hub.listening(self._kinds) as listener:
            sending = asyncio.create_task(self._sent(listener, send))
            leaving = asyncio.create_task(_left(receive))
            ending = asyncio.create_task(listener.is_over.wait())
            tasks = {sending, leaving, ending}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if ending.done() and not sending.done():
                    await asyncio.wait({sending, leaving}, timeout=LEAVING_S)
                if not sending.done() and not leaving.done():
                    _cut(scope)
            finally:
                for each in tasks:
                    each.cancel()
                await asyncio.wait(tasks)

    async def _sent(self, listener: Listener, send: Send) -> None:
        begun = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(begun)
        more = True
        while more:
            events = b""
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_S):
                    events = await listener.next()
            more = bool(events) or not listener.is_over.is_set()
            body = events or (b": still here\n\n" if more else b"")
            await send({"type": "http.response.body", "body": body, "more_body": more})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _cut(scope: Scope) -> None:
    """End a connection that takes nothing, with what stands in its buffers."""
    abort: Callable[[], None] | None = scope.get("state", {}).get("abort")
    if abort is not None:
        abort()
