"""A hostile client at a socket: carries an attack out, and looks at what it is told meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from apps.paper.wire import Contract, ReqContractDetails
from tests.fuzz.attack import Attack
from tests.paper.wire.mutator import body_of

__all__ = ["Harm", "carry_out"]

DEADLINE_S = 30.0

_MARK = 1_234_567_891
"""A request id that nothing else has."""

_PREFIX = 4
_LARGEST = 0xFFFFFF


class Harm(Exception):
    """The gateway did what it must never do; the text says what."""


async def carry_out(attack: Attack, host: str, port: int) -> int:
    """Send an attack over a connection of its own; give how many frames came back.

    Raises Harm when the connection does not come to its end, when a client that keeps in step is
    not heard to the end, or when what comes back is no row of frames.
    """
    reader, writer = await asyncio.open_connection(host, port)
    listener = _Listener(reader)
    try:
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            if attack.reads:
                group.create_task(listener.listen())
            await _say(attack, writer)
            if not attack.reads:
                group.create_task(listener.listen())
    except TimeoutError:
        raise Harm(f"attack {attack.number} did not come to its end in {DEADLINE_S:g} s") from None
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()
    if attack.in_step and attack.reads and not listener.saw_mark:
        raise Harm(f"attack {attack.number} was in step, and was hung up on")
    if listener.nonsense:
        raise Harm(listener.nonsense)
    return listener.frames


async def _say(attack: Attack, writer: asyncio.StreamWriter) -> None:
    nowhere = body_of(ReqContractDetails(_MARK, Contract(symbol="NO SUCH")), attack.version)
    mark = len(nowhere).to_bytes(_PREFIX) + nowhere
    with suppress(OSError):  # it had heard enough
        for chunk in (attack.greeting, *attack.chunks, mark):
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()  # the gateway hangs up when it has read all of it


class _Listener:
    """Takes what a gateway says apart into frames."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.frames = 0
        self.saw_mark = False
        self.nonsense = ""
        self._reader = reader

    async def listen(self) -> None:
        """Count frames until the gateway hangs up."""
        wanted = f"4\0002\000{_MARK}\000".encode()
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while not self.nonsense:
                body = await self._body()
                self.frames += 1
                self.saw_mark = self.saw_mark or body.startswith(wanted)
                if not body.endswith(b"\0"):
                    self.nonsense = f"a frame does not end with its last field: {body[-80:]!r}"

    async def _body(self) -> bytes:
        size = int.from_bytes(await self._reader.readexactly(_PREFIX))
        if not 0 < size <= _LARGEST:
            self.nonsense = f"a frame of {size} bytes was announced"
            return b"\0"
        return await self._reader.readexactly(size)
