"""`paper`: the gateway that the desk brings along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.dialogue import agreed
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply
from apps.api.session import Command, Session
from apps.api.tree import CommandGroup, command
from apps.domain.errors import Refused

__all__ = ["entry"]

_QUESTION = "Forget every order, position and execution of the paper account?"


@dataclass(frozen=True, slots=True)
class ResetPaper:
    """Have the embedded gateway begin afresh."""

    confirmed: bool
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Forget its state now, or at the next start where this desk works with it.

        Raises Refused for a desk with another gateway, FolderInUse and StateInUse.
        """
        if not session.settings.embedded:
            raise Refused(
                f"IB_HOST names a gateway at {session.settings.ib_host}, and what that holds is "
                "not the desk's to forget. Leave IB_HOST empty for the embedded one."
            )
        if not await agreed(session, _QUESTION, already=self.confirmed):
            return Reply(Note("Nothing was forgotten."), ExitCode.ERROR)
        return Reply(Note(_forgotten(session)))


def _forgotten(session: Session) -> str:
    from apps.api import embedded  # noqa: PLC0415 - it brings the gateway along

    if session.connected is not None:
        embedded.forget_at_next_start(session.settings)
        return (
            "The paper account begins afresh at the next start; until you quit, this desk goes on "
            "with it as it is."
        )
    if embedded.forget(session.settings):
        return "The paper account begins afresh."
    return "There was nothing to forget: the paper account begins afresh anyway."


@click.group("paper", cls=CommandGroup, short_help="The embedded paper gateway.")
def entry() -> None:
    """Look after the gateway that the desk brings along where IB_HOST is empty."""


@command(
    "reset",
    examples=("paper reset", "paper reset --yes"),
    short_help="Forget the paper account's orders, positions and executions.",
)
@click.option("--yes", "-y", is_flag=True, help="Forget without asking.")
def reset(*, yes: bool) -> Command:
    """Have the paper account begin afresh, with its first cash and nothing else.

    Its journal, and the watchers in it, is put aside (journal.sqlite.1, and so on): it tells of
    orders that the new account never had.
    Within a running desk it is done at the next start. A desk with a gateway of its own
    (IB_HOST) has nothing to reset.
    """
    return ResetPaper(confirmed=yes)


entry.add_command(reset)
