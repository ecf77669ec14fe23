"""JSON Schema of the values that are answered, made of their types by the rule of `as_json`.

A dataclass is an object of its fields and stands among the definitions under its name; a Decimal is
a string, a time ISO 8601. What has no one form is any value.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from apps.api.views.as_json import as_json
from apps.domain.instruments import Instrument
from apps.engine.routines.runner import Answered

__all__ = ["Schemas"]

Schema = dict[str, Any]

_PLAIN: Mapping[object, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": ["number", "null"]},
    Decimal: {"type": "string", "format": "decimal"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    timedelta: {"type": "number"},
    type(None): {"type": "null"},
}

_WRITTEN: Mapping[type, Mapping[str, str]] = {
    Instrument: {
        each: each
        for each in (
            "symbol",
            "con_id",
            "kind",
            "exchange",
            "primary_exchange",
            "currency",
            "name",
        )
    },
    Answered: {
        "intent": "intent",
        "utcTimestamp": "at",
        "dry_run": "dry_run",
        "signature": "signature",
        "is_done": "is_done",
        "is_repeated": "is_repeated",
        "result": "result",
    },
}
"""The fields of types that `as_json` writes in a way of their own, by what they are written as."""


class Schemas:
    """The schemas of one document. ``definitions`` grow with the types that are asked for."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """Give the schema of a type, or a reference to it."""
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [as_json(each) for each in kind]}
        if isinstance(kind, type) and is_dataclass(kind):
            return self._of_dataclass(kind)
        return self._of_many(kind)

    def _of_many(self, kind: Any) -> Schema:
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.of(each) for each in inner]}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if isinstance(origin, type) and issubclass(origin, Sequence | frozenset):
            return {"type": "array", "items": self.of(inner[0])}
        return {}

    def _of_dataclass(self, kind: type) -> Schema:
        name = kind.__name__
        if name not in self.definitions:
            self.definitions[name] = {}  # one that holds itself finds itself here
            self.definitions[name] = self._object(kind)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: type) -> Schema:
        try:
            hints = get_type_hints(kind)
        except NameError:  # a type that its module names for the type checker alone
            return {"type": "object"}
        written = _WRITTEN.get(kind) or {each.name: each.name for each in fields(kind)}
        return {
            "type": "object",
            "properties": {name: self.of(hints[field]) for name, field in written.items()},
            "required": list(written),
        }
