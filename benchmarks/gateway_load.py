"""The paper gateway under load: streams to many clients, orders, and how long an answer takes."""

from __future__ import annotations

from benchmarks.figures import Report
from benchmarks.order_lives import order_lives
from benchmarks.stream_load import stream_load

__all__ = ["measure"]


async def measure(*, quick: bool) -> Report:
    """Give speeds and answers under 32 clients × 100 streams, and orders a second."""
    speeds, waits = await stream_load(quick=quick)
    lives = await order_lives(quick=quick)
    return Report("gateway-load", (speeds, waits, lives))
