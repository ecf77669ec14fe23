"""Requests as no client should write them, from a seed, without end.

Each request of the protocol, with values from the codec's tables and as a plain order, is damaged
in one to three of the ways below. Over a socket:

    for chunk in mutations(7):
        sock.sendall(chunk)

With ``in_step`` every chunk is whole frames whose lengths are right, so that the server must
answer each and go on. Without it lengths lie and frames break off: the server may hang up, and
the sender begins anew, with the next chunk. It should do so now and then by itself, for a frame
that promises 16 MB swallows all that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from apps.paper.wire import Contract, Order, PlaceOrder, Request
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from apps.paper.wire.writing import writer_of
from tests.paper.wire.samples import sample_requests

__all__ = ["body_of", "damaged", "mutations", "well_formed_requests"]

_BY_SHAPE = {message.record.shape: message for message in REQUEST_MESSAGES.values()}

_WORDS = (
    *("", "0", "1", "-1", "2", "7", "-0", "0.5", "1.0", "+1", " 1", "1 ", "0x10", "1_000", "1,5"),
    *("1e308", "1E-30", "1e-999999999", "1e999999999999", "nan", "sNaN", "inf", "Infinity"),
    *("2147483647", "2147483648", "-2147483648", "1000000000", "9223372036854775808"),
    *("1.7976931348623157E308", "1.7976931348623157e+308", "9" * 64, "9" * 400, "1" * 5000),
    *("BAG", "None", "Infinite", "PEG BENCH", "PEG BEST", "PEG MID", "IBKRATS", "MKT", "VOL"),
    *("٣", "１", "é\u2028", "\\x", "\\N{", "%s", "{}", "'\"", "\r\n", "\x1b[2J", "a=1;b=2;"),
)
_BYTES = (b"\xff", b"\xfe\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0", b"\0\0\0")
_LENGTHS = (0, 1, 0xFFFFFF, 0x1000000, 0x7FFFFFFF, 0xFFFFFFFF)

_Damage = Callable[[Random, bytearray], None]
"""Damages the body of a frame in place."""


def well_formed_requests(version: int) -> list[bytes]:
    """Give the body of each request at ``version`` as it should be, and of some plain orders."""
    requests = [*sample_requests(version), *_PLAIN_ORDERS]
    return [body_of(request, version) for request in requests]


def body_of(request: Request, version: int) -> bytes:
    """Give the body of the frame in which a client of ``version`` sends a request."""
    message = _BY_SHAPE[type(request)]
    fields = [message.id_text]
    writer_of(message.record, version)(request, fields)
    return ("\0".join(fields) + "\0").encode()


def mutations(seed: int, version: int = 176, *, in_step: bool = False) -> Iterator[bytes]:
    """Give damaged frames of requests, endlessly, the same for the same arguments.

    A chunk is one frame, or a few that were merged or split.
    """
    random = Random(seed)  # noqa: S311 - repeatable luck is the point
    bodies = well_formed_requests(version)
    # orders are by far the longest, and what matters most: every third is one
    orders = [body for body in bodies if body.startswith(b"3\0")]
    while True:
        body = random.choice(orders if random.random() < 1 / 3 else bodies)
        yield damaged(random, body, bodies, in_step=in_step)


def damaged(random: Random, body: bytes, bodies: list[bytes], *, in_step: bool) -> bytes:
    """Give a chunk that came of the frame of ``body``; it may be run into one of ``bodies``."""
    changed = bytearray(body)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        random.choice(_DAMAGES)(random, changed)
    frames = b"".join(map(_framed, _split_or_merged(random, bytes(changed), bodies)))
    return frames if in_step else _broken(random, frames)


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def _split_or_merged(random: Random, body: bytes, bodies: list[bytes]) -> list[bytes]:
    """Give the bodies of frames: mostly the one, else cut in two, or run into another."""
    match random.randrange(10):
        case 0:
            cut = random.randint(0, len(body))
            return [body[:cut], body[cut:]]
        case 1:
            return [body + random.choice(bodies)]
        case 2:
            return [body, random.choice(bodies)]
        case _:
            return [body]


def _broken(random: Random, frames: bytes) -> bytes:
    """Lie about a length, lose the end, or put bytes between frames; mostly, do nothing."""
    match random.randrange(20):
        case 0:
            return random.choice(_LENGTHS).to_bytes(4, "big") + frames[4:]
        case 1:
            length = int.from_bytes(frames[:4], "big") + random.randint(-3, 3)
            return max(length, 0).to_bytes(4, "big") + frames[4:]
        case 2:
            return frames[: random.randint(0, len(frames))]
        case 3:
            return frames + random.randbytes(random.randint(1, 12))
        case _:
            return frames


def _flip_a_bit(random: Random, body: bytearray) -> None:
    if body:
        body[random.randrange(len(body))] ^= 1 << random.randrange(8)


def _truncate(random: Random, body: bytearray) -> None:
    del body[random.randint(0, len(body)) :]


def _insert_bytes(random: Random, body: bytearray) -> None:
    at = random.randint(0, len(body))
    body[at:at] = random.choice(_BYTES)


def _lose_a_nul(random: Random, body: bytearray) -> None:
    nuls = [at for at, byte in enumerate(body) if byte == 0]
    if nuls:
        del body[random.choice(nuls)]


def _on_fields(damage: Callable[[Random, list[bytes]], None]) -> _Damage:
    def damaged(random: Random, body: bytearray) -> None:
        fields = bytes(body).split(b"\0")
        damage(random, fields)
        body[:] = b"\0".join(fields)

    return damaged


def _replace_a_field(random: Random, fields: list[bytes]) -> None:
    fields[random.randrange(len(fields))] = random.choice(_WORDS).encode()


def _replace_a_number(random: Random, fields: list[bytes]) -> None:
    """Replace what may be a count, an id or a price; counts are where readers run away."""
    numbers = [at for at, field in enumerate(fields) if field.isdigit()]
    if numbers:
        fields[random.choice(numbers)] = random.choice(_WORDS).encode()


def _lose_a_field(random: Random, fields: list[bytes]) -> None:
    del fields[random.randrange(len(fields))]
    if not fields:
        fields.append(b"")


def _repeat_a_field(random: Random, fields: list[bytes]) -> None:
    at = random.randrange(len(fields))
    fields[at:at] = [fields[at]] * random.choice((1, 1, 2, 50))


def _swap_fields(random: Random, fields: list[bytes]) -> None:
    one, other = random.randrange(len(fields)), random.randrange(len(fields))
    fields[one], fields[other] = fields[other], fields[one]


_DAMAGES: tuple[_Damage, ...] = (
    _flip_a_bit,
    _truncate,
    _insert_bytes,
    _lose_a_nul,
    _on_fields(_replace_a_field),
    _on_fields(_replace_a_number),
    _on_fields(_replace_a_number),
    _on_fields(_lose_a_field),
    _on_fields(_repeat_a_field),
    _on_fields(_swap_fields),
)
_PLAIN_ORDERS = tuple(
    PlaceOrder(
        7,
        Contract(con_id=265598, symbol="AAPL", sec_type="STK", exchange=exchange, currency="USD"),
        Order("BUY", order_type=order_type, account="DU1", time_in_force="DAY", open_close="O"),
    )
    for exchange in ("SMART", "IBKRATS")
    for order_type in ("MKT", "LMT", "PEG BENCH", "PEG BEST", "PEG MID")
)
