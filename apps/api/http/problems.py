"""Errors as problem details (RFC 9457): which status each of the desk's errors has, and its words.

IB's own code stays in them, and which field was wrong and why. Nothing here knows how they are
sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from apps.api.http.operations import REPLAYED
from apps.domain.errors import (
    AlreadyDone,
    BadRequest,
    BrokerError,
    ConnectionProblem,
    DeadlineExceeded,
    DeskError,
    FailedBefore,
    InvalidInput,
    JournalLost,
    NotFound,
    Refused,
    TradingDisabled,
    TradingHalted,
)

__all__ = ["KINDS", "MEDIA_TYPE", "Kind", "Problem", "ProblemError", "problem_of"]

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its name in ``type``, its status, and what it means in a few words."""

    name: str
    status: HTTPStatus
    title: str


_NOT_JSON = Kind("not-json", HTTPStatus.BAD_REQUEST, "The request cannot be read")
_NO_TOKEN = Kind("no-token", HTTPStatus.UNAUTHORIZED, "The token is missing or wrong")
_NOT_FOUND = Kind("not-found", HTTPStatus.NOT_FOUND, "There is no such thing")
_METHOD = Kind("method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "Not by this method")
_TOO_SLOW = Kind("too-slow", HTTPStatus.REQUEST_TIMEOUT, "The request did not come to its end")
_DUPLICATE = Kind("duplicate", HTTPStatus.CONFLICT, "It is being done, or was done before")
_FAILED = Kind("failed-before", HTTPStatus.CONFLICT, "It failed under the same key before")
_REFUSED = Kind("refused", HTTPStatus.CONFLICT, "The broker or a limit refused it")
_TOO_LARGE = Kind("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large")
_MEDIA = Kind("media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is not said to be JSON")
_HOST = Kind("wrong-host", HTTPStatus.MISDIRECTED_REQUEST, "Not a name of this desk")
_INVALID = Kind("invalid", HTTPStatus.UNPROCESSABLE_ENTITY, "It was asked for what cannot be")
_NO_TRADING = Kind("trading-off", HTTPStatus.LOCKED, "Trading is disabled or halted")
_TOO_MANY = Kind("too-many", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests")
_OWN = Kind("own-error", HTTPStatus.INTERNAL_SERVER_ERROR, "An error of the desk's own")
_BROKER = Kind("broker-error", HTTPStatus.BAD_GATEWAY, "The broker ended the request")
_NOT_CONNECTED = Kind("not-connected", HTTPStatus.SERVICE_UNAVAILABLE, "No link to the broker")
_NOT_READY = Kind("not-ready", HTTPStatus.SERVICE_UNAVAILABLE, "The desk cannot do its work now")
_QUITTING = Kind("quitting", HTTPStatus.SERVICE_UNAVAILABLE, "The desk is quitting")
_JOURNAL = Kind("journal-lost", HTTPStatus.INSUFFICIENT_STORAGE, "It could not be written down")
_DEADLINE = Kind("deadline", HTTPStatus.GATEWAY_TIMEOUT, "It was not done in time")

KINDS: tuple[Kind, ...] = (
    _NOT_JSON,
    _NO_TOKEN,
    _NOT_FOUND,
    _METHOD,
    _TOO_SLOW,
    _DUPLICATE,
    _FAILED,
    _REFUSED,
    _TOO_LARGE,
    _MEDIA,
    _HOST,
    _INVALID,
    _NO_TRADING,
    _TOO_MANY,
    _OWN,
    _BROKER,
    _NOT_CONNECTED,
    _NOT_READY,
    _QUITTING,
    _JOURNAL,
    _DEADLINE,
)
"""Every kind there is, by status."""

_OF_ERRORS: tuple[tuple[type[DeskError], Kind], ...] = (
    (InvalidInput, _INVALID),
    (NotFound, _NOT_FOUND),
    (TradingHalted, _NO_TRADING),
    (TradingDisabled, _NO_TRADING),
    (AlreadyDone, _DUPLICATE),
    (FailedBefore, _FAILED),
    (Refused, _REFUSED),
    (ConnectionProblem, _NOT_CONNECTED),
    (DeadlineExceeded, _DEADLINE),
    (BrokerError, _BROKER),
    (JournalLost, _JOURNAL),
    (DeskError, _OWN),
)


_HEADERS: Mapping[Kind, Mapping[str, str]] = {
    _NOT_CONNECTED: {"retry-after": "5"},
    _FAILED: {REPLAYED: "true"},
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong. ``problems`` tells for each field why; ``headers`` go with the answer."""

    kind: Kind
    detail: str
    ib_code: int | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.kind.status)

    def body(self) -> bytes:
        """Give it as it is sent."""
        members: dict[str, object] = {
            "type": f"urn:breakout-desk:problem:{self.kind.name}",
            "title": self.kind.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.ib_code is not None:
            members["ib_code"] = self.ib_code
        if self.problems:
            members["problems"] = dict(self.problems)
        return json.dumps(members).encode()


class ProblemError(Exception):
    """Ends a request with a problem that is HTTP's alone."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem

    @classmethod
    def not_json(cls, detail: str) -> ProblemError:
        """A body or a query that cannot be read at all."""
        return cls(Problem(_NOT_JSON, detail))

    @classmethod
    def no_token(cls) -> ProblemError:
        """Somebody who may not come in; it tells nothing else."""
        detail = "Give the token in the header Authorization: Bearer …"
        return cls(Problem(_NO_TOKEN, detail, headers={"www-authenticate": "Bearer"}))

    @classmethod
    def not_found(cls, detail: str) -> ProblemError:
        """A path that leads nowhere."""
        return cls(Problem(_NOT_FOUND, detail))

    @classmethod
    def method(cls, allowed: str) -> ProblemError:
        """A path that has other methods."""
        detail = f"There is {allowed} here."
        return cls(Problem(_METHOD, detail, headers={"allow": allowed}))

    @classmethod
    def too_slow(cls, seconds: float) -> ProblemError:
        """A body that does not come to its end."""
        detail = f"The body was not here within {seconds:g} s. Nothing was done."
        return cls(Problem(_TOO_SLOW, detail))

    @classmethod
    def too_large(cls, most: int) -> ProblemError:
        """A body beyond the limit."""
        detail = f"The body may have {most:,} bytes (HTTP_MAX_BODY_KB). Nothing was done."
        return cls(Problem(_TOO_LARGE, detail))

    @classmethod
    def media_type(cls, detail: str) -> ProblemError:
        """A body that is something else than JSON."""
        return cls(Problem(_MEDIA, f"{detail} Nothing was done."))

    @classmethod
    def wrong_host(cls) -> ProblemError:
        """A Host header that may be a page's on somebody else's server."""
        detail = (
            "The Host header is neither an address nor localhost. Names that lead to this desk "
            "stand in HTTP_ALLOWED_HOSTS."
        )
        return cls(Problem(_HOST, detail))

    @classmethod
    def too_many(cls, wait_s: float) -> ProblemError:
        """Somebody who asks too often."""
        seconds = max(1, round(wait_s + 0.5))
        detail = f"Ask again in {seconds} s; HTTP_REQUESTS_PER_S is the limit. Nothing was done."
        return cls(Problem(_TOO_MANY, detail, headers={"retry-after": str(seconds)}))

    @classmethod
    def not_ready(cls, problems: Mapping[str, str]) -> ProblemError:
        """A desk that cannot do its work, and why."""
        told = ", ".join(f"{name} is {state}" for name, state in problems.items())
        detail = f"{told[0].upper()}{told[1:]}."
        return cls(Problem(_NOT_READY, detail, problems=problems))

    @classmethod
    def quitting(cls) -> ProblemError:
        """A request that the end of the desk cuts off."""
        detail = (
            "The desk is quitting: this was cut off. What was sent stays at the broker; look at "
            "orders and the journal at its next start."
        )
        return cls(Problem(_QUITTING, detail))

    @classmethod
    def own(cls, error: BaseException) -> ProblemError:
        """A bug; its trace is in the log and nowhere else."""
        detail = (
            f"The desk failed by an error of its own ({type(error).__name__}); the log has the "
            "details. Look at orders before you repeat it."
        )
        return cls(Problem(_OWN, detail))


def problem_of(error: DeskError) -> Problem:
    """Give the problem that ``error`` is."""
    kind = next(kind for of, kind in _OF_ERRORS if isinstance(error, of))
    problems = error.problems if isinstance(error, BadRequest) else {}
    words = error.message
    if words.partition(" ")[0].isalpha():
        words = words[0].upper() + words[1:]
    return Problem(kind, words, error.code, problems, _HEADERS.get(kind, {}))
