"""The command line of ``python -m apps.paper``: one table, of which parser, help and checks come.

A row says what an option is called, what its text becomes, and where in `Launch` that goes; to add
an option is to add a row. What texts may be stands in `option_values`; what the values do is not
known here.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from enum import Enum
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn

from apps.domain.errors import InvalidInput
from apps.paper.exchange.policies import ExchangePolicy
from apps.paper.faults.command_line import (
    fault_from,
    list_of_faults,
    scenario_from,
    with_faults,
    with_scenario,
)
from apps.paper.feed.bar_source import GapPolicy, NamedFile, named_file
from apps.paper.limits import NO_LIMITS, Limits
from apps.paper.program.option_values import (
    assignment,
    choice,
    foreign_cash,
    log_level,
    moment,
    money,
    path,
    speed,
    switch,
    text_of,
    whole,
    word_of,
)
from apps.paper.settings import GatewaySettings, StatusSpeech
from apps.paper.transcript.policies import OnDifference
from apps.paper.vendor.vendor import VendorPolicy

__all__ = ["OPTIONS", "HelpWanted", "Launch", "Option", "launch_of"]

_PROGRAM = "python -m apps.paper"
_PORT = 4002
"""IB Gateway's paper port."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What a command line asks for. ``given`` are the names of the options that stood in it."""

    settings: GatewaySettings = field(default_factory=lambda: GatewaySettings(port=_PORT))
    state: Path | None = None
    clear_state: bool = False
    list_faults: bool = False
    record: Path | None = None
    replay: Path | None = None
    on_difference: OnDifference = OnDifference.ERROR
    bars: tuple[NamedFile, ...] | None = None
    gaps: GapPolicy = GapPolicy.HALT
    log_level: str = "WARNING"
    given: frozenset[str] = frozenset()


