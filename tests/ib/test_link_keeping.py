"""The link as it is kept: its losses, its heartbeat, its pauses, and who goes first."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from apps.domain.errors import DeadlineExceeded, NotConnected
from apps.domain.link import Farm, FarmKind, Link, LinkState, LossCause, Lost
from apps.domain.orders import OrderStatus
from apps.domain.restart_window import NEW_YORK, parse_restart_windows
from apps.ib.backoff import Backoff
from apps.ib.broker_clock import BrokerClock
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.heartbeat import Heartbeat
from apps.ib.pacing import Lane, Limits
from tests.engine.fakes import FakeClock, settle
from tests.ib.desk_side import AAPL, BRACKET, PATIENT, SHORT, STOP_LOSS, DeskSide, Heard
from tests.ib.order_desk import OrderDesk
from tests.ib.tws_stub import Fields, Peer, TwsStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BLIPS = {
    "1100 and 1101": (1100, 1101, LossCause.BROKER, Lost.SUBSCRIPTIONS),
    "1100 and 1102": (1100, 1102, LossCause.BROKER, Lost.ORDERS),
    "2103 and 2104": (2103, 2104, LossCause.MARKET_DATA_FARM, Lost.BARS),
    "2105 and 2106": (2105, 2106, LossCause.HISTORY_FARM, Lost.HISTORY),
    "2157 and 2158": (2157, 2158, LossCause.CONTRACT_FARM, Lost.CONTRACTS),
}


class CountingClock(FakeClock):
    """Remembers the pauses that were asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await super().sleep(seconds)


class Kept:
    """A connection that is kept by a clock that is turned by hand."""

    def __init__(self, port: int, *, restarts: str = "") -> None:
        self.clock = CountingClock()
        self.heard = Heard()
        self.gateway = IBGateway(
            Endpoint("127.0.0.1", port, 7),
            clock=self.clock,
            on_error=lambda *_: None,
            timeouts=replace(PATIENT, backoff_first_s=1, backoff_cap_s=30),
            restarts=parse_restart_windows(restarts),
            jitter=lambda: 0.0,
        )
        self.gateway.broker.listen(self.heard)

    @property
    def link(self) -> Link:
        return self.gateway.broker.link

    async def until(self, state: LinkState) -> Link:
        return await self.heard.link(state)

    async def at_rest(self) -> None:
        """Wait until the attempt that is under way has failed."""
        await self.heard.until(lambda: self.heard.links[-1].state is LinkState.DISCONNECTED)
        await settle()


@asynccontextmanager
async def kept(tws: TwsStub, *, restarts: str = "") -> AsyncIterator[Kept]:
    side = Kept(tws.port, restarts=restarts)
    async with side.gateway, asyncio.timeout(10):
        await side.gateway.connect()
        keeping = asyncio.create_task(side.gateway.keep_connected())
        try:
            await tws.got(49)
            await settle()
            yield side
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})


@pytest.mark.parametrize("name", BLIPS)
async def test_a_blip_in_one_piece_is_an_epoch_that_is_told(
    name: str, tws: TwsStub, desk: DeskSide
) -> None:
    lost, back, cause, took = BLIPS[name]
    await desk.gateway.connect()
    # both in one packet: nobody could see the state in between by looking
    tws.peer.error(-1, lost, "broken:usfarm")
    tws.peer.error(-1, back, "fine again:usfarm")
    await desk.heard.until(lambda: desk.link.epoch == 1 and desk.link.takes_openings)
    await desk.heard.until(lambda: desk.link.state is LinkState.READY)
    away, ready = desk.heard.links[-2:]
    assert (away.epoch, ready.epoch) == (1, 1)
    assert away.state is not LinkState.READY
    assert ready.state is LinkState.READY
    assert ready.loss is not None
    assert (ready.loss.cause, took in ready.loss.lost) == (cause, True)


