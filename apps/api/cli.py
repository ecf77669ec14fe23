"""The command line: ``python -m apps.api.cli [SETTINGS] [COMMAND …]``.

Without a command it opens the menu; with one it does that and ends. Here words become a request,
one ``asyncio.run`` runs it, and whatever happens becomes an exit code and at most one sentence.
What a desk is made of stands in `apps.api.bootstrap`, which is loaded only when there is
something to run: help stays light.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from apps.api.command_line import Request, request_of
from apps.api.config import Settings, load_settings
from apps.api.ending import Ending, leave
from apps.api.interrupts import Interrupted, Interrupts
from apps.api.outcomes import ExitCode, error_as_json, exit_code_of
from apps.api.outlet import Outlet, say_at_the_end
from apps.api.replies import Reply
from apps.api.session import Command, Session
from apps.api.standard_streams import abandon_stdout, occupy_standard_streams
from apps.api.state import EMBEDDED, account_folder, state_root
from apps.api.tree import ShowHelp
from apps.domain.errors import DeskError

if TYPE_CHECKING:
    from apps.api.console import Console
    from apps.api.situation import Situation

__all__ = ["main", "run"]

PROJECT_ROOT = Path(__file__).parents[2]

_STDOUT = 1


def main(words: Sequence[str] | None = None) -> int:
    """Run the program of this process, or what ``words`` ask for; give its exit code."""
    occupy_standard_streams()
    words = sys.argv[1:] if words is None else words
    in_json = "--json" in words
    try:
        request = request_of(words)
        if isinstance(request.command, ShowHelp):
            return _print_help(request.command.text)
    except DeskError as error:
        return _print_error(error, in_json=in_json)
    with Outlet.in_place() as outlet:
        code = _run(request, outlet, in_json=in_json)
        return _drained(outlet, code)


def _run(request: Request, outlet: Outlet, *, in_json: bool) -> int:
    try:
        return asyncio.run(run(request, outlet))
    except DeskError as error:
        return _print_error(error, in_json=in_json)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return ExitCode.ERROR
    except Exception as error:  # noqa: BLE001 - the program's edge: a bug becomes one sentence
        return _print_error(_own_error(error), in_json=in_json)


def _drained(outlet: Outlet, code: int) -> int:
    """Wait for who reads what was printed; give the exit code after that."""
    try:
        is_read = outlet.drain()
    except KeyboardInterrupt:
        is_read, code = False, ExitCode.INTERRUPTED
    if not is_read:
        say_at_the_end("Not all of the output was read, and its end was given up.")
    return ExitCode.ERROR if _STDOUT in outlet.gone and not code else code


async def run(request: Request, outlet: Outlet | None = None) -> int:
    """Do what was asked, and end within five seconds of being told to; give the exit code.

    ``outlet`` is where stdout goes, if that is a pipe.
    """
    interrupts, ending = Interrupts(), Ending()
    outlet = outlet or Outlet()
    outlet.on_gone = _in_this_loop(lambda fd: _output_gone(fd, ending))
    with interrupts.handled(ending.quit_with):
        work = asyncio.create_task(_work(request, interrupts, ending), name="desk session")
        ending.of(work)
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            # without signal handlers Ctrl-C arrives as the cancellation of the main task
            ending.quit_with(ExitCode.INTERRUPTED)
            await asyncio.wait({work})
            raise
        finally:
            ending.done()
            outlet.time_limit_s = ending.time_left_s()
    return ending.code if work.cancelled() else work.result()


def _in_this_loop(tell: Callable[[int], None]) -> Callable[[int], None]:
    loop = asyncio.get_running_loop()

    def tell_from_a_thread(fd: int) -> None:
        # a loop that is closed has nothing to end any more
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, fd)

    return tell_from_a_thread


def _output_gone(fd: int, ending: Ending) -> None:
    if fd == _STDOUT:
        ending.quit_with(ExitCode.ERROR)


async def _work(request: Request, interrupts: Interrupts, ending: Ending) -> ExitCode:
    settings = load_settings(
        request.options, os.environ, working_folder=Path.cwd(), project_root=PROJECT_ROOT
    )
    done = None
    if request.is_one_shot and request.command.needs_desk:
        done = await _beside(request, settings, interrupts)
    if done is not None and done.value is None:
        return done.exit_code

    from apps.api.checks import check  # noqa: PLC0415 - help stays light, and so does all above
    from apps.api.situation import Situation  # noqa: PLC0415
    from apps.api.trading import check_trading  # noqa: PLC0415

    situation = Situation(settings)
    console = _opened_console(request, settings, interrupts, situation)
    console.on_output_gone(lambda: ending.quit_with(ExitCode.ERROR))
    try:
        if done is not None:
            console.show(done)
            return done.exit_code
        check(request.command)
        check_trading(request.command, settings)
        if request.command.needs_desk:
            return await _with_desk(request, settings, console, situation, ending)
        return await _one_shot(request.command, Session(console, settings, one_shot=True))
    except DeskError as error:
        console.show_error(error)
        return exit_code_of(error)
    except Interrupted:
        return ExitCode.INTERRUPTED


def _opened_console(
    request: Request, settings: Settings, interrupts: Interrupts, situation: Situation
) -> Console:
    from apps.api.stage import open_console  # noqa: PLC0415 - help stays light

    return open_console(
        settings,
        interrupts,
        situation,
        one_shot=request.is_one_shot,
        in_json=request.in_json,
        toolbar=request.toolbar,
    )


async def _beside(request: Request, settings: Settings, interrupts: Interrupts) -> Reply | None:
    """Have a desk that runs do it, if one does. Raises DeskError."""
    from apps.api.beside.caller import Asking, done_beside  # noqa: PLC0415 - help stays light

    async def answer(prompt: str) -> str:
        from apps.api.situation import Situation  # noqa: PLC0415 - only who asks needs a terminal

        console = _opened_console(request, settings, interrupts, Situation(settings))
        return await console.answer(prompt)

    interactive = sys.stdin.isatty() and not request.in_json
    asking = Asking(request.command, request.words, request.confirm_live, interactive)
    try:
        return await interrupts.foreground(done_beside(asking, settings, answer))
    except Interrupted:
        click.echo("Left; what was sent stays, see `orders`.", err=True)
        return Reply(exit_code=ExitCode.INTERRUPTED)


async def _with_desk(
    request: Request,
    settings: Settings,
    console: Console,
    situation: Situation,
    ending: Ending,
) -> ExitCode:
    from apps.api.bootstrap import joined_desk  # noqa: PLC0415 - help stays light
    from apps.api.http.service import HttpService  # noqa: PLC0415
    from apps.api.live import confirmation  # noqa: PLC0415
    from apps.api.stage import window_title  # noqa: PLC0415
    from apps.api.views.banner import banner, farewell  # noqa: PLC0415
    from apps.api.window import titled  # noqa: PLC0415

    confirm = confirmation(
        request.command,
        settings,
        console,
        request.confirm_live,
        one_shot=not request.is_session,
        fresh=request.fresh,
    )
    title = window_title(console, situation)
    if title is not None:
        ending.restore_too(title.restore)
    try:
        async with joined_desk(settings, console.emit, confirm) as joined, titled(title):
            situation.desk = desk = joined.desk
            console.say(
                banner(
                    desk.account_name,
                    settings,
                    trading=desk.trading,
                    is_read_only=desk.is_read_only,
                )
            )
            session = Session(
                console,
                settings,
                desk,
                one_shot=request.is_one_shot,
                runner=joined.routines,
                service=HttpService(_folder(settings, desk.account_name)),
            )
            try:
                code = await _foreground(request, session, situation)
            finally:
                ending.begin()
                await session.http.end()
                # what a single command has armed ends with it: nobody would look for it later
                report = await desk.shutdown(ends_watchers=not request.is_session)
                console.say(farewell(report, settings))
    finally:
        if situation.desk is not None:
            console.say("Disconnected.")
    # a position of ours without a working stop is not a good end, whatever went before
    return ExitCode.ERROR if report.unprotected and not code else code


async def _foreground(request: Request, session: Session, situation: Situation) -> ExitCode:
    from apps.api.beside.listener import listening  # noqa: PLC0415 - help stays light
    from apps.api.menu import Menu  # noqa: PLC0415

    try:
        if request.is_one_shot:
            session.note_command(request.text)
        if not request.is_session:
            return await _one_shot(request.command, session)
        _take_up_watchers(request, session)
        folder = _folder(session.settings, session.desk.account_name)
        async with listening(replace(session, one_shot=False), folder):
            if request.is_one_shot:
                return await _one_shot(request.command, session)
            menu = Menu(session, situation.prompt, exit_on_error=request.exit_on_error)
            return await menu.run()
    except DeskError as error:
        session.console.show_error(error)
        return exit_code_of(error)
    except (Interrupted, EOFError):
        # an EOFError is Ctrl-D at a question of a single command: nothing was sent
        return ExitCode.INTERRUPTED


def _folder(settings: Settings, account: str) -> Path:
    """Give the folder that the desk of ``account`` holds."""
    name = EMBEDDED if settings.embedded else account
    return account_folder(state_root(settings.desk_home), mode=settings.trading_mode, account=name)


def _take_up_watchers(request: Request, session: Session) -> None:
    """Have the watchers of the last session go on, or end there where that is asked for."""
    from apps.api.views.banner import (  # noqa: PLC0415
        watchers_back,
        watchers_forgotten,
        watchers_rest,
    )

    if request.fresh:
        if forgotten := session.desk.forget_watchers("--fresh"):
            session.console.say(watchers_forgotten(forgotten))
    elif not session.settings.trading_enabled:
        # what they would enter would be refused, and they would be spent by it
        if resting := session.desk.resting_watchers():
            session.console.say(watchers_rest(resting))
    elif rows := session.desk.bring_back_watchers():
        session.console.say(watchers_back(rows))


async def _one_shot(command: Command, session: Session) -> ExitCode:
    reply = await session.console.interrupts.foreground(command.run(session))
    session.console.show(reply)
    return reply.exit_code


def _print_help(text: str) -> int:
    try:
        click.echo(text)
    except BrokenPipeError:
        abandon_stdout()
    return ExitCode.DONE


def _print_error(error: DeskError, *, in_json: bool) -> int:
    if in_json:
        click.echo(json.dumps(error_as_json(error), ensure_ascii=False))
    else:
        click.echo(error.message, err=True)
    return exit_code_of(error)


def _own_error(error: Exception) -> DeskError:
    words = [
        f"The desk ended by an error of its own ({type(error).__name__}: {error}).",
        *getattr(error, "__notes__", ()),
        "Orders that work at the broker stay there.",
    ]
    return DeskError(" ".join(words))


if __name__ == "__main__":
    leave(main())
