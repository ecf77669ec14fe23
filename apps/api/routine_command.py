"""Routines as commands: a click command made of a routine's definition.

One that trades shows its dry run before it acts, where somebody is there to look at it; ``--yes``
goes without. What is run is the same that HTTP runs: `apps.engine.routines.runner`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import click

from apps.api.dialogue import agreed_to_trade
from apps.api.durations import duration_s
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply
from apps.api.session import Command, Session
from apps.api.tree import command
from apps.engine.routines.parameters import Parameter
from apps.engine.routines.routine import AnyRoutine, Progress

__all__ = ["RunRoutine", "routine_command"]


@dataclass(frozen=True, slots=True)
class RunRoutine:
    """Run a routine with what was typed; ``deadline_s`` None is the routine's own."""

    routine: AnyRoutine
    values: Mapping[str, object]
    dry_run: bool = False
    deadline_s: float | None = None
    confirmed: bool = False
    needs_desk: ClassVar[bool] = True

    @property
    def trades(self) -> bool:
        """It may send orders."""
        return self.routine.trades and not self.dry_run

    async def run(self, session: Session) -> Reply:
        """Run it. Raises BadRequest, Refused and what the routine raises."""
        from apps.engine.routines.runner import Asked  # noqa: PLC0415 - help stays light

        asked = Asked(
            dry_run=self.dry_run,
            deadline_s=self.deadline_s,
            caller="command" if session.one_shot else "prompt",
        )
        runner = session.routines
        if self.trades:
            session.desk.check_trading()
            if session.console.interactive and not self.confirmed:
                tried = await runner.run(self.routine, self.values, replace(asked, dry_run=True))
                session.console.preview(tried)
            if not await agreed_to_trade(session, "Do it?", already=self.confirmed):
                return Reply(Note("Nothing was sent."), ExitCode.ERROR)
        with session.console.counted(self.routine.name) as count:

            def tell(at: Progress) -> None:
                count(at.done, at.of, at.text)

            answered = await runner.run(self.routine, self.values, asked, tell)
        return Reply(answered, ExitCode.DONE if answered.is_done else ExitCode.ERROR)


def routine_command(
    routine: AnyRoutine,
    *extra: click.Parameter,
    take: Callable[[dict[str, Any]], Command | None] = lambda _: None,
) -> click.Command:
    """Make the command of ``routine``.

    ``extra`` are options that only a command line has; ``take`` is given everything that was
    typed, takes those out, and may give a command of its own instead.
    """

    def made(**typed: Any) -> Command:
        if (own := take(typed)) is not None:
            return own
        dry_run = bool(typed.pop("dry_run", False))
        confirmed = bool(typed.pop("yes", False))
        deadline = typed.pop("deadline", None)
        values = {name: value for name, value in typed.items() if value not in (None, (), False)}
        routine.asked(values)  # a line that cannot be is refused before anything is opened
        limit_s = None if deadline is None else duration_s(deadline)
        return RunRoutine(routine, values, dry_run, limit_s, confirmed)

    made.__doc__ = routine.explanation
    entry = command(routine.name, examples=routine.examples, short_help=routine.meaning)(made)
    # ahead of --json and --help, which every command has
    entry.params = [*_parameters(routine), *extra, *entry.params]
    return entry


def _parameters(routine: AnyRoutine) -> list[click.Parameter]:
    made: list[click.Parameter] = [_option(each) for each in routine.parameters]
    if routine.trades:
        made.append(
            click.Option(["--dry-run"], is_flag=True, help="Show what would be done; send nothing.")
        )
        made.append(click.Option(["--yes", "-y"], is_flag=True, help="Do it without asking."))
    made.append(
        click.Option(
            ["--deadline"],
            metavar="TIME",
            help=f"How long it may take, such as 30s; {routine.deadline_s:g}s without.",
        )
    )
    return made


def _option(each: Parameter) -> click.Parameter:
    kind = each.kind
    if each.is_positional:
        nargs = -1 if kind.takes_many else 1
        return click.Argument(
            [each.name], metavar=kind.metavar, nargs=nargs, required=each.is_required
        )
    if kind.is_switch:
        return click.Option([each.option], is_flag=True, help=each.meaning)
    return click.Option(
        [each.option], metavar=kind.metavar, multiple=kind.takes_many, help=each.meaning
    )
