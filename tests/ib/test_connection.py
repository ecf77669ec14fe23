from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from apps.domain.errors import (
    CannotConnect,
    ClientIdInUse,
    DeadlineExceeded,
    InvalidInput,
    NotConnected,
)
from apps.domain.link import Link, LinkState
from apps.engine.ports import Broker, BrokerNotice, MarketData
from apps.ib.heartbeat import Heartbeat
from tests.ib.desk_side import BRACKET, PATIENT, SHORT, DeskSide, Heard
from tests.ib.tws_stub import Fields, Peer, TwsStub

STATES = [LinkState.CONNECTING, LinkState.SYNCHRONISING, LinkState.READY]


async def test_connecting_reads_orders_and_executions_before_it_is_ready(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    assert [link.state for link in desk.heard.links] == STATES
    assert desk.link == Link(LinkState.READY, epoch=0)
    assert desk.gateway.broker.account == "DU1"
    assert desk.gateway.server_version == 176
    assert [message[0] for message in tws.messages[2:]] == ["59", "16", "7", "99", "6"]
    assert desk.errors == []


async def test_client_id_in_use_is_told_at_once(tws: TwsStub, desk: DeskSide) -> None:
    # the old socket stays open, as IB's does
    tws.answers[71] = lambda peer, _: peer.error(-1, 326, "Unable to connect as the client id is")
    began = time.monotonic()
    with pytest.raises(ClientIdInUse, match=r"Client id 7 is in use .* IB 326") as caught:
        await desk.gateway.connect()
    assert caught.value.code == 326
    assert time.monotonic() - began < PATIENT.connect_s / 2
    assert desk.link.state is LinkState.DISCONNECTED


async def test_client_id_in_use_followed_by_a_hang_up_is_told_as_such(
    tws: TwsStub, desk: DeskSide
) -> None:
    def refuse(peer: Peer, _: Fields) -> None:
        peer.error(-1, 326, "Unable to connect as the client id is already in use.")
        peer.hang_up()

    tws.answers[71] = refuse
    with pytest.raises(ClientIdInUse):
        await desk.gateway.connect()


async def test_hanging_up_in_the_handshake_says_what_to_check(tws: TwsStub, desk: DeskSide) -> None:
    tws.answers[71] = lambda peer, _: peer.hang_up()
    with pytest.raises(CannotConnect, match=r"hung up during the handshake.*trusted addresses"):
        await desk.gateway.connect()


async def test_a_closed_port_says_where_and_what_to_check() -> None:
    async with TwsStub() as gone:
        port = gone.port
    desk = DeskSide(port)
    with pytest.raises(CannotConnect, match=rf"Nobody listens at 127.0.0.1:{port}.*IB_PORT.*7497"):
        await desk.gateway.connect()
    assert desk.link.state is LinkState.DISCONNECTED
    assert "Nobody listens" in desk.link.reason


async def test_a_port_that_says_nothing_ends_at_the_deadline(tws: TwsStub) -> None:
    tws.speaks = False
    async with DeskSide(tws.port, timeouts=SHORT).gateway as gateway:
        with pytest.raises(CannotConnect, match=r"did not complete the TWS handshake within 0.3 s"):
            await gateway.connect()


async def test_a_port_that_speaks_something_else_ends_at_the_deadline() -> None:
    left = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()
        left.set()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        desk = DeskSide(server.sockets[0].getsockname()[1], timeouts=SHORT)
        with pytest.raises(CannotConnect):
            await desk.gateway.connect()
        await left.wait()


async def test_an_attempt_can_follow_a_failed_one(tws: TwsStub, desk: DeskSide) -> None:
    start = tws.answers[71]
    tws.answers[71] = lambda peer, _: peer.error(-1, 326, "in use")
    with pytest.raises(ClientIdInUse):
        await desk.gateway.connect()
    tws.answers[71] = start
    await desk.gateway.connect()
    assert desk.link == Link(LinkState.READY, epoch=0)


async def test_two_accounts_and_none_chosen_are_named() -> None:
    async with TwsStub(accounts="DU1,DU2") as tws, DeskSide(tws.port).gateway as gateway:
        with pytest.raises(InvalidInput, match=r"DU1, DU2.*IB_ACCOUNT"):
            await gateway.connect()
        assert tws.sent(6) == []


async def test_an_account_that_the_login_does_not_have_is_refused() -> None:
    async with (
        TwsStub(accounts="DU1,DU2") as tws,
        DeskSide(tws.port, account="DU3").gateway as gateway,
    ):
        with pytest.raises(InvalidInput, match=r"IB_ACCOUNT is DU3.*DU1, DU2"):
            await gateway.connect()


async def test_the_chosen_account_of_two_is_used() -> None:
    async with (
        TwsStub(accounts="DU1,DU2") as tws,
        DeskSide(tws.port, account="DU2").gateway as gateway,
    ):
        await gateway.connect()
        assert gateway.accounts == ("DU1", "DU2")
        assert tws.sent(6) == [["6", "2", "1", "DU2"]]


async def test_losing_the_link_ends_requests_and_begins_an_epoch(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    tws.answers[61] = lambda peer, _: peer.hang_up()
    with pytest.raises(NotConnected, match="link was lost"):
        await desk.gateway.broker.positions()
    assert desk.link.state is LinkState.DISCONNECTED
    assert desk.link.epoch == 1
    with pytest.raises(NotConnected, match="nothing was sent"):
        desk.gateway.broker.place_bracket(BRACKET)


async def test_disconnecting_ends_requests_in_flight(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[61] = lambda *_: None
    asking = asyncio.ensure_future(desk.gateway.broker.positions())
    await tws.got(61)
    await desk.gateway.disconnect()
    with pytest.raises(NotConnected):
        await asking
    await desk.gateway.disconnect()
    assert desk.link.state is LinkState.DISCONNECTED
    assert (desk.link.epoch, desk.link.reason) == (1, "disconnected")


async def test_a_request_without_an_answer_ends_at_its_deadline(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, timeouts=replace(SHORT, heartbeat_every_s=60))
    async with desk.gateway:
        await desk.gateway.connect()
        tws.answers[61] = lambda *_: None
        with pytest.raises(DeadlineExceeded, match="the positions"):
            await desk.gateway.broker.positions()
        assert desk.link.state is LinkState.READY


async def test_a_half_open_socket_is_found_by_the_heartbeat(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, timeouts=replace(SHORT, backoff_first_s=60))
    async with desk.gateway, asyncio.timeout(5):
        await desk.gateway.connect()
        keeping = asyncio.ensure_future(desk.gateway.keep_connected())
        await tws.got(49, 2)
        assert desk.link.state is LinkState.READY
        tws.speaks = False
        lost = await desk.heard.link(LinkState.DISCONNECTED)
        assert (lost.epoch, "silent for 0.1 s" in lost.reason) == (1, True)
        keeping.cancel()
        await asyncio.wait({keeping})


async def test_a_clock_without_an_answer_is_a_loss_only_when_nothing_else_arrives(
    tws: TwsStub,
) -> None:
    desk = DeskSide(tws.port, timeouts=SHORT)
    async with desk.gateway:
        await desk.gateway.connect()
        tws.answers[49] = lambda peer, _: peer.error(-1, 2107, "HMDS data farm is inactive")
        connection = desk.gateway.connection
        heartbeat = Heartbeat(connection.broker_time, every_s=0.02, answer_s=0.1)
        assert not await heartbeat.is_silent(connection.session)
        tws.speaks = False
        assert await heartbeat.is_silent(connection.session)


async def test_a_lost_link_is_made_again_with_the_same_client_id_and_newer_order_ids(
    tws: TwsStub,
) -> None:
    desk = DeskSide(tws.port, timeouts=replace(PATIENT, backoff_first_s=0))
    async with desk.gateway, asyncio.timeout(5):
        await desk.gateway.connect()
        keeping = asyncio.ensure_future(desk.gateway.keep_connected())
        first = desk.gateway.broker.place_bracket(BRACKET)
        await tws.got(3, 3)
        tws.peer.hang_up()
        await desk.heard.link(LinkState.DISCONNECTED)
        again = await desk.heard.link(LinkState.READY)
        assert again.epoch == 1
        assert [message[2] for message in tws.sent(71)] == ["7", "7"]
        # the stub rolls its counter back to where it was
        assert min(desk.gateway.broker.place_bracket(BRACKET)) > max(first)
        await desk.gateway.disconnect()
        await keeping


async def test_attempts_to_come_back_go_on_while_nobody_is_there(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, timeouts=replace(PATIENT, backoff_first_s=0))
    async with desk.gateway, asyncio.timeout(5):
        await desk.gateway.connect()
        start, refusals = tws.answers[71], 2

        def refuse_twice(peer: Peer, message: Fields) -> None:
            nonlocal refusals
            refusals -= 1
            if refusals < 0:
                start(peer, message)
            else:
                peer.error(-1, 326, "in use")

        tws.answers[71] = refuse_twice
        keeping = asyncio.ensure_future(desk.gateway.keep_connected())
        tws.peer.hang_up()
        await desk.heard.link(LinkState.DISCONNECTED)
        assert (await desk.heard.link(LinkState.READY)).epoch == 1
        assert [one.state for one in desk.heard.links].count(LinkState.CONNECTING) == 4
        await desk.gateway.disconnect()
        await keeping


async def test_losing_ibs_servers_is_an_epoch_and_no_order_goes_out(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    tws.peer.error(-1, 1100, "Connectivity between IB and TWS has been lost.")
    lost = await desk.heard.link(LinkState.BROKER_LOST)
    assert lost.epoch == 1
    with pytest.raises(NotConnected, match="broker link lost"):
        desk.gateway.broker.place_bracket(BRACKET)
    tws.peer.error(-1, 1102, "Connectivity restored - data maintained.")
    assert (await desk.heard.link(LinkState.READY)).epoch == 1
    tws.peer.error(-1, 1101, "Connectivity restored - data lost.")
    await desk.heard.until(lambda: desk.link.epoch == 2)
    assert desk.link.state is LinkState.READY
    assert [one.code for one in desk.heard.notices if one.code < 2000] == [1100, 1102, 1101]
    # ib_insync alone would leave one account-summary subscription behind for each 1102
    assert tws.sent(62) == []


async def test_farm_notices_are_passed_on(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    text = "Market data farm connection is OK:usfarm"
    assert desk.heard.notices == [BrokerNotice(2104, text, is_routine=True)]
    tws.peer.error(-1, 2103, "Market data farm connection is broken:usfarm")
    broken = await desk.heard.notice(2103)
    assert (broken.order_id, broken.is_routine) == (None, True), "the link's state tells it"
    tws.peer.error(-1, 2109, "Order Event Warning: outside of hours is ignored.")
    assert not (await desk.heard.notice(2109)).is_routine


async def test_callers_at_the_same_moment_share_one_question_for_the_time(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    times = await asyncio.gather(*(desk.gateway.market_data.market_time() for _ in range(5)))
    assert {at.timestamp() for at in times} == {1_800_000_000}
    assert len(tws.sent(49)) == 1


async def test_a_listener_that_fails_harms_no_other(tws: TwsStub, desk: DeskSide) -> None:
    class Failing(Heard):
        def on_link(self, link: Link) -> None:
            raise RuntimeError(f"cannot take {link.state.value}")

    behind = Heard()
    desk.gateway.broker.listen(Failing())
    subscription = desk.gateway.broker.listen(behind)
    await desk.gateway.connect()
    assert [link.state for link in behind.links] == STATES
    assert "cannot take ready" in desk.errors[-1]
    subscription.close()
    subscription.close()
    await desk.gateway.disconnect()
    assert [link.state for link in behind.links] == STATES


async def test_a_message_that_cannot_be_decoded_is_told(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.peer.send(11, -1, "too", "short")
    tws.peer.error(-1, 2106, "done")
    await desk.heard.notice(2106)
    assert "could not be handled" in desk.errors[0]


async def test_the_gateway_gives_what_the_ports_ask_for(desk: DeskSide) -> None:
    broker: Broker = desk.gateway.broker
    market_data: MarketData = desk.gateway.market_data
    assert broker.account == ""
    with pytest.raises(NotConnected, match="There is no link"):
        await market_data.qualify("AAPL")


def test_the_room_imports_neither_ib_insync_nor_pandas() -> None:
    program = (
        "import sys, pkgutil, importlib, apps.ib\n"
        "for module in pkgutil.iter_modules(apps.ib.__path__):\n"
        "    importlib.import_module(f'apps.ib.{module.name}')\n"
        "print({'ib_insync', 'eventkit', 'pandas', 'numpy'} & set(sys.modules))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"
