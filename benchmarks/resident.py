"""How much memory this process has in hand, as the system counts it."""

from __future__ import annotations

import gc
import resource
import sys
from functools import lru_cache
from pathlib import Path

__all__ = ["empty_caches", "resident_bytes"]

_STATM = Path("/proc/self/statm")
_LruCache = type(lru_cache(lambda: None))


def resident_bytes() -> int:
    """Give the resident set; where the system does not tell it, the largest it ever was."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def empty_caches() -> None:
    """Empty every cache that has a bound, and collect: what is left is held for a reason."""
    for each in gc.get_objects():
        if isinstance(each, _LruCache) and each.cache_parameters()["maxsize"] is not None:
            each.cache_clear()
    gc.collect()