async def test_a_bust_of_one_subscription_is_an_epoch_of_its_own(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    session = desk.gateway.connection.session

    class Sink:
        def on_code(self, code: int, text: str) -> None:
            assert desk.link.epoch == 0, "who holds it hears first"

    session.codes[55] = Sink()
    tws.peer.error(55, 10225, "Bust event occurred, current subscription is deactivated.")
    await desk.heard.until(lambda: desk.link.epoch == 1)
    assert desk.link.state is LinkState.READY
    assert desk.link.has_lost_since(0, Lost.ONE_SUBSCRIPTION)
    assert not desk.link.has_lost_since(0, Lost.BARS)


async def test_a_farm_that_is_down_is_named_and_lets_orders_pass_that_protect(
    tws: TwsStub, desk: DeskSide
) -> None:
    OrderDesk(tws)
    await desk.gateway.connect()
    tws.peer.error(-1, 2103, "Market data farm connection is broken:usfarm.nj")
    down = await desk.heard.link(LinkState.FARM_DOWN)
    assert down.farms_down == (Farm(FarmKind.MARKET_DATA, "usfarm.nj"),)
    with pytest.raises(NotConnected, match="data farm down"):
        desk.gateway.broker.place_bracket(BRACKET)
    desk.gateway.broker.place(AAPL, STOP_LOSS)
    await tws.got(3)


async def test_a_bracket_that_waits_for_its_turn_is_taken_back_when_ibs_servers_go(
    tws: TwsStub,
) -> None:
    desk = DeskSide(tws.port, limits=Limits(messages_per_s=8, order_reserve=3))
    OrderDesk(tws)
    async with desk.gateway, asyncio.timeout(5):
        await desk.gateway.connect()
        use_up(desk)
        ids = desk.gateway.broker.place_bracket(BRACKET)
        exit_id = desk.gateway.broker.place(AAPL, STOP_LOSS)
        tws.peer.error(-1, 1100, "Connectivity between IB and TWS has been lost.")
        await desk.heard.link(LinkState.BROKER_LOST)
        ended = {
            one.order_id for one in desk.heard.orders if one.status is OrderStatus.API_CANCELLED
        }
        assert ended == set(ids)
        # TWS would keep the bracket and send it on when its servers are back
        placed = await tws.got(3)
        assert [message[1] for message in placed] == [str(exit_id)]


async def test_what_protects_goes_before_brackets_that_wait(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, limits=Limits(messages_per_s=8, order_reserve=3))
    OrderDesk(tws)
    async with desk.gateway, asyncio.timeout(5):
        await desk.gateway.connect()
        use_up(desk)
        ids = desk.gateway.broker.place_bracket(BRACKET)
        exit_id = desk.gateway.broker.place(AAPL, STOP_LOSS)
        placed = await tws.got(3, 4)
        assert [int(message[1]) for message in placed] == [exit_id, *ids]


async def test_a_cancellation_never_goes_before_its_own_order(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, limits=Limits(messages_per_s=8, order_reserve=3))
    OrderDesk(tws)
    async with desk.gateway, asyncio.timeout(5):
        await desk.gateway.connect()
        use_up(desk)
        ids = desk.gateway.broker.place_bracket(BRACKET)
        desk.gateway.broker.cancel(ids[0])
        await tws.got(4)
        order = [message[0] for message in tws.messages if message[0] in ("3", "4")]
        assert order == ["3", "3", "3", "4"]


def use_up(desk: DeskSide) -> None:
    """Spend all of this second's messages."""
    queue = desk.gateway.market_data._pacer._queue
    now = asyncio.get_running_loop().time()
    while queue.try_spend(now, Lane.PROTECTION, 1):
        pass


# ------------------------------------------------------------------------------ heartbeat


class Ear:
    """What the heartbeat asks of a session."""

    def __init__(self) -> None:
        self.bytes_seen = 0
        self.heard_at_s = asyncio.get_running_loop().time()

    def hear(self) -> None:
        self.bytes_seen += 1
        self.heard_at_s = asyncio.get_running_loop().time()

    def require_usable(self) -> None:
        pass


async def test_a_link_on_which_bytes_flow_is_not_asked() -> None:
    ear, asked = Ear(), 0

    async def ask(_: float) -> None:
        nonlocal asked
        asked += 1

    watching = asyncio.create_task(Heartbeat(ask, 0.05, 0.05).until_silent(ear))  # type: ignore[arg-type]  # all that it asks for
    for _ in range(40):
        ear.hear()
        await asyncio.sleep(0.005)
    assert asked == 0
    assert not watching.done()
    watching.cancel()
    await asyncio.wait({watching})


async def test_a_deadline_that_this_machine_missed_is_no_silence() -> None:
    ear = Ear()

    async def ask(timeout_s: float) -> None:
        await asyncio.sleep(0)
        busy_until = time.monotonic() + timeout_s + 0.3
        while time.monotonic() < busy_until:
            pass
        raise DeadlineExceeded("too late")

    assert not await Heartbeat(ask, 0.01, 0.05).is_silent(ear)  # type: ignore[arg-type]  # all that it asks for


async def test_no_second_question_for_the_time_is_asked_while_one_is_open(tws: TwsStub) -> None:
    """Of two at once ib_insync would never end the first."""
    desk = DeskSide(tws.port, timeouts=replace(SHORT, heartbeat_every_s=0.01, request_s=5))
    async with desk.gateway, asyncio.timeout(5):
        await desk.gateway.connect()
        waiting: list[Peer] = []
        tws.answers[49] = lambda peer, _: waiting.append(peer)
        asking = asyncio.create_task(desk.gateway.market_data.market_time())
        await tws.got(49)
        keeping = asyncio.create_task(desk.gateway.keep_connected())
        tws.peer.error(-1, 2106, "bytes that say nothing of the time")
        await desk.heard.notice(2106)
        await asyncio.sleep(0.03)
        assert len(tws.sent(49)) == 1
        waiting[0].send(49, 1, 1_800_000_000)
        assert (await asking).timestamp() == 1_800_000_000
        assert desk.link.state is LinkState.READY
        keeping.cancel()
        await asyncio.wait({keeping})


async def test_a_silent_socket_is_a_loss_with_its_own_cause(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, timeouts=replace(SHORT, backoff_first_s=60))
    async with desk.gateway, asyncio.timeout(5):
        await desk.gateway.connect()
        keeping = asyncio.create_task(desk.gateway.keep_connected())
        await tws.got(49)
        tws.speaks = False
        lost = await desk.heard.link(LinkState.DISCONNECTED)
        assert lost.loss is not None
        assert lost.loss.cause is LossCause.SILENCE
        keeping.cancel()
        await asyncio.wait({keeping})


# -------------------------------------------------------------------------- coming back


def test_pauses_double_up_to_the_cap_and_begin_anew_after_a_link_that_lasted() -> None:
    backoff = Backoff(1.0, 30.0, lambda: 1.0)
    assert [backoff.next_pause_s() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.lasted(29.0)
    assert backoff.next_pause_s() == 30
    backoff.lasted(30.0)
    assert backoff.next_pause_s() == 1
    assert backoff.next_pause_s(patiently=True) == 30


def test_jitter_keeps_desks_apart_and_never_shortens_a_pause_by_more_than_half() -> None:
    pauses = [Backoff(4.0, 30.0, lambda at=at: at).next_pause_s() for at in (0.0, 0.5, 0.999)]  # type: ignore[misc]  # bound in the loop
    assert pauses == pytest.approx([2.0, 3.0, 3.998])


TURNED_AWAY = {
    "accepts and hangs up at once": lambda peer, _: peer.hang_up(),
    "turns the client id away": lambda peer, _: peer.error(-1, 326, "in use"),
}


@pytest.mark.parametrize("how", TURNED_AWAY)
async def test_a_gateway_that_lets_nobody_in_is_not_hammered(how: str, tws: TwsStub) -> None:
    async with kept(tws) as side:

        def count(state: LinkState) -> int:
            return [link.state for link in side.heard.links].count(state)

        start = tws.answers[71]
        tws.answers[71] = TURNED_AWAY[how]
        tws.peer.hang_up()
        await side.until(LinkState.DISCONNECTED)
        for attempt in range(1, 8):
            await side.at_rest()
            assert len(tws.sent(71)) == attempt
            await side.clock.advance(side.clock.pauses[-1])
            await tws.got(71, attempt + 1)
            await side.heard.until(lambda: count(LinkState.CONNECTING) == attempt + 1)  # noqa: B023 - awaited at once
        await side.at_rest()
        assert side.clock.pauses == [0.5, 1, 2, 4, 8, 15, 15, 15]
        tws.answers[71] = start
        await side.clock.advance(15.0)
        assert (await side.until(LinkState.READY)).epoch == 1
        assert {message[2] for message in tws.sent(71)} == {"7"}, "the same client id, always"


async def test_a_link_that_dies_as_soon_as_it_is_ready_is_not_hammered(tws: TwsStub) -> None:
    async with kept(tws) as side:
        for attempt, pause_s in enumerate((0.5, 1.0, 2.0, 4.0), start=1):
            tws.peer.hang_up()
            await side.until(LinkState.DISCONNECTED)
            await settle()
            await side.clock.advance(pause_s - 0.01)
            assert len(tws.sent(71)) == attempt
            await side.clock.advance(0.02)
            assert (await side.until(LinkState.READY)).epoch == attempt
            await settle()


async def test_our_own_old_socket_is_told_as_such_and_waited_for(tws: TwsStub) -> None:
    def turn_away(peer: Peer, _: Fields) -> None:
        peer.error(-1, 326, "Unable to connect as the client id is already in use.")

    async with kept(tws) as side:
        tws.answers[71] = turn_away
        tws.peer.hang_up()
        await side.until(LinkState.DISCONNECTED)
        await side.clock.advance(1.0)
        await tws.got(71, 2)
        await side.heard.until(lambda: "326" in side.link.reason)
        assert "most likely for the connection that was lost" in side.link.reason
        assert "IB_CLIENT_ID" not in side.link.reason, "another id could not change our orders"


# ------------------------------------------------------------------------ nightly restart


MIDNIGHT = datetime(2026, 11, 20, 0, 5, tzinfo=NEW_YORK).astimezone(UTC)


def test_the_brokers_time_goes_on_between_its_answers() -> None:
    clock = FakeClock()
    broker_clock = BrokerClock(clock, parse_restart_windows("00:15-01:45"))
    assert broker_clock.restart_expected_until() is None, "what is not known is no window"
    broker_clock.observe(MIDNIGHT)
    assert broker_clock.restart_expected_until() is None
    clock.now_s += 600
    assert broker_clock.restart_expected_until() == MIDNIGHT + timedelta(minutes=100)
    clock.now_s += 6000
    assert broker_clock.restart_expected_until() is None


async def test_a_loss_in_the_restart_window_is_expected_and_tried_patiently(tws: TwsStub) -> None:
    tws.answers[49] = lambda peer, _: peer.send(49, 1, int(MIDNIGHT.timestamp()))
    async with kept(tws, restarts="23:45-00:45") as side:
        start = tws.answers[71]
        tws.answers[71] = TURNED_AWAY["accepts and hangs up at once"]
        tws.peer.hang_up()
        lost = await side.until(LinkState.DISCONNECTED)
        assert lost.expected_until == MIDNIGHT + timedelta(minutes=40)
        await settle()
        await side.clock.advance(14.9)  # half of the longest pause, from the first one on
        assert len(tws.sent(71)) == 1
        tws.answers[71] = start
        await side.clock.advance(0.2)
        assert (await side.until(LinkState.READY)).epoch == 1
