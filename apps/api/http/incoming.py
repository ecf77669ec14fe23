"""One request as it comes in: what it says, read within bounds, and whether its caller is there."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from apps.api.http.bodies import json_object, query_values
from apps.api.http.problems import ProblemError
from apps.api.http.works import CallerLeft

__all__ = ["Incoming"]

BODY_S = 10.0
"""How long a body may take to come."""

_KEY_LETTERS = 100


class Incoming:
    """A request. ``is_read``: all of it that is wanted was read."""

    def __init__(self, request: Request, *, has_body: bool) -> None:
        self.is_read = not has_body
        self._request = request

    def path_values(self) -> dict[str, object]:
        """Give what stands in the path."""
        return dict(self._request.path_params)

    def query_values(self) -> dict[str, object]:
        """Give what stands in the query. Raises ProblemError."""
        return query_values(self._request.scope["query_string"])

    async def body_values(self, most: int) -> dict[str, object]:
        """Give what the body says, of up to ``most`` bytes. Raises ProblemError, CallerLeft."""
        body = await self._body(most)
        if body:
            self._check_media()
        return json_object(body)

    def request_key(self) -> str:
        """Give the key that names the request; empty without one. Raises ProblemError."""
        given = self._request.headers.getlist("idempotency-key")
        if not given:
            return ""
        key = given[0]
        if len(given) > 1 or not key.isascii() or not key.isprintable() or " " in key:
            raise ProblemError.not_json(
                "The Idempotency-Key may hold letters, digits and signs, once."
            )
        if not 1 <= len(key) <= _KEY_LETTERS:
            raise ProblemError.not_json(
                f"The Idempotency-Key may have 1 to {_KEY_LETTERS} letters."
            )
        return key

    async def left(self) -> None:
        """Wait until the caller has gone away."""
        while (await self._request.receive())["type"] != "http.disconnect":
            pass

    async def _body(self, most: int) -> bytes:
        """Read a body; cut off what is too large, or never ends."""
        length = self._request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > most:
            raise ProblemError.too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_S):
                while not self.is_read:
                    body += await self._piece()
                    if len(body) > most:
                        raise ProblemError.too_large(most)
        except TimeoutError:
            raise ProblemError.too_slow(BODY_S) from None
        return bytes(body)

    async def _piece(self) -> bytes:
        message = await self._request.receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        self.is_read = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece

    def _check_media(self) -> None:
        """Raise ProblemError for a body that is not said to be plain JSON in UTF-8."""
        headers = self._request.headers
        given = headers.get("content-type", "")
        media, _, rest = (each.strip().lower() for each in given.partition(";"))
        if media != "application/json" or rest not in ("", "charset=utf-8", 'charset="utf-8"'):
            raise ProblemError.media_type("A body needs Content-Type: application/json, in UTF-8.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise ProblemError.media_type("A body may not be compressed.")
