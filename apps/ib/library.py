"""Where ib_insync is imported, and when: late, and inside the running loop.

eventkit and ib_insync ask the event-loop *policy* for their loop, eventkit already while it is
imported. Inside the running loop that is the right one; before `asyncio.run` it is a loop
that never runs (and a DeprecationWarning from Python 3.12 on). Besides, ``--help`` shall not
wait half a second for it.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["ib_insync"]


def ib_insync() -> Any:
    """Give the library, bound to the running loop. Typed as Any: it is hardly annotated."""
    # a loop made by a loop factory is not known to the policy until somebody tells it
    asyncio.set_event_loop(asyncio.get_running_loop())
    with _without_numpy():
        return importlib.import_module("ib_insync")


@contextmanager
def _without_numpy() -> Iterator[None]:
    """Spare an import the loading of numpy, an eighth of a single command's time.

    eventkit's array operators, which nobody here uses, import it. They are given a stand-in that
    loads it when it is first used; whoever else imports numpy gets numpy.
    """
    if "numpy" in sys.modules or "eventkit" in sys.modules:
        yield
        return
    sys.modules["numpy"] = _NumpyWhenUsed("numpy")
    try:
        yield
    finally:
        del sys.modules["numpy"]


class _NumpyWhenUsed(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("numpy"), name)
