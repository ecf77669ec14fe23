"""The desk's end of the socket, with callers of every kind at the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from apps.api.beside import peer
from apps.api.beside.address import CAN_LISTEN
from apps.api.beside.listener import MOST_CALLERS, listening
from apps.api.beside.messages import MAX_LINE_BYTES, Answer, Begun, Greeting, Question, Refusal
from apps.api.outcomes import ExitCode
from apps.api.state import hold, holder_of
from apps.domain.errors import NotFound
from tests.api.beside.beside_callers import Caller, asking, screen
from tests.api.stand_ins import FakeDesk, a_session, some_settings

pytestmark = pytest.mark.skipif(not CAN_LISTEN, reason="this system has no Unix sockets")

LIVE = {"trading_mode": "live", "ib_host": "127.0.0.1"}


class Beside:
    """A desk from memory that listens in ``folder``."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.desk = FakeDesk()
        self._stack = stack

    async def listen(self, **settings: str) -> None:
        session = replace(a_session(self.desk)[0], settings=some_settings(**settings))
        self._stack.enter_context(hold(self.folder))
        await self._stack.enter_async_context(listening(session, self.folder))

    async def do(self, *words: str, **how: object) -> tuple[str, str, int]:
        async with Caller.at(self.folder) as caller:
            await caller.begin(asking(*words, **how))  # type: ignore[arg-type] # passed on
            return await caller.end()

    async def quit(self) -> None:
        await self._stack.aclose()


def commands_under_way() -> list[str]:
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith("beside: ")]


@pytest.fixture
async def beside(tmp_path: Path) -> AsyncIterator[Beside]:
    async with AsyncExitStack() as stack:
        yield Beside(tmp_path, stack)
    assert commands_under_way() == []
    assert not (tmp_path / "desk.sock").exists()


# ---------------------------------------------------------------- what is asked is done


async def test_command_is_done_as_the_command_line_would_show_it(beside: Beside) -> None:
    await beside.listen()
    out, err, code = await beside.do("pos", "--json")
    assert json.loads(out)[0]["position"]["symbol"] == "AAPL"
    assert (err, code) == ("", 0)
    out, err, code = await beside.do("cancel", "all")
    assert "AAPL" in out
    assert beside.desk.commands[-1].endswith(") cancel all")
    assert beside.desk.commands[-1].startswith("(beside")


async def test_result_is_made_for_the_callers_terminal(beside: Beside) -> None:
    await beside.listen()
    wide, _, _ = await beside.do("halt", on=screen(columns=200))
    narrow, _, _ = await beside.do("halt", on=screen(columns=30))
    assert max(map(len, narrow.splitlines())) <= 30 < max(map(len, wide.splitlines()))
    plain, _, _ = await beside.do("positions")
    coloured, _, _ = await beside.do("positions", on=screen(terminal=True))
    assert "\x1b[" not in plain
    assert "\x1b[" in coloured


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("bogus",), ExitCode.USAGE, "There is no command 'bogus'."),
        (("bracket", "buy", "AAPL", "0"), ExitCode.USAGE, "The quantity is zero"),
        (("quit",), ExitCode.USAGE, "'quit' is not done through a desk that runs."),
        (("paper", "reset"), ExitCode.USAGE, "'paper' is not done"),
        (("breakout", "stop", "w9"), ExitCode.NOT_FOUND, "There is no watcher w9."),
        ((), ExitCode.USAGE, "No command was given."),
    ],
)
async def test_command_that_cannot_be_done_is_one_sentence_and_its_exit_code(
    beside: Beside, words: tuple[str, ...], code: ExitCode, sentence: str
) -> None:
    await beside.listen()
    out, err, ended = await beside.do(*words)
    assert out == ""
    assert sentence in err
    assert ended is code


async def test_command_whose_settings_are_not_the_desks_is_not_done(beside: Beside) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        limit = {"MAX_ORDER_QTY": ("7", "the environment")}
        await caller.begin(replace(asking("halt"), settings=limit))
        _, err, code = await caller.end()
    assert "MAX_ORDER_QTY is '7' for this command (from the environment)" in err
    assert code is ExitCode.USAGE
    assert beside.desk.asked == []


async def test_errors_are_json_where_json_was_asked_for(beside: Beside) -> None:
    await beside.listen()
    beside.desk.fail("positions", NotFound("nothing here."))
    out, err, code = await beside.do("positions", "--json")
    assert json.loads(out) == {"error": {"code": "not_found", "message": "nothing here."}}
    assert (err, code) == ("", ExitCode.NOT_FOUND)


