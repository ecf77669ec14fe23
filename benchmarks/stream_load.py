"""The gateway under its full load: 32 clients of 100 streams each, real-time bars and quotes.

First with a clock that never waits, which gives the highest speed there is; then at shares of that
speed, where it can be seen how far the market falls behind its clock, and how long a client that
asks for something waits for the first byte of the answer. Floors: a server that writes ready-made
frames of the same size, and an echo.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from time import perf_counter

from apps.paper.wire import (
    Contract,
    Order,
    PlaceOrder,
    ReqContractDetails,
    ReqCurrentTime,
    ReqHistoricalData,
    Request,
)
from benchmarks.cores import apart_from
from benchmarks.figures import BenchmarkFailed, Cell, Table, percentile, ratio
from benchmarks.observed_gateway import ObservedGateway, Pace, Wanted
from benchmarks.raw_client import RawClient
from benchmarks.script import us_stocks
from benchmarks.served import served
from benchmarks.talker import Talker, frame_of, request_body
from benchmarks.together import together

__all__ = ["stream_load"]

_ASKER = 99
_PAUSE_S = 0.004
_LOOKS, _LOOK_S = 300, 0.1
_AAPL = Contract(265598, exchange="SMART")
_WHAT_IF = Order("BUY", Decimal(1), "MKT", time_in_force="DAY", what_if=True)
_ASKED: dict[str, tuple[Request, bytes]] = {
    "the time": (ReqCurrentTime(), b"49\0"),
    "contract details": (ReqContractDetails(7, _AAPL), b"52\0001\0007\0"),
    "what-if": (PlaceOrder(7, _AAPL, _WHAT_IF), b"5\0007\0"),
    "an hour of 5 s bars": (
        ReqHistoricalData(7, _AAPL, bar_size="5 secs", duration="3600 S", use_rth=True),
        b"17\0007\0",
    ),
}
"""What is asked for, and how the last frame of its answer begins."""


@dataclass(frozen=True, slots=True)
class _Size:
    clients: int
    contracts: int
    seconds: float
    rounds: int
    shares: tuple[float, ...]


_FULL = _Size(32, 50, 10.0, 80, (0.25, 0.5, 0.8, 2.0))
_QUICK = _Size(3, 5, 0.2, 3, (0.5,))


@dataclass(frozen=True, slots=True)
class _Flow:
    """Messages and market seconds, each a second."""

    messages: float
    size: float
    market: float


@dataclass(slots=True)
class _Watched:
    """What was seen while the streams ran: seconds behind, and seconds to the first byte."""

    behind_s: list[float] = field(default_factory=list)
    waits_s: dict[str, list[float]] = field(default_factory=dict)


async def stream_load(*, quick: bool) -> tuple[Table, Table]:
    """Give the table of speeds, and that of the times to the first byte."""
    size = _QUICK if quick else _FULL
    flat_out = await _flat_out(size)
    async with served("benchmarks.frame_source", str(round(flat_out.size))) as source:
        clients = [await RawClient.connect(source.port) for _ in range(size.clients)]
        floor = await _flow(None, clients, size.seconds)
        for client in clients:
            client.close()
    rows = [_speed_row("flat out", flat_out, floor, flat_out, _Watched())]
    half = _Watched()
    for share in size.shares:
        flow, watched = await _at_speed(size, flat_out.market * share)
        rows.append(_speed_row(f"{share:g} × that", flow, floor, flat_out, watched))
        half = watched if share == 0.5 else half
    return _speeds(size, rows), await _waits(size, half)


def _speeds(size: _Size, rows: list[tuple[Cell, ...]]) -> Table:
    title = (
        f"{size.clients} clients × {2 * size.contracts} streams, bars and quotes "
        f"({size.seconds:g} s each)"
    )
    columns = (
        "market time",
        "kept",
        "floor / gateway",
        "market s/s",
        "messages/s",
        "behind p50 ms",
        "behind worst ms",
        "the time p50 ms",
        "the time p99 ms",
    )
    return Table(title, columns, tuple(rows))


def _speed_row(
    name: str, flow: _Flow, floor: _Flow, flat_out: _Flow, watched: _Watched
) -> tuple[Cell, ...]:
    behind_ms = [each * 1000 for each in watched.behind_s]
    waits_ms = [each * 1000 for each in watched.waits_s.get("the time", ())]
    return (
        name,
        ratio(flow.market, flat_out.market),
        ratio(floor.messages, flow.messages),
        flow.market,
        flow.messages,
        percentile(behind_ms, 50) if behind_ms else None,
        max(behind_ms, default=None),
        percentile(waits_ms, 50) if waits_ms else None,
        percentile(waits_ms, 99) if waits_ms else None,
    )


async def _waits(size: _Size, loaded: _Watched) -> Table:
    """Give the times to the first byte: of an echo, of an idle gateway, and of a loaded one."""
    async with served("benchmarks.echo_source") as echo:
        floor = await _idle(echo.port, echo.pid, size, greets=False)
    wanted = Wanted(pace=Pace.RUNNING.value)
    async with ObservedGateway.start(wanted) as gateway:
        idle = await _idle(gateway.port, gateway.pid, size, greets=True)
    rows = []
    for name in _ASKED:
        least, alone, busy = (
            [percentile(waits[name], each) * 1000 for each in (50, 99)]
            for waits in (floor.waits_s, idle.waits_s, loaded.waits_s)
        )
        ratios = (ratio(alone[0], least[0]), ratio(busy[0], least[0]))
        rows.append((name, *ratios, *alone, *busy, *least))
    columns = (
        "asked for",
        "idle p50 / floor",
        "loaded p50 / floor",
        "idle p50 ms",
        "idle p99 ms",
        "loaded p50 ms",
        "loaded p99 ms",
        "floor p50 ms",
        "floor p99 ms",
    )
    title = "To the first byte of the answer, loaded at half the highest speed"
    return Table(title, columns, tuple(rows))


# ---- streams


async def _flat_out(size: _Size) -> _Flow:
    wanted = Wanted(pace=Pace.FLAT_OUT.value)
    async with (
        ObservedGateway.start(wanted) as gateway,
        _streaming(gateway, size) as clients,
    ):
        await gateway.play()
        return await _flow(gateway, clients, size.seconds)


async def _at_speed(size: _Size, speed: float) -> tuple[_Flow, _Watched]:
    wanted = Wanted(pace=Pace.RUNNING.value, speed=speed)
    watched = _Watched()
    async with (
        ObservedGateway.start(wanted) as gateway,
        _streaming(gateway, size) as clients,
    ):
        asker = await Talker.connect(gateway.port)
        await asker.greet(_ASKER)
        with apart_from(gateway.pid):
            seen = await together(
                _flow(gateway, clients, size.seconds),
                _watch_clock(gateway, speed, size.seconds, watched),
                _ask(asker, size.rounds, watched, greets=True),
            )
        asker.close()
    flow: _Flow = seen[0]
    return flow, watched


@asynccontextmanager
async def _streaming(gateway: ObservedGateway, size: _Size) -> AsyncIterator[list[RawClient]]:
    """Have all clients follow all their streams, until the block ends."""
    clients = [await RawClient.connect(gateway.port) for _ in range(size.clients)]
    for number, client in enumerate(clients, 1):
        await client.subscribe(number, us_stocks(size.contracts), quotes=True)
    wanted = size.clients * size.contracts * 2
    for _ in range(_LOOKS):
        if (await gateway.counts())["streams"] >= wanted:
            break
        await asyncio.sleep(_LOOK_S)
    else:
        raise BenchmarkFailed(f"{wanted} streams were not there after {_LOOKS} looks")
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


async def _flow(gateway: ObservedGateway | None, clients: list[RawClient], seconds: float) -> _Flow:
    """Count what the clients are sent in ``seconds``, after a moment of warm-up."""
    await asyncio.sleep(seconds / 4)
    frames, size = _counted(clients)
    began_ms, began_s = await _market_ms(gateway), perf_counter()
    await asyncio.sleep(seconds)
    ended_ms, took_s = await _market_ms(gateway), perf_counter() - began_s
    more_frames, more_size = _counted(clients)
    if more_frames == frames:
        raise BenchmarkFailed(f"nothing came for {seconds:g} s")
    return _Flow(
        (more_frames - frames) / took_s,
        (more_size - size) / (more_frames - frames) - 4,
        (ended_ms - began_ms) / 1000 / took_s,
    )


def _counted(clients: list[RawClient]) -> tuple[int, int]:
    return sum(each.frames for each in clients), sum(each.size for each in clients)


async def _market_ms(gateway: ObservedGateway | None) -> int:
    return 0 if gateway is None else int((await gateway.clock())["market_ms"])


# ---- what is watched meanwhile


async def _watch_clock(
    gateway: ObservedGateway, speed: float, seconds: float, watched: _Watched
) -> None:
    """See how far behind its clock the market is, in seconds of this machine."""
    ends_s = perf_counter() + seconds
    while perf_counter() < ends_s:
        watched.behind_s.append((await gateway.clock())["behind_ms"] / 1000 / speed)
        await asyncio.sleep(0.02)


async def _idle(port: int, pid: int, size: _Size, *, greets: bool) -> _Watched:
    watched = _Watched()
    asker = await Talker.connect(port)
    if greets:
        await asker.greet(_ASKER)
    with apart_from(pid):
        await _ask(asker, size.rounds, watched, greets=greets)
    asker.close()
    return watched


async def _ask(asker: Talker, rounds: int, watched: _Watched, *, greets: bool) -> None:
    """Ask for each thing in turn, and see how long its first byte takes; an echo says it back."""
    for name, (request, last) in _ASKED.items():
        body = request_body(request)
        waits = watched.waits_s.setdefault(name, [])
        for round_ in range(rounds + 1):
            began_s = perf_counter()
            await asker.say(frame_of(body), [last if greets else body[:2]])
            if asker.first_byte_at is not None and round_:  # the first one fills caches
                waits.append(asker.first_byte_at - began_s)
            await asyncio.sleep(_PAUSE_S)
