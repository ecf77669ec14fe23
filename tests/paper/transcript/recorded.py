"""Sessions that are recorded for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from apps.paper.clock import ManualClock
from apps.paper.faults.command_line import fault_from
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.transcript.recorder import Recorder
from apps.paper.wall import ManualWall
from tests.paper.paper_client import DEADLINE_S, OPEN, RawClient, raw_client

AAPL = (0, "AAPL", "STK", "", 0.0, "", "", "SMART", "", "USD", "", "")

Story = Callable[[PaperGateway, RawClient], Awaitable[None]]


@asynccontextmanager
async def recording(
    path: Path, seed: int = 7, fault: str = "", wall: ManualWall | None = None
) -> AsyncIterator[PaperGateway]:
    """Give a gateway that is recorded, on clocks that stand still."""
    faults = (fault_from(fault),) if fault else ()
    wanted = GatewaySettings(seed=seed, faults=faults)
    with Recorder.to(path, {"seed": seed}) as recorder:
        async with PaperGateway.open(
            wanted, clock=ManualClock(OPEN), tap=recorder, wall=wall or ManualWall()
        ) as gateway:
            yield gateway
            # so that it is the clients who end their connections, and not the gateway's end
            async with asyncio.timeout(DEADLINE_S):
                for socket in tuple(gateway._connections):
                    await socket.closed.wait()


async def recorded(path: Path, story: Story, seed: int = 7) -> bytes:
    """Record what one client hears in a story; give that too."""
    async with recording(path, seed) as gateway, raw_client(gateway) as client:
        await client.start()
        await story(gateway, client)
    return client.received


async def bars_and_time(gateway: PaperGateway, client: RawClient) -> None:
    """Ask for bars and the time, let half a minute pass, and leave."""
    client.send(50, 3, 5, *AAPL, 5, "TRADES", 1, "")
    client.send(49, 1)
    await client.until("49")
    gateway.advance_to(OPEN + 30_000)
    for _ in range(6):
        await client.until("50")
    client.send(51, 1, 5)
    client.send(49, 1)
    await client.until("49")
