"""How to see that a library's decoder read a message to its last field.

IB's own decoders take a message's fields one by one: what they have asked for can be counted.
Those of ib_insync and ib_async unpack a list, and do not notice what is left over at the end. So
a message is also read without its last field, which must then be missed: what comes out is not
the same any more.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

__all__ = ["CountedFields", "LastFieldTest"]


class CountedFields(tuple[bytes, ...]):  # noqa: SLOT001 - a tuple of any length has no slots
    """A message's fields; ``taken`` is how many a decoder has asked for."""

    taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for field in super().__iter__():
            self.taken += 1
            yield field


_FAILED = "failed"


class LastFieldTest:
    """Tells whether the decoder of ib_insync or ib_async misses a message's last field."""

    def __init__(self, library: str) -> None:
        self._ib = importlib.import_module(library).IB
        self._spare = importlib.import_module(f"{library}.decoder").Decoder(None, 0)

    def passes(self, fields: Sequence[str], version: int) -> bool:
        """Read a message with and without its last field; the ids of type and version aside."""
        if len(fields) <= 2:
            return True
        whole = self._read(fields, version)
        return _FAILED not in whole and whole != self._read(fields[:-1], version)

    def _read(self, fields: Sequence[str], version: int) -> list[str]:
        spare, spoken, complaints = self._spare, _Spoken(self._ib), _Complaints()
        spare.wrapper, spare.serverVersion, spare.logger = spoken, version, complaints
        spare.interpret(list(fields))
        return spoken.calls + complaints.messages


class _Spoken:
    """A wrapper that keeps what it is told, as text. The decoders look up time zones on it."""

    def __init__(self, ib: type[Any]) -> None:
        self.ib = ib
        self.defaultTimezone = UTC
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.calls.append(f"{name}{_plain(args)}")


def _plain(value: object) -> object:
    """Take dataclasses apart: the libraries' contracts print only what is not a default."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


class _Complaints:
    """The decoder's logger: keeps that it failed, but not at what, for that differs."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def exception(self, _: str) -> None:
        self.messages.append(_FAILED)
