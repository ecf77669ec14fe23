"""From text to the value of a setting: each parser raises ValueError for what it does not take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from decimal import Decimal

from apps.domain.exits.session_end import Overnight
from apps.domain.market_data_type import MarketDataType

__all__ = [
    "MONEY",
    "choice",
    "command_words",
    "gateway_wait",
    "host",
    "host_names",
    "market_data_type",
    "number",
    "overnight",
    "patience",
    "percent",
    "percent_or_off",
    "seconds",
    "shares",
    "silence",
    "speed",
    "switch",
    "text",
    "upper_word",
    "whole",
]

_SHORTEST_SILENCE_S = 2.0

_HOST = re.compile(r"[0-9A-Za-z:._-]{1,253}")


def text(given: str) -> str:
    """Take anything."""
    return given


def upper_word(given: str) -> str:
    """Take one word, in upper case."""
    if not given or not given.isprintable() or " " in given:
        raise ValueError(given)
    return given.upper()


def choice(*allowed: str, fold: Callable[[str], str]) -> Callable[[str], str]:
    """Take one of ``allowed``, whose case ``fold`` makes."""

    def parse(given: str) -> str:
        if fold(given) not in allowed:
            raise ValueError(given)
        return fold(given)

    return parse


def whole(low: int, high: int) -> Callable[[str], int]:
    """Take a whole number, both ends included."""

    def parse(given: str) -> int:
        # int() would also take "1_000", which the file's reader may take for something else
        value = int(given) if given.lstrip("+-").isdecimal() else low - 1
        if not low <= value <= high:
            raise ValueError(given)
        return value

    return parse


def number(above: str, to: str) -> Callable[[str], Decimal]:
    """Take a number above the first end, up to the second."""

    def parse(given: str) -> Decimal:
        value = Decimal(given)
        if not value.is_finite() or not Decimal(above) < value <= Decimal(to):
            raise ValueError(given)
        return value

    return parse


def switch(given: str) -> bool:
    """Take on or off."""
    return choice("on", "off", fold=str.lower)(given) == "on"


def shares(given: str) -> Decimal:
    """Take a whole number of shares."""
    return Decimal(whole(1, 1_000_000)(given))


def silence(given: str) -> float:
    """Take the seconds that a gateway may say nothing."""
    value = float(number("0", "300")(given))
    if value < _SHORTEST_SILENCE_S:
        raise ValueError(given)
    return value


def patience(given: str) -> float:
    """Take the seconds that the guard waits."""
    value = float(number("0", "60")(given))
    if value < 1:
        raise ValueError(given)
    return value


def gateway_wait(given: str) -> float:
    """Take the seconds that a gateway may take to be up and logged in."""
    value = float(number("0", "3600")(given))
    if value < 1:
        raise ValueError(given)
    return value


def overnight(given: str) -> Overnight:
    """Take what becomes of positions at the close."""
    return Overnight(given.lower())


def market_data_type(given: str) -> MarketDataType:
    """Take one of IB's kinds of market data."""
    return MarketDataType(given.lower())


def command_words(given: str) -> tuple[str, ...]:
    """Take a command as a shell would read it, without anything that only a shell does."""
    words = tuple(shlex.split(given))
    if words and not words[0]:
        raise ValueError(given)
    return words


def host(given: str) -> str:
    """Take an address or a name of a host."""
    if not _HOST.fullmatch(given):
        raise ValueError(given)
    return given


def host_names(given: str) -> frozenset[str]:
    """Take names of hosts with commas between them."""
    return frozenset(host(each.strip()).lower() for each in given.split(",") if each.strip())


def percent(below: str) -> Callable[[str], Decimal]:
    """Take a percentage above 0."""
    return lambda given: number("0", below)(given.removesuffix("%"))


def percent_or_off(to: str) -> Callable[[str], Decimal | None]:
    """Take a percentage above 0, or off."""
    return lambda given: None if given.lower() == "off" else percent(to)(given)


def seconds(given: str) -> float:
    """Take seconds, up to an hour."""
    return float(number("0", "3600")(given))


def speed(given: str) -> float:
    """Take how many times as fast as the world a market runs."""
    return float(number("0", "10000")(given))


MONEY = number("0", "1000000000")
"""Takes an amount of dollars."""
