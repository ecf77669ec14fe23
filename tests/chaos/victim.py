"""A desk that dies: ``python victim.py N [ARGUMENTS]``, the command line until its N-th write.

Writes are those to the journal, to a state file and to a socket, from the moment at which an
intent is reserved. The kill is a real one (SIGKILL), right after the write; with 0 there is none,
and at the end the number of writes goes to stderr.
"""

from __future__ import annotations

import os
import signal
import sys
from asyncio import selector_events
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apps.api.cli import main
from apps.domain.records import IntentReserved
from apps.paper.state.file import StateFile
from apps.store.journal.file import JournalFile

__all__: list[str] = []


class _Executioner:
    """Counts, and kills."""

    def __init__(self, after: int) -> None:
        self.writes = 0
        self._after = after
        self._counts = False

    def begin(self) -> None:
        self._counts = True

    def wrote(self) -> None:
        if self._counts:
            self.writes += 1
            if self.writes == self._after:
                os.kill(os.getpid(), signal.SIGKILL)

    def attend(self, owner: Any, name: str, *, begins: bool = False) -> None:
        """Be told of every call of a method that writes, once it is done."""
        write = getattr(owner, name)

        def watched(*args: Any) -> Any:
            result = write(*args)
            if begins and any(isinstance(each, IntentReserved) for each in args[1:]):
                self.begin()
            self.wrote()
            return result

        setattr(owner, name, watched)


def _run() -> int:
    executioner = _Executioner(int(sys.argv.pop(1)))
    executioner.attend(JournalFile, "write", begins=True)
    executioner.attend(StateFile, "_write")
    executioner.attend(selector_events._SelectorSocketTransport, "write")  # type: ignore[attr-defined]
    code = main()
    print(f"writes {executioner.writes}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(_run())
