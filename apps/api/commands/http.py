"""`http`: the desk over HTTP, for as long as a session runs, or as a program of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.replies import Reply
from apps.api.session import Command, Session
from apps.api.tree import CommandGroup, command

__all__ = ["ServeHttp", "entry"]


@dataclass(frozen=True, slots=True)
class ServeHttp:
    """Serve; as a program of its own stay until it is told to quit."""

    needs_desk: ClassVar[bool] = True
    stays: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Begin to serve. Raises what `HttpService.begin` does."""
        report = await session.http.begin(session)
        if not session.one_shot or session.beside:
            return Reply(report)
        session.console.preview(report)
        await session.http.over()
        return Reply()


@dataclass(frozen=True, slots=True)
class StopHttp:
    """Serve no more."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """End it; the desk goes on."""
        return Reply(await session.http.end())


@dataclass(frozen=True, slots=True)
class ShowHttp:
    """Say whether it is served, and where."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Look."""
        return Reply(session.http.report())


@click.group(
    "http",
    cls=CommandGroup,
    invoke_without_command=True,
    short_help="The desk over HTTP: serve, stop, status.",
)
@click.pass_context
def entry(context: click.Context) -> Command | None:
    """Serve the desk's routines, what it knows and what happens over HTTP, to who has the token.

    Without a further word, on the command line: a desk without a prompt that serves until it is
    told to quit.
    """
    return ServeHttp() if context.invoked_subcommand is None else None


@command(
    "start", examples=("http start",), short_help="Serve on HTTP_HOST and HTTP_PORT, with a token."
)
def start() -> Command:
    """Serve on HTTP_HOST and HTTP_PORT while the desk runs.

    The token is in http.token in the account's folder; it is made when there is none. Beside a
    desk that runs, that one serves.
    """
    return ServeHttp()


@command("stop", examples=("http stop",), short_help="Serve no more.")
def stop() -> Command:
    """Serve no more; the desk goes on. Callers that wait are told."""
    return StopHttp()


@command("status", examples=("http status",), short_help="Whether it is served, and where.")
def status() -> Command:
    """Say whether the desk is served, where, where the token is, and who listens."""
    return ShowHttp()


entry.add_command(start)
entry.add_command(stop)
entry.add_command(status)
