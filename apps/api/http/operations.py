"""What can be asked over HTTP, apart from HTTP: a path, its parameters, and what it comes to.

Routes and the OpenAPI document are both made of these; nothing here knows a web framework.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from apps.domain.errors import BadRequest
from apps.engine.routines.parameters import Parameter

__all__ = ["REPLAYED", "Call", "Operation", "Outcome", "merged"]

REPLAYED = "idempotent-replayed"
"""The header of an answer that was given before."""

_PLACE = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its values from path, query and body, and the key that names it."""

    values: Mapping[str, object] = field(default_factory=dict)
    request_key: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to: a value that has a JSON form, and how it is sent."""

    value: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    ``parameters`` stand in the path, the query, or where it ``takes_body`` in that. ``goes_on``: a
    caller that leaves does not end it. ``is_shared``: those who ask alike at the same time are
    given the same answer. ``answers`` is the type of what it comes to, None where that is not one
    type; ``also`` are statuses of problems beyond those that every operation has, and ``example``
    is a body.
    """

    method: str
    path: str
    name: str
    meaning: str
    explanation: str
    act: Callable[[Call], Awaitable[Outcome]]
    parameters: tuple[Parameter, ...] = ()
    takes_body: bool = False
    takes_key: bool = False
    goes_on: bool = False
    is_shared: bool = False
    answers: object = None
    also: tuple[int, ...] = ()
    example: Mapping[str, object] = field(default_factory=dict)
    media_type: str = "application/json"

    def is_at(self, path: str) -> bool:
        """Tell whether ``path`` leads here."""
        ours, theirs = self.path.split("/"), path.split("/")
        return len(ours) == len(theirs) and all(
            (each.startswith("{") and bool(given)) or each == given
            for each, given in zip(ours, theirs, strict=True)
        )

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the parameters that stand in the path."""
        return tuple(_PLACE.findall(self.path))


def merged(*sources: Mapping[str, object]) -> dict[str, object]:
    """Give what path, query and body say together. Raises BadRequest for a name in two of them."""
    values: dict[str, object] = {}
    problems: dict[str, str] = {}
    for source in sources:
        for name, value in source.items():
            if name in values:
                problems[name] = "is given twice; give it in the query or in the body"
            values[name] = value
    if problems:
        raise BadRequest(problems)
    return values
