"""The link over a real socket, under the paper gateway's faults: what each loss comes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from apps.domain.errors import NotConnected
from apps.domain.link import Link, LinkState, LossCause
from apps.domain.restart_window import NEW_YORK, parse_restart_windows
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.paper.clock import ManualClock
from apps.paper.limits import NO_LIMITS
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from tests.engine.fakes import FakeClock, settle
from tests.ib.desk_side import BRACKET, PATIENT, Heard

OPEN = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 20, 0, 5, tzinfo=NEW_YORK).astimezone(UTC)
QUICK = replace(PATIENT, heartbeat_every_s=0.05, heartbeat_answer_s=0.3, backoff_first_s=1)


class Stage:
    """A gateway whose market time is turned by hand, and a link whose pauses are."""

    def __init__(
        self, gateway: PaperGateway, ib: IBGateway, clock: FakeClock, at: datetime
    ) -> None:
        self.gateway, self.ib, self.clock = gateway, ib, clock
        self.heard = Heard()
        self.said: list[str] = []
        ib.broker.listen(self.heard)
        self._now_ms = int(at.timestamp()) * 1000

    @property
    def link(self) -> Link:
        return self.ib.broker.link

    def market(self, seconds: float) -> None:
        """Turn the market's clock, by which the faults run."""
        self._now_ms += int(seconds * 1000)
        self.gateway.advance_to(self._now_ms)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            await self.heard.until(holds)

    async def lost(self, epoch: int = 1) -> Link:
        """Wait for a loss, and give the link as it was told first of that epoch."""
        await self.until(lambda: self.link.epoch >= epoch)
        return next(link for link in self.heard.links if link.epoch == epoch)

    async def back(self) -> Link:
        """Turn the link's clock until it is ready again."""
        async with asyncio.timeout(5):
            while self.link.state is not LinkState.READY:
                await self.clock.advance(0.5)
                await asyncio.sleep(0.001)
        return self.link

    async def attempts(self, count: int) -> None:
        """Let so many further attempts fail."""
        before = self._failures()
        async with asyncio.timeout(5):
            while self._failures() < before + count:
                await self.clock.advance(0.5)
                await asyncio.sleep(0.001)

    def _failures(self) -> int:
        states = [link.state for link in self.heard.links]
        pairs = pairwise(states)
        return sum(pair == (LinkState.CONNECTING, LinkState.DISCONNECTED) for pair in pairs)


@asynccontextmanager
async def a_stage(
    at: datetime = OPEN, restarts: str = "", **timeouts: float
) -> AsyncIterator[Stage]:
    clock = FakeClock()
    settings = GatewaySettings(limits=NO_LIMITS)
    market_clock = ManualClock(int(at.timestamp()) * 1000)
    async with (
        PaperGateway.open(settings, clock=market_clock) as gateway,
        IBGateway(
            Endpoint("127.0.0.1", gateway.port, 7),
            clock=clock,
            on_error=lambda *_: None,
            timeouts=replace(QUICK, **timeouts),
            restarts=parse_restart_windows(restarts),
            jitter=lambda: 1.0,
        ) as ib,
    ):
        stage = Stage(gateway, ib, clock, at)
        await ib.connect()
        keeping = asyncio.create_task(ib.keep_connected())
        try:
            await ib.market_data.market_time()
            yield stage
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            await settle()


@pytest.mark.parametrize("back", [1101, 1102])
async def test_an_outage_of_a_third_of_a_second_is_an_epoch_without_opening_orders(
    back: int,
) -> None:
    async with a_stage() as stage:
        stage.gateway.faults.inject(f"outage back={back} for_s=0.3")
        lost = await stage.lost()
        assert (lost.state, lost.loss and lost.loss.cause) == (
            LinkState.BROKER_LOST,
            LossCause.BROKER,
        )
        with pytest.raises(NotConnected, match="broker link lost"):
            stage.ib.broker.place_bracket(BRACKET)
        stage.market(0.3)
        await stage.until(lambda: stage.link.state is LinkState.READY)
        assert stage.link.epoch == 1
        assert stage.gateway.hub.exchange.working_orders() == ()


