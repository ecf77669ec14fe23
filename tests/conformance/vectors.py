"""Golden vectors: every response as our codec writes it, and what was meant by each field.

Made in the project's environment, where the codec is; read in each client's (`vector_reading`),
where it is not; compared in `agreement`. What was meant is given in plain words that both sides
have: a path of names, and a text in one canonical form.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from apps.paper.wire import TickPrice, encode
from apps.paper.wire.framing import FrameDecoder
from apps.paper.wire.responses.encode import RESPONSE_MESSAGES
from tests.conformance.canonical import canonical
from tests.paper.wire.samples import sample_responses

__all__ = ["VERSIONS", "Vector", "vectors"]

VERSIONS = (157, 176)
"""The oldest and the newest; ibapi 9.81 reads the oldest alone."""

_FLAG_BITS = (None, *range(8))

_BY_NUMBER = frozenset({"combo_leg_prices"})
"""Lists of plain values that clients have as lists of objects."""

Vector = dict[str, Any]
"""``message`` (its type), ``id``, ``version``, ``fields`` and ``meant`` (path → text)."""


def vectors() -> list[Vector]:
    """Give the vectors of all messages at all versions.

    Of each message there is one with all flags set, and eight more in which any two flags differ
    somewhere.
    """
    made = []
    for version in VERSIONS:
        carried = [set(_paths_carried(sample)) for sample in _samples(version)]
        for bit in _FLAG_BITS:
            for sample, paths in zip(_samples(version, bit), carried, strict=True):
                made.append(_vector(sample, version, paths))
    return made


def _samples(version: int, bit: int | None = None) -> Iterator[Any]:
    for sample in sample_responses(version, bit):
        # ibapi gives the size that comes with a price for prices that have one
        yield replace(sample, tick_type=1) if isinstance(sample, TickPrice) else sample


def _vector(response: Any, version: int, carried: set[str]) -> Vector:
    (fields,) = FrameDecoder().feed(encode(response, version))
    meant = {path: text for path, text, _ in _flat(response, "") if path in carried}
    name = type(response).__name__
    msg_id = RESPONSE_MESSAGES[type(response)].msg_id
    return {"message": name, "id": msg_id, "version": version, "fields": fields, "meant": meant}


def _paths_carried(response: Any) -> Iterator[str]:
    """Give what a message carries: a sample leaves at its default what it does not."""
    return (path for path, _, is_default in _flat(response, "") if not is_default)


def _flat(value: Any, path: str) -> Iterator[tuple[str, str, bool]]:
    """Give each field's path, canonical text, and whether it is at its default."""
    for field in dataclasses.fields(value):
        inner, here = getattr(value, field.name), f"{path}.{field.name}" if path else field.name
        if dataclasses.is_dataclass(inner):
            yield from _flat(inner, here)
        elif field.name in _BY_NUMBER:
            for number, item in enumerate(inner):
                yield f"{here}[{number}]", canonical(item), False
        elif isinstance(inner, tuple) and inner and dataclasses.is_dataclass(inner[0]):
            for number, item in enumerate(inner):
                yield from _flat(item, f"{here}[{number}]")
        else:
            yield here, canonical(inner), _at_default(field, inner)


def _at_default(field: dataclasses.Field[Any], value: Any) -> bool:
    default = field.default
    if isinstance(default, Decimal) and value is None:
        return False
    return default is not dataclasses.MISSING and bool(value == default)
