"""What hostile clients say: damaged frames, cut up and run together, all of it from a seed.

An attack is one connection. Nothing in it depends on what a gateway answers, so the same seed and
number give the same bytes, whatever came before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count as count_from
from random import Random

from apps.paper.wire import StartApi
from tests.fuzz.live_requests import live_order, live_requests
from tests.paper.wire.mutator import body_of, damaged, well_formed_requests

__all__ = ["FIRST_CLIENT_ID", "Attack", "attacks"]

FIRST_CLIENT_ID = 1_000
"""Below it are the ids of those that behave."""

_IDS_AN_ATTACK = 1_000
_PLACE_ORDER = b"3\0"
_VERSIONS = (157, *range(159, 177))
"""All that a client may offer alone: 158 is never agreed upon."""

_IN_STEP_FRAMES, _BROKEN_FRAMES = 250, 25
"""A frame whose length lies swallows those that follow it, so such an attack is a short one."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One connection: ``greeting`` is to be answered before ``chunks`` are sent.

    ``frames`` counts the damaged ones. Where ``in_step`` every length is right: all of it must be
    heard, and answered. Otherwise the gateway may hang up. Who does not ``read`` never takes a
    byte of what it is told.
    """

    number: int
    version: int
    greeting: bytes
    chunks: tuple[bytes, ...]
    frames: int
    in_step: bool
    reads: bool


def attacks(seed: int, frames: int, first: int = 0, *, orders: bool = True) -> Iterator[Attack]:
    """Give attacks with ``frames`` damaged frames in all, from the ``first`` on.

    Without ``orders`` none of them begins as one.
    """
    number = first
    while frames > 0:
        attack = _attack(seed, number, frames, orders=orders)
        yield attack
        frames -= attack.frames
        number += 1


def _attack(seed: int, number: int, most: int, *, orders: bool) -> Attack:
    random = Random(f"{seed}/{number}")  # noqa: S311 - repeatable luck is the point
    version = random.choice(_VERSIONS)
    in_step = random.random() < 2 / 3
    count = min(most, _IN_STEP_FRAMES if in_step else _BROKEN_FRAMES)
    greeting = _greeting(version, FIRST_CLIENT_ID + number)
    if random.random() < 1 / 20:
        in_step = False
        greeting = damaged(random, greeting, [b"API\0"], in_step=False)
    bodies = _bodies_with_orders if orders else _bodies_without_orders
    made = bodies(random, version, _IDS_AN_ATTACK * number)
    stream = b"".join(_frames(random, made, _bodies(version)[0], count, in_step=in_step))
    return Attack(
        number,
        version,
        greeting,
        tuple(_cut(random, stream)),
        count,
        in_step=in_step,
        reads=random.random() < 19 / 20,
    )


def _greeting(version: int, client_id: int) -> bytes:
    hello, start = f"v{version}..{version}".encode(), body_of(StartApi(client_id), version)
    return b"API\0" + _framed(hello) + _framed(start)


def _frames(
    random: Random, bodies: Iterator[bytes], live: list[bytes], count: int, *, in_step: bool
) -> Iterator[bytes]:
    """Give ``count`` damaged frames, and among them some that are as they were made."""
    made = 0
    while made < count:
        body = next(bodies)
        if random.random() < 0.3:  # not counted: so that enough of it trades
            yield _framed(body)
            continue
        if random.random() < 0.2:
            body = _grafted(random, body, random.choice(live))
        yield damaged(random, body, live, in_step=in_step)
        made += 1


def _bodies_with_orders(random: Random, version: int, first_id: int) -> Iterator[bytes]:
    live, samples = _bodies(version)
    for number in count_from(1):
        luck = random.random()
        if luck < 0.4:
            yield body_of(live_order(random, first_id, number), version)
        else:
            yield random.choice(live if luck < 0.8 else samples)


def _bodies_without_orders(random: Random, version: int, _: int) -> Iterator[bytes]:
    live, samples = _bodies(version)
    others = [body for body in samples if not body.startswith(_PLACE_ORDER)]
    while True:
        yield random.choice(live if random.random() < 0.7 else others)


@cache
def _bodies(version: int) -> tuple[list[bytes], list[bytes]]:
    live = [body_of(request, version) for request in live_requests()]
    return live, well_formed_requests(version)


def _grafted(random: Random, body: bytes, other: bytes) -> bytes:
    """Put a field of one request in the place of a field of another."""
    fields, others = body.split(b"\0"), other.split(b"\0")
    fields[random.randrange(len(fields))] = random.choice(others)
    return b"\0".join(fields)


def _cut(random: Random, stream: bytes) -> Iterator[bytes]:
    """Give the stream in pieces that end anywhere: of a few bytes, or of many frames."""
    at = 0
    while at < len(stream):
        size = random.choice((1, 7, 300, 1_000, 10_000, 60_000))
        yield stream[at : at + size]
        at += size


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(4) + body
