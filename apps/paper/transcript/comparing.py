"""Two transcripts, message by message and field by field.

Both are walked from the start. Where the next messages are of one kind, their fields are compared;
where they are not, the nearest place is looked for at which they are again, and what lies before
it is in one transcript only. Of what differs by nature (the seconds of the machine) nothing is
said unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.paper.transcript.entries import Entry
from apps.paper.transcript.reading import Transcript

__all__ = ["Comparison", "Deviation", "compare"]

_LOOK_AHEAD = 200
"""How many messages of either side may be missing before the rest counts as another session."""

_ABSENT = "nothing"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What counts. ``ignored`` are fields by name, of all messages or as ``Message.field``."""

    market_time: bool = True
    elapsed: bool = False
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deviation:
    """A message that differs, or is on one side only (the other line is then 0).

    ``fields`` are name, left value and right value.
    """

    what: str
    left_line: int
    right_line: int
    fields: tuple[tuple[str, object, object], ...] = field(default=())

    def __str__(self) -> str:
        if not self.right_line:
            return f"A:{self.left_line} {self.what}: only in A"
        if not self.left_line:
            return f"B:{self.right_line} {self.what}: only in B"
        listed = "; ".join(f"{name}: {old!r} ≠ {new!r}" for name, old, new in self.fields)
        return f"A:{self.left_line} B:{self.right_line} {self.what}: {listed}"


def compare(
    left: Transcript, right: Transcript, comparison: Comparison | None = None
) -> Iterator[Deviation]:
    """Yield how two transcripts differ, in the order of the first."""
    wanted = comparison or Comparison()
    a, b = left.entries, right.entries
    at_a = at_b = 0
    while at_a < len(a) or at_b < len(b):
        skip_a, skip_b = _until_alike(a, b, at_a, at_b)
        yield from (Deviation(_name(each), each.line, 0) for each in a[at_a : at_a + skip_a])
        yield from (Deviation(_name(each), 0, each.line) for each in b[at_b : at_b + skip_b])
        at_a, at_b = at_a + skip_a, at_b + skip_b
        if at_a < len(a) and at_b < len(b):
            yield from _deviation(a[at_a], b[at_b], wanted)
            at_a, at_b = at_a + 1, at_b + 1


def _until_alike(a: Sequence[Entry], b: Sequence[Entry], at_a: int, at_b: int) -> tuple[int, int]:
    """Give how many to pass on either side until two of one kind meet; all when none do."""
    if at_a < len(a) and at_b < len(b) and _kin(a[at_a]) == _kin(b[at_b]):
        return 0, 0
    ahead_a, ahead_b = a[at_a : at_a + _LOOK_AHEAD], b[at_b : at_b + _LOOK_AHEAD]
    places: dict[object, int] = {}
    for place, each in enumerate(ahead_b):
        places.setdefault(_kin(each), place)
    met = [
        (place + places[kin], place, places[kin])
        for place, each in enumerate(ahead_a)
        if (kin := _kin(each)) in places
    ]
    if met:
        return min(met)[1:]
    return len(a) - at_a, len(b) - at_b


def _kin(entry: Entry) -> tuple[object, ...]:
    """Give what two entries have in common that are about the same."""
    values = entry.values
    number = values.get("req_id", values.get("order_id"))
    return entry.kind, entry.connection, entry.client, entry.message, number


def _deviation(left: Entry, right: Entry, wanted: Comparison) -> Iterator[Deviation]:
    message = left.message or left.kind.value
    unlike = tuple(
        each
        for each in _unlike(left, right, wanted)
        if each[0] not in wanted.ignored and f"{message}.{each[0]}" not in wanted.ignored
    )
    if unlike:
        yield Deviation(_name(left), left.line, right.line, unlike)


def _unlike(left: Entry, right: Entry, wanted: Comparison) -> Iterator[tuple[str, object, object]]:
    if wanted.market_time and left.market_time != right.market_time:
        yield "market", left.market, right.market
    if wanted.elapsed and left.elapsed_s != right.elapsed_s:
        yield "elapsed_s", left.elapsed_s, right.elapsed_s
    if left.version != right.version:
        yield "version", left.version, right.version
    by_value = tuple(_unlike_values(left.values, right.values, ""))
    yield from by_value
    if not by_value and left.version == right.version and left.raw != right.raw:
        yield from _unlike_fields(left.raw, right.raw)


def _unlike_values(left: Any, right: Any, path: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for name in [*left, *(each for each in right if each not in left)]:
            inner = f"{path}.{name}" if path else str(name)
            yield from _unlike_values(left.get(name, _ABSENT), right.get(name, _ABSENT), inner)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for place, (old, new) in enumerate(zip(left, right, strict=True)):
            yield from _unlike_values(old, new, f"{path}[{place}]")
    elif left != right:
        yield path, left, right


def _unlike_fields(
    left: Sequence[str], right: Sequence[str]
) -> Iterator[tuple[str, object, object]]:
    """Yield the raw fields that differ though their values do not: as one client wrote them."""
    if len(left) != len(right):
        yield "raw fields", len(left), len(right)
        return
    for place, (old, new) in enumerate(zip(left, right, strict=True)):
        if old != new:
            yield f"raw[{place}]", old, new


def _name(entry: Entry) -> str:
    what = f"{entry.kind.value} {entry.message}".strip()
    if entry.connection is None:
        return what
    client = "" if entry.client is None else f", client {entry.client}"
    return f"{what} (connection {entry.connection}{client})"