def _instead(_: Any, value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Option:
    """One row. ``parse`` gives the value of a text, and raises ValueError with what it may be.

    ``into`` is the path of attributes from `Launch` to where the value goes; an option that
    ``repeats`` brings a tuple. ``merge`` makes the new value of the old one and that. An option
    without a ``metavar`` is a switch: it takes no text, and its value is `parse` of nothing.
    ``needs`` is an option without which this one means nothing, ``excludes`` are those that
    contradict it.
    """

    name: str
    into: str
    meaning: str
    parse: Callable[[str], object]
    metavar: str = ""
    repeats: bool = False
    merge: Callable[[Any, Any], Any] = _instead
    needs: str = ""
    excludes: tuple[str, ...] = ()


class HelpWanted(Exception):
    """The command line asks what there is; ``text`` says it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def launch_of(words: Sequence[str]) -> Launch:
    """Give what a command line asks for. Raises InvalidInput with one sentence, and HelpWanted."""
    taken, unknown = _parser().parse_known_args(words)
    if unknown:
        raise InvalidInput(_unknown(unknown[0]))
    given = {option.name: held for option in OPTIONS if (held := _held(option, taken)) is not None}
    for option in OPTIONS:
        if option.name in given:
            _check_company(option, given)
    launch = Launch(given=frozenset(given))
    for option in OPTIONS:
        if option.name in given:
            launch = _put(launch, option.into.split("."), option.merge, given[option.name])
    if launch.list_faults:
        raise HelpWanted(list_of_faults())
    return launch


def _held(option: Option, taken: argparse.Namespace) -> object:
    held = getattr(taken, option.name)
    return tuple(held) if option.repeats and held is not None else held


def _check_company(option: Option, given: dict[str, object]) -> None:
    if option.needs and option.needs not in given:
        raise InvalidInput(f"{option.name} says nothing without {option.needs}; give both.")
    for other in option.excludes:
        if other in given:
            raise InvalidInput(f"{option.name} and {other} contradict each other; give one.")


def _put(value: Any, path: list[str], merge: Callable[[Any, Any], Any], held: object) -> Any:
    """Give ``value`` with ``held`` merged into what stands at ``path``."""
    if not path:
        return merge(value, held)
    name, *rest = path
    return replace(value, **{name: _put(getattr(value, name), rest, merge, held)})


# ---- the parser, which has no sentence of more than one line


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidInput(f"{message[:1].upper()}{message[1:]}; --help lists every option.")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpWanted(self.format_help()) if not status else InvalidInput(message or "")

    def print_help(self, file: Any = None) -> None:
        """Say nothing here: `exit` follows, and carries the text."""


class _Once(argparse.Action):
    """Takes an option that may stand there once."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option_string} is given twice")
        setattr(namespace, self.dest, values)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=_PROGRAM,
        description="A paper gateway: simulated markets behind the TWS API's wire protocol.",
        allow_abbrev=False,
    )
    for option in OPTIONS:
        _add(parser, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    # a percent sign is argparse's own
    text = _meaning(option).replace("%", "%%")
    if not option.metavar:
        parser.add_argument(
            option.name,
            dest=option.name,
            action="store_const",
            const=option.parse(""),
            default=None,
            help=text,
        )
        return
    parser.add_argument(
        option.name,
        dest=option.name,
        metavar=option.metavar,
        type=_typed(option.parse),
        action="append" if option.repeats else _Once,
        default=None,
        help=text,
    )


def _meaning(option: Option) -> str:
    """Give what an option means, and what holds without it."""
    if not option.metavar:
        return option.meaning
    default: object = reduce(getattr, option.into.split("."), Launch())
    if isinstance(default, tuple):
        default = ", ".join(map(str, default))
    if isinstance(default, Enum):
        default = word_of(default)
    if default in (None, "") or is_dataclass(default):
        return option.meaning
    return f"{option.meaning} ({default})"


def _typed(parse: Callable[[str], object]) -> Callable[[str], object]:
    def typed(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}, not {text!r}") from None

    return typed


def _unknown(word: str) -> str:
    name = word.partition("=")[0]
    near = difflib.get_close_matches(name, [option.name for option in OPTIONS], n=1)
    hint = f"did you mean {near[0]}?" if near else "--help lists every option."
    return f"There is no option {name}: {hint}"


def _changed(value: Any, assigned: tuple[tuple[str, object], ...]) -> Any:
    for name, held in assigned:
        value = _put(value, name.split("."), _instead, held)
    return value


def _each_once(_: Any, accounts: tuple[str, ...]) -> tuple[str, ...]:
    if twice := [name for name in accounts if accounts.count(name) > 1]:
        raise InvalidInput(f"The account {twice[0]} is given twice; name each once.")
    return accounts


def _currency_once(_: Any, cash: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
    names = [currency for currency, _ in cash]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidInput(f"{twice[0]} is given twice; name each currency once.")
    return cash


OPTIONS: tuple[Option, ...] = (
    Option("--host", "settings.host", "address to listen on", text_of("an address"), "ADDRESS"),
    Option("--port", "settings.port", "0 takes a free one", whole(0, 65_535), "PORT"),
    Option("--seed", "settings.seed", "which market", whole(0, 2**63 - 1), "NUMBER"),
    Option("--speed", "settings.speed", "market seconds per second", speed, "FACTOR"),
    Option(
        "--start",
        "settings.start",
        "market time to begin at, ISO 8601, UTC unless it says otherwise (where the state file "
        "stopped, or the open of the latest regular session)",
        moment,
        "TIME",
    ),
    Option(
        "--account",
        "settings.accounts",
        "account number; may be repeated",
        text_of("an account"),
        "DU…",
        repeats=True,
        merge=_each_once,
    ),
    Option("--cash", "settings.cash", "USD with which each account begins", money, "AMOUNT"),
    Option(
        "--foreign-cash",
        "settings.foreign_cash",
        "what each account begins with in another currency, below 0 for a debt; may be repeated",
        foreign_cash,
        "CURRENCY=AMOUNT",
        repeats=True,
        merge=_currency_once,
        excludes=("--state",),
    ),
    Option(
        "--master-client",
        "settings.master_client",
        "the client id that hears of every client's orders",
        whole(0, 2**31 - 1),
        "ID",
    ),
    Option(
        "--status-speech",
        "settings.status_speech",
        "how often clients are told of an order's state: as-ib or once",
        choice(StatusSpeech),
        "HOW",
    ),
    Option(
        "--no-limits",
        "settings.limits",
        "hold nothing back: none of IB's limits",
        lambda _: NO_LIMITS,
    ),
    Option(
        "--limit",
        "settings.limits",
        "one of IB's limits, as NAME=NUMBER, or NAME=none; may be repeated",
        assignment(Limits),
        "NAME=NUMBER",
        repeats=True,
        merge=_changed,
    ),
    Option(
        "--policy",
        "settings.policy",
        "what the exchange does where IB leaves it open, as NAME=CHOICE; may be repeated",
        assignment(ExchangePolicy),
        "NAME=CHOICE",
        repeats=True,
        merge=_changed,
    ),
    Option(
        "--market-data",
        "settings.vendor",
        "what market data does where IB leaves it open, and who may see it; may be repeated",
        assignment(VendorPolicy),
        "NAME=CHOICE",
        repeats=True,
        merge=_changed,
    ),
    Option(
        "--state",
        "state",
        "keep orders, positions, cash, ids and executions in this file, and go on from it",
        path,
        "FILE",
    ),
    Option(
        "--clear-state",
        "clear_state",
        "forget what the state file holds, and begin afresh",
        switch,
        needs="--state",
    ),
    Option(
        "--scenario",
        "settings",
        "a TOML file of faults",
        scenario_from,
        "FILE",
        merge=with_scenario,
    ),
    Option(
        "--fault",
        "settings.faults",
        'a fault in words, as "drop on=orderStatus nth=2"; may be repeated',
        fault_from,
        "TEXT",
        repeats=True,
        merge=with_faults,
    ),
    Option(
        "--fault-seed",
        "settings.fault_seed",
        "the luck of faults that have a chance",
        whole(0, 2**63 - 1),
        "NUMBER",
    ),
    Option("--list-faults", "list_faults", "list all faults and their keys, and exit", switch),
    Option(
        "--bars",
        "bars",
        "play the bars of this file (CSV, Parquet) as the symbol's market, or those of a folder "
        "of files named by their symbols; may be repeated",
        named_file,
        "SYMBOL=FILE",
        repeats=True,
    ),
    Option(
        "--gaps",
        "gaps",
        "what a gap in such a file is: halt or refuse",
        choice(GapPolicy),
        "HOW",
        needs="--bars",
    ),
    Option("--record", "record", "write all that is said into this new file", path, "FILE"),
    Option(
        "--replay",
        "replay",
        "say again what is recorded in this file, as fast as the client asks, or with --speed "
        "at so many times the recorded speed; there is no market then",
        path,
        "FILE",
        excludes=("--record", "--state", "--bars", "--start", "--seed", "--scenario", "--fault"),
    ),
    Option(
        "--on-difference",
        "on_difference",
        "what becomes of a request that is not the recorded one: error, end or go-on",
        choice(OnDifference),
        "HOW",
        needs="--replay",
    ),
    Option("--log-level", "log_level", "what is said on stderr", log_level, "LEVEL"),
)
