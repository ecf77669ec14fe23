from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.ib.desk_side import DeskSide
from tests.ib.tws_stub import TwsStub


@pytest_asyncio.fixture
async def tws() -> AsyncIterator[TwsStub]:
    async with TwsStub() as stub:
        yield stub


@pytest_asyncio.fixture
async def desk(tws: TwsStub) -> AsyncIterator[DeskSide]:
    """Not connected yet."""
    side = DeskSide(tws.port)
    async with side.gateway:
        yield side
