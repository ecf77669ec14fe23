"""Calls of the store, in a thread: the loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["on_disk"]

P = ParamSpec("P")
T = TypeVar("T")


async def on_disk(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Give what ``act`` gives. One that has begun is finished, also where nobody waits any more."""
    call = asyncio.ensure_future(asyncio.to_thread(act, *args, **kwargs))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        await asyncio.wait({call})
        if not call.cancelled():
            call.exception()  # whoever would hear of it has gone
        raise
