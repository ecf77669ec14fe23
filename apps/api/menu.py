"""The menu: lines in, commands done, until somebody quits.

The same loop serves a terminal and a pipe. At a terminal there are numbered items (a number is
short for the command beside it); in a pipe a line that cannot be done is one sentence, and the
session goes on.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from apps.api.interrupts import Interrupted
from apps.api.outcomes import ExitCode, exit_code_of
from apps.api.replies import Note, Reply
from apps.api.session import Session
from apps.api.trading import check_trading
from apps.api.tree import parse, split
from apps.domain.errors import DeskError

__all__ = ["ITEMS", "Menu", "MenuItem", "menu_text", "own_error"]


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A numbered item: what it is called, and the command that it stands for."""

    title: str
    words: tuple[str, ...]


ITEMS: tuple[MenuItem, ...] = (
    MenuItem("Breakout live", ("breakout", "start")),
    MenuItem("Bracket order", ("bracket",)),
    MenuItem("Watchers", ("breakout", "list")),
    MenuItem("Positions", ("positions",)),
    MenuItem("Orders", ("orders",)),
    MenuItem("Executions", ("executions",)),
    MenuItem("Account", ("account",)),
    MenuItem("Quote", ("quote",)),
    MenuItem("Demo", ("demo",)),
)

_LOGGER = logging.getLogger(__name__)

_QUIT_WORDS = frozenset({"q", "exit"})


class Menu:
    """Reads lines and does them. ``prompt`` gives the prompt of the moment."""

    def __init__(
        self, session: Session, prompt: Callable[[], str], *, exit_on_error: bool = False
    ) -> None:
        self._session = session
        self._console = session.console
        self._prompt = prompt
        self._exit_on_error = exit_on_error
        self._has_left = False

    async def run(self) -> ExitCode:
        """Go on until quit, the end of input, or a second Ctrl-C; give the exit code."""
        if self._console.interactive:
            self._console.show(Reply(Note(menu_text())))
        while True:
            try:
                ended = await self._line(await self._console.command(self._prompt()))
            except EOFError:
                return ExitCode.DONE
            except Interrupted as interrupted:
                ended = self._interrupted(interrupted)
            except DeskError as error:
                self._console.show_error(error)
                ended = self._after(exit_code_of(error))
            if ended is not None:
                return ended

    async def _line(self, line: str) -> ExitCode | None:
        """Do the commands of a line; what follows one that fails is not done."""
        commands = split(line)
        for done, words in enumerate(commands, start=1):
            reply = await self._do(words)
            if reply.quits:
                return ExitCode.DONE
            if reply.exit_code:
                if done < len(commands):
                    self._console.say("The rest of the line was not done.")
                return self._after(reply.exit_code)
        return None

    async def _do(self, words: list[str]) -> Reply:
        in_json = self._console.left_question = False
        try:
            parsed = parse(expanded(words))
            in_json = parsed.in_json
            self._session.note_command(shlex.join(words))
            check_trading(parsed.command, self._session.settings)
            reply = await self._console.interrupts.foreground(parsed.command.run(self._session))
        except DeskError as error:
            self._console.show_error(error, in_json=in_json)
            return Reply(exit_code=exit_code_of(error))
        except Interrupted:
            self._has_left = True
            raise
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - a bug in one command leaves the watchers alone
            self._console.show_error(own_error(words, error), in_json=in_json)
            return Reply(exit_code=ExitCode.ERROR)
        self._console.show(reply, in_json=in_json)
        return reply

    def _after(self, failure: ExitCode) -> ExitCode | None:
        return failure if self._exit_on_error else None

    def _interrupted(self, interrupted: Interrupted) -> ExitCode | None:
        interrupts = self._console.interrupts
        has_left, self._has_left = self._has_left, False
        if interrupted.discarded and not has_left:
            # as in a shell: it was about the line, not about the desk
            interrupts.armed = False
            return None
        if interrupts.armed or not self._console.interactive:
            return ExitCode.INTERRUPTED
        interrupts.armed = True
        words = self._words_for_left() if has_left else ""
        self._console.say(f"{words}Ctrl-C again quits.")
        return None

    def _words_for_left(self) -> str:
        if self._console.left_question:
            return "Nothing was sent. "
        return "Left; what was sent stays, see `orders`. "


def own_error(words: list[str], error: Exception) -> DeskError:
    """Log a bug that ended a command, and give the sentence for it."""
    _LOGGER.error("%s failed by a bug", words[0], exc_info=error)
    return DeskError(
        f"'{words[0]}' failed by an error of the desk's own ({type(error).__name__}: {error}); "
        "the log has the details. Watchers and orders go on: check `orders` before you repeat it."
    )


def expanded(words: list[str]) -> list[str]:
    """Put the command in the place of a menu item's number."""
    first, *rest = words
    if first.isdecimal() and 1 <= int(first) <= len(ITEMS):
        return [*ITEMS[int(first) - 1].words, *rest]
    return ["quit", *rest] if first == "0" or first.lower() in _QUIT_WORDS else words


def menu_text() -> str:
    """Give the menu as it is shown."""
    rows = [
        f"  {number}  {item.title:<15} {' '.join(item.words)}"
        for number, item in enumerate(ITEMS, start=1)
    ]
    return "\n".join([*rows, "  0  Quit            quit", "A number, a command, or help."])
