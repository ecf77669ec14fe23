"""ib_insync is imported without numpy, and whoever wants numpy still gets it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, sys
from apps.ib.library import ib_insync

async def main():
    library = ib_insync()
    assert library.IB is ib_insync().IB
    print("numpy" in sys.modules)
    from eventkit.ops import array
    print(array.np.asarray([1, 2]).sum())
    import numpy
    print(numpy.asarray is array.np.asarray, numpy.__name__)

asyncio.run(main())
"""


def test_numpy_is_not_loaded_for_ib_insync_and_works_for_who_wants_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["False", "3", "True numpy"]
