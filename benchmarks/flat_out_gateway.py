"""The gateway with a market clock that never waits: as soon as a bar is out, the next is due.

What it serves is the synthetic market, like any paper gateway. It stops when stdin ends.
"""

from __future__ import annotations

import asyncio
import sys

from apps.paper.clock import ManualClock
from apps.paper.server import PaperGateway
from benchmarks.script import BAR_MS, SCRIPT_START

__all__ = ["run"]

_LOOK_S = 0.01


async def run() -> None:
    """Serve on a free port and say which; time stands still while there is no client."""
    clock = ManualClock(SCRIPT_START)
    async with PaperGateway.open(clock=clock) as gateway:
        print(gateway.port, flush=True)
        over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        while not over.done():
            if gateway.hub.sessions:
                gateway.advance_to(clock.now() + BAR_MS)
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(_LOOK_S)


if __name__ == "__main__":
    asyncio.run(run())
