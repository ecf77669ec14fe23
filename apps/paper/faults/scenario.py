"""A scenario: a TOML file of faults.

    seed = 7                    # the luck of faults with a chance; optional

    [[fault]]
    do = "outage"
    after_s = 60
    for_s = 0.3
    back = 1101

    [[fault]]
    do = "drop"
    on = "orderStatus"
    status = "Filled"

What is wrong with a file is said with its name and line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from apps.domain.errors import InvalidInput
from apps.paper.faults.fault import Fault
from apps.paper.faults.language import FaultError, fault_of

__all__ = ["Scenario", "parse_scenario", "read_scenario"]

_SEED, _FAULT = "seed", "fault"
_ALLOWED = (_SEED, _FAULT)
_HEADER = re.compile(r"\s*\[\[\s*fault\s*\]\]")


@dataclass(frozen=True, slots=True)
class Scenario:
    """Faults, and the seed of their chances; None where the file has none."""

    faults: tuple[Fault, ...] = ()
    seed: int | None = None


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        InvalidInput: It is none; the message names file, line, and what would be allowed.
        OSError: It cannot be read.
    """
    try:
        return parse_scenario(path.read_text("utf-8"), path.name)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8 text ({error.reason})") from None


def parse_scenario(text: str, name: str = "scenario") -> Scenario:
    """Read a scenario's text; ``name`` is what messages call it."""
    lines = text.splitlines()
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{name} is not TOML: {error}") from None
    for key in tables:
        if key not in _ALLOWED:
            at = _line_of(lines, key, 0)
            raise InvalidInput(
                f"{name}, line {at}: {key!r} is not a key of a scenario; allowed are: "
                f"{', '.join(_ALLOWED)}"
            )
    return Scenario(_faults(tables.get(_FAULT, []), lines, name), _seed(tables, lines, name))


def _seed(tables: Mapping[str, object], lines: list[str], name: str) -> int | None:
    seed = tables.get(_SEED)
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
        at = _line_of(lines, _SEED, 0)
        raise InvalidInput(f"{name}, line {at}: seed = {seed!r} is not a whole number")
    return seed


def _faults(tables: object, lines: list[str], name: str) -> tuple[Fault, ...]:
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        at = _line_of(lines, _FAULT, 0)
        raise InvalidInput(f"{name}, line {at}: faults are tables, each under [[fault]]")
    starts = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    made = []
    for index, table in enumerate(tables):
        start = starts[index] if index < len(starts) else 0
        try:
            made.append(fault_of(table))
        except FaultError as error:
            at = _line_of(lines, error.key, start) if error.key else start + 1
            raise InvalidInput(f"{name}, line {at}: {error.message}") from None
    return tuple(made)


def _line_of(lines: list[str], key: str, start: int) -> int:
    """Give the number of the line, from ``start`` on, on which ``key`` is set."""
    sets = re.compile(rf"""(^|[\s{{,\[."'])["']?{re.escape(key)}["']?\s*([=.\]])""")
    for number in range(start, len(lines)):
        if sets.search(lines[number]):
            return number + 1
    return start + 1
