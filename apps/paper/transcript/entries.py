"""The lines of a transcript: what each may hold, and how one is written and read.

    {"transcript": 1, "market": "2026-11-20T14:30:00.000Z", "seed": 7}       the first line
    {"kind": "request", "direction": "in", "connection": 1, "client": 1, "version": 176,
     "market": "2026-11-20T14:30:00.000Z", "elapsed_s": 0.013,
     "message": "ReqMarketData", "values": {"req_id": 1, …}, "raw": ["1", "11", "1", …]}

``market`` is market time, UTC; ``elapsed_s`` seconds of the recording machine since the start of
the recording. ``values`` name what is not at its default, ``raw`` are the fields of the frame.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from apps.paper.clock import time_at
from apps.paper.feed.market import Millis

__all__ = [
    "FORMAT",
    "Entry",
    "Header",
    "Kind",
    "NotAnEntry",
    "entry_of",
    "header_of",
    "market_text",
]

FORMAT = 1
"""Grows when a reader of before would misread what is written."""

_MARK = "transcript"
_PIECE = 200


class NotAnEntry(Exception):
    """A line is not what a transcript holds; the words say why."""


class Kind(Enum):
    """What a line tells of."""

    OPENED = "opened"
    """A client connected."""
    GREETED = "greeted"
    """It offered versions; ``version`` is the one agreed upon, null when it was refused."""
    REQUEST = "request"
    RESPONSE = "response"
    CLOSED = "closed"
    """The connection ended; ``by_gateway`` in its values says whose doing it was."""
    FAULT = "fault"
    """A fault happened, or was over."""

    @property
    def direction(self) -> str:
        """Which way it went: in to the gateway, out to the client, '' for what is no message."""
        return {Kind.REQUEST: "in", Kind.RESPONSE: "out"}.get(self, "")


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: ``about`` is what the recorder knew of the gateway."""

    format: int
    about: Mapping[str, Any] = field(default_factory=dict)

    def as_text(self) -> str:
        """Give the line, without its end."""
        return _json({_MARK: self.format, **self.about})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was heard. ``line`` counts from 1, the header's; 0 is not known.

    ``client`` and ``version`` are null as long as there is none. ``values`` are plain, as JSON
    has them.
    """

    kind: Kind
    market: str
    elapsed_s: float
    connection: int | None = None
    client: int | None = None
    version: int | None = None
    message: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    raw: tuple[str, ...] = ()
    line: int = 0

    @property
    def market_time(self) -> datetime:
        """The market's time, aware."""
        return datetime.fromisoformat(self.market)

    def as_text(self) -> str:
        """Give the line, without its end."""
        written: dict[str, Any] = {"kind": self.kind.value}
        if self.kind.direction:
            written["direction"] = self.kind.direction
        if self.connection is not None:
            written |= {
                "connection": self.connection,
                "client": self.client,
                "version": self.version,
            }
        written |= {"market": self.market, "elapsed_s": self.elapsed_s}
        if self.message:
            written["message"] = self.message
        written["values"] = self.values
        if self.raw:
            written["raw"] = self.raw
        return _json(written)


def market_text(at: Millis) -> str:
    """Give market time as transcripts have it.

    >>> market_text(1_795_185_000_123)
    '2026-11-20T14:30:00.123Z'
    """
    return time_at(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def header_of(text: str) -> Header:
    """Read the first line. Raises NotAnEntry."""
    held = _object(text)
    number = held.pop(_MARK, None)
    if type(number) is not int:
        raise NotAnEntry(f'it does not begin with {{"{_MARK}": …}}')
    if number != FORMAT:
        raise NotAnEntry(f"it is of format {number}, and this program reads {FORMAT}")
    return Header(number, held)


def entry_of(text: str, line: int) -> Entry:
    """Read any other line. Raises NotAnEntry."""
    held = _object(text)
    try:
        kind = Kind(held.get("kind"))
    except ValueError:
        raise NotAnEntry(f"there is no kind {held.get('kind')!r}") from None
    elapsed_s = _field(held, "elapsed_s", int | float)
    raw = _field(held, "raw", list) if kind.direction else []
    if not all(isinstance(each, str) for each in raw):
        raise NotAnEntry("raw is not a list of texts")
    return Entry(
        kind,
        _market_of(held),
        elapsed_s,
        _field(held, "connection", int) if kind is not Kind.FAULT else None,
        _optional_int(held, "client"),
        _optional_int(held, "version"),
        _field(held, "message", str) if kind.direction else "",
        _field(held, "values", dict),
        tuple(raw),
        line,
    )


def _json(value: object) -> str:
    """Give JSON text, long lists in pieces: one call of the encoder lets no other thread run."""
    if isinstance(value, Mapping):
        return (
            f"{{{', '.join(f'{json.dumps(name)}: {_json(each)}' for name, each in value.items())}}}"
        )
    if isinstance(value, list | tuple) and len(value) > _PIECE:
        pieces = (value[start : start + _PIECE] for start in range(0, len(value), _PIECE))
        return f"[{', '.join(json.dumps(piece, allow_nan=False)[1:-1] for piece in pieces)}]"
    return json.dumps(value, allow_nan=False)


def _object(text: str) -> dict[str, Any]:
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAnEntry("it is not a JSON object") from None
    if not isinstance(held, dict):
        raise NotAnEntry("it is not a JSON object")
    return held


def _market_of(held: Mapping[str, Any]) -> str:
    text: str = _field(held, "market", str)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise NotAnEntry(f"market is {text!r}, which is no time") from None
    if at.tzinfo is None:
        raise NotAnEntry(f"market is {text!r}, a time without its zone")
    return text


def _field(held: Mapping[str, Any], name: str, kind: Any) -> Any:
    value = held.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise NotAnEntry(f"{name} is missing" if name not in held else f"{name} is {value!r}")
    return value


def _optional_int(held: Mapping[str, Any], name: str) -> int | None:
    return None if held.get(name) is None else _field(held, name, int)
