"""How the program ends when it is told to: once, with one exit code, within five seconds.

The work is cancelled and cleans up behind itself; a thread outside the event loop sees to it
that the process is gone in time even if something in there does not let go.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from apps.api.outcomes import ExitCode

__all__ = ["Ending"]

TIME_LIMIT_S = 4.8
"""From being told to quit to being gone; the promise is five seconds."""


_CUT_OFF_WORDS = (
    "The desk did not end in time and was cut off. Orders that work at the broker stay there."
)


class Ending:
    """The end of one run. ``code`` is what it was told to end with."""

    def __init__(self, time_limit_s: float = TIME_LIMIT_S) -> None:
        self.code = ExitCode.DONE
        self._time_limit_s = time_limit_s
        self._work: asyncio.Task[Any] | None = None
        self._begun = False
        self._cut_off: threading.Timer | None = None
        self._restore_terminal = _terminal_as_it_is()

    def of(self, work: asyncio.Task[Any]) -> None:
        """Say what is to be cancelled."""
        self._work = work

    def quit_with(self, code: ExitCode) -> None:
        """Cancel the work; what comes after the first call changes nothing."""
        if self._begun:
            return
        self.code = code
        self.begin()
        if self._work is not None:
            self._work.cancel()

    def begin(self) -> None:
        """Note that the end has begun: from here on nothing cancels it, and time is limited."""
        if self._begun:
            return
        self._begun = True
        self._cut_off = threading.Timer(self._time_limit_s, self._cut)
        self._cut_off.daemon = True
        self._cut_off.start()

    def done(self) -> None:
        """Note that the work has ended: nothing is left that would have to be cut off."""
        if self._cut_off is not None:
            self._cut_off.cancel()
        self._restore_terminal()

    def _cut(self) -> None:
        self._restore_terminal()
        if sys.__stderr__ is not None:
            print(_CUT_OFF_WORDS, file=sys.__stderr__, flush=True)
        os._exit(self.code or ExitCode.ERROR)


def _terminal_as_it_is() -> Callable[[], None]:
    """Give what brings the terminal back to how it is now."""
    try:
        import termios  # noqa: PLC0415 - not on every system

    except ImportError:
        return lambda: None
    if not os.isatty(0):
        return lambda: None
    settings = termios.tcgetattr(0)
    return lambda: termios.tcsetattr(0, termios.TCSANOW, settings)
