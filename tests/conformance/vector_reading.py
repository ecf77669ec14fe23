"""Golden vectors as a client library's own decoder reads them: names and texts.

What a decoder hands to the wrapper's methods is taken apart to names: of the method's parameters,
of the objects' attributes. A list, and a method that is called more than once, put a number into
the path.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any, Protocol

from tests.conformance.canonical import canonical
from tests.conformance.whole_messages import CountedFields, LastFieldTest

__all__ = ["AsyncioReader", "OfficialReader", "Reader", "Reading", "plain", "read"]

Reading = dict[str, list[str]]
"""By the path's last name and its numbers (``conid[0]``): all texts that stand under it."""


class Reader(Protocol):
    """A library's decoder; ``wrapper`` is the class whose methods it calls."""

    wrapper: type[Any]

    def decode(self, wrapper: Any, fields: Sequence[str], version: int) -> None:
        """Decode a message into a wrapper. Raises what the decoder raises or logs."""

    def is_whole(self, fields: Sequence[str], version: int) -> bool:
        """Tell whether the decoder reads a message to its last field."""


class _Calls:
    """A wrapper that keeps what it is told, with the names of its parameters."""

    def __init__(self, wrapper: type[Any]) -> None:
        self._wrapper = wrapper
        self.calls: list[tuple[str, list[str], tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        names = [*inspect.signature(getattr(self._wrapper, name)).parameters][1:]
        return lambda *args: self.calls.append((name, names, args))


def read(reader: Reader, vectors: Sequence[dict[str, Any]], most: int) -> list[Reading | None]:
    """Give what a library reads of each vector; None for versions above ``most``.

    A reading of a message that its decoder fails at, or reads in part, has ``failed`` in it.
    """
    return [_reading(reader, vector) if vector["version"] <= most else None for vector in vectors]


def _reading(reader: Reader, vector: dict[str, Any]) -> Reading:
    heard = _Calls(reader.wrapper)
    fields, version = vector["fields"], vector["version"]
    try:
        reader.decode(heard, fields, version)
        if heard.calls and not reader.is_whole(fields, version):
            return {"failed": ["a part was left unread"]}
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises is what is looked for
        return {"failed": [repr(error)]}
    return _taken_apart(heard)


def _taken_apart(heard: _Calls) -> Reading:
    if not heard.calls:
        return {}
    often = Counter(name for name, _, _ in heard.calls)
    so_far: Counter[str] = Counter()
    reading: Reading = {"called": [*often]}
    for name, names, args in heard.calls:
        numbers = f"[{so_far[name]}]" if often[name] > 1 else ""
        so_far[name] += 1
        for parameter, arg in zip(names, args, strict=False):
            for key, text in _flat(parameter, arg, numbers):
                reading.setdefault(key, []).append(text)
    return reading


def _flat(name: str, value: Any, numbers: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list | tuple) and value and _attributes(value[0]):
        for number, item in enumerate(value):
            yield from _flat(name, item, f"{numbers}[{number}]")
    elif isinstance(value, dict):
        for number, item in enumerate(value.values()):
            yield from _flat(name, item, f"{numbers}[{number}]")
    elif attributes := _attributes(value):
        for inner, held in attributes.items():
            yield from _flat(inner, held, numbers)
    else:
        yield f"{plain(name)}{numbers}", canonical(value)


def plain(name: str) -> str:
    """Give a name as all sides can have it: no underscores, no capitals."""
    return name.replace("_", "").lower()


def _attributes(value: Any) -> dict[str, Any]:
    if hasattr(value, "_asdict"):
        return dict(value._asdict())
    is_plain = isinstance(value, str | bytes | int | float | list | tuple | set | dict)
    if is_plain or not type(value).__module__.startswith(("ib_insync", "ib_async", "ibapi")):
        return {}
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return dict(vars(value))


class AsyncioReader:
    """The decoder of ib_insync or ib_async."""

    def __init__(self, library: str) -> None:
        self.wrapper = importlib.import_module(f"{library}.wrapper").Wrapper
        self._ib = importlib.import_module(library).IB
        self._decoder = importlib.import_module(f"{library}.decoder").Decoder(None, 0)
        self._decoder.logger = _Raising()
        self._last_field = LastFieldTest(library)

    def decode(self, wrapper: Any, fields: Sequence[str], version: int) -> None:
        wrapper.ib, wrapper.defaultTimezone = self._ib, UTC  # where the decoder looks up zones
        self._decoder.wrapper, self._decoder.serverVersion = wrapper, version
        self._decoder.interpret(list(fields))

    def is_whole(self, fields: Sequence[str], version: int) -> bool:
        return self._last_field.passes(fields, version)


class OfficialReader:
    """IB's own decoder, of either age."""

    def __init__(self) -> None:
        decoder = importlib.import_module("ibapi.decoder").Decoder
        self.wrapper = importlib.import_module("ibapi.wrapper").EWrapper
        self._takes_id = len(inspect.signature(decoder.interpret).parameters) > 2
        self._decoder = decoder(None, 0)
        logging.getLogger("ibapi").setLevel(logging.ERROR)

    def decode(self, wrapper: Any, fields: Sequence[str], version: int) -> None:
        self._interpret(wrapper, CountedFields(field.encode() for field in fields), version)

    def is_whole(self, fields: Sequence[str], version: int) -> bool:
        raw = CountedFields(field.encode() for field in fields)
        left = self._interpret(_Calls(self.wrapper), raw, version)
        # a message that is decoded by a method's signature is taken by index, and counted first
        by_method = self._decoder.msgId2handleInfo[int(fields[0])].processMeth is not None
        return not by_method or left == 0

    def _interpret(self, wrapper: Any, raw: CountedFields, version: int) -> int:
        """Decode; give how many fields were left over."""
        self._decoder.wrapper, self._decoder.serverVersion = wrapper, version
        if not self._takes_id:
            self._decoder.interpret(raw)
            return len(raw) - raw.taken
        rest = CountedFields(raw[1:])
        self._decoder.interpret(rest, int(raw[0]))
        return len(rest) - rest.taken


class _Raising:
    """A decoder's logger that lets no error pass."""

    def exception(self, message: str) -> None:
        raise ValueError(message)
