"""What a routine is: its name, what it may be asked with, and what it does.

At home here: the definition that command line, prompt and HTTP are made of, and what a routine is
given to act with. How one is run (deadline, log, once at a time) stands in
`apps.engine.routines.runner`.
Modules of routines load nothing of the engine, so that a help text does not pay for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from apps.engine.routines.parameters import Parameter, Plain, as_plain, parameters_of, parsed

if TYPE_CHECKING:
    from apps.engine.desk import Desk

__all__ = ["AnyRoutine", "Grounds", "Progress", "Routine"]

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a routine has come: ``done`` of ``of`` steps, and what it does now."""

    done: int
    of: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a routine acts with.

    In a ``dry_run`` nothing is sent, changed or cancelled. ``tell`` may be called at any rate and
    returns at once. ``signature`` names this request.
    """

    desk: Desk
    dry_run: bool = False
    tell: Callable[[Progress], None] = lambda _: None
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Routine(Generic[RequestT, ResultT]):
    """One routine.

    ``trades``: it may send orders, and so can be tried as a dry run, and is refused where trading
    is off; ``runs_alone``: then it also runs once at a time. ``is_logged``: each run is an activity
    in the journal. ``revision`` grows when the same parameters come to mean something else.
    ``examples`` are whole lines as they are typed. ``is_done`` tells a result that is good from
    one that the trader has to look at. ``deciding`` are parameters by which one that does not trade
    changes what the desk counts with: who only looks may not give them.
    """

    name: str
    meaning: str
    explanation: str
    request: type[RequestT]
    run: Callable[[Grounds, RequestT], Awaitable[ResultT]]
    examples: tuple[str, ...]
    trades: bool = False
    runs_alone: bool = True
    is_logged: bool = True
    deadline_s: float = 60.0
    revision: int = 1
    is_done: Callable[[ResultT], bool] = lambda _: True
    deciding: frozenset[str] = frozenset()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it may be asked with."""
        return parameters_of(self.request)

    def asked(self, values: Mapping[str, object]) -> RequestT:
        """Give the request that ``values`` make. Raises BadRequest."""
        return parsed(self.request, values)

    def signature(self, request: RequestT) -> str:
        """Give what names this request: the same for the same parameters, in whatever order."""
        named = [each.name for each in self.parameters if each.identifies]
        asked = {name: as_plain(getattr(request, name)) for name in named}
        words = json.dumps([self.name, self.revision, asked], sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    def written(self, request: RequestT) -> Plain:
        """Give ``request`` as it is written down."""
        return as_plain(request)


AnyRoutine = Routine[Any, Any]
