"""A gateway on a manual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from apps.paper.clock import ManualClock
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from tests.paper.paper_client import OPEN


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(OPEN)


@pytest.fixture
async def gateway(clock: ManualClock) -> AsyncIterator[PaperGateway]:
    async with PaperGateway.open(GatewaySettings(seed=7), clock=clock) as running:
        yield running
