"""How a topic turns a request down: IB's code and text, under the request's id."""

from __future__ import annotations

__all__ = ["RequestRefused"]


class RequestRefused(Exception):
    """A request that gets an error instead of an answer."""

    def __init__(self, req_id: int, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.req_id = req_id
        self.code = code
        self.text = text
