"""Which console there can be here: a capable terminal, a dumb one, or none.

Decided once, from what the standard streams are; everything after that talks to
`apps.api.console.Console` and does not ask.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache

from apps.api.bell import Bell
from apps.api.clock import SystemClock
from apps.api.completion import candidates
from apps.api.config import Settings
from apps.api.console import Console, Manner, Streams
from apps.api.interrupts import Interrupts
from apps.api.situation import Situation
from apps.api.state import state_root
from apps.api.streams import PipeLines, StreamPrompts
from apps.api.window import WindowTitle

__all__ = ["open_console", "window_title"]

Opening = tuple[Callable[[], Streams], Callable[[], Streams]]
"""How the streams of commands and of answers are opened."""

_DUMB = frozenset({"", "dumb", "unknown"})

_UNTITLED = frozenset({"linux", "eterm-color"})
"""Terminals that have no window, and would print its title as if it were text."""


def open_console(
    settings: Settings,
    interrupts: Interrupts,
    situation: Situation,
    *,
    one_shot: bool,
    in_json: bool,
    toolbar: bool,
) -> Console:
    """Give the console that this process can have."""
    # whoever wants JSON is a program, and programs are not asked
    interactive = _is_terminal(sys.stdin) and not in_json
    capable = interactive and _is_terminal(sys.stdout) and _is_capable()
    if capable:
        commands, answers = _terminal_streams(settings, situation, toolbar=toolbar)
    else:
        commands = answers = _plain_streams(interactive=interactive)
    return Console(
        interrupts,
        commands=commands,
        answers=answers,
        interactive=interactive,
        manner=Manner.JSON if in_json else Manner.ONE_SHOT if one_shot else Manner.SESSION,
        shared_line=interactive and not capable and _is_terminal(sys.stdout),
        bell=_bell(settings, situation) if not in_json else None,
    )


def window_title(console: Console, situation: Situation) -> WindowTitle | None:
    """Give the title of the window that the trader sits at, if there is one."""
    stream = sys.__stdout__
    titled = console.interactive and _is_terminal(stream) and _is_capable()
    if stream is None or not titled or os.environ.get("TERM") in _UNTITLED:
        return None

    def write(sequence: str) -> None:
        stream.write(sequence)
        stream.flush()

    return WindowTitle(situation.title, write)


def _bell(settings: Settings, situation: Situation) -> Bell | None:
    if not (settings.bell and _is_terminal(sys.stdout) and _is_capable()):
        return None
    return Bell(lambda: situation.is_linked, SystemClock().monotonic)


def _terminal_streams(settings: Settings, situation: Situation, *, toolbar: bool) -> Opening:
    from apps.api.terminal import TerminalLines, open_history  # noqa: PLC0415 - 0.2 s, if needed

    @cache
    def commands() -> Streams:
        root = state_root(settings.desk_home)
        lines = TerminalLines(
            history=open_history(root / f"history-{settings.trading_mode}"),
            complete=lambda line: candidates(line, situation.symbols()),
            toolbar=situation.toolbar if toolbar else None,
            prompt=situation.prompt,
            live=settings.live,
        )
        return Streams(lines, lines)

    @cache
    def answers() -> Streams:
        lines = TerminalLines(toolbar=situation.toolbar if toolbar else None, live=settings.live)
        return Streams(lines, lines)

    return commands, answers


def _plain_streams(*, interactive: bool) -> Callable[[], Streams]:
    """Give the one stream of lines; prompts go where they do not get into the results."""

    @cache
    def lines() -> Streams:
        prompts = sys.stdout if _is_terminal(sys.stdout) else sys.stderr
        writer = StreamPrompts(prompts if interactive else None)
        return Streams(PipeLines(sys.stdin.fileno()), writer)

    return lines


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty())


def _is_capable() -> bool:
    return sys.platform == "win32" or os.environ.get("TERM", "") not in _DUMB
