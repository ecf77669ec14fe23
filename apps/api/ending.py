"""How the program ends when it is told to: once, with one exit code, within five seconds.

The work is cancelled and cleans up behind itself; a thread outside the event loop sees to it
that the process is gone in time even if something in there does not let go.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from apps.api.outcomes import ExitCode
from apps.api.outlet import say_at_the_end

__all__ = ["Ending", "leave"]

TIME_LIMIT_S = 4.8
"""From being told to quit to being gone; the promise is five seconds."""

_RESTORING_S = 0.1

_CUT_OFF_WORDS = (
    "The desk did not end in time and was cut off. Orders that work at the broker stay there."
)


class Ending:
    """The end of one run. ``code`` is what it was told to end with."""

    def __init__(self, time_limit_s: float = TIME_LIMIT_S) -> None:
        self.code = ExitCode.DONE
        self._time_limit_s = time_limit_s
        self._work: asyncio.Task[Any] | None = None
        self._begun_s: float | None = None
        self._cut_off: threading.Timer | None = None
        self._restoring = [_terminal_as_it_is()]

    def of(self, work: asyncio.Task[Any]) -> None:
        """Say what is to be cancelled."""
        self._work = work

    def restore_too(self, restore: Callable[[], None]) -> None:
        """Have ``restore`` called at the end, whatever that is; it may be called twice."""
        self._restoring.append(restore)

    def time_left_s(self) -> float | None:
        """How much of the time limit is left; None where nobody told it to quit."""
        if self._begun_s is None or not self.code:
            return None
        return max(0.0, self._begun_s + self._time_limit_s - time.monotonic())

    def quit_with(self, code: ExitCode) -> None:
        """Cancel the work; what comes after the first call changes nothing."""
        if self._begun_s is not None:
            return
        self.code = code
        self.begin()
        if self._work is not None:
            self._work.cancel()

    def begin(self) -> None:
        """Note that the end has begun: from here on nothing cancels it, and time is limited."""
        if self._begun_s is not None:
            return
        self._begun_s = time.monotonic()
        self._cut_off = threading.Timer(self._time_limit_s, self._cut)
        self._cut_off.daemon = True
        self._cut_off.start()

    def done(self) -> None:
        """Note that the work has ended: nothing is left that would have to be cut off."""
        if self._cut_off is not None:
            self._cut_off.cancel()
        self._restore()

    def _restore(self) -> None:
        for restore in self._restoring:
            restore()

    def _cut(self) -> None:
        # in a thread of its own, for a terminal that is stopped takes nothing
        restoring = threading.Thread(target=self._restore, daemon=True)
        restoring.start()
        restoring.join(_RESTORING_S)
        say_at_the_end(_CUT_OFF_WORDS)
        os._exit(self.code or ExitCode.ERROR)


def leave(code: int) -> NoReturn:
    """End the process with ``code``, now that everything is closed and nobody waits for anything.

    The interpreter would take itself apart first, module by module: a tenth of a single command.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more, or it was closed
            stream.flush()
    os._exit(code)


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
