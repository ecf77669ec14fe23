"""Where the bars of a replayed market come from, and what their gaps are: what may be chosen."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import NamedTuple

__all__ = ["GapPolicy", "NamedFile", "named_file"]


class GapPolicy(Enum):
    """What a hole in a file is: hours of the calendar for which there is no bar."""

    HALT = "halt"
    """Nothing trades, quotes stand still; it is said once."""
    REFUSE = "refuse"
    """The file cannot be used."""


class NamedFile(NamedTuple):
    """A file of bars and the symbol that it is of; '' takes the file's name, or a folder's."""

    symbol: str
    path: Path


def named_file(text: str) -> NamedFile:
    """Read ``SYMBOL=FILE``, or a path alone. Raises ValueError with what belongs there.

    >>> named_file("AAPL=bars/aapl.csv").symbol
    'AAPL'
    """
    symbol, sign, path = text.partition("=")
    if not sign:
        symbol, path = "", text
    if not path or (sign and not symbol):
        raise ValueError("SYMBOL=FILE, or a folder of files named by their symbols, belongs here")
    return NamedFile(symbol, Path(path).expanduser())
