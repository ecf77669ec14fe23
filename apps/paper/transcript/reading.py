"""Transcripts out of their files, also those that a kill cut short."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apps.domain.errors import InvalidInput
from apps.paper.transcript.entries import Entry, Header, NotAnEntry, entry_of, header_of

__all__ = ["Transcript", "read_transcript"]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a file holds. ``is_cut_short``: its last line has no end, and was left out."""

    path: Path
    header: Header
    entries: tuple[Entry, ...]
    is_cut_short: bool = False


def read_transcript(path: Path) -> Transcript:
    """Read a transcript up to its last whole line.

    Raises InvalidInput, naming file and line, for a file that cannot be read or is no transcript.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a transcript: it is not text.") from None
    *lines, rest = text.split("\n")
    if not lines:
        raise InvalidInput(f"{path} is not a transcript: it has no whole line.")
    try:
        header = header_of(lines[0])
    except NotAnEntry as error:
        raise InvalidInput(f"{path} is not a transcript: {error}.") from None
    return Transcript(path, header, tuple(_entries(path, lines)), bool(rest))


def _entries(path: Path, lines: list[str]) -> Iterator[Entry]:
    for number, text in enumerate(lines[1:], start=2):
        try:
            yield entry_of(text, number)
        except NotAnEntry as error:
            raise InvalidInput(f"{path}, line {number}: {error}; the file is damaged.") from None
