"""`activities`: the runs of routines, read from the account's journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.commands.journal import read_journal
from apps.api.replies import Activities, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class ListActivities:
    """Show the last runs of routines."""

    last: int
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Read the journal. Raises NotFound, JournalRefused."""
        kept = await read_journal(session, lambda journal: journal.activities(self.last))
        return Reply(Activities(kept))


@command(
    "activities",
    examples=("activities", "activities --last 5 --json"),
    short_help="The runs of routines: what was asked, from where, how it ended.",
)
@click.option(
    "--last", default=20, show_default=True, type=click.IntRange(1, _MOST), help="How many."
)
def entry(last: int) -> Command:
    """List the last runs of routines that were written down: what was asked for, and how it ended.

    No connection is needed, and a desk that runs is not disturbed.
    """
    return ListActivities(last)
