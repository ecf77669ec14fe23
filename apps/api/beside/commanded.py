"""A command that came from beside, done in the desk that runs.

The same words, tree and commands as at the prompt; results, questions and errors go to the caller's
own console, alerts stay here. The journal says that it came from beside.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from apps.api.beside.agreement import check_agreement
from apps.api.beside.messages import Asked
from apps.api.checks import check
from apps.api.console import Console
from apps.api.live import confirm_beside
from apps.api.outcomes import ExitCode, exit_code_of
from apps.api.session import Session
from apps.api.trading import check_trading
from apps.api.tree import parse
from apps.domain.errors import DeskError, InvalidInput

__all__ = ["done_for"]


async def done_for(
    asked: Asked, process: int | None, session: Session, console: Console
) -> ExitCode:
    """Do what was asked in ``session``'s desk, shown on ``console``; give the exit code.

    ``process`` is who asked, None where that is not known.
    """
    in_json = "--json" in asked.words
    try:
        return await _done(asked, process, replace(session, console=console, beside=True))
    except DeskError as error:
        console.show_error(error, in_json=in_json)
        return exit_code_of(error)
    except EOFError:
        # Ctrl-D at a question: nothing was sent
        return ExitCode.INTERRUPTED


async def _done(asked: Asked, process: int | None, session: Session) -> ExitCode:
    desk = session.desk
    if not asked.words:
        raise InvalidInput("No command was given.")
    check_agreement(asked.settings, session.settings, desk.account_name)
    parsed = parse(asked.words)
    if not parsed.command.needs_desk:
        raise InvalidInput(f"'{asked.words[0]}' is not done through a desk that runs.")
    check_trading(parsed.command, session.settings)
    check(parsed.command)
    confirm_beside(
        parsed.command,
        session.settings,
        desk.account_name,
        asked.confirm_live,
        interactive=session.console.interactive,
    )
    whence = "beside" if process is None else f"beside, process {process}"
    words = shlex.join(asked.words)
    session.note_command(f"({whence}) {words}")
    reply = await parsed.command.run(session)
    session.console.show(reply, in_json=parsed.in_json)
    return reply.exit_code
