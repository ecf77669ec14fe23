"""Requests that cannot be acted upon, as values: the session answers them, it never falls over."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MalformedRequest", "UnknownRequest"]


@dataclass(frozen=True, slots=True)
class UnknownRequest:
    """A request that the codec has no table for: a number that IB has not, or has since 177 only.

    ``name`` is IB's name of it, mostly ''. ``request_id`` is what the answer must carry; None where
    it is not known.
    """

    msg_id: int
    name: str
    request_id: int | None


@dataclass(frozen=True, slots=True)
class MalformedRequest:
    """A request whose fields do not fit its table.

    ``msg_id`` is None when not even that could be read. ``reason`` says which field, and why.
    """

    msg_id: int | None
    name: str
    request_id: int | None
    reason: str
