"""SIGUSR1 halts trading: the kill switch for whoever can reach the process and nothing else."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["on_kill_signal"]


@contextmanager
def on_kill_signal(halt: Callable[[], object]) -> Iterator[None]:
    """Call ``halt`` for every SIGUSR1 while the block runs; systems without one have no such way.

    Before and after the signal ends the process, as it does by default: nothing is entered then.
    """
    number = getattr(signal, "SIGUSR1", None)
    if number is None:
        yield
        return
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, halt)
    except (NotImplementedError, RuntimeError, ValueError):
        # this loop is not the main thread's: a program that embeds the desk has its own signals
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
