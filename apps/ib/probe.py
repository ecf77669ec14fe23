"""Who listens at a port: nobody, somebody silent, somebody else, or TWS; and whether it is ready.

A probe speaks the first two words of the protocol by itself, without ib_insync: the greeting, which
needs no client id and asks for nothing, and where an id is given `startApi`, which TWS answers
with the next order id once it is logged in. Every step has its deadline, and nothing is left open.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from time import monotonic

__all__ = ["Found", "Probe", "probe"]

LOWEST_VERSION, HIGHEST_VERSION = 157, 176
"""What ib_insync 0.9.86 speaks."""

_HELLO = f"v{LOWEST_VERSION}..{HIGHEST_VERSION}"
_LONGEST_GREETING = 1024
_LONGEST_MESSAGE = 1 << 20
_START_API, _NEXT_ID, _ERROR, _ACCOUNTS = "71", "9", "4", "15"
_ID_IN_USE = 326
_CLOSE_S = 0.5
_OTHER_PROTOCOL_S = 1.0


class Found(Enum):
    """What a probe came to."""

    UNKNOWN_HOST = "unknown host"
    CLOSED = "closed"
    SILENT = "silent"
    FOREIGN = "not TWS"
    HUNG_UP = "hangs up"
    GREETED = "not ready"
    ID_IN_USE = "client id in use"
    READY = "ready"

    @property
    def words(self) -> str:
        """Say it of a port."""
        return _WORDS[self]

    @property
    def is_tws(self) -> bool:
        """TWS or IB Gateway is there."""
        return self in {Found.GREETED, Found.ID_IN_USE, Found.READY}


_WORDS = {
    Found.UNKNOWN_HOST: "its host is not known",
    Found.CLOSED: "nobody listens there",
    Found.SILENT: "it accepts connections and says nothing",
    Found.FOREIGN: "it is not TWS that listens there",
    Found.HUNG_UP: "it hangs up during the handshake",
    Found.GREETED: "TWS answers, and takes no clients yet",
    Found.ID_IN_USE: "TWS answers, and another program has the client id",
    Found.READY: "TWS answers, and takes clients",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found, and what TWS said; ``detail`` is for whoever looks closer.

    ``connection_time`` is TWS's own text, in its own time zone. Without a client id nothing more
    than the greeting is waited for, and `Found.GREETED` is the best that there is.
    """

    found: Found
    detail: str = ""
    server_version: int = 0
    connection_time: str = ""
    accounts: tuple[str, ...] = ()
    greeted_s: float | None = None
    ready_s: float | None = None
    codes: tuple[tuple[int, str], ...] = field(default=())


async def probe(
    host: str, port: int, client_id: int | None = None, *, timeout_s: float = 5.0
) -> Probe:
    """Find out who listens at ``host``; ``timeout_s`` is for each of connection, greeting, start.

    Never raises for what the other side does.
    """
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
    except socket.gaierror as error:
        return Probe(Found.UNKNOWN_HOST, str(error))
    except TimeoutError:
        return Probe(Found.CLOSED, f"no connection within {timeout_s:g} s")
    except ConnectionRefusedError:
        return Probe(Found.CLOSED)
    except OSError as error:
        return Probe(Found.CLOSED, str(error.strerror or error))
    async with _closing(writer):
        greeting = await _greeting(reader, writer, timeout_s)
        if greeting.found is Found.GREETED and client_id is not None:
            return await _started(reader, writer, greeting, client_id, timeout_s)
    if greeting.found is Found.SILENT and await _speaks_http(host, port):
        return Probe(Found.FOREIGN, "it answers in HTTP")
    return greeting


async def _greeting(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout_s: float
) -> Probe:
    began = monotonic()
    writer.write(b"API\0" + _framed(_HELLO.encode()))
    try:
        async with asyncio.timeout(timeout_s):
            said = await _message(reader, _LONGEST_GREETING)
    except TimeoutError:
        return Probe(Found.SILENT, f"no word within {timeout_s:g} s")
    except _NotTWS as error:
        return Probe(Found.FOREIGN, str(error))
    except (EOFError, OSError) as error:
        return Probe(Found.HUNG_UP, str(error))
    version = said[0]
    if len(said) != 2 or not version.isdecimal():
        return Probe(Found.FOREIGN, f"its first word was {version[:40]!r}")
    return Probe(
        Found.GREETED,
        server_version=int(version),
        connection_time=said[1],
        greeted_s=monotonic() - began,
    )


async def _started(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    greeting: Probe,
    client_id: int,
    timeout_s: float,
) -> Probe:
    began = monotonic()
    writer.write(_framed("".join(f"{each}\0" for each in (_START_API, 2, client_id, "")).encode()))
    accounts: tuple[str, ...] = ()
    codes: list[tuple[int, str]] = []
    is_ready = False
    found, detail = Found.GREETED, f"no next order id within {timeout_s:g} s"
    try:
        async with asyncio.timeout(timeout_s):
            while not (is_ready and accounts):
                kind, *fields = await _message(reader, _LONGEST_MESSAGE)
                if kind == _NEXT_ID:
                    is_ready = True
                elif kind == _ACCOUNTS and len(fields) > 1:
                    accounts = tuple(each for each in fields[1].split(",") if each)
                elif kind == _ERROR and len(fields) > 3:
                    codes.append((int(fields[2]), fields[3]))
                    if codes[-1][0] == _ID_IN_USE:
                        found, detail = Found.ID_IN_USE, fields[3]
                        break
    except (TimeoutError, _NotTWS):
        pass  # what came until then tells
    except (EOFError, OSError) as error:
        detail = f"it hung up after startApi ({error})"
    if is_ready:
        found, detail = Found.READY, ""
    return replace(
        greeting,
        found=found,
        detail=detail,
        accounts=accounts,
        ready_s=monotonic() - began,
        codes=tuple(codes),
    )


async def _speaks_http(host: str, port: int) -> bool:
    """Tell whether somebody who did not answer a greeting answers a web browser's first line.

    A web server waits for the end of a line, which the greeting does not have.
    """
    with suppress(OSError, TimeoutError, EOFError):
        async with asyncio.timeout(_OTHER_PROTOCOL_S):
            reader, writer = await asyncio.open_connection(host, port)
            async with _closing(writer):
                writer.write(b"HEAD / HTTP/1.0\r\n\r\n")
                return await reader.readexactly(5) == b"HTTP/"
    return False


class _NotTWS(Exception):
    pass


async def _message(reader: asyncio.StreamReader, longest: int) -> list[str]:
    """Read one message. Raises _NotTWS for what has no such length, EOFError, OSError."""
    head = await reader.readexactly(4)
    (length,) = struct.unpack(">I", head)
    if not 0 < length <= longest:
        raise _NotTWS(f"its first bytes were {head!r}")
    body = await reader.readexactly(length)
    return body.decode("utf-8", errors="replace").removesuffix("\0").split("\0")


def _framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        # a peer that reads nothing must not keep us
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await writer.wait_closed()
