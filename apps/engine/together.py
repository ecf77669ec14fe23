"""Asking several things at once: all answers, or the first error as itself.

A TaskGroup would wrap it: who asks for the account's balances wants to hear that the link was
lost, not of a group in which somebody says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["all_done"]


async def all_done(*works: Coroutine[Any, Any, Any]) -> list[Any]:
    """Do ``works`` at the same time; give their results in order.

    The first error, or the caller's own end, ends the others and is raised once they have ended.
    """
    tasks = [asyncio.ensure_future(each) for each in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
