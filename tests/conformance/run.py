"""``run [CLIENT…]``: every check with every client library, and the table of what came of it.

Runs in the project's environment. Each library runs in one of its own, below
``.venv-conformance``, as a process of its own (`tests.conformance.story`), with gateways of its
own; so they run side by side. The table is written when all libraries ran and nothing failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.conformance.agreement import Agreements, agreements, disagreements, unconfirmed
from tests.conformance.libraries import LIBRARIES
from tests.conformance.table import failures, table
from tests.conformance.vectors import Vector, vectors

__all__ = ["main"]

_ROOT = Path(__file__).resolve().parents[2]
_TABLE = _ROOT / "docs" / "paper-gateway-clients.md"
_STORY_S = 240.0


async def run_library(name: str, wanted: Sequence[str]) -> Mapping[str, Any]:
    """Run all checks with one library; give what its process told, nothing if it failed."""
    python = _ROOT / ".venv-conformance" / name / "bin" / "python"
    process = await asyncio.create_subprocess_exec(
        str(python),
        *("-W", "error::ResourceWarning", str(_ROOT / "tests" / "conformance")),
        *("story", name, sys.executable, *wanted),
        cwd=_ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), _STORY_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    told: Mapping[str, Any] = {} if process.returncode else json.loads(out)
    return told


async def run_all(names: Sequence[str], wanted: Sequence[str]) -> Mapping[str, Any]:
    """Run the libraries side by side: most of the time each waits for its market."""
    async with asyncio.TaskGroup() as group:
        running = {name: group.create_task(run_library(name, wanted)) for name in names}
    return {name: task.result() for name, task in running.items()}


def compared(readings: Mapping[str, Any], made: Sequence[Vector]) -> tuple[Agreements, list[str]]:
    """Compare what the libraries read of the vectors; give that, and what is wrong with it."""
    found = {name: agreements(made, of_library) for name, of_library in readings.items()}
    wrong = disagreements(found)
    return found, wrong + unconfirmed(found) if len(found) == len(LIBRARIES) else wrong


def main(argv: Sequence[str] | None = None) -> int:
    """Run, say what failed, write the table; give the exit code."""
    options = _parser().parse_args(argv)
    names, began, made = options.clients or [*LIBRARIES], time.monotonic(), vectors()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.json"
        path.write_text(json.dumps(made), encoding="utf-8")
        wanted = [f"--vectors={path}", f"--only={options.only}"]
        told = asyncio.run(run_all(names, wanted + ["--verbose"] * options.verbose))
    results = {name: of_library.get("checks", {}) for name, of_library in told.items()}
    readings = {name: of_library.get("readings", []) for name, of_library in told.items()}
    found, wrong = compared({name: got for name, got in readings.items() if got}, made)
    failed = failures(results, only=options.only) + wrong
    for line in failed:
        print(line)
    checks = sum(map(len, results.values()))
    took_s = time.monotonic() - began
    print(f"{checks} checks, {len(made)} vectors, {len(failed)} failed, in {took_s:.0f} s")
    if failed:
        return 1
    whole = len(results) == len(LIBRARIES) and not options.only
    seen = {msg_id for of_library in told.values() for msg_id in of_library["seen"]}
    return _keep(table(results, found, seen), check=options.check) if whole else 0


def _keep(text: str, *, check: bool) -> int:
    """Write the table; with ``check``, it must be as it was."""
    before = _TABLE.read_text(encoding="utf-8") if _TABLE.exists() else ""
    if text == before:
        return 0
    _TABLE.write_text(text, encoding="utf-8")
    print(f"{_TABLE.relative_to(_ROOT)} was written anew: commit it")
    return int(check)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/conformance", description=__doc__)
    parser.add_argument(
        "clients", nargs="*", metavar="CLIENT", type=_library, help=", ".join(LIBRARIES)
    )
    parser.add_argument("--check", action="store_true", help="fail when the table changes")
    parser.add_argument("--only", default="", metavar="TEXT", help="checks whose names hold TEXT")
    parser.add_argument("--verbose", action="store_true", help="one line for each check")
    return parser


def _library(name: str) -> str:
    if name not in LIBRARIES:
        raise argparse.ArgumentTypeError(f"a client is one of {', '.join(LIBRARIES)}, not {name!r}")
    return name


if __name__ == "__main__":
    sys.exit(main())
