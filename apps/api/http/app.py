"""The application: a route for every operation, and one way in and out of all of them.

Handlers are coroutines of the desk's own loop; a plain function would be run in a thread.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from apps.api.http.buckets import Buckets
from apps.api.http.document import document_of
from apps.api.http.door import COMMON_HEADERS, Door, close_with
from apps.api.http.events import EventHub, EventKind
from apps.api.http.events_response import EventsResponse
from apps.api.http.incoming import Incoming
from apps.api.http.operations import Call, Operation, Outcome, merged
from apps.api.http.problems import MEDIA_TYPE, Problem, ProblemError, problem_of
from apps.api.http.reading import reading_operations
from apps.api.http.routine_operations import routine_operations
from apps.api.http.watching import watching_operations
from apps.api.http.works import CallerLeft, SharedAnswers, Works
from apps.api.session import Session
from apps.api.views.as_json import as_json
from apps.domain.errors import BadRequest, DeskError
from apps.engine.routines.parameters import Kind, parameter, parameters_of, parsed

__all__ = ["VERSION", "DeskApp"]

VERSION = "1"

_GONE = 499

_LOGGER = logging.getLogger(__name__)


def _kinds(value: object) -> frozenset[EventKind]:
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(words, list) or not words:
        raise ValueError(value)
    return frozenset(EventKind(str(each)) for each in words)


_EVENT_WORDS = [each.value for each in EventKind]


@dataclass(frozen=True, slots=True)
class _Wanted:
    kinds: frozenset[EventKind] = parameter(
        "Only events of these kinds; otherwise of all.",
        Kind(
            _kinds,
            f"one or several of {', '.join(_EVENT_WORDS)}",
            {"type": "array", "items": {"enum": _EVENT_WORDS}, "minItems": 1},
            "KIND",
            takes_many=True,
        ),
        default=frozenset(),
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """What an operation came to, as it is sent."""

    body: bytes
    status: int
    headers: Mapping[str, str]


class DeskApp:
    """What is served of one desk; an ASGI application."""

    def __init__(
        self,
        session: Session,
        *,
        token: str,
        now_s: Callable[[], float],
        operations: tuple[Operation, ...] = (),
    ) -> None:
        settings = session.settings
        self.works = Works()
        self.hub = EventHub(session.desk)
        self.operations = (*self._own(), *operations) if operations else self._all(session)
        self._shared = SharedAnswers()
        self._most_body = settings.http_max_body_kb * 1024
        self._document: dict[str, Any] | None = None
        self.api = self._api()
        for each in self.operations:
            self._add(each)
        self._door: ASGIApp = Door(
            self.api,
            token=token,
            hosts=settings.http_allowed_hosts | {settings.http_host.lower()},
            buckets=Buckets(float(settings.http_requests_per_s)),
            now_s=now_s,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._door(scope, receive, send)

    def _all(self, session: Session) -> tuple[Operation, ...]:
        return (
            *routine_operations(session),
            *reading_operations(session),
            *watching_operations(session),
            *self._own(),
        )

    def _own(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "GET",
                "/events",
                "listen",
                "What happens, as server-sent events.",
                "Bars of what is watched, alerts, fills, the link's states, and watchers and "
                "trades when they change. The first event, `hello`, says how things stand. One "
                "who does not read is dropped: the last event, `end`, says so.",
                _nothing,
                parameters=parameters_of(_Wanted),
                media_type="text/event-stream",
                answers=str,
            ),
            Operation(
                "GET",
                "/openapi.json",
                "get_document",
                "This document.",
                "There is no page that shows it: such pages are fetched from elsewhere.",
                self._told,
                answers=Mapping[str, Any],
            ),
        )

    async def _told(self, call: Call) -> Outcome:
        if call.values:
            raise BadRequest(dict.fromkeys(call.values, "is not known here"))
        if self._document is None:
            self._document = document_of(self.operations, VERSION)
        return Outcome(self._document)

    def _api(self) -> FastAPI:
        # pages that explain would come from elsewhere, and the document is an operation of ours
        api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
        api.add_exception_handler(HTTPException, self._not_routed)
        return api

    async def _not_routed(self, request: Request, _error: Exception) -> Response:
        """Answer for a path or a method that there is not."""
        path = request.scope["path"]
        methods = {each.method for each in self.operations if each.is_at(path)}
        if methods:
            return _of_problem(ProblemError.method(", ".join(sorted(methods))).problem)
        detail = "There is nothing at this path; GET /openapi.json lists what there is."
        return _of_problem(ProblemError.not_found(detail).problem)

    def _add(self, operation: Operation) -> None:
        answer = self._listen if operation.path == "/events" else self._answer
        self.api.add_api_route(
            operation.path,
            _endpoint(operation, answer),
            methods=[operation.method],
            name=operation.name,
            response_model=None,
        )

    async def _answer(self, operation: Operation, incoming: Incoming) -> Response:
        call = await self._call(operation, incoming)
        # written once for all who share it: a long answer takes milliseconds to write
        act: Callable[[], Awaitable[_Written]] = partial(_written, operation, call)
        if operation.is_shared and not call.request_key:
            act = partial(self._shared.ask, (operation.name, repr(call.values)), act)
        written = await self.works.done(_begun(act), incoming.left, goes_on=operation.goes_on)
        return Response(written.body, written.status, written.headers, "application/json")

    async def _listen(self, operation: Operation, incoming: Incoming) -> Response:
        wanted = parsed(_Wanted, (await self._call(operation, incoming)).values)
        if self.hub.is_full:
            raise ProblemError.too_many(60.0)
        return EventsResponse(self.hub, wanted.kinds or frozenset(EventKind))

    async def _call(self, operation: Operation, incoming: Incoming) -> Call:
        """Give what a request asks for. Raises ProblemError, BadRequest, CallerLeft."""
        said = [incoming.path_values(), incoming.query_values()]
        if operation.takes_body:
            said.append(await incoming.body_values(self._most_body))
        return Call(merged(*said), incoming.request_key() if operation.takes_key else "")


def _endpoint(
    operation: Operation, answer: Callable[[Operation, Incoming], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        incoming = Incoming(request, has_body=operation.takes_body)
        try:
            return await answer(operation, incoming)
        except CallerLeft:
            return Response(status_code=_GONE)
        except Exception as error:  # noqa: BLE001 - the edge: a bug becomes one answer
            return _of_problem(_problem(error), closes=not incoming.is_read)

    return endpoint


def _problem(error: Exception) -> Problem:
    if isinstance(error, ProblemError):
        return error.problem
    if isinstance(error, DeskError):
        return problem_of(error)
    _LOGGER.error("a request failed by a bug", exc_info=error)
    return ProblemError.own(error).problem


async def _begun(act: Callable[[], Awaitable[_Written]]) -> _Written:
    return await act()


async def _written(operation: Operation, call: Call) -> _Written:
    outcome = await operation.act(call)
    # half characters that came in as they are go out as escapes
    body = json.dumps(as_json(outcome.value), ensure_ascii=False)
    headers = {**COMMON_HEADERS, **outcome.headers}
    return _Written(body.encode("utf-8", "backslashreplace"), outcome.status, headers)


async def _nothing(_call: Call) -> Outcome:
    return Outcome(None)


def _of_problem(problem: Problem, *, closes: bool = False) -> Response:
    if closes:
        return _Closing(problem)
    headers = {**COMMON_HEADERS, **problem.headers}
    return Response(problem.body(), problem.status, headers, MEDIA_TYPE)


class _Closing(Response):
    """A problem after which the connection is closed, for what was sent is not all read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(status_code=problem.status)
        self._problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send it, and close."""
        await close_with(self._problem, receive, send)
