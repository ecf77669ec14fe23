"""`allocation`: see `apps.engine.routines.allocation`; ``--file`` is read here, and only here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from apps.api.routine_command import routine_command
from apps.api.weight_files import weights_from
from apps.domain.errors import InvalidInput
from apps.engine.routines.allocation import ALLOCATION

__all__ = ["entry"]


def _with_file(typed: dict[str, Any]) -> None:
    """Put the weights of a file where those that are typed would be.

    In the words too: a desk that runs is sent them, and is in another folder than its caller.
    """
    path = typed.pop("file", None)
    if path is None:
        return
    if typed.get("weights"):
        raise InvalidInput("weights are typed and in a file as well: give one of them.")
    typed["weights"] = weights = weights_from(Path(path).expanduser())
    meta = click.get_current_context().meta
    meta["words"] = (*_without_file(meta.get("words", ())), *_as_words(weights))


def _without_file(words: Sequence[str]) -> Iterator[str]:
    is_named = False
    for word in words:
        if not is_named and word != "--file" and not word.startswith("--file="):
            yield word
        is_named = word == "--file"


def _as_words(weights: Mapping[str, object]) -> Iterator[str]:
    for symbol, weight in weights.items():
        # a class of shares is BRK.B where a blank would make two words of it
        yield f"{'.'.join(symbol.split())}={weight}"


entry = routine_command(
    ALLOCATION,
    click.Option(
        ["--file"], metavar="FILE", help="Take the weights from a CSV, TOML or JSON file."
    ),
    take=_with_file,
)
