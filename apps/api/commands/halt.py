"""`halt`: the kill switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.outcomes import ExitCode
from apps.api.replies import Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class HaltTrading:
    """Stop entries, withdraw what is unfilled and, if asked, close everything of ours."""

    reduce: bool
    flatten: bool
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Halt, and say what became of entries and positions."""
        outcome = await session.desk.halt(reduce=self.reduce, flatten=self.flatten)
        return Reply(outcome, ExitCode.DONE if outcome.ok else ExitCode.ERROR)


@command(
    "halt",
    examples=("halt", "halt --flatten", "halt --reduce"),
    short_help="Kill switch: no entries from now on.",
)
@click.option("--reduce", is_flag=True, help="Let orders through that make a position smaller.")
@click.option("--flatten", is_flag=True, help="Then close all positions of ours.")
def entry(*, reduce: bool, flatten: bool) -> Command:
    """Stop entries at once and withdraw those that are not filled, until `resume`.

    It holds over a restart. Watchers stay armed and tell what they would have entered. Stops,
    take-profits and `close` go on as ever. A desk that runs and does not answer is halted by a file
    named KILL in its state folder; anybody may leave that (with the word flatten in it, if all is
    to be closed, or reduce), and SIGUSR1 halts it too.
    """
    return HaltTrading(reduce, flatten)
