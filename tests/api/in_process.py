"""What `program` of the fixtures is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

__all__ = ["Program"]

Program = Callable[..., Awaitable[tuple[int, str, str]]]
"""Runs a line of the command line; gives its exit code, stdout and stderr."""
