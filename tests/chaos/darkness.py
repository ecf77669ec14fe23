"""Telling whether something stands between desk and broker that the desk may not know of yet."""

from __future__ import annotations

from apps.paper.faults.line_conditions import BadLine
from apps.paper.faults.outages import LostLink
from apps.paper.server import PaperGateway

__all__ = ["is_dark"]

_DARK = (BadLine, LostLink)


def is_dark(gateway: PaperGateway) -> bool:
    """Tell whether orders, or what is told of them, cannot pass."""
    standing = gateway.faults._conditions.values()
    return any(isinstance(each, _DARK) for each in standing)
