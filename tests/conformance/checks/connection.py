"""To connect, to be told apart, and to ask the gateway about itself."""

from __future__ import annotations

import contextlib

from tests.conformance.features import Bench, Part

CONNECTION = Part("Connection")


@CONNECTION.feature("connect: handshake, version, startApi")
async def connects(bench: Bench) -> None:
    client = await bench.connect()
    assert client.is_connected
    assert 157 <= client.server_version <= 176
    assert client.server_version != 158
    [accounts] = [reply.args[0] for reply in client.all("managedAccounts")]
    assert accounts == "DU1234567"


@CONNECTION.feature("notices of the data farms")
async def farm_notices(bench: Bench) -> None:
    client = await bench.connect()
    for code in (2104, 2106, 2158):
        assert "OK" in await client.error(-1, code)


@CONNECTION.feature("current time")
async def current_time(bench: Bench) -> None:
    client = await bench.connect()
    client.call("reqCurrentTime")
    [seconds] = (await client.until("currentTime")).args
    assert 1_795_000_000 < seconds < 1_795_200_000


@CONNECTION.feature("next order id")
async def next_order_id(bench: Bench) -> None:
    client = await bench.connect()
    since = client.mark()
    client.call("reqIds", 1)
    [order_id] = (await client.until("nextValidId", since=since)).args
    assert order_id >= 1


@CONNECTION.feature("managed accounts")
async def managed_accounts(bench: Bench) -> None:
    client = await bench.connect()
    since = client.mark()
    client.call("reqManagedAccts")
    assert (await client.until("managedAccounts", since=since)).args == ("DU1234567",)


@CONNECTION.feature("user info")
async def user_info(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqUserInfo")
    await client.until("userInfo", req_id)


@CONNECTION.feature("server log level")
async def server_log_level(bench: Bench) -> None:
    client = await bench.connect()
    client.call("setServerLogLevel", 5)
    await client.settle()


@CONNECTION.feature("client id in use: 326, and the socket ends")
async def client_id_in_use(bench: Bench) -> None:
    bench.tolerate("already in use", "API connection failed")
    first = await bench.connect(7)
    # ib_insync waits its whole time-out, though it was told at once
    with contextlib.suppress(ConnectionError, TimeoutError):
        await bench.connect(7, within_s=1.0)
    second = bench.clients[-1]
    await second.error(-1, 326)
    assert not second.is_connected
    await first.settle()


@CONNECTION.feature("disconnect and connect again with the same id")
async def connects_again(bench: Bench) -> None:
    for _ in range(3):
        client = await bench.connect(8)
        await client.settle()
        await client.close()
