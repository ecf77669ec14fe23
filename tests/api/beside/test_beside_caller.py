"""The caller's end, with desks of every kind at the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from apps.api.beside import caller, kill_file
from apps.api.beside.address import CAN_LISTEN
from apps.api.beside.caller import Asking, done_beside
from apps.api.beside.messages import (
    Begun,
    Done,
    Greeting,
    Message,
    Question,
    Refusal,
    Shown,
    encoded,
)
from apps.api.config import load_settings
from apps.api.halt_files import KILL_NAME
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply
from apps.api.state import EMBEDDED, account_folder, announce, hold
from apps.api.tree import parse
from apps.domain.errors import NotConnected, Refused

pytestmark = pytest.mark.skipif(not CAN_LISTEN, reason="this system has no Unix sockets")

GREETING = Greeting(1, 7)
Said = Message | bytes


@asynccontextmanager
async def a_desk(home: Path, *said: Said, stays: bool = True) -> AsyncIterator[list[bytes]]:
    """A desk that says what it is told to, whatever it hears; gives what it hears."""
    heard: list[bytes] = []
    talks: set[asyncio.Task[object] | None] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        for each in said:
            writer.write(each if isinstance(each, bytes) else encoded(each))
        if stays:
            with suppress(ConnectionError):
                while line := await reader.readline():
                    heard.append(line)
        writer.close()

    folder = account_folder(home, mode="paper", account=EMBEDDED)
    with hold(folder):
        async with await asyncio.start_unix_server(talk, folder / "desk.sock"):
            announce(folder, socket=folder / "desk.sock", endpoint="")
            yield heard
            await asyncio.gather(*filter(None, talks))


async def no_answer(_prompt: str) -> str:
    raise AssertionError("asked")


async def give(
    home: Path, *words: str, answering: Callable[..., object] = no_answer
) -> Reply | None:
    asking = Asking(parse(words).command, words, "", interactive=True)
    settings = load_settings({"DESK_HOME": str(home)}, {}, working_folder=home)
    return await done_beside(asking, settings, answering)  # type: ignore[arg-type] # as given


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "_HALTS_WITHIN_S", 0.05)
    monkeypatch.setattr(caller, "_ANSWERS_WITHIN_S", 0.05)
    monkeypatch.setattr(kill_file, "_PATIENCE_S", 0.05)


async def test_what_is_shown_goes_where_it_belongs_with_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = (Begun(), Shown("result\n", False), Shown("words\n", True), Done(ExitCode.REJECTED))
    async with a_desk(tmp_path, GREETING, *said) as heard:
        assert await give(tmp_path, "positions") == Reply(exit_code=ExitCode.REJECTED)
    assert b'"words": ["positions"]' in heard[0]
    assert capsys.readouterr() == ("result\n", "words\n")


async def test_without_a_desk_it_is_done_alone(tmp_path: Path) -> None:
    assert await give(tmp_path, "positions") is None
    with hold(account_folder(tmp_path, mode="paper", account=EMBEDDED)):
        # one that does not listen: the refusal that names it is the folder's
        assert await give(tmp_path, "positions") is None
        with pytest.raises(Refused, match=r"does not listen.*type `resume` at its prompt"):
            await give(tmp_path, "resume")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((), r"not a word within 0.05 s"),
        ((GREETING,), r"not a word within 0.05 s"),
        ((b"SSH-2.0\r\n",), "a line is not JSON"),
        ((b'{"kind": "greeting", "version": 3}\n',), "speaks version 3, and this side 1. Quit it"),
        ((GREETING, Refusal("16 are under way.")), "did not take the command: 16 are under way."),
        ((GREETING, Done(ExitCode.DONE)), "done instead of begun"),
    ],
)
@pytest.mark.usefixtures("impatient")
async def test_desk_that_does_not_begin_it_is_told_and_a_halt_goes_by_the_kill_file(
    tmp_path: Path, said: tuple[Said, ...], told: str
) -> None:
    kill = account_folder(tmp_path, mode="paper", account=EMBEDDED) / KILL_NAME
    async with a_desk(tmp_path, *said):
        with pytest.raises(NotConnected, match=f"{told}.*Nothing was done"):
            await give(tmp_path, "positions")
        assert not kill.exists()
        halted = await give(tmp_path, "halt", "--flatten")
    assert halted is not None
    assert halted.exit_code is ExitCode.TIMEOUT
    assert isinstance(halted.value, Note)
    assert kill.read_text() == "flatten"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((Begun(),), "has ended before the command was done"),
        ((Begun(), Refusal("It is quitting.")), "It is quitting"),
        ((Begun(), GREETING), "is not understood"),
        ((Begun(), b"x\n"), "is not understood"),
    ],
)
async def test_desk_that_does_not_end_it_is_told_and_nothing_is_done_twice(
    tmp_path: Path, said: tuple[Said, ...], told: str
) -> None:
    async with a_desk(tmp_path, GREETING, *said, stays=False):
        with pytest.raises(NotConnected, match=told):
            await give(tmp_path, "halt")
    assert not (account_folder(tmp_path, mode="paper", account=EMBEDDED) / KILL_NAME).exists()


async def test_answer_goes_to_the_desk_and_the_end_of_input_too(tmp_path: Path) -> None:
    answers = iter(["yes"])

    async def answering(prompt: str) -> str:
        assert prompt == "Send it? "
        for answer in answers:
            return answer
        raise EOFError

    async with a_desk(
        tmp_path, GREETING, Begun(), Question("Send it? "), Question("Send it? ")
    ) as heard:
        giving = asyncio.ensure_future(give(tmp_path, "bracket", answering=answering))
        while len(heard) < 3:  # noqa: ASYNC110 - what is heard is a list
            await asyncio.sleep(0)
        giving.cancel()
        await asyncio.wait({giving})
    assert b'"text": "yes", "is_end": false' in heard[1]
    assert b'"is_end": true' in heard[2]


async def test_question_is_taken_back_when_the_desk_ends(tmp_path: Path) -> None:
    taken_back = asyncio.Event()

    async def answering(_prompt: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            taken_back.set()
        raise AssertionError

    async with a_desk(tmp_path, GREETING, Begun(), Question("Send it? "), stays=False):
        with pytest.raises(NotConnected, match="has ended before"):
            await give(tmp_path, "bracket", answering=answering)
    assert taken_back.is_set()
