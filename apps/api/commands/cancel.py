"""`cancel`: take back orders of our own, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.dialogue import need
from apps.api.outcomes import ExitCode
from apps.api.replies import CancelOutcomes, Reply
from apps.api.session import Command, Session
from apps.api.tree import command
from apps.domain.errors import InvalidInput

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class CancelOrders:
    """Cancel one of our own orders, or all of them."""

    target: str | None
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Ask for the cancellations and say what became of each."""
        target = _target(await need(session, "ID", self.target, "all"))
        outcomes = await session.desk.cancel(target)
        failed = any(not outcome.ok for outcome in outcomes)
        return Reply(CancelOutcomes(outcomes), ExitCode.REJECTED if failed else ExitCode.DONE)


@command(
    "cancel",
    examples=("cancel 12", "cancel all"),
    short_help="Cancel an order of ours, or all of them.",
)
@click.argument("target", metavar="ID|all", required=False)
def entry(target: str | None) -> Command:
    """Cancel our own order ID, or all orders of ours; those of others are never touched."""
    return CancelOrders(target)


def _target(text: str) -> int | str:
    if text.lower() == "all":
        return "all"
    if not text.isdecimal():
        raise InvalidInput(f"{text!r} is no order; give a number from `orders`, or all.")
    return int(text)
