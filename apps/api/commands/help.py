"""`help`: what there is, and how one command works."""

from __future__ import annotations

import click

from apps.api.session import Command
from apps.api.tree import ShowHelp, command, help_text

__all__ = ["entry"]


@command(
    "help",
    examples=("help", "help breakout start"),
    short_help="What there is, or how one command works.",
)
@click.argument("words", metavar="[COMMAND]", nargs=-1)
def entry(words: tuple[str, ...]) -> Command:
    """List the commands, or explain COMMAND. `?` after a command does the same."""
    return ShowHelp(help_text(words))
