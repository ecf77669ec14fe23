"""The journal as the trader reads it: within a run, beside a run, and after one."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from apps.api.cli import run
from apps.api.command_line import request_of
from apps.api.commands.journal import ExportJournal, ListIntents, TellIntent
from apps.api.config import SETTINGS
from apps.api.state import journal_of
from apps.api.tree import parse
from apps.api.views.render import render
from apps.domain.errors import InvalidInput
from apps.domain.orders import OrderStatus, Side
from apps.domain.records import DeskOpened, Executed, LinkSeen
from apps.store.journal.file import JournalFile
from tests.api.stand_ins import FakeDesk, a_session
from tests.store.journal.entries import (
    AT,
    ONE_OF_EACH,
    REF,
    a_bracket,
    a_commission,
    a_fill,
    a_status,
)

Run = Callable[..., Awaitable[int]]
Output = pytest.CaptureFixture[str]

FOLDER = Path("home") / "paper-embedded"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The program, with ``script`` as its stdin."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("DESK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    async def run_program(*words: str, script: bytes = b"") -> int:
        typed = tmp_path / "script"
        typed.write_bytes(script)
        with typed.open(encoding="utf-8") as lines:
            monkeypatch.setattr(sys, "stdin", lines)
            return await run(request_of(words))

    return run_program


def write(*records: object) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with JournalFile.open(FOLDER / "journal.sqlite") as journal:
        for record in records:
            journal.write(record)  # type: ignore[arg-type]  # records, each of its own kind


def text_of(name: str) -> str:
    return Path(name).read_text(encoding="utf-8")


def write_text(name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")


def is_there(name: str) -> bool:
    return Path(name).exists()


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["journal"], ListIntents(20)),
        (["journal", "--last", "5"], ListIntents(5)),
        (["journal", "k3f9a2"], TellIntent("k3f9a2")),
        (["jour", "export", "a.jsonl"], ExportJournal(Path("a.jsonl"))),
    ],
)
def test_line_becomes_its_command(words: list[str], command: object) -> None:
    assert parse(words).command == command


@pytest.mark.parametrize("line", ["journal export", "journal a b", "journal export a b"])
def test_line_that_says_neither_is_refused(line: str) -> None:
    with pytest.raises(InvalidInput, match="journal takes nothing, an INTENT"):
        parse(line.split())


async def test_trade_of_a_session_is_told_afterwards_without_a_connection(
    program: Run, capsys: Output
) -> None:
    bracket = b"bracket buy AAPL 10 --yes\njournal\nquit\n"
    assert await program("--exit-on-error", "--paper-speed", "20", script=bracket) == 0
    assert "AAPL" in capsys.readouterr().out
    assert await program("journal", "--json") == 0
    (intent,) = json.loads(capsys.readouterr().out)
    assert intent["outcome"] == "open"
    assert await program("journal", intent["intent"]["order_ref"][-6:]) == 0
    told = capsys.readouterr().out.splitlines()
    words = [
        "reserved by bracket: buy 10 AAPL",
        "entry to be sent as order",
        "stop to be sent as order",
        "is Filled, 10 of 10 filled",
        "fee ",
    ]
    places = [next(n for n, line in enumerate(told) if each in line) for each in words]
    assert places[:4] == sorted(places[:4])
    assert "entered 10 @" in told[-2]


async def test_commands_stand_in_the_journal_before_what_they_did(program: Run) -> None:
    script = b"quote AAPL\nbracket buy AAPL 10 --yes\nquit\n"
    assert await program("--exit-on-error", script=script) == 0
    assert await program("journal", "export", "all.jsonl") == 0
    entries = [json.loads(line) for line in text_of("all.jsonl").splitlines()]
    assert [each["number"] for each in entries] == sorted(each["number"] for each in entries)
    kinds = [each["kind"] for each in entries]
    assert [each["text"] for each in entries if each["kind"] == "command_given"] == [
        "quote AAPL",
        "bracket buy AAPL 10 --yes",
        "quit",
    ]
    typed = [each.get("text") for each in entries].index("bracket buy AAPL 10 --yes")
    assert typed < kinds.index("intent_reserved") < kinds.index("order_reserved")
    assert {"desk_opened", "link_seen", "account_seen", "executed"} <= set(kinds)


async def test_export_writes_over_nothing(program: Run, capsys: Output) -> None:
    write(*ONE_OF_EACH)
    write_text("there.jsonl", "mine")
    assert await program("journal", "export", "there.jsonl") == 2
    assert "is there already" in capsys.readouterr().err
    assert text_of("there.jsonl") == "mine"
    assert await program("journal", "export", "no/folder.jsonl") == 2


async def test_journal_that_is_not_there_is_one_sentence(program: Run, capsys: Output) -> None:
    assert await program("journal") == 5
    assert "There is no journal at" in capsys.readouterr().err
    assert not is_there("home")


async def test_damaged_journal_ends_the_start_before_anything_is_traded(
    program: Run, capsys: Output
) -> None:
    write(*ONE_OF_EACH)
    path = FOLDER / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:5000])
    assert await program("bracket", "buy", "AAPL", "10", "--yes") == 1
    said = capsys.readouterr()
    assert "is damaged" in said.err
    assert "nothing was traded" in said.err
    assert "sent" not in said.out


async def test_reading_beside_a_desk_of_the_same_session_asks_no_broker(tmp_path: Path) -> None:
    desk = FakeDesk()
    session, _ = a_session(desk)
    home = str(tmp_path / "home")
    session = replace(session, settings=replace(session.settings, desk_home=home))
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    with JournalFile.open(folder / "journal.sqlite") as journal:
        journal.write(*a_bracket())
        reply = await ListIntents(20).run(session)
        assert REF.removeprefix("BD-") in shown(reply.value)
    assert not desk.asked


def test_journal_of_an_unnamed_account_is_the_only_one_there_is(tmp_path: Path) -> None:
    for account in ("embedded", "DU1"):
        folder = tmp_path / f"paper-{account}"
        folder.mkdir()
        (folder / "journal.sqlite").touch()
    assert journal_of(tmp_path, mode="paper", account="").parent.name == "paper-DU1"
    assert journal_of(tmp_path, mode="paper", account="DU2").parent.name == "paper-DU2"
    shutil.copytree(tmp_path / "paper-DU1", tmp_path / "paper-DU2")
    with pytest.raises(InvalidInput, match=r"DU1, DU2. Set IB_ACCOUNT"):
        journal_of(tmp_path, mode="paper", account="")


def shown(value: object) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(render(value))
    return capture.get()


async def test_story_is_told_in_words_a_line_an_entry(tmp_path: Path) -> None:
    session, _ = a_session(FakeDesk())
    session = replace(session, settings=replace(session.settings, desk_home=str(tmp_path)))
    folder = tmp_path / "paper-embedded"
    folder.mkdir()
    target = a_fill("0000e0d5.00000002.01.01", 102, price="192.50", side=Side.SELL)
    with JournalFile.open(folder / "journal.sqlite") as journal:
        journal.write(
            *a_bracket(),
            a_status(OrderStatus.SUBMITTED),
            Executed.of(a_fill()),
            LinkSeen("disconnected", 1, "connection closed", AT),
            LinkSeen("connecting", 1, "", AT),
            LinkSeen("disconnected", 1, "nobody listens", AT),
            LinkSeen("synchronising", 1, "", AT),
            LinkSeen("ready", 1, "", AT),
            DeskOpened("DU1234567", 7, "paper", AT),
            a_status(OrderStatus.SUBMITTED),
            Executed.of(target),
            a_commission(target.exec_id, "17.80"),
            LinkSeen("ready", 2, "", AT),
        )
    reply = await TellIntent("000001").run(session)
    at = "14:31:05  "
    assert [line.rstrip() for line in shown(reply.value).splitlines()] == [
        "BD-20261120-w1-000001: closed",
        "2026-11-20 UTC",
        f"{at}reserved by w1: buy 10 AAPL, reference 190.60",
        f"{at}entry to be sent as order 101: buy 10 LMT limit 190.98 DAY",
        f"{at}take-profit to be sent as order 102: sell 10 LMT limit 190.98 GTC",
        f"{at}stop to be sent as order 103: sell 10 STP stop 189.65 GTC",
        "14:31:06  order 101 is Submitted, permId 900101",
        "14:31:07  order 101 bought 10 @ 190.62 (execution 0000e0d5.00000001.01.01)",
        f"{at}the link was disconnected: connection closed",
        f"{at}the link was ready",
        f"{at}a desk began, paper, client 7",
        "14:31:07  order 102 sold 10 @ 192.50 (execution 0000e0d5.00000002.01.01)",
        f"{at}fee 1.00 for execution 0000e0d5.00000002.01.01, realised 17.80",
        "entered 10 @ 190.62",
        "exited 10 @ 192.50",
        "fees 1.00, realised 17.80",
    ]
