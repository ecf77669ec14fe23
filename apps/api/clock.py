"""This machine's monotonic clock, as the engine's `Clock`."""

from __future__ import annotations

import asyncio
import time

__all__ = ["SystemClock"]


class SystemClock:
    """Real seconds."""

    def monotonic(self) -> float:
        """Give seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Pause for ``seconds``."""
        await asyncio.sleep(seconds)
