"""Where ib_insync is imported, and when: late, and inside the running loop.

eventkit and ib_insync ask the event-loop *policy* for their loop, eventkit already while it is
imported. Inside the running loop that is the right one; before `asyncio.run` it is a loop
that never runs (and a DeprecationWarning from Python 3.12 on). Besides, ``--help`` shall not
wait half a second for it.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

__all__ = ["ib_insync"]


def ib_insync() -> Any:
    """Give the library, bound to the running loop. Typed as Any: it is hardly annotated."""
    # a loop made by a loop factory is not known to the policy until somebody tells it
    asyncio.set_event_loop(asyncio.get_running_loop())
    return importlib.import_module("ib_insync")
