"""Target weights from a file of the trader's own: CSV, TOML or JSON, by the name's end.

Only a command line reads files, and only what its user may read: no request over the network names
one. ``symbol,weight`` lines, with or without a heading; a table ``[weights]``, or one of weights
only; an object likewise.
"""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from apps.domain.errors import InvalidInput

__all__ = ["weights_from"]

_LARGEST_BYTES = 1_000_000


def weights_from(path: Path) -> Mapping[str, object]:
    """Give the weights in a file, as they stand there.

    Raises InvalidInput for one that cannot be read, or names a symbol twice.
    """
    reader = {".csv": _from_csv, ".toml": _from_toml, ".json": _from_json}.get(path.suffix.lower())
    if reader is None:
        raise InvalidInput(f"{path} is no file of weights: its name ends in .csv, .toml or .json.")
    try:
        with path.open("rb") as file:
            read = file.read(_LARGEST_BYTES + 1)
        if len(read) > _LARGEST_BYTES:
            raise InvalidInput(f"{path} is larger than a file of weights can be.")
        found = reader(read.decode("utf-8-sig"))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, TypeError, csv.Error) as error:
        raise InvalidInput(f"{path} does not hold weights: {error}.") from None
    if not found:
        raise InvalidInput(f"{path} holds no weights.")
    return found


def _from_csv(text: str) -> dict[str, object]:
    found: dict[str, object] = {}
    rows = [row for row in csv.reader(text.splitlines(), strict=True) if any(row)]
    for number, row in enumerate(rows):
        cells = [cell.strip() for cell in row]
        if number == 0 and [cell.lower() for cell in cells] == ["symbol", "weight"]:
            continue
        if len(cells) != 2:
            raise ValueError(f"the line {','.join(row)[:60]!r} is not a symbol and a weight")
        symbol, weight = cells
        if symbol.upper() in (known.upper() for known in found):
            raise ValueError(f"{symbol} is named twice")
        found[symbol] = weight
    return found


def _from_toml(text: str) -> dict[str, object]:
    return _weights_in(tomllib.loads(text, parse_float=Decimal))


def _from_json(text: str) -> dict[str, object]:
    return _weights_in(json.loads(text, parse_float=Decimal, object_pairs_hook=_each_once))


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{twice[0]} is named twice")
    return dict(pairs)


def _weights_in(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("it is no table of symbols and weights")
    inner = value.get("weights")
    return inner if isinstance(inner, dict) else value
