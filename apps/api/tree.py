"""The command tree: from words to a command, the same for a shell, a pipe and the prompt.

click takes the words apart; its callbacks only make a value (`apps.api.session.Command`) and do
nothing. A command may be shortened as long as it stays unique, ``?`` asks for help, and every
command takes ``--json``. The modules of `apps.api.commands` are loaded when they are needed.
"""

from __future__ import annotations

import difflib
import importlib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, TypeVar

import click

from apps.api.replies import Note, Reply
from apps.api.session import Command, Session
from apps.domain.errors import InvalidInput

__all__ = [
    "COMMANDS",
    "CommandGroup",
    "Parsed",
    "ShowHelp",
    "Tree",
    "command",
    "help_text",
    "parse",
    "parse_with",
    "split",
]

F = TypeVar("F", bound=Callable[..., Any])

COMMANDS: tuple[str, ...] = (
    "breakout",
    "bracket",
    "quote",
    "bars",
    "data",
    "collect-market-data",
    "positions",
    "orders",
    "executions",
    "journal",
    "activities",
    "summary",
    "reconcile",
    "trade-reconciliation",
    "account",
    "link",
    "cancel",
    "close",
    "allocation",
    "cash-balancer",
    "close-all",
    "halt",
    "resume",
    "wait",
    "http",
    "gateway",
    "doctor",
    "paper",
    "demo",
    "help",
    "quit",
)
"""Every command in the order in which help lists it; each is the module of that name.

The module has ``_`` where the name has ``-``.
"""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command, whether its result was asked for as JSON, and its words, the root's left out."""

    command: Command
    in_json: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShowHelp:
    """Show a text that explains something."""

    text: str
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:  # noqa: ARG002 - what a Command takes
        """Give the text."""
        return Reply(Note(self.text))


class _HelpWanted(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def _with_help_option(params: list[click.Parameter]) -> list[click.Parameter]:
    def show(context: click.Context, _param: click.Parameter, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            raise _HelpWanted(context.get_help())

    option = click.Option(
        ["--help", "-h"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Explain this command.",
    )
    return [*params, option]


def _with_json_option(params: list[click.Parameter]) -> list[click.Parameter]:
    def note(context: click.Context, _param: click.Parameter, wanted: bool) -> None:
        if wanted:
            context.find_root().meta["in_json"] = True

    option = click.Option(
        ["--json"], is_flag=True, expose_value=False, callback=note, help="Result as JSON."
    )
    return [*params, option]


class _LeafCommand(click.Command):
    """A click command with our help and JSON options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["params"] = _with_help_option(_with_json_option(kwargs.get("params") or []))
        super().__init__(*args, **kwargs | {"add_help_option": False})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Have every error know its command: click leaves it out of some."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class CommandGroup(click.Group):
    """A group whose commands may be shortened."""

    command_class = _LeafCommand

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["params"] = _with_help_option(kwargs.get("params") or [])
        super().__init__(*args, **kwargs | {"add_help_option": False})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give every name, in the order in which they were added."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the one command that the first word begins."""
        name = self._name_for(ctx, args[0])
        return name, self.get_command(ctx, name), args[1:]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Explain the group when nothing follows its name."""
        if not args and not self.invoke_without_command:
            raise _HelpWanted(ctx.get_help())
        return super().parse_args(ctx, args)

    def _name_for(self, ctx: click.Context, word: str) -> str:
        names = self.list_commands(ctx)
        found = [name for name in names if name == word] or [
            name for name in names if name.startswith(word.lower())
        ]
        if len(found) == 1:
            return found[0]
        if found and word:
            raise click.UsageError(f"{word!r} could be {' or '.join(found)}.", ctx)
        near = difflib.get_close_matches(word, names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise click.UsageError(f"There is no command {word!r}.{hint}", ctx)


class Tree(CommandGroup):
    """The root: loads the module of a command when it is asked for it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and note the words that ask for it."""
        ctx.meta["words"] = tuple(args)
        return super().resolve_command(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show none where there is no program to call: at the prompt."""
        if ctx.info_name:
            super().format_usage(ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the commands alone."""
        self.format_commands(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give every name, in the order of help."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Load a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"apps.api.commands.{cmd_name.replace('-', '_')}")
        found: click.Command = module.entry
        return found


def command(
    name: str, *, short_help: str, examples: Sequence[str]
) -> Callable[[Callable[..., Command]], click.Command]:
    """Make a click command of a function that makes a `Command`.

    ``examples`` are whole lines as they are typed; help and `docs/commands.md` show them.
    """
    # click leaves a paragraph that begins with a backspace as it is
    epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples)
    return click.command(name, cls=_LeafCommand, short_help=short_help, epilog=epilog)


def parse(words: Sequence[str]) -> Parsed:
    """Give the command that ``words`` ask for. Raises InvalidInput with one sentence."""
    return parse_with(Tree(""), words)


def parse_with(root: click.Group, words: Sequence[str]) -> Parsed:
    """Give the command that ``words`` ask of ``root``, as `parse` does; its name is shown."""
    args = ["--help" if word == "?" else word for word in words]
    try:
        with root.make_context(root.name, args) as context:
            made: Command = root.invoke(context)
            found = context.meta
            return Parsed(made, bool(found.get("in_json")), tuple(found.get("words", ())))
    except _HelpWanted as wanted:
        return Parsed(ShowHelp(wanted.text))
    except click.UsageError as error:
        _raise_usage(error)


def help_text(words: Sequence[str]) -> str:
    """Give the explanation of one command, or of all. Raises InvalidInput for an unknown one."""
    try:
        tree = Tree("")
        with tree.make_context("", [*words, "--help"]) as context:
            tree.invoke(context)
    except _HelpWanted as wanted:
        return wanted.text
    except click.UsageError as error:
        _raise_usage(error)
    raise InvalidInput(f"There is no help for {' '.join(words)!r}.")


def split(line: str) -> list[list[str]]:
    """Give the words of each command on a line; ``;`` stands between commands.

    A line that begins with ``#`` holds none. Raises InvalidInput for an unclosed quotation.

    >>> split("quote AAPL; wait 5 ;positions")
    [['quote', 'AAPL'], ['wait', '5'], ['positions']]
    """
    if line.lstrip().startswith("#"):
        return []
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";")
    lexer.whitespace_split = True
    lexer.commenters = ""
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word.strip(";"):
                commands[-1].append(word)
            else:
                commands.append([])
    except ValueError:
        raise InvalidInput(
            f"A quotation mark is not closed in {line.strip()!r}; nothing of it was done."
        ) from None
    return [words for words in commands if words]


def _raise_usage(error: click.UsageError) -> NoReturn:
    where = " ".join(["help", *_path(error.ctx)])
    if isinstance(error, click.NoSuchOption) and error.option_name[1:2].isdigit():
        # a negative number where a quantity, a price or a time belongs
        sentence = "A number there cannot be negative."
    else:
        sentence = error.format_message().rstrip()
    if not sentence.endswith((".", "?")):
        sentence += "."
    raise InvalidInput(f"{sentence} `{where}` explains.") from None


def _path(context: click.Context | None) -> list[str]:
    """Give the names from the root, without it, down to ``context``."""
    names: list[str] = []
    while context is not None and context.parent is not None:
        names.insert(0, context.info_name or "")
        context = context.parent
    return names