async def test_bug_in_a_command_is_one_sentence_and_the_desk_goes_on(beside: Beside) -> None:
    await beside.listen()
    beside.desk.fail("account", ZeroDivisionError("oh"))
    _, err, code = await beside.do("account")
    assert "error of the desk's own (ZeroDivisionError: oh)" in err
    assert code is ExitCode.ERROR
    assert (await beside.do("account"))[2] == 0


async def test_watcher_that_is_armed_from_beside_stays_and_the_command_ends(
    beside: Beside,
) -> None:
    await beside.listen()
    out, err, code = await beside.do("breakout", "start", "AAPL", "--level", "190.5")
    assert code == 0
    assert "w1 stays with the desk that runs; `breakout stop w1` ends it." in err
    assert "w1" in out
    assert "watcher_ended" not in beside.desk.names()


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize(("answer", "sent"), [("", True), ("n", False)])
async def test_question_travels_to_the_caller_and_its_answer_back(
    beside: Beside, answer: str, sent: bool
) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        await caller.begin(asking("bracket", "buy", on=screen(interactive=True)))
        for expected, said in (
            ("Symbol [AAPL]: ", ""),
            ("Qty [100]: ", "7"),
            ("Take-profit % [1.0]: ", ""),
            ("Stop-loss % [0.5]: ", ""),
        ):
            assert (await caller.hear(Question)).prompt == expected
            caller.say(Answer(said))
        while not isinstance(await caller.next(), Question):
            pass
        caller.say(Answer(answer))
        _, _, code = await caller.end()
    assert code == (0 if sent else 1)
    assert ("send_bracket" in beside.desk.names()) is sent


async def test_end_of_the_callers_input_at_a_question_sends_nothing(beside: Beside) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        await caller.begin(asking("bracket", on=screen(interactive=True)))
        await caller.hear(Question)
        caller.say(Answer("", is_end=True))
        assert (await caller.end())[2] is ExitCode.INTERRUPTED
    assert "send_bracket" not in beside.desk.names()


async def test_caller_without_a_terminal_is_asked_nothing(beside: Beside) -> None:
    await beside.listen()
    _, err, code = await beside.do("bracket", "buy")
    assert code is ExitCode.USAGE
    assert "there is no terminal to ask for it" in err


async def test_live_order_wants_yes_in_full_from_the_caller(beside: Beside) -> None:
    await beside.listen(**LIVE)
    words = ("bracket", "buy", "AAPL", "10")
    for answer, sent in (("", False), ("y", False), ("yes", True)):
        async with Caller.at(beside.folder) as caller:
            await caller.begin(asking(*words, on=screen(interactive=True)))
            while not isinstance(asked := await caller.next(), Question):
                pass
            assert asked.prompt.startswith("LIVE DU1234567")
            caller.say(Answer(answer))
            await caller.end()
        assert ("send_bracket" in beside.desk.names()) is sent


async def test_live_without_a_terminal_the_account_has_to_be_named(beside: Beside) -> None:
    await beside.listen(**LIVE)
    order = ("bracket", "buy", "AAPL", "10", "--yes")
    for words in (order, ("close", "all"), ("resume",)):
        _, err, code = await beside.do(*words)
        assert code is ExitCode.USAGE
        assert "name the account by --confirm-live ACCOUNT" in err
    assert (await beside.do(*order, confirm_live="U9"))[2] is ExitCode.REJECTED
    assert beside.desk.asked == []
    assert (await beside.do(*order, confirm_live="DU1234567"))[2] is ExitCode.DONE
    assert (await beside.do("halt"))[2] is ExitCode.DONE
    assert (await beside.do("positions"))[2] is ExitCode.DONE


# ---------------------------------------------------------------- callers of every kind


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 99 + b"\n", b"x" * (MAX_LINE_BYTES + 9)]
)
async def test_garbage_is_refused_in_a_sentence_and_the_desk_goes_on(
    beside: Beside, said: bytes
) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        await caller.hear(Greeting)
        caller.say(said)
        assert "did not understand" in (await caller.hear(Refusal)).reason
        await caller.hung_up()
    assert (await beside.do("account"))[2] == 0


async def test_other_version_is_told_which_one_is_spoken(beside: Beside) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        assert (await caller.hear(Greeting)).version == 1
        caller.say(b'{"kind": "asked", "version": 7}\n')
        assert "speaks version 7, and this side 1" in (await caller.hear(Refusal)).reason


async def test_answer_that_nobody_asked_for_ends_the_command(beside: Beside) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        await caller.begin(asking("wait", "60"))
        caller.say(Answer("yes"))
        assert "answer while at work" in (await caller.hear(Refusal)).reason


