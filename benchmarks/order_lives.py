"""How many orders a second live a whole life at the gateway: one after the other, at each client.

A trade is a market order of one share, from placeOrder to the commission report of its fill. A
bracket is three orders that come to work, and are withdrawn. The floor is an echo: a client that
gets its own bytes back at once has lived a life, or half a bracket's.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count as count_from
from pathlib import Path
from time import perf_counter
from typing import Any

from apps.paper.wire import CancelOrder, Contract, Order, PlaceOrder
from benchmarks.cores import apart_from
from benchmarks.figures import Cell, Table, ratio
from benchmarks.observed_gateway import ObservedGateway, Pace, Wanted
from benchmarks.script import us_stocks
from benchmarks.served import Served, served
from benchmarks.talker import Talker, frame_of, request_body
from benchmarks.together import together

__all__ = ["order_lives"]

_SPEED = 10.0
"""Market time must go on, or what is offered at the touch is soon bought."""

_ONE = Decimal(1)
_CLIENT_IDS = count_from(1)
"""Each client is a new one, and so has its order ids to itself."""

_Live = Callable[[Talker, Contract, int], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of life: ``live`` takes an order id of which it uses up to three."""

    name: str
    orders: int
    live: _Live
    echo: _Live


async def order_lives(*, quick: bool) -> Table:
    """Give orders a second by kind and number of clients, with a state file and without."""
    seconds, counts = (0.1, (2,)) if quick else (3.0, (1, 32))
    rows: list[tuple[Cell, ...]] = []
    async with (
        served("benchmarks.echo_source") as echo,
        _gateway(state=False) as gateway,
        _gateway(state=True) as keeper,
    ):
        for kind in _KINDS:
            for count in counts:
                floor = await _rate(echo, kind.echo, count, seconds, greets=False)
                plain = await _rate(gateway, kind.live, count, seconds, greets=True)
                kept = await _rate(keeper, kind.live, count, seconds, greets=True)
                rows.append(_row(kind, count, floor, plain, kept))
    columns = (
        "each client, one after the other",
        "floor / gateway",
        "floor / with a state file",
        "orders/s",
        "orders/s, with a state file",
        "floor orders/s",
    )
    return Table(f"Orders through a whole life ({seconds:g} s each)", columns, tuple(rows))


def _row(kind: _Kind, count: int, floor: float, plain: float, kept: float) -> tuple[Cell, ...]:
    return (
        f"{kind.name}, {count} client{'s' * (count > 1)}",
        ratio(floor, plain),
        ratio(floor, kept),
        plain * kind.orders,
        kept * kind.orders,
        floor * kind.orders,
    )


@asynccontextmanager
async def _gateway(*, state: bool) -> AsyncIterator[Served]:
    with tempfile.TemporaryDirectory(prefix="desk-benchmark-") as folder:
        path = str(Path(folder) / "state.db") if state else ""
        wanted = Wanted(pace=Pace.RUNNING.value, speed=_SPEED, state=path)
        async with ObservedGateway.start(wanted) as gateway:
            yield Served(gateway.port, gateway.pid)


async def _rate(server: Served, live: _Live, count: int, seconds: float, *, greets: bool) -> float:
    """Give how many lives a second ``count`` clients had together."""
    talkers = [await Talker.connect(server.port) for _ in range(count)]
    if greets:
        for talker in talkers:
            await talker.greet(next(_CLIENT_IDS))
    contracts = [Contract(each.con_id, exchange="SMART") for each in us_stocks(count)]
    with apart_from(server.pid):
        rates: list[float] = await together(
            *(
                _lives(talker, contract, live, seconds)
                for talker, contract in zip(talkers, contracts, strict=True)
            )
        )
    for talker in talkers:
        talker.close()
    return sum(rates)


async def _lives(talker: Talker, contract: Contract, live: _Live, seconds: float) -> float:
    """Live until the time is over, after a moment of warm-up; give lives a second."""
    lived, order_id = 0, 1
    begins_s = perf_counter() + seconds / 4
    began_s = now_s = perf_counter()
    while now_s < begins_s + seconds:
        await live(talker, contract, order_id)
        order_id += 3
        now_s = perf_counter()
        if now_s < begins_s:
            began_s = now_s
        else:
            lived += 1
    return lived / (now_s - began_s)


# ---- lives


async def _trade(talker: Talker, contract: Contract, order_id: int) -> None:
    await talker.say(_market_order(contract, order_id), [b"59\0"])


async def _echoed_trade(talker: Talker, contract: Contract, order_id: int) -> None:
    await talker.say(_market_order(contract, order_id), [b"3\0"])


async def _bracket(talker: Talker, contract: Contract, order_id: int) -> None:
    working = [
        b"3\0%d\0%s\0" % (order_id + leg, status)
        for leg, status in enumerate((b"Submitted", b"PreSubmitted", b"PreSubmitted"))
    ]
    await talker.say(_three_orders(contract, order_id), working)
    gone = [b"3\0%d\0Cancelled\0" % (order_id + leg) for leg in range(3)]
    await talker.say(frame_of(request_body(CancelOrder(order_id))), gone)


async def _echoed_bracket(talker: Talker, contract: Contract, order_id: int) -> None:
    await talker.say(_three_orders(contract, order_id), [b"3\0"] * 3)
    await talker.say(frame_of(request_body(CancelOrder(order_id))), [b"4\0"])


def _market_order(contract: Contract, order_id: int) -> bytes:
    side = "SELL" if order_id % 2 else "BUY"
    return _placed(order_id, contract, Order(side, _ONE, "MKT"))


def _three_orders(contract: Contract, order_id: int) -> bytes:
    exit_ = Order("SELL", _ONE, parent_id=order_id)
    legs = (
        Order("BUY", _ONE, "LMT", _ONE, transmit=False),
        replace(exit_, order_type="LMT", limit_price=Decimal(100_000), transmit=False),
        replace(exit_, order_type="STP", stop_price=Decimal("0.5")),
    )
    return b"".join(_placed(order_id + leg, contract, order) for leg, order in enumerate(legs))


def _placed(order_id: int, contract: Contract, order: Order) -> bytes:
    whole = replace(order, time_in_force="DAY")
    return frame_of(request_body(PlaceOrder(order_id, contract, whole)))


_KINDS = (
    _Kind("trade", 1, _trade, _echoed_trade),
    _Kind("bracket", 3, _bracket, _echoed_bracket),
)
