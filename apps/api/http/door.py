"""The door: who comes in, how often, and what happens when something in there fails.

Outermost of all that is served. Who has no token learns nothing, not even what there is; what is
wrong after that is told. Nothing of a request is logged: a path can hold an account.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apps.api.http.buckets import Buckets
from apps.api.http.problems import MEDIA_TYPE, Problem, ProblemError
from apps.api.http.turns import Turns

__all__ = ["COMMON_HEADERS", "Door", "close_with"]

_LOGGER = logging.getLogger(__name__)

LINGER_S = 1.0
"""How long what a caller still sends is thrown away before its connection is closed.

Closed at once, the system would throw away the answer that is on its way to the caller.
"""

COMMON_HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}
"""What every answer has."""


class Door:
    """Lets requests in to ``app``.

    ``hosts`` are names, besides localhost, that the Host header may have; ``now_s`` is this
    machine's monotonic clock.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        hosts: frozenset[str],
        buckets: Buckets,
        now_s: Callable[[], float],
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = hosts | {"localhost"}
        self._buckets = buckets
        self._now_s = now_s
        self._turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            self._check(scope)
        except ProblemError as refused:
            await close_with(refused.problem, receive, send)
            return
        await self._turns.next()
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            _LOGGER.exception("a request failed by a bug")
            if has_begun:
                raise
            await close_with(ProblemError.own(error).problem, receive, send)

    def _check(self, scope: Scope) -> None:
        """Raise ProblemError for who may not come in, or not now."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or not self._is_token(given[0]):
            raise ProblemError.no_token()
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not self._is_own_host(hosts[0]):
            raise ProblemError.wrong_host()
        client: tuple[str, int] | None = scope.get("client")
        wait_s = self._buckets.take(client[0] if client else "", self._now_s())
        if wait_s > 0:
            raise ProblemError.too_many(wait_s)

    def _is_token(self, authorization: bytes) -> bool:
        scheme, _, token = authorization.partition(b" ")
        is_same = hmac.compare_digest(token.strip(), self._token)
        return is_same and scheme.lower() == b"bearer"

    def _is_own_host(self, host: bytes) -> bool:
        """Tell a name that is ours from one by which a page may have led a browser here."""
        name = host.decode("latin-1").lower()
        name = name.rpartition(":")[0] if name.rpartition(":")[2].isdecimal() else name
        if name.rstrip(".") in self._hosts:
            return True
        try:
            ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True


async def close_with(problem: Problem, receive: Receive, send: Send) -> None:
    """Send ``problem``, and close the connection with whatever of the request is not read."""
    body = problem.body()
    headers = {
        **COMMON_HEADERS,
        **problem.headers,
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (await _next(receive)).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _next(receive: Receive) -> dict[str, Any]:
    return dict(await receive())