@pytest.mark.parametrize(
    ("farm", "cause", "takes_openings"),
    [
        ("usfarm", LossCause.MARKET_DATA_FARM, False),
        ("ushmds", LossCause.HISTORY_FARM, True),
        ("secdefil", LossCause.CONTRACT_FARM, True),
    ],
)
async def test_a_farm_that_blinks_is_an_epoch(
    farm: str, cause: LossCause, *, takes_openings: bool
) -> None:
    async with a_stage() as stage:
        stage.gateway.faults.inject(f"farm_outage farm={farm} for_s=0.3")
        lost = await stage.lost()
        assert lost.state is LinkState.FARM_DOWN
        assert lost.loss is not None
        assert (lost.loss.cause, lost.takes_openings) == (cause, takes_openings)
        assert [one.name for one in lost.farms_down] == [farm]
        stage.market(0.3)
        await stage.until(lambda: stage.link.state is LinkState.READY)
        assert stage.link.epoch == 1


async def test_a_half_open_socket_is_found_and_the_link_made_again() -> None:
    async with a_stage() as stage:
        stage.gateway.faults.inject("half_open for_s=5")
        lost = await stage.lost()
        assert lost.loss is not None
        assert lost.loss.cause is LossCause.SILENCE
        stage.market(6)
        assert (await stage.back()).epoch == 1


async def test_a_slow_line_is_no_half_open_one() -> None:
    async with a_stage(heartbeat_answer_s=0.4) as stage:
        stage.gateway.faults.inject("latency delay_s=0.05 jitter_s=0.04 clock=wall")
        for _ in range(4):
            await stage.ib.market_data.market_time()
            await asyncio.sleep(0.06)
        assert (stage.link.state, stage.link.epoch) == (LinkState.READY, 0)


async def test_a_gateway_that_lets_nobody_in_is_tried_until_it_does() -> None:
    async with a_stage() as stage:
        stage.gateway.faults.inject("refuse_connections for_s=60")
        stage.gateway.faults.inject("disconnect how=reset")
        await stage.lost()
        await stage.attempts(3)
        stage.market(61)
        assert (await stage.back()).epoch == 1


async def test_an_id_that_is_held_is_waited_for_with_the_same_id() -> None:
    async with a_stage() as stage:
        stage.gateway.faults.inject("hold_client_id for_s=60")
        stage.gateway.faults.inject("disconnect how=clean")
        await stage.lost()
        await stage.attempts(3)
        reasons = {link.reason for link in stage.heard.links if "326" in link.reason}
        assert len(reasons) == 1
        assert "still holds client id 7" in reasons.pop()
        stage.market(61)
        assert (await stage.back()).epoch == 1
        assert set(stage.gateway.hub.sessions) == {7}


async def test_a_socket_that_is_turned_away_and_left_open_is_closed_by_us() -> None:
    async with a_stage() as stage:
        stage.gateway.faults.inject("hold_client_id for_s=60")
        stage.gateway.faults.inject("keep_turned_away for_s=60")
        stage.gateway.faults.inject("disconnect how=clean")
        await stage.lost()
        await stage.attempts(3)
        stage.market(61)
        assert (await stage.back()).epoch == 1


async def test_a_handshake_without_an_answer_ends_at_its_deadline_and_is_tried_again() -> None:
    async with a_stage(connect_s=0.1) as stage:
        stage.gateway.faults.inject("silent_handshake for_s=60")
        stage.gateway.faults.inject("disconnect how=clean")
        await stage.lost()
        await stage.attempts(2)
        assert any("did not complete the TWS handshake" in one.reason for one in stage.heard.links)
        stage.market(61)
        assert (await stage.back()).epoch == 1


async def test_the_nightly_restart_is_expected_and_one_epoch() -> None:
    async with a_stage(MIDNIGHT, "23:45-00:45") as stage:
        stage.gateway.faults.inject("restart for_s=60")
        lost = await stage.lost()
        assert lost.expected_until == datetime(2026, 11, 20, 5, 45, tzinfo=UTC)
        await stage.attempts(2)
        stage.market(61)
        assert (await stage.back()).epoch == 1


async def test_the_same_restart_by_day_is_not_expected() -> None:
    async with a_stage(OPEN, "23:45-00:45") as stage:
        stage.gateway.faults.inject("restart for_s=60")
        assert (await stage.lost()).expected_until is None
