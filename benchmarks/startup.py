"""How long the desk takes to start, and what it does meanwhile.

Three starts: the help text, the prompt (in a pseudo-terminal), and the one-shot ``positions``,
the last two on the embedded gateway. The floor is an interpreter that does nothing. Where the
time goes is seen in one more run of each, under ``-X importtime``, which costs a little itself.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from benchmarks.desk_settings import desk_settings
from benchmarks.figures import Cell, Report, Table, ratio
from benchmarks.started import IMPORT_TIMES, Started, start, start_at_terminal

__all__ = ["measure"]

_PROMPT = b"PAPER>"
_HEAVY = ("ib_insync", "pandas")
_SHOWN = 8
_CONNECTING, _DISCONNECTING = "Connecting to", "Disconnecting"


async def measure(*, quick: bool) -> Report:
    """Give the three starts beside the floor, and a table of where the time goes for each."""
    return await asyncio.to_thread(_measure, 1 if quick else 5)


def _measure(runs: int) -> Report:
    with tempfile.TemporaryDirectory(prefix="desk-benchmark-") as home:
        floor, *starts = _STARTS
        took: dict[str, list[float]] = {each: [] for each in _STARTS}
        for _ in range(runs):
            for each in _STARTS:
                took[each].append(_run(each, home).took_s)
        floor_s = statistics.median(took[floor])
        rows = [_row(each, took[each], floor_s) for each in _STARTS]
        bare = _run(floor, home, IMPORT_TIMES)
        seen = {each: _run(each, home, IMPORT_TIMES) for each in starts}
        spent = [_where_it_goes(each, seen[each], bare, Path(home)) for each in starts]
    columns = ("start", "median ms", "fastest ms", "× the floor")
    tables = (Table(f"Start-up (runs of each: {runs})", columns, tuple(rows)), *spent)
    return Report("start-up", tables, (_what_help_imports(seen[_HELP]),))


_FLOOR, _HELP, _AT_PROMPT, _ONE_SHOT = "python -c pass", "--help", "to the prompt", "positions"
_STARTS = (_FLOOR, _HELP, _AT_PROMPT, _ONE_SHOT)


def _run(what: str, home: str, *options: str) -> Started:
    environment = {
        **os.environ,
        **desk_settings(home, LOG_LEVEL="INFO", LOG_FILE=str(Path(home) / f"{what}.log")),
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }
    python = [sys.executable, *options]
    desk = [*python, "-m", "apps.api.cli"]
    if what == _FLOOR:
        return start([*python, "-c", "pass"], environment)
    if what == _AT_PROMPT:
        return start_at_terminal(desk, environment, until=_PROMPT, then=b"quit\n")
    return start([*desk, what], environment)


def _row(name: str, took_s: list[float], floor_s: float) -> tuple[Cell, ...]:
    median_s = statistics.median(took_s)
    return (name, median_s * 1000, min(took_s) * 1000, ratio(median_s, floor_s))


def _where_it_goes(name: str, started: Started, bare: Started, home: Path) -> Table:
    """Split the time of a start into interpreter, imports by package, connection, and the rest."""
    known = {each.module for each in bare.imports}
    imports = [each for each in started.imports if each.module not in known]
    packages: defaultdict[str, float] = defaultdict(float)
    for each in imports:
        packages[_package(each.module)] += each.self_s
    largest = sorted(packages.items(), key=lambda item: -item[1])
    connected_s = _connected_s(started, home / f"{name}.log")
    rows = [
        ("interpreter", bare.took_s),
        *((f"import {package}", spent_s) for package, spent_s in largest[:_SHOWN]),
        ("import of others", sum(spent_s for _, spent_s in largest[_SHOWN:])),
        ("connect, read orders and account", connected_s),
    ]
    total_s = started.took_s
    rows.append(
        ("the rest, and the interpreter's end", total_s - sum(spent_s for _, spent_s in rows))
    )
    rows.append(("all", total_s))
    cells = tuple((what, spent_s * 1000, spent_s / total_s * 100) for what, spent_s in rows)
    return Table(f"Where the time goes: {name}", ("part", "ms", "%"), cells)


def _package(module: str) -> str:
    """Give the package that a module counts for: of our own, the room."""
    top, _, rest = module.partition(".")
    if top == "apps":
        return ".".join([top, *rest.split(".")[:1]]).rstrip(".")
    return "the standard library" if top.removeprefix("_") in _STANDARD else top


_STANDARD = {name.removeprefix("_") for name in sys.stdlib_module_names}


def _connected_s(started: Started, log: Path) -> float:
    """Give how long the desk talked to its gateway, without what it imported meanwhile."""
    began = _logged_at(log, _CONNECTING)
    if began is None:
        return 0.0
    ended = started.reached_at or _logged_at(log, _DISCONNECTING) or began
    meanwhile = sum(each.self_s for each in started.imports if began <= each.at <= ended)
    return max(0.0, ended - began - meanwhile)


def _logged_at(log: Path, words: str) -> float | None:
    """Give when the last line with ``words`` was logged, in seconds of the epoch."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    stamps = [line.split(" ", 2)[:2] for line in lines if words in line]
    return _epoch_s(" ".join(stamps[-1])) if stamps else None


def _epoch_s(stamp: str) -> float:
    whole, _, millis = stamp.partition(",")
    return time.mktime(time.strptime(whole, "%Y-%m-%d %H:%M:%S")) + int(millis) / 1000


def _what_help_imports(started: Started) -> str:
    found = [name for name in _HEAVY if name in _tops(each.module for each in started.imports)]
    return f"--help imports {' and '.join(found) if found else 'neither ib_insync nor pandas'}."


def _tops(modules: Iterable[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}
