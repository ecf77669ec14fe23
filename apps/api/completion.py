"""What could come next on a line that is being typed: pure, from the command tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from apps.api.tree import Tree

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that could come next. ``typed`` characters of it stand there already."""

    word: str
    meaning: str
    typed: int


def candidates(line: str, symbols: Iterable[str] = ()) -> Sequence[Candidate]:
    """Give what could complete the last word of ``line``: commands, options, symbols.

    >>> [each.word for each in candidates("pos")]
    ['positions']
    >>> [each.word for each in candidates("breakout st")]
    ['start', 'stop']
    """
    words = line.rpartition(";")[2].split(" ")
    *before, last = [word for word in words[:-1] if word] + [words[-1]]
    command = _walk(before)
    if command is None:
        return ()
    offered = (*_names(command, last), *_symbols(command, last, symbols))
    return [Candidate(word, meaning, len(last)) for word, meaning in offered]


def _walk(words: Sequence[str]) -> click.Command | None:
    """Follow ``words`` down the tree as far as they name groups and commands."""
    command: click.Command = Tree("")
    context = click.Context(command)
    for word in words:
        if not isinstance(command, click.Group):
            break
        names = [name for name in command.list_commands(context) if name.startswith(word.lower())]
        name = word if word in names else names[0] if len(names) == 1 else ""
        found = command.get_command(context, name)
        if found is None:
            return None
        command = found
    return command


def _names(command: click.Command, last: str) -> Iterable[tuple[str, str]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if name.startswith(last.lower()):
                found = command.get_command(context, name)
                yield name, found.short_help or "" if found else ""
    elif last.startswith("-"):
        for param in command.params:
            if isinstance(param, click.Option) and param.opts[0].startswith(last):
                yield param.opts[0], param.help or ""


def _symbols(
    command: click.Command, last: str, symbols: Iterable[str]
) -> Iterable[tuple[str, str]]:
    takes_symbol = any(
        param.name == "symbol" or "SYMBOL" in (param.metavar or "") for param in command.params
    )
    if takes_symbol and last and not last.startswith("-"):
        yield from ((symbol, "") for symbol in symbols if symbol.startswith(last.upper()))
