"""One core for this process, the others for those that it talks to.

Without this, on a machine with two cores, the reader of a socket may be woken on the core on which
its writer still runs, and then waits for it: what would be measured is how soon a process sleeps.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["apart_from"]


@contextmanager
def apart_from(*pids: int) -> Iterator[None]:
    """Keep this process and ``pids`` on different cores for the block, where that can be had."""
    if sys.platform != "linux" or len(allowed := os.sched_getaffinity(0)) < 2:
        yield
        return
    own = {min(allowed)}
    for pid in pids:
        os.sched_setaffinity(pid, allowed - own)
    os.sched_setaffinity(0, own)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
