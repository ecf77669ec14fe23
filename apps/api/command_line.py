"""From the words of a command line to a request: settings as options, then a command or none.

The same words at the prompt are `apps.api.tree`'s. Nothing is opened here, and no setting is read:
an option only says which one, in the words that were typed.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import click

from apps.api.config import SETTINGS, Setting
from apps.api.replies import Reply
from apps.api.session import Command, Session
from apps.api.tree import Tree, parse_with
from apps.domain.errors import InvalidInput

__all__ = ["OpenMenu", "Request", "request_of"]


@dataclass(frozen=True, slots=True)
class OpenMenu:
    """Open the menu: what is asked for without a command."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Refuse: within a session the menu is open already."""
        raise InvalidInput(f"The menu of {session.settings.trading_mode} is open already.")


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for, ``text`` in its own words.

    ``options`` are settings by name, as text; ``words`` the command's own, after the settings.
    ``confirm_live`` is the account that was named;
    ``fresh`` begins without the watchers of the last session.
    """

    command: Command
    options: Mapping[str, str] = field(default_factory=dict)
    in_json: bool = False
    exit_on_error: bool = False
    toolbar: bool = True
    text: str = ""
    confirm_live: str = ""
    fresh: bool = False
    words: tuple[str, ...] = ()

    @property
    def is_one_shot(self) -> bool:
        """The process ends with one command."""
        return not isinstance(self.command, OpenMenu)

    @property
    def is_session(self) -> bool:
        """The desk stays: the watchers of the last session come back, and stay for the next."""
        return not self.is_one_shot or getattr(self.command, "stays", False)


def request_of(words: Sequence[str]) -> Request:
    """Give the request that the command line asks for. Raises InvalidInput."""
    taken: dict[str, Any] = {}
    parsed = parse_with(_program(taken), words)
    options = {
        setting.name: taken[setting.field]
        for setting in SETTINGS
        if taken.get(setting.field) is not None
    }
    request = Request(
        parsed.command,
        options,
        in_json=parsed.in_json,
        exit_on_error=bool(taken.get("exit_on_error")),
        toolbar=not taken.get("no_toolbar"),
        text=shlex.join(_without_secrets(words)),
        confirm_live=taken.get("confirm_live") or "",
        fresh=bool(taken.get("fresh")),
        words=parsed.words,
    )
    if request.fresh and not request.is_session:
        raise InvalidInput(
            "--fresh begins a session without the last one's watchers; a single command has none."
        )
    return request


def _without_secrets(words: Sequence[str]) -> Iterator[str]:
    """Give the words as the journal may keep them."""
    secrets = {setting.option: setting for setting in SETTINGS if setting.secret}
    before: Setting | None = None
    for word in words:
        option, is_joined, value = word.partition("=")
        if before is not None:
            yield before.shown(word)
        elif is_joined and option in secrets:
            yield f"{option}={secrets[option].shown(value)}"
        else:
            yield word
        before = secrets.get(word) if before is None else None


class _Program(Tree):
    """The root of the command line: every setting is an option of it."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the commands, then what is about this run, then the settings."""
        super().format_options(ctx, formatter)
        names = {setting.field for setting in SETTINGS}
        for title, wanted in (("Options", False), ("Settings", True)):
            rows = [param.get_help_record(ctx) for param in self.params]
            chosen = [
                row
                for row, param in zip(rows, self.params, strict=True)
                if row and (param.name in names) is wanted
            ]
            with formatter.section(title):
                formatter.write_dl(chosen)


def _program(taken: dict[str, Any]) -> click.Group:
    """Give the root; what its options were given is put into ``taken``."""

    def note(**params: Any) -> Command:
        taken.update(params)
        return OpenMenu()

    options = [
        click.Option([setting.option], metavar="VALUE", help=setting.meaning)
        for setting in SETTINGS
    ]
    options += [
        click.Option(["--exit-on-error"], is_flag=True, help="End a session at its first error."),
        click.Option(
            ["--confirm-live"],
            metavar="ACCOUNT",
            help="Trade live on this account without being asked for its number.",
        ),
        click.Option(
            ["--fresh"], is_flag=True, help="Begin without the watchers of the last session."
        ),
        click.Option(["--no-toolbar"], is_flag=True, help="For terminals that draw it badly."),
    ]
    return _Program(
        "desk",
        invoke_without_command=True,
        callback=note,
        params=list[click.Parameter](options),
        subcommand_metavar="[COMMAND …]",
        help="An async trading terminal for Interactive Brokers. Without a command: the menu.",
        epilog="Settings may also stand in the environment, in .env or in config.toml.",
    )
