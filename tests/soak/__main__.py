"""``python tests/soak [OPTIONS]``: a week of the market; see `--help`.

eventkit, which ib_insync needs, installs its own tests as a package named ``tests``; it would hide
this one, so ours is put in its place first.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

_TESTS = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run ``tests.soak.command`` with the command line's arguments."""
    package = ModuleType("tests")
    package.__path__ = [str(_TESTS)]
    sys.modules["tests"] = package
    sys.path[0] = str(_TESTS.parent)
    from tests.soak.command import main as command  # noqa: PLC0415 - it can be found only now

    return command()


if __name__ == "__main__":
    sys.exit(main())
