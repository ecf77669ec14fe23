"""Running routines: once at a time where they trade, with a deadline, and each written down.

The same for the prompt, a single command and HTTP: what is refused, what is logged, and what a
repeated request is given stands here. The caller's cancellation ends a run, as its deadline does;
what was sent by then stays with the orders, and the log says how it ended.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.domain.activities import ActivityOutcome, KeptActivity
from apps.domain.errors import AlreadyDone, BadRequest, DeadlineExceeded, FailedBefore
from apps.engine.deadlines import done_within
from apps.engine.desk import Desk
from apps.engine.ports import Clock
from apps.engine.routines.routine import AnyRoutine, Grounds, Progress

__all__ = ["Answered", "Asked", "Encode", "RoutineRunner"]

Encode = Callable[[object], object]
"""Makes of a result what `json.dumps` takes."""

LONGEST_DEADLINE_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Asked:
    """How a routine is asked for, its parameters apart.

    ``deadline_s`` None is the routine's own. ``request_key`` names the request: asked for again
    under the same one, a routine gives its first answer and does nothing. ``caller`` is where it
    was asked from.
    """

    dry_run: bool = False
    deadline_s: float | None = None
    request_key: str = ""
    caller: str = "prompt"


@dataclass(frozen=True, slots=True)
class Answered:
    """What a run came to. ``at`` is market time (aware UTC) at its end, None where unknown.

    ``result`` is the routine's own value, or what the journal kept of it where the answer ``is_
    repeated``. ``is_done``: nothing in it is left for the trader to look at.
    """

    intent: str
    at: datetime | None
    dry_run: bool
    signature: str
    result: object
    is_done: bool = True
    is_repeated: bool = False


class RoutineRunner:
    """Runs the routines of one desk.

    ``encode`` writes results down; ``configuration`` is what is in force, without secrets.
    """

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        *,
        encode: Encode,
        configuration: Mapping[str, str],
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._encode = encode
        self._configuration = json.dumps(dict(configuration), sort_keys=True)
        self._running: set[str] = set()

    @property
    def desk(self) -> Desk:
        """The desk that they act through."""
        return self._desk

    async def run(
        self,
        routine: AnyRoutine,
        values: Mapping[str, object],
        asked: Asked = Asked(),
        tell: Callable[[Progress], None] = lambda _: None,
    ) -> Answered:
        """Run ``routine`` with ``values`` and give what it came to.

        Raises BadRequest, RiskRefused where nothing may be traded, AlreadyDone for what runs, ran
        under the same key, or may not be done twice, DeadlineExceeded, JournalLost (nothing was
        done), and what the routine raises.
        """
        request = routine.asked(values)
        _check(routine, asked)
        if routine.trades and not asked.dry_run:
            self._desk.check_trading()
        signature = routine.signature(request)
        with self._alone(routine, asked):
            if asked.request_key and (kept := self._desk.activities.of_key(asked.request_key)):
                return _again(routine, signature, asked, kept)
            grounds = Grounds(self._desk, asked.dry_run, tell, signature)
            return await self._logged(routine, request, asked, grounds)

    async def _logged(
        self, routine: AnyRoutine, request: Any, asked: Asked, grounds: Grounds
    ) -> Answered:
        if not routine.is_logged and not asked.request_key:
            result = await self._in_time(routine, request, asked, grounds)
            at = self._desk.market_now
            return Answered(routine.name, at, asked.dry_run, grounds.signature, result)
        activities = self._desk.activities
        activity = activities.begin(
            routine.name,
            grounds.signature,
            json.dumps(routine.written(request), sort_keys=True),
            configuration=self._configuration,
            caller=asked.caller,
            is_dry_run=asked.dry_run,
            request_key=asked.request_key,
            must_be_written=routine.trades and not asked.dry_run,
        )
        try:
            result = await self._in_time(routine, request, asked, grounds)
        except asyncio.CancelledError as error:
            activities.failed(activity, ActivityOutcome.CANCELLED, error)
            raise
        except Exception as error:
            activities.failed(activity, ActivityOutcome.FAILED, error)
            raise
        is_done = routine.is_done(result)
        outcome = ActivityOutcome.DONE if is_done else ActivityOutcome.LOOK
        kept = json.dumps(self._encode(result), ensure_ascii=False) if asked.request_key else ""
        at = activities.ended(activity, outcome, kept)
        return Answered(routine.name, at, asked.dry_run, grounds.signature, result, is_done)

    async def _in_time(
        self, routine: AnyRoutine, request: Any, asked: Asked, grounds: Grounds
    ) -> object:
        """Give the result, or end the run at its deadline, of this machine's seconds."""
        limit_s = routine.deadline_s if asked.deadline_s is None else asked.deadline_s
        work = asyncio.ensure_future(routine.run(grounds, request))
        if not await done_within(work, limit_s, self._clock) and work.cancelled():
            raise DeadlineExceeded(
                f"{routine.name} was not done within {limit_s:g} s and was ended. What it had sent "
                "stays at the broker: see `orders` and `journal`."
            )
        return work.result()

    @contextmanager
    def _alone(self, routine: AnyRoutine, asked: Asked) -> Iterator[None]:
        """Hold a routine that trades, and a key, while the block runs."""
        names = {f"key {asked.request_key}"} if asked.request_key else set()
        if routine.trades and routine.runs_alone and not asked.dry_run:
            names.add(routine.name)
        if busy := names & self._running:
            raise AlreadyDone(
                f"{', '.join(sorted(busy))} runs already: nothing was sent. Wait for its end."
            )
        self._running |= names
        try:
            yield
        finally:
            self._running -= names


def _check(routine: AnyRoutine, asked: Asked) -> None:
    problems = {}
    if asked.dry_run and not routine.trades:
        problems["dry_run"] = f"is for what trades, and {routine.name} only reads"
    if asked.deadline_s is not None and not 0 < asked.deadline_s <= LONGEST_DEADLINE_S:
        problems["deadline_s"] = "may be a number of seconds above 0, up to a day"
    if problems:
        raise BadRequest(problems)


def _again(routine: AnyRoutine, signature: str, asked: Asked, kept: KeptActivity) -> Answered:
    """Give the answer that a request was given before, under the same key."""
    began, ended = kept.began, kept.ended
    if began.signature != signature or began.is_dry_run != asked.dry_run:
        raise AlreadyDone(
            f"the key {asked.request_key} was used for another request ({began.routine}): nothing "
            "was sent. A new request needs a new key."
        )
    if ended is None:
        raise AlreadyDone(
            f"{routine.name} was begun under the key {asked.request_key} and cut off before its "
            "end: nothing was sent again. See `journal` and `orders` for what it did."
        )
    if ended.error:
        raise FailedBefore(
            f"{ended.error} (The first answer to the key {asked.request_key}; nothing was done "
            "again.)",
            code=ended.error_code,
        )
    is_done = ended.outcome is ActivityOutcome.DONE
    result = json.loads(ended.answer) if ended.answer else None
    return Answered(routine.name, ended.at, asked.dry_run, signature, result, is_done, True)
