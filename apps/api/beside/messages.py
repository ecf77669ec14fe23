"""What a command and the desk beside it say to each other: bytes ↔ messages, and nothing else.

A message is one line of JSON, an object with its ``kind`` and exactly the fields of its class. The
desk greets first; the greeting and what is asked name the version that is spoken, and nobody reads
on in another one. Whatever cannot be read is `Garbled`: who hears that hangs up.

    caller                                desk
                                     ←    Greeting
    Asked (words, screen, …)         →
                                     ←    Refusal, and the end; or
                                     ←    Begun
                                     ←    Shown …
                                     ←    Question
    Answer                           →
                                     ←    Shown …, Done, and the end

A caller that hangs up has left.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from apps.api.outcomes import ExitCode

__all__ = [
    "MAX_LINE_BYTES",
    "VERSION",
    "Answer",
    "Asked",
    "Begun",
    "Done",
    "Garbled",
    "Greeting",
    "Lines",
    "Message",
    "OtherVersion",
    "Question",
    "Refusal",
    "Screen",
    "Shown",
    "decoded",
    "encoded",
]

VERSION = 1

MAX_LINE_BYTES = 262_144
"""A longer line is garbled. Twice what a system passes to a program as one word."""


class Garbled(Exception):
    """Bytes that are no message, or none that may come now; says what is wrong with them."""


class OtherVersion(Garbled):
    """The other side speaks another version."""

    def __init__(self, version: int) -> None:
        super().__init__(f"it speaks version {version}, and this side {VERSION}")
        self.version = version


@dataclass(frozen=True, slots=True)
class Greeting:
    """The desk is there: which version it speaks, and the number of its process."""

    version: int
    process: int


@dataclass(frozen=True, slots=True)
class Screen:
    """What the caller shows things on.

    ``variables`` are those of its environment that say what its terminal can do; ``interactive``:
    somebody is there to answer.
    """

    columns: int
    lines: int
    out_is_terminal: bool
    err_is_terminal: bool
    interactive: bool
    out_encoding: str
    err_encoding: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The caller's command, in the words of the command line after the settings.

    ``settings`` are the texts and sources of those that are set there, by name; ``confirm_live``
    is the account that was named, if any.
    """

    version: int
    words: tuple[str, ...]
    screen: Screen
    settings: Mapping[str, tuple[str, str]]
    confirm_live: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The command is being done."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Text for the caller's stdout, or its stderr, as it is."""

    text: str
    to_stderr: bool


@dataclass(frozen=True, slots=True)
class Question:
    """The caller is to answer, at this prompt."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A line without its newline; ``is_end``: there was none, and there will be none."""

    text: str
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The command is done."""

    exit_code: ExitCode


@dataclass(frozen=True, slots=True)
class Refusal:
    """The command was not begun, or the desk ends before it is done."""

    reason: str


Message = Greeting | Asked | Begun | Shown | Question | Answer | Done | Refusal


class Lines:
    """Bytes in pieces → whole lines, none of them longer than `MAX_LINE_BYTES`."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the lines that ``chunk`` completes. Raises Garbled for one that is too long."""
        *whole, rest = (self._rest + chunk).split(b"\n")
        if max(map(len, (*whole, rest))) > MAX_LINE_BYTES:
            raise Garbled(f"a line is longer than {MAX_LINE_BYTES} bytes")
        self._rest = rest
        return whole


def encoded(message: Message) -> bytes:
    """Give the line of ``message``, with its newline."""
    kind = next(name for name, (made, _) in _KINDS.items() if made is type(message))
    return json.dumps({"kind": kind} | _plain(message)).encode() + b"\n"


def decoded(line: bytes) -> Message:
    """Give the message of a line. Raises Garbled, and OtherVersion where one is named."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        raise Garbled("a line is not JSON") from None
    if not isinstance(content, dict):
        raise Garbled("a line is no object")
    version = content.get("version", VERSION)
    if type(version) is int and version != VERSION:
        raise OtherVersion(version)
    kind = content.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Garbled("a message of no known kind")
    made, cells = _KINDS[kind]
    message: Message = _made_of(made, cells, content)
    return message


def _plain(value: Any) -> dict[str, Any]:
    return {field.name: _plain_cell(getattr(value, field.name)) for field in fields(value)}


def _plain_cell(value: Any) -> Any:
    return _plain(value) if isinstance(value, Screen) else value


Cells = Mapping[str, Callable[[Any], Any]]


def _made_of(made: Callable[..., Any], cells: Cells, content: Any) -> Any:
    if not isinstance(content, dict) or content.keys() != cells.keys():
        raise Garbled(f"the fields of a message are not {', '.join(cells) or 'none'}")
    return made(**{name: read(content[name]) for name, read in cells.items()})


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise Garbled("a whole number is none")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Garbled("a flag is neither true nor false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Garbled("a text is none")
    try:
        # half a surrogate pair would fail wherever it is written, the journal among them
        value.encode()
    except UnicodeEncodeError:
        raise Garbled("a text is not Unicode") from None
    return value


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Garbled("words are no list")
    return tuple(_text(word) for word in value)


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Garbled("texts by name are none")
    return {_text(name): _text(text) for name, text in value.items()}


def _pairs(value: Any) -> dict[str, tuple[str, str]]:
    if not isinstance(value, dict):
        raise Garbled("settings by name are none")
    pairs = {_text(name): _words(pair) for name, pair in value.items()}
    if any(len(pair) != 2 for pair in pairs.values()):
        raise Garbled("a setting is not its text and where that is from")
    return {name: (pair[0], pair[1]) for name, pair in pairs.items()}


def _code(value: Any) -> ExitCode:
    try:
        return ExitCode(_whole(value))
    except ValueError:
        raise Garbled("an exit code is none of the desk's") from None


_SCREEN: Cells = {
    "columns": _whole,
    "lines": _whole,
    "out_is_terminal": _flag,
    "err_is_terminal": _flag,
    "interactive": _flag,
    "out_encoding": _text,
    "err_encoding": _text,
    "variables": _texts,
}


def _screen(value: Any) -> Screen:
    screen: Screen = _made_of(Screen, _SCREEN, value)
    return screen


_KINDS: Mapping[str, tuple[Callable[..., Any], Cells]] = {
    "greeting": (Greeting, {"version": _whole, "process": _whole}),
    "asked": (
        Asked,
        {
            "version": _whole,
            "words": _words,
            "screen": _screen,
            "settings": _pairs,
            "confirm_live": _text,
        },
    ),
    "begun": (Begun, {}),
    "shown": (Shown, {"text": _text, "to_stderr": _flag}),
    "question": (Question, {"prompt": _text}),
    "answer": (Answer, {"text": _text, "is_end": _flag}),
    "done": (Done, {"exit_code": _code}),
    "refusal": (Refusal, {"reason": _text}),
}
