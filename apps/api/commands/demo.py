"""`demo`: the whole story on a market of its own."""

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
class RunDemo:
    """Tell the story on the market of ``seed``."""

    seed: int | None
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Run it; the exit code says whether all of it happened."""
        from apps.api.demo import tell_story  # noqa: PLC0415 - it brings a whole desk along

        verdict = await tell_story(session, seed=self.seed)
        return Reply(verdict, ExitCode.DONE if verdict.holds else ExitCode.ERROR)


@command(
    "demo",
    examples=("demo", "demo --seed 7"),
    short_help="The whole story on a simulated market, in half a minute.",
)
@click.option("--seed", type=click.IntRange(0, 2_147_483_647), help="Another market.")
def entry(seed: int | None) -> Command:
    """Arm watchers, see one trigger, its bracket fill, and an exit close it, at speed.

    It has a gateway, an account and a state folder of its own, and ends with what the gateway's
    ledger says of it.
    """
    return RunDemo(seed)
