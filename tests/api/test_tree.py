from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from apps.api.commands.bars import ShowBars
from apps.api.commands.bracket import SendBracket
from apps.api.commands.breakout import ListBreakouts, StartBreakout, StopBreakout
from apps.api.commands.cancel import CancelOrders
from apps.api.commands.demo import RunDemo
from apps.api.commands.halt import HaltTrading
from apps.api.commands.positions import ShowPositions
from apps.api.commands.quit import Quit
from apps.api.commands.quote import ShowQuote
from apps.api.commands.resume import ResumeTrading
from apps.api.commands.wait import Wait
from apps.api.completion import candidates
from apps.api.tree import COMMANDS, ShowHelp, Tree, help_text, parse, split
from apps.domain.errors import InvalidInput

ROOT = Path(__file__).parents[2]


def walk() -> list[tuple[str, click.Command]]:
    """Every command that can be run, by its full name."""
    tree = Tree("")
    context = click.Context(tree)
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = tree.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", each) for sub, each in command.commands.items()]
        else:
            found.append((name, command))
    return found


def words(line: str) -> list[str]:
    (only,) = split(line)
    return only


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("quote AAPL", ShowQuote("AAPL")),
        ("quote", ShowQuote(None)),
        ("positions", ShowPositions()),
        ("pos", ShowPositions()),
        ("POS", ShowPositions()),
        ("breakout l", ListBreakouts()),
        ("breakout stop w1", StopBreakout("w1")),
        ("bars AAPL --bar 5m --last 3", ShowBars("AAPL", 300, 3, csv=False)),
        ("cancel 12", CancelOrders("12")),
        ("wait 2.5", Wait(2.5, of_market=False)),
        ("wait --market 5m", Wait(300.0, of_market=True)),
        ("demo --seed 7", RunDemo(7)),
        ("halt", HaltTrading(reduce=False, flatten=False)),
        ("halt --reduce --flatten", HaltTrading(reduce=True, flatten=True)),
        ("resume", ResumeTrading()),
        ("quit", Quit()),
        (
            "bracket sell MSFT 50 --limit 410.5 --tp 1 --sl 0.5 -y",
            SendBracket("sell", "MSFT", "50", "410.5", "1", "0.5", confirmed=True),
        ),
    ],
)
def test_line_becomes_its_command(line: str, command: object) -> None:
    assert parse(words(line)).command == command


@pytest.mark.parametrize("level", ["190.5", "+0.05%", "-0.3%"])
def test_level_with_a_sign_is_a_value_and_no_option(level: str) -> None:
    command = parse(words(f"breakout start aapl --level {level}")).command
    assert isinstance(command, StartBreakout)
    assert command.request.level == level
    assert command.request.symbol == "AAPL"


def test_json_is_asked_for_with_any_command() -> None:
    assert parse(words("positions --json")).in_json
    assert parse(words("breakout list --json")).in_json
    assert not parse(words("positions")).in_json


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("br", "'br' could be breakout or bracket. `help` explains."),
        ("positons", "There is no command 'positons'. Did you mean positions? `help` explains."),
        ("xyzzy", "There is no command 'xyzzy'. `help` explains."),
        ("quote A B", "Got unexpected extra argument (B). `help quote` explains."),
        ("quote --fast", "No such option '--fast'. `help quote` explains."),
        ("bracket buy AAPL -5", "A number there cannot be negative. `help bracket` explains."),
        ("wait", "wait takes SECONDS, or --market TIME, and one of them only."),
        ("wait 5 --market 5m", "wait takes SECONDS, or --market TIME, and one of them only."),
        (
            "breakout start A --level",
            "Option '--level' requires an argument. `help breakout start` explains.",
        ),
    ],
)
def test_line_that_cannot_be_understood_is_one_sentence(line: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(words(line))
    assert caught.value.message == sentence


@pytest.mark.parametrize(
    "line",
    [
        "wait never",
        "wait 1e3",
        "wait 8d",
        "bars AAPL --bar 7s",
        "bars AAPL --last 0",
        "demo --seed x",
    ],
)
def test_value_that_cannot_be_is_refused(line: str) -> None:
    with pytest.raises(InvalidInput):
        parse(words(line))


def test_semicolon_stands_between_commands_but_not_in_quotes() -> None:
    assert split("quote AAPL;wait 5 ; x 'a;b'") == [["quote", "AAPL"], ["wait", "5"], ["x", "a;b"]]
    assert split("  ;; ") == []
    assert split("") == []


def test_comment_in_a_script_is_nothing() -> None:
    assert split("# quote AAPL; quit") == []


def test_unclosed_quotation_is_one_sentence() -> None:
    with pytest.raises(InvalidInput, match="quotation mark is not closed"):
        split("quote 'AAPL")


@pytest.mark.parametrize("line", ["quote ?", "quote --help", "quote -h", "help quote", "help quo"])
def test_help_of_a_command_shows_what_it_takes_and_an_example(line: str) -> None:
    command = parse(words(line)).command
    assert isinstance(command, ShowHelp)
    assert "SYMBOL" in command.text
    assert "quote AAPL" in command.text


def test_group_alone_explains_itself() -> None:
    command = parse(["breakout"]).command
    assert isinstance(command, ShowHelp)
    assert "start" in command.text


def test_help_lists_every_command_in_order() -> None:
    text = help_text([])
    places = [text.index(f"\n  {name}") for name in COMMANDS]
    assert places == sorted(places)


def test_help_of_an_unknown_command_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no command 'nothing'"):
        help_text(["nothing"])


@pytest.mark.parametrize(("name", "command"), walk(), ids=str)
def test_every_command_has_help_that_fits_80_columns(name: str, command: click.Command) -> None:
    assert command.short_help
    assert command.help
    assert command.epilog
    text = help_text(name.split())
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize(("name", "command"), walk(), ids=str)
def test_every_command_is_documented_with_its_examples_and_options(
    name: str, command: click.Command
) -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert f"\n## {name}\n" in page
    section = page.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
    examples = [line.strip() for line in (command.epilog or "").splitlines()[2:]]
    assert examples
    for example in examples:
        assert f"\n{example}\n" in section
        parse(words(example))
    for param in command.params:
        if isinstance(param, click.Option) and param.name not in (None, "help", "json"):
            assert param.opts[0] in section


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", list(COMMANDS)),
        ("q", ["quote", "quit"]),
        ("breakout s", ["start", "stop"]),
        ("br s", []),
        ("breakout ", ["start", "list", "stop"]),
        ("pos; qui", ["quit"]),
        ("breakout start --l", ["--level"]),
        ("quote AA", ["AAPL"]),
        ("quote m", ["MSFT"]),
        ("nothing ", []),
        ("wait AA", []),
    ],
)
def test_completion_offers_what_could_come_next(line: str, expected: list[str]) -> None:
    assert [each.word for each in candidates(line, ("AAPL", "MSFT"))] == expected


def test_help_loads_neither_ib_insync_nor_pandas_nor_the_terminal() -> None:
    heavy = "{'ib_insync', 'pandas', 'numpy', 'rich', 'prompt_toolkit', 'aioconsole'}"
    script = (
        "import sys; sys.argv = ['desk', '--help']; from apps.api.cli import main; "
        f"code = main(); sys.exit(code or sorted({heavy} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "--ib-host" in done.stdout
