"""The client libraries under test, and what each of them lacks or does in a way of its own.

The run holds these lists to be true: what is listed as missing must be missing, what is listed as
different must not work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from tests.conformance.asyncio_client import AsyncioClient
from tests.conformance.client import Client
from tests.conformance.threaded_client import ThreadedClient
from tests.conformance.vector_reading import AsyncioReader, OfficialReader, Reader

__all__ = ["LIBRARIES", "Difference", "Library"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Why a library cannot pass a check, and what its failure then says."""

    sign: str
    why: str


@dataclass(frozen=True, slots=True)
class Library:
    """A client library: its name in the table, and how a connection of it is made.

    ``reader`` gives its decoder, for messages up to version ``most``. ``missing`` and ``differs``
    give reasons by the key of a feature, or by the name of a whole part.
    """

    name: str
    title: str
    client: Callable[[str, int, int], Client]
    reader: Callable[[], Reader]
    most: int = 176
    missing: Mapping[str, str] = field(default_factory=dict)
    differs: Mapping[str, Difference] = field(default_factory=dict)


def _insync(host: str, port: int, client_id: int) -> Client:
    return AsyncioClient("ib_insync", host, port, client_id)


def _async(host: str, port: int, client_id: int) -> Client:
    return AsyncioClient("ib_async", host, port, client_id)


def _official(host: str, port: int, client_id: int) -> Client:
    return ThreadedClient(host, port, client_id, cancels_by_value=False)


def _nautilus(host: str, port: int, client_id: int) -> Client:
    return ThreadedClient(host, port, client_id, cancels_by_value=True)


_NOTEBOOKS = "the suites and notebooks are programs of ib_insync and ib_async"
_OLD = "ibapi 9.81.1 speaks versions up to 157, and has not got this request"
_WARNING = Difference(
    "TimeoutError",
    "ib_async takes error 321 for a warning, so that the what-if that it refuses never ends: the "
    "message arrives, the call hangs",
)

LIBRARIES = {
    library.name: library
    for library in (
        Library("ib_insync", "ib_insync 0.9.86", _insync, partial(AsyncioReader, "ib_insync")),
        Library(
            "ib_async",
            "ib_async 2.1.0",
            _async,
            partial(AsyncioReader, "ib_async"),
            differs={"Suites and notebooks: suite: what-if of Stock('XXX') raises 321": _WARNING},
        ),
        Library(
            "ibapi",
            "ibapi 9.81.1",
            _official,
            OfficialReader,
            most=157,
            missing={
                "Suites and notebooks": _NOTEBOOKS,
                "Bars: schedule of sessions": _OLD,
                "Connection: user info": _OLD,
                "Research: Wall Street Horizon: refused by 10276": _OLD,
            },
        ),
        Library(
            "nautilus",
            "nautilus-ibapi 10.46.1",
            _nautilus,
            OfficialReader,
            missing={"Suites and notebooks": _NOTEBOOKS},
        ),
    )
}