async def test_caller_that_asks_nothing_is_sent_away(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "ASKED_WITHIN_S", 0.01)
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        await caller.hear(Greeting)
        caller.say(b'{"kind": "ask')
        assert (await caller.hear(Refusal)).reason == "Nothing was asked."


async def test_caller_that_does_not_read_is_cut_off(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "MOST_UNREAD_BYTES", 1_000)
    await beside.listen()
    beside.desk.held = beside.desk.held * 20_000
    async with Caller.at(beside.folder) as caller:
        await caller.begin(asking("positions", "--json"))
        with pytest.raises((ConnectionError, AssertionError), match=r"hung up|reset"):
            await caller.end()
    beside.desk.held = beside.desk.held[:1]
    assert (await beside.do("account"))[2] == 0


async def test_caller_that_reads_no_end_is_cut_off_after_a_while(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "READ_WITHIN_S", 0.01)
    cut, was_cut = peer.Peer.cut, asyncio.Event()

    def cut_and_tell(cut_off: peer.Peer) -> None:
        cut(cut_off)
        was_cut.set()

    monkeypatch.setattr(peer.Peer, "cut", cut_and_tell)
    await beside.listen()
    beside.desk.held = beside.desk.held * 5_000
    async with Caller.at(beside.folder) as caller:
        await caller.begin(asking("positions", "--json"))
        await was_cut.wait()
        with pytest.raises((ConnectionError, AssertionError)):
            await caller.end()


@pytest.mark.parametrize("half", [True, False])
async def test_caller_that_leaves_ends_its_command(beside: Beside, half: bool) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        await caller.begin(asking("wait", "60"))
        await beside.desk.waiting.wait()
        if half:
            caller.half_close()
            await caller.hung_up()
    while commands_under_way():  # noqa: ASYNC110 - nothing tells who is not there any more
        await asyncio.sleep(0)


async def test_caller_that_leaves_at_a_question_sends_nothing(beside: Beside) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        await caller.begin(asking("bracket", on=screen(interactive=True)))
        await caller.hear(Question)
    await beside.quit()
    assert beside.desk.asked == []


async def test_more_callers_than_there_is_room_for_are_told_and_room_comes_back(
    beside: Beside,
) -> None:
    await beside.listen()
    async with AsyncExitStack() as stack:
        callers = [
            await stack.enter_async_context(Caller.at(beside.folder)) for _ in range(MOST_CALLERS)
        ]
        for caller in callers:
            await caller.begin(asking("wait", "60"))
        async with Caller.at(beside.folder) as late:
            await late.hear(Greeting)
            assert "16 commands are under way" in (await late.hear(Refusal)).reason
        beside.desk.ended.set()
        assert [(await caller.end())[2] for caller in callers] == [0] * MOST_CALLERS
    assert (await beside.do("account"))[2] == 0


async def test_desk_that_quits_ends_what_goes_on_and_says_so(beside: Beside) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as working, Caller.at(beside.folder) as asked:
        await working.begin(asking("wait", "60"))
        await asked.begin(asking("bracket", on=screen(interactive=True)))
        await asked.hear(Question)
        await beside.quit()
        for caller in (working, asked):
            assert "is quitting" in (await caller.hear(Refusal)).reason
            await caller.hung_up()
    assert holder_of(beside.folder) is None


@pytest.mark.parametrize("end", ["quit", "left", "garbled"])
async def test_command_that_is_ended_cleans_up_to_its_end(
    beside: Beside, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    cleaned_up = asyncio.Event()

    async def wait(_seconds: float) -> None:
        beside.desk.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(100):
                await asyncio.sleep(0)
            cleaned_up.set()

    monkeypatch.setattr(beside.desk, "wait", wait)
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        await caller.begin(asking("wait", "60"))
        await beside.desk.waiting.wait()
        if end == "quit":
            await beside.quit()
            assert cleaned_up.is_set()
        elif end == "garbled":
            caller.say(b"?\n")
            await caller.hung_up()
    async with asyncio.timeout(5):
        await cleaned_up.wait()


async def test_desk_that_cannot_listen_says_so_and_goes_on(beside: Beside) -> None:
    (beside.folder / "desk.sock").write_text("in the way")
    await beside.listen()
    holder = holder_of(beside.folder)
    assert holder is not None
    assert holder.socket == ""
    (beside.folder / "desk.sock").unlink()


async def test_begun_comes_before_anything_that_is_shown(beside: Beside) -> None:
    await beside.listen()
    async with Caller.at(beside.folder) as caller:
        caller.say(asking("account"))
        assert isinstance(await caller.next(), Greeting)
        assert isinstance(await caller.next(), Begun)
        out, _, _ = await caller.end()
    assert f"{Decimal('250005.80'):,}" in out
