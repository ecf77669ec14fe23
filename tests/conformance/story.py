"""``story CLIENT PYTHON``: every check with one client library.

Runs in the environment of that library, starts gateways with PYTHON (the project's own), and
writes what came of each check to stdout, as JSON. Nothing of the project but the checks is used
here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import time
import traceback
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.conformance.checks import features
from tests.conformance.client import Client, NotInThisClient, Timeouts
from tests.conformance.features import Feature
from tests.conformance.gateway_process import Address, World, gateway
from tests.conformance.libraries import LIBRARIES, Library
from tests.conformance.vector_reading import Reading, read

_CHECK_S = 30.0
_MOST_SAID = 6


class _Bench:
    """Makes the connections of one check, and says what was wrong with any of them."""

    def __init__(self, library: Library, python: str, address: Address, first_id: int) -> None:
        self._python = python
        self.client_name = library.name
        self.is_asyncio = library.name in ("ib_insync", "ib_async")
        self.address = address
        self.clients: list[Client] = []
        self.tolerated: list[str] = []
        self._library = library
        self._next_client_id = first_id

    async def connect(
        self,
        client_id: int | None = None,
        *,
        within_s: float = Timeouts.CONNECT_S,
        to: Address | None = None,
    ) -> Client:
        if client_id is None:
            client_id = self._next_client_id
            self._next_client_id += 1
        where = to or self.address
        client = self._library.client(where.host, where.port, client_id)
        self.clients.append(client)
        await client.connect(within_s)
        return client

    def gateway(self, world: World) -> AbstractAsyncContextManager[Address]:
        return gateway(self._python, world)

    def tolerate(self, *logged: str) -> None:
        self.tolerated.extend(logged)

    async def finish(self) -> None:
        """Let everything that is on its way arrive, and leave."""
        for client in self.clients:
            if client.is_connected:
                await client.settle()
        for client in self.clients:
            await client.close()

    def problems(self) -> list[str]:
        """Give what no check asks about, and all must be without."""
        return [
            *(problem for client in self.clients for problem in client.problems),
            *(
                f"unexpected {text}"
                for client in self.clients
                for text in client.unexpected_errors()
            ),
        ]


class _ErrorLog(logging.Handler):
    """Keeps what is logged as an error, save what repeats an error that the client was told."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if not (record.name.endswith("wrapper") and message.startswith("Error ")):
            cause = record.exc_info and record.exc_info[1]
            self.messages.append(f"{record.name}: {message}" + (f" {cause!r}" if cause else ""))


async def run_check(bench: _Bench, row: Feature) -> list[str]:
    """Run one check; give what was wrong, nothing if all was well."""
    log = _ErrorLog()
    logging.getLogger().addHandler(log)
    wrong: list[str] = []
    try:
        async with asyncio.timeout(_CHECK_S):
            await row.check(bench)
            await bench.finish()
    except NotInThisClient:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, this check failed and the others go on
        wrong.append(traceback.format_exc())
    finally:
        for client in bench.clients:
            await client.close()
        logging.getLogger().removeHandler(log)
    logged = (f"logged {m}" for m in log.messages if not any(t in m for t in bench.tolerated))
    wrong += [*bench.problems(), *logged]
    return wrong[:_MOST_SAID] + [f"and {len(wrong) - _MOST_SAID} more"] * (len(wrong) > _MOST_SAID)


async def outcome(library: Library, bench: _Bench, row: Feature) -> dict[str, str]:
    """Run one check; give its row of the result: works, missing, differs or failed, and why."""
    try:
        wrong = await run_check(bench, row)
    except NotInThisClient as missing:
        reason = library.missing.get(row.key) or library.missing.get(row.part)
        if reason is None:
            return {"result": "failed", "why": f"not in this client, but not listed: {missing}"}
        return {"result": "missing", "why": reason}
    if row.key in library.missing or row.part in library.missing:
        return {"result": "failed", "why": "listed as not in this client, but it is"}
    if (difference := library.differs.get(row.key)) is not None:
        if len(wrong) == 1 and difference.sign in wrong[0]:
            return {"result": "differs", "why": difference.why}
        wrong.append(f"this is not what was listed: {difference.why}")
    return {"result": "failed", "why": "\n".join(wrong)} if wrong else {"result": "works"}


async def tell(
    name: str, python: str, *, only: str = "", verbose: bool = False
) -> tuple[dict[str, dict[str, str]], set[int]]:
    """Run the checks with one library, world by world.

    Give each one's outcome by its key, and the ids of all messages that were decoded.
    """
    library, results, seen = LIBRARIES[name], {}, set[int]()
    rows = [row for row in features() if only in row.key]
    for world in dict.fromkeys(row.world for row in rows):
        async with gateway(python, world) as address:
            for number, row in enumerate(rows):
                if row.world == world:
                    began = time.monotonic()
                    bench = _Bench(library, python, address, 10 * number + 10)
                    result = results[row.key] = await outcome(library, bench, row)
                    seen = seen.union(*(client.seen for client in bench.clients))
                    _say(name, row, result, time.monotonic() - began, verbose=verbose)
    return results, seen


def _say(name: str, row: Feature, result: dict[str, str], took_s: float, *, verbose: bool) -> None:
    """Say what came of a check on stderr; stdout is for the results."""
    failed = result["result"] == "failed"
    if verbose or failed:
        print(f"{name} {took_s:5.2f} s {result['result']:8} {row.key}", file=sys.stderr)
    if failed:
        print(result["why"], file=sys.stderr)


def readings(name: str, path: Path) -> list[Reading | None]:
    """Give what the library reads of the golden vectors in a file."""
    library = LIBRARIES[name]
    return read(library.reader(), json.loads(path.read_text()), library.most)


def main() -> None:
    """Read the command line, run, print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", choices=LIBRARIES)
    parser.add_argument("python", help="the interpreter that the gateways run in")
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="golden vectors to read")
    parser.add_argument("--only", default="", metavar="TEXT", help="checks whose names hold TEXT")
    parser.add_argument("--verbose", action="store_true", help="one line for each check")
    told = parser.parse_args()
    checks, seen = asyncio.run(tell(told.client, told.python, only=told.only, verbose=told.verbose))
    read_of = readings(told.client, told.vectors) if told.vectors else []
    print(json.dumps({"checks": checks, "seen": sorted(seen), "readings": read_of}))


if __name__ == "__main__":
    main()
