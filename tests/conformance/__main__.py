"""``python tests/conformance MODULE [ARGS]``: one of this folder's programs, in any environment.

eventkit, which ib_insync needs, installs its own tests as a package named ``tests``; it would hide
this one, so ours is put in its place first.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import ModuleType

_TESTS = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run ``tests.conformance.MODULE`` with the rest of the arguments."""
    package = ModuleType("tests")
    package.__path__ = [str(_TESTS)]
    sys.modules["tests"] = package
    sys.path[0] = str(_TESTS.parent)
    runpy.run_module(f"tests.conformance.{sys.argv.pop(1)}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
