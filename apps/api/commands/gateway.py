"""`gateway`: TWS or IB Gateway itself, as a program that can be started and looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.outcomes import ExitCode
from apps.api.replies import Reply
from apps.api.session import Command, Session
from apps.api.tree import CommandGroup, command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class StartGateway:
    """Have the gateway up, and wait until it takes clients."""

    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Start it if it is not there. Raises what `apps.api.gateway.launch.bring_up` does."""
        from apps.api.gateway.launch import bring_up  # noqa: PLC0415 - help stays light

        return Reply(await bring_up(session.settings, session.console.say))


@dataclass(frozen=True, slots=True)
class ShowGateway:
    """Say how the gateway stands."""

    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Look; the exit code says whether clients are taken."""
        from apps.api.gateway.launch import look  # noqa: PLC0415 - help stays light

        seen = await look(session.settings)
        return Reply(seen, ExitCode.DONE if seen.is_up else ExitCode.NO_CONNECTION)


@click.group("gateway", cls=CommandGroup, short_help="Start TWS or IB Gateway, and look at it.")
def entry() -> None:
    """Start the TWS or IB Gateway that IB_HOST and IB_PORT lead to, and look how it stands."""


@command(
    "start",
    examples=("gateway start", "gateway start --json"),
    short_help="Run GATEWAY_COMMAND, and wait until the gateway takes clients.",
)
def start() -> Command:
    """Run GATEWAY_COMMAND as a process of its own, and wait until the gateway takes clients.

    What is waited for is said every few seconds: the port, the handshake, the login. A gateway that
    is up already is left alone; one that waits for its login is waited for. It goes on when the
    desk ends, and its output is in gateway.log in the desk's home.
    """
    return StartGateway()


@command(
    "status",
    examples=("gateway status",),
    short_help="Whether the gateway is there, logged in, and takes clients.",
)
def status() -> Command:
    """Say whether anybody listens, whether that is TWS, and whether it takes clients.

    Nothing is asked of the account. The exit code is 3 where no client would be taken.
    """
    return ShowGateway()


entry.add_command(start)
entry.add_command(status)
