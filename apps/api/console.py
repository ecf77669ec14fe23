"""The trader's console: results and words out, lines in, alerts in between.

Everything that is shown passes through here, so that an alert never spoils what is being typed,
JSON stays alone on stdout, and a reader that went away ends the desk quietly. What it looks like
is made in `apps.api.views`; where lines come from, in `apps.api.streams` and `apps.api.terminal`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import IO, Any

from aioconsole import ainput  # type: ignore[import-untyped] # it ships no types
from rich.console import Console as RichConsole
from rich.console import RenderableType
from rich.text import Text

from apps.api.bell import Bell
from apps.api.counting import Count, counted
from apps.api.interrupts import Interrupts
from apps.api.outcomes import error_as_json
from apps.api.replies import Reply
from apps.api.streams import LineReader, PromptWriter
from apps.api.views.alerts import alert_line
from apps.api.views.as_json import as_json
from apps.api.views.render import render
from apps.domain.errors import DeskError
from apps.engine.alerts import Alert

__all__ = ["Console", "Manner", "Sheet", "Streams"]


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a line is read and its prompt written; both as `aioconsole.ainput` wants them."""

    reader: LineReader
    writer: PromptWriter


class Manner(Enum):
    """What goes where."""

    SESSION = "session"
    """Everything to stdout, as it comes."""
    ONE_SHOT = "one-shot"
    """The result and alerts to stdout, words to stderr."""
    JSON = "json"
    """JSON alone to stdout, everything else to stderr."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is written on where that is not this process's own stdout and stderr.

    ``variables`` stand for the environment, where they say what a terminal can do.
    """

    out: IO[str]
    err: IO[str]
    columns: int
    lines: int
    variables: Mapping[str, str]


class Console:
    """The trader's side of the desk.

    ``commands`` and ``answers`` open the streams of each kind of line, when the first is wanted.
    ``interactive``: somebody is there to answer. ``shared_line``: the terminal itself echoes what
    is typed, on the line that the cursor is on (a dumb terminal). ``bell`` is None where nobody
    would hear it. ``sheet`` is given where somebody else's terminal is written to.
    """

    def __init__(
        self,
        interrupts: Interrupts,
        *,
        commands: Callable[[], Streams],
        answers: Callable[[], Streams],
        interactive: bool,
        manner: Manner = Manner.SESSION,
        shared_line: bool = False,
        bell: Bell | None = None,
        sheet: Sheet | None = None,
    ) -> None:
        self.interactive = interactive
        self.interrupts = interrupts
        self._commands = commands
        self._answers = answers
        self._manner = manner
        self._shared_line = shared_line
        self._bell = bell
        self._reading = False
        self.left_question = False
        """The last question was left without an answer, by Ctrl-C or the end of input."""
        self._out, self._err = _outputs(sheet)

    def on_output_gone(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called when nobody reads stdout any more."""
        self._out.on_gone = tell

    async def command(self, prompt: str) -> str:
        """Read a line of commands. Raises EOFError at the end, Interrupted, InvalidInput."""
        return await self.interrupts.foreground(self._read(self._commands(), prompt))

    async def answer(self, prompt: str) -> str:
        """Read an answer within a command. Raises EOFError at the end, Interrupted."""
        self.left_question = True
        line = await self._read(self._answers(), prompt)
        self.left_question = False
        return line.strip()

    def show(self, reply: Reply, *, in_json: bool = False) -> None:
        """Show what a command came to."""
        if reply.value is None:
            return
        if in_json or self._manner is Manner.JSON:
            self._show_json(as_json(reply.value))
        else:
            self._print(self._out, render(reply.value))

    def show_error(self, error: DeskError, *, in_json: bool = False) -> None:
        """Show an error: its JSON form on stdout where that was asked for, or its sentence."""
        if in_json or self._manner is Manner.JSON:
            self._show_json(error_as_json(error))
        else:
            output = self._out if self.interactive else self._err
            self._print(output, Text(_sentence(error), style="red"))

    def say(self, words: RenderableType) -> None:
        """Print words that are no result."""
        self._print(self._words, words)

    def counted(self, title: str) -> AbstractContextManager[Count]:
        """Show how far something long is, while the block runs."""
        return counted(title, self._words, self.say)

    def preview(self, value: object) -> None:
        """Show a value as words: what is about to be done."""
        self.say(render(value))

    def tell(self, words: RenderableType) -> None:
        """Print a part of a story that is told as it happens; alerts go the same way."""
        self._print(self._err if self._manner is Manner.JSON else self._out, words)

    def tell_of(self, value: object) -> None:
        """Show a value as a part of such a story."""
        self.tell(render(value))

    def emit(self, alert: Alert) -> None:
        """Print an alert of the background, at any moment."""
        line = alert_line(alert)
        if self._reading and self._shared_line:
            # what was typed so far stays on its line, in view; the terminal still holds it.
            # In one write with the alert, for the terminal may echo a key between two
            line = Text("\n").append_text(line)
        # what is printed within the block goes out as one write
        with self._out:
            self.tell(line)
            if self._bell is not None and self._bell.rings_for(alert):
                self._out.bell()

    @property
    def _words(self) -> _Output:
        return self._out if self._manner is Manner.SESSION else self._err

    async def _read(self, streams: Streams, prompt: str) -> str:
        self._reading = True
        try:
            line: str = await ainput(prompt, streams=(streams.reader, streams.writer))
        finally:
            self._reading = False
        self.interrupts.armed = False
        return line

    def _show_json(self, value: object) -> None:
        self._print(self._out, json.dumps(value, ensure_ascii=False))

    def _print(self, output: _Output, words: RenderableType) -> None:
        if isinstance(words, str):
            words = Text(words)
        # a sentence stays one line where another program may read it
        output.print(words, soft_wrap=isinstance(words, Text) and not output.is_terminal)


def _sentence(error: DeskError) -> str:
    """Give the error's words, beginning like a sentence, with IB's code."""
    words = error.message
    if words.partition(" ")[0].isalpha():
        words = words[0].upper() + words[1:]
    if error.code is None or str(error.code) in words:
        return words
    return f"{words} (IB {error.code})"


def _outputs(sheet: Sheet | None) -> tuple[_Output, _Output]:
    if sheet is None:
        # without file=, so that they follow a sys.stdout that prints above the line being typed
        return _Output(highlight=False), _Output(highlight=False, stderr=True)
    there: dict[str, Any] = {
        "width": sheet.columns,
        "height": sheet.lines,
        "_environ": sheet.variables,
        "no_color": bool(sheet.variables.get("NO_COLOR")),
        "legacy_windows": False,
    }
    return (
        _Output(highlight=False, file=sheet.out, **there),
        _Output(highlight=False, file=sheet.err, **there),
    )


class _Output(RichConsole):
    """A rich console whose reader may go away: it falls silent, and says so once."""

    on_gone: Callable[[], None] = staticmethod(lambda: None)

    def on_broken_pipe(self) -> None:
        """Point the descriptor at nothing, so that the last flush at exit does not fail either."""
        self.quiet = True
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self.file.fileno())
        os.close(nothing)
        self.on_gone()
