"""All effects by their names, and what can be said of each: its parameters, as a table.

Nothing is written twice: names, parameters, defaults and texts are those of the dataclasses.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from typing import Any, Final, get_type_hints

from apps.paper.faults import broker, markets, messages, network
from apps.paper.faults.fault import Effect, Trigger, When
from apps.paper.faults.kinds import RESPONSE_NAMES
from apps.paper.wire.requests.names import REQUEST_NAMES

__all__ = ["EFFECTS", "REQUIRED", "WHEN_KEYS", "Parameter", "described", "parameters"]

EFFECTS: Final[dict[str, type[Effect]]] = {
    effect.NAME: effect
    for module in (messages, network, broker, markets)
    for effect in module.EFFECTS
}
"""Every effect there is, by its word in a scenario."""

REQUIRED: Final = object()
"""Stands where a parameter has no default."""

_WIDTH = 92


@dataclass(frozen=True, slots=True)
class Parameter:
    """One key of a fault: what kind of value it takes, and its default or `REQUIRED`."""

    name: str
    kind: Any
    default: object

    @property
    def legal(self) -> tuple[str, ...]:
        """The words that it may be, where these are few."""
        if isinstance(self.kind, type) and issubclass(self.kind, Enum):
            return tuple(str(member.value) for member in self.kind)
        return ()


def parameters(shape: type[Any]) -> dict[str, Parameter]:
    """Give the parameters of an effect, or of `When`, by name."""
    hints = get_type_hints(shape)
    return {
        field.name: Parameter(field.name, hints[field.name], _default(field))
        for field in fields(shape)
    }


def _default(field: Field[Any]) -> object:
    return REQUIRED if field.default is MISSING else field.default


WHEN_KEYS: Final = parameters(When)
"""The keys that every fault has."""


def described() -> str:
    """Give the table of all faults, for people."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "Any fault takes: name, " + ", ".join(WHEN_KEYS) + "."
    yield from _explained(When)
    for name, effect in sorted(EFFECTS.items()):
        yield ""
        keys = " ".join(_shown(each) for each in parameters(effect).values())
        yield f"{name} {keys}".rstrip()
        yield from _explained(effect)
        yield from (f"    {line}" for line in _conditions(effect))
    for title, names in (("Requests", REQUEST_NAMES), ("Responses", RESPONSE_NAMES)):
        yield ""
        yield f"{title} that on may name:"
        yield textwrap.indent(textwrap.fill(", ".join(names.values()), _WIDTH), "    ")


def _explained(shape: type[Any]) -> Iterator[str]:
    """Give a docstring as people read it at a prompt."""
    for line in (inspect.getdoc(shape) or "").splitlines():
        if line:
            yield "    " + line.replace("``", "").replace("`", "")


def _conditions(effect: type[Effect]) -> Iterator[str]:
    if effect.ON:
        yield f"Set off by {effect.ON} unless on says otherwise."
    elif effect.TRIGGER is not Trigger.ANYTHING:
        yield f"Needs on: it happens to {effect.TRIGGER.value}."


def _shown(parameter: Parameter) -> str:
    if parameter.legal:
        shown = "|".join(parameter.legal)
        default = parameter.default
        if isinstance(default, Enum):
            shown += f" ({default.value})"
        return f"{parameter.name}={shown}"
    if parameter.default is REQUIRED:
        return f"{parameter.name}=…"
    default = parameter.default
    if isinstance(default, bool):
        default = str(default).lower()
    if isinstance(default, tuple):
        default = ",".join(str(each) for each in default)
    return f"{parameter.name}={'' if default is None else default}"
