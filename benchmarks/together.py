"""Work that goes on side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["together"]


async def together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Give the results of all, in their order.

    The first failure ends the others, and comes out as it is.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
