"""How late an event loop runs what is due: the lag that everything else on it would see."""

from __future__ import annotations

import asyncio

__all__ = ["lags_ms"]

_EVERY_S = 0.001


async def lags_ms(seconds: float) -> list[float]:
    """Ask to be called every millisecond for ``seconds``; give by how much each call was late.

    A call that is late by several milliseconds stands for all the calls that were due in
    between: each of them is counted with the lag that it would have had, so that a long pause
    weighs as much as it lasts.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    due, end_s = loop.time() + _EVERY_S, loop.time() + seconds
    lags: list[float] = []

    def sample() -> None:
        nonlocal due
        now = loop.time()
        while due <= now:
            lags.append((now - due) * 1000)
            due += _EVERY_S
        if now >= end_s:
            over.set_result(None)
        else:
            loop.call_at(due, sample)

    loop.call_at(due, sample)
    await over
    return lags
