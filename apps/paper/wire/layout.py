"""The words in which a message's layout is written: a table of parts, read and written alike.

A part is a field, a constant (which some clients may leave out), a group of fields of a nested
value, a repetition with its count, a value that may be missing behind its flag, a choice by type
code, or a block under a condition. Some can begin (``since``) and end (``until``) with a protocol
version. A `Record` binds a table to the dataclass that it makes.

How tables become functions stands in `apps.paper.wire.writing` and `apps.paper.wire.reading`;
which messages there are, in `apps.paper.wire.requests` and `apps.paper.wire.responses`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.paper.wire.codecs import Codec

__all__ = [
    "Choice",
    "Constant",
    "Field",
    "Group",
    "Item",
    "Maybe",
    "Omissible",
    "Part",
    "Record",
    "Repeat",
    "When",
    "is_live",
]

_ALWAYS = 0
_NEVER = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """One field, under the name of the attribute that holds its value."""

    name: str
    codec: Codec
    since: int = _ALWAYS
    until: int = _NEVER


@dataclass(frozen=True, slots=True)
class Constant:
    """A field that always reads the same: a message's own version, something long obsolete."""

    text: str
    since: int = _ALWAYS
    until: int = _NEVER


@dataclass(frozen=True, slots=True)
class Omissible:
    """A constant that some clients leave out: it is there when more fields than ``after`` are."""

    text: str
    after: int


@dataclass(frozen=True, slots=True)
class Group:
    """Fields of the value under ``name``, a ``shape``; a table may come back to it later."""

    name: str
    shape: type[Any]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A count, then as many items: records, choices, or single fields."""

    name: str
    item: Item


@dataclass(frozen=True, slots=True)
class Maybe:
    """A flag, then the value under ``name`` when the flag is set; None when it is not."""

    name: str
    item: Record


@dataclass(frozen=True, slots=True)
class When:
    """Parts that are there only when ``test`` holds for what was read or is written so far."""

    test: Callable[[Any], bool]
    parts: tuple[Part, ...]
    since: int = _ALWAYS
    until: int = _NEVER


Part = Field | Constant | Omissible | Group | Repeat | Maybe | When


@dataclass(frozen=True, eq=False)
class Record:
    """A table and the dataclass that it makes.

    Attributes that the table does not carry at a version keep the dataclass's defaults.
    """

    shape: type[Any]
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """A type code, then the record that it names."""

    records: dict[int, Record]


Item = Record | Choice | Codec
"""What a repetition repeats."""


def is_live(part: Part, version: int) -> bool:
    """Tell whether ``part`` stands at protocol ``version``."""
    return not isinstance(part, Field | Constant | When) or part.since <= version < part.until
