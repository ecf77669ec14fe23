"""Lines from a capable terminal, through prompt_toolkit: editing, history, completion, toolbar.

Both ends for `aioconsole.ainput(streams=...)` in one object: the prompt that it writes becomes
the message of the prompt session. While a line is being typed, everything that is printed
appears above it. This is the only module that knows prompt_toolkit.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import DummyHistory, FileHistory, History, InMemoryHistory
from prompt_toolkit.output import Output
from prompt_toolkit.output.defaults import create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.patch_stdout import StdoutProxy
from prompt_toolkit.styles import Style

from apps.api.completion import Candidate
from apps.api.interrupts import Interrupted

__all__ = ["TerminalLines", "Toolbar", "open_history"]

Toolbar = Callable[[], Sequence[tuple[str, str]]]
"""Gives the toolbar's text as (style name, text) pairs; called at every redraw."""

_STYLE = Style.from_dict(
    {
        "prompt": "bold",
        "prompt.live": "ansired bold",
        "bottom-toolbar": "noreverse",
        "live": "ansired bold",
        "paper": "ansigreen bold",
        "bad": "ansired",
    }
)

_REFRESH_S = 1.0


class TerminalLines:
    """Reader and writer of one kind of line: commands (with history and completion) or answers.

    ``prompt``, where there is one, is asked at every redraw, for what it tells may change while
    a line is being typed; it stands in place of what was written.
    """

    def __init__(
        self,
        *,
        history: History | None = None,
        complete: Callable[[str], Sequence[Candidate]] | None = None,
        toolbar: Toolbar | None = None,
        prompt: Callable[[], str] | None = None,
        live: bool = False,
    ) -> None:
        self._message = ""
        self._prompt = prompt
        self._style = "class:prompt.live" if live else "class:prompt"
        self._session: PromptSession[str] = PromptSession(
            history=history or DummyHistory(),
            completer=_CommandCompleter(complete) if complete else None,
            complete_while_typing=False,
            bottom_toolbar=_styled(toolbar) if toolbar else None,
            refresh_interval=_REFRESH_S if toolbar else 0,
            style=_STYLE,
            output=_output(asks_for_cursor=toolbar is not None),
            interrupt_exception=Interrupted,
        )

    def write(self, chunk: bytes) -> None:
        """Take the prompt; it is shown with the line."""
        self._message += chunk.decode("utf-8", errors="replace")

    async def drain(self) -> None:
        """Nothing waits: the prompt is drawn by `readline`."""

    async def readline(self) -> bytes:
        """Give the line that was typed, ``b""`` for Ctrl-D. Raises Interrupted for Ctrl-C."""
        written, self._message = self._message, ""
        prompt = self._prompt or (lambda: written)
        try:
            with _printing_above():
                text = await self._session.prompt_async(
                    lambda: [(self._style, prompt())],
                    set_exception_handler=False,
                    handle_sigint=False,
                )
        except EOFError:
            return b""
        except Interrupted:
            raise Interrupted(discarded=bool(self._session.default_buffer.text)) from None
        # what was pasted over several lines becomes several commands, never an answer
        # to a question that the first of them asks
        line = re.sub(r"\s*\n\s*", " ; ", text.strip())
        return line.encode("utf-8", errors="replace") + b"\n"


def open_history(path: Path | None) -> History:
    """Give the history kept in ``path``, or one of this session alone."""
    if path is None:
        return InMemoryHistory()
    try:
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


class _CommandCompleter(Completer):
    def __init__(self, complete: Callable[[str], Sequence[Candidate]]) -> None:
        self._complete = complete

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - prompt_toolkit's signature
    ) -> Iterable[Completion]:
        for candidate in self._complete(document.text_before_cursor):
            yield Completion(
                candidate.word, start_position=-candidate.typed, display_meta=candidate.meaning
            )


def _styled(toolbar: Toolbar) -> Callable[[], StyleAndTextTuples]:
    return lambda: [(f"class:{name}" if name else "", text) for name, text in toolbar()]


def _output(*, asks_for_cursor: bool) -> Output:
    output = create_output()
    if isinstance(output, Vt100_Output):
        # a terminal that never answers would cost a second at every line
        output.enable_cpr = asks_for_cursor
    return output


@contextmanager
def _printing_above() -> Iterator[None]:
    """Send what is printed above the line being typed, for as long as it is being typed.

    prompt_toolkit's `patch_stdout` does the same, but rests 0.2 s between writes in its thread
    and is joined by whoever leaves it: the loop would stand still for that long at an Enter.
    """
    stdout, stderr = sys.stdout, sys.stderr
    with StdoutProxy(sleep_between_writes=0, raw=True) as proxy:
        sys.stdout = sys.stderr = cast("TextIO", proxy)
        try:
            yield
        finally:
            proxy.flush()
            sys.stdout, sys.stderr = stdout, stderr


async def settle() -> None:
    """Let the last lines that were on their way to the screen arrive there."""
    for _ in range(3):
        await asyncio.sleep(0)
