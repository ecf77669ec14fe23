"""Ctrl-C and the signals that end a program: what they mean here.

Ctrl-C comes as a key at a prompt_toolkit prompt and as a signal otherwise; both end up as
`Interrupted` in whoever runs in the foreground. The first one leaves what is going on for the
menu, a second one without a line in between quits. SIGTERM and SIGHUP quit at once.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from apps.api.outcomes import ExitCode

__all__ = ["Interrupted", "Interrupts"]

T = TypeVar("T")

_QUITTING: tuple[tuple[str, ExitCode], ...] = (
    ("SIGTERM", ExitCode.TERMINATED),
    ("SIGHUP", ExitCode.HANGUP),
)


class Interrupted(Exception):
    """Ctrl-C: what was going on has been left.

    ``discarded``: all that it left was a line that was being typed.
    """

    def __init__(self, *, discarded: bool = False) -> None:
        super().__init__()
        self.discarded = discarded


class Interrupts:
    """Who is to be told of a signal, and whether the next Ctrl-C quits."""

    def __init__(self) -> None:
        self.armed = False
        self._foreground: asyncio.Task[Any] | None = None
        self._interrupted = False
        self._quit: Callable[[ExitCode], None] = lambda _code: None

    @contextmanager
    def handled(self, quit_with: Callable[[ExitCode], None]) -> Iterator[None]:
        """Handle the signals while the block runs; ``quit_with`` is told how to end."""
        self._quit = quit_with
        loop = asyncio.get_running_loop()
        installed = [
            number for number, handler in self._handlers() if _install(loop, number, handler)
        ]
        try:
            yield
        finally:
            for number in installed:
                loop.remove_signal_handler(number)

    async def foreground(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` as what Ctrl-C ends. Raises Interrupted when it did.

        A Ctrl-C that came when the work before was already done ends this one before it begins:
        between a line and its command nothing is lost.
        """
        if self._was_pressed():
            work.close()
            raise Interrupted
        task = asyncio.ensure_future(work)
        self._foreground = task
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        finally:
            self._foreground = None
        if task.cancelled() and self._was_pressed():
            raise Interrupted
        return task.result()

    def press(self) -> None:
        """Take a Ctrl-C that came as a signal."""
        if self._foreground is None or self._interrupted:
            # nobody to leave, or one who is already leaving and takes too long over it
            self._quit(ExitCode.INTERRUPTED)
            return
        self._interrupted = True
        self._foreground.cancel()

    def _was_pressed(self) -> bool:
        pressed, self._interrupted = self._interrupted, False
        return pressed

    def _handlers(self) -> Iterator[tuple[int, Callable[[], None]]]:
        yield signal.SIGINT, self.press
        for name, code in _QUITTING:
            number = getattr(signal, name, None)
            if number is not None:
                yield number, partial(self._quit_with, code)

    def _quit_with(self, code: ExitCode) -> None:
        self._quit(code)


def _install(loop: asyncio.AbstractEventLoop, number: int, handler: Callable[[], None]) -> bool:
    try:
        loop.add_signal_handler(number, handler)
    except (NotImplementedError, RuntimeError, ValueError):
        # Windows has none; there Ctrl-C cancels the main task through asyncio.run
        return False
    return True
