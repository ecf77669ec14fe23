"""How the program's parts begin and end: interrupts, the end's time limit, the log, the story."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from apps.api import cli
from apps.api.ending import Ending
from apps.api.interrupts import Interrupted, Interrupts
from apps.api.logs import logging_to
from apps.api.outcomes import ExitCode, error_as_json, exit_code_of
from apps.api.situation import Situation
from apps.api.story import Books, judge
from apps.domain import errors
from apps.domain.orders import Side
from apps.domain.trading_state import HaltCause, Trading, TradingState
from apps.engine.ports import Link, LinkState
from apps.paper.books.ledger import Holding
from apps.paper.exchange.orders import Order, OrderSnapshot, Stage
from apps.paper.instruments.catalogue import Catalogue
from tests.api.stand_ins import FakeDesk, a_watcher, some_settings


async def forever() -> None:
    await asyncio.Event().wait()


# ---------------------------------------------------------------- interrupts


async def test_ctrl_c_ends_the_foreground_and_nothing_else() -> None:
    interrupts = Interrupts()
    background = asyncio.ensure_future(forever())
    running = asyncio.ensure_future(interrupts.foreground(forever()))
    await asyncio.sleep(0)
    interrupts.press()
    with pytest.raises(Interrupted):
        await running
    assert not background.done()
    background.cancel()


async def test_cancelled_foreground_cancels_its_work_and_is_not_swallowed() -> None:
    interrupts = Interrupts()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            ended.set()

    running = asyncio.ensure_future(interrupts.foreground(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


async def test_second_ctrl_c_quits_when_the_first_one_does_not_come_to_an_end() -> None:
    interrupts = Interrupts()
    codes: list[ExitCode] = []

    async def stubborn() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await forever()

    with interrupts.handled(codes.append):
        running = asyncio.ensure_future(interrupts.foreground(stubborn()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        interrupts.press()
        await asyncio.sleep(0)
        interrupts.press()
    assert codes == [ExitCode.INTERRUPTED]
    running.cancel()
    await asyncio.wait({running})


async def test_ctrl_c_that_comes_when_a_line_is_just_read_keeps_its_command_from_beginning() -> (
    None
):
    interrupts, line = Interrupts(), asyncio.get_running_loop().create_future()
    begun = list[str]()

    async def read() -> str:
        return str(await line)

    async def command() -> None:
        begun.append("command")

    async def session() -> None:
        assert await interrupts.foreground(read()) == "close all"
        await interrupts.foreground(command())

    running = asyncio.ensure_future(session())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    line.set_result("close all")
    await asyncio.sleep(0)  # the line is read, and who waits for it has not heard of it
    interrupts.press()
    with pytest.raises(Interrupted):
        await running
    assert begun == []
    # and it is over with that
    await interrupts.foreground(command())
    assert begun == ["command"]


async def test_ctrl_c_with_nothing_in_the_foreground_quits() -> None:
    interrupts = Interrupts()
    codes: list[ExitCode] = []
    with interrupts.handled(codes.append):
        interrupts.press()
    assert codes == [ExitCode.INTERRUPTED]


# ---------------------------------------------------------------- the end


async def test_first_reason_to_end_is_the_one_that_counts() -> None:
    ending = Ending()
    work = asyncio.ensure_future(forever())
    ending.of(work)
    ending.quit_with(ExitCode.TERMINATED)
    ending.quit_with(ExitCode.INTERRUPTED)
    await asyncio.wait({work})
    ending.done()
    assert ending.code is ExitCode.TERMINATED
    assert work.cancelled()


async def test_end_that_has_begun_is_not_cancelled_any_more() -> None:
    ending = Ending()
    work = asyncio.ensure_future(forever())
    ending.of(work)
    ending.begin()
    ending.quit_with(ExitCode.TERMINATED)
    await asyncio.sleep(0)
    assert not work.done()
    ending.done()
    work.cancel()


def test_end_that_takes_too_long_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    codes: list[int] = []
    cut = threading.Event()

    def leave(code: int) -> None:
        codes.append(code)
        cut.set()

    monkeypatch.setattr(os, "_exit", leave)
    ending = Ending(time_limit_s=0.0)
    ending.begin()
    assert cut.wait(10)
    assert codes == [ExitCode.ERROR]


# ---------------------------------------------------------------- errors and the log


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (errors.BadSetting("x"), 2, "usage"),
        (errors.AmbiguousSymbol("x"), 5, "not_found"),
        (errors.RiskRefused("x"), 4, "rejected"),
        (errors.BrokerRejected("x", code=201), 4, "rejected"),
        (errors.ClientIdInUse("x"), 3, "no_connection"),
        (errors.DeadlineExceeded("x"), 6, "timeout"),
        (errors.BrokerError("x"), 1, "error"),
        (errors.IllegalTransition("x"), 1, "error"),
    ],
)
def test_every_error_has_its_exit_code_and_its_word(
    error: errors.DeskError, code: int, word: str
) -> None:
    assert exit_code_of(error) == code
    assert error_as_json(error)["error"]["code"] == word


def test_log_goes_to_its_file_and_stops_with_the_block(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "desk.log"
    with logging_to(path, "INFO"):
        logging.getLogger("ib_insync.wrapper").error("Error 200")
        logging.getLogger("asyncio").debug("too fine")
    logging.getLogger("ib_insync.wrapper").info("after")
    written = path.read_text(encoding="utf-8")
    assert "ib_insync.wrapper: Error 200" in written
    assert "too fine" not in written
    assert "after" not in written
    assert capfd.readouterr() == ("", "")


def test_error_of_its_own_is_one_sentence_and_its_trace_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "desk.log"

    async def run(_request: object, _outlet: object) -> int:
        with logging_to(path, "INFO"):
            raise RuntimeError("a bug")

    monkeypatch.setattr(cli, "run", run)
    monkeypatch.setattr(sys, "argv", ["desk", "account"])
    assert cli.main() == ExitCode.ERROR
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "The desk ended by an error of its own (RuntimeError: a bug). "
        f"{path} has the details. Orders that work at the broker stay there.\n"
    )
    assert "RuntimeError: a bug" in path.read_text(encoding="utf-8")


def test_large_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.api.logs._LARGE_BYTES", 10)
    path = tmp_path / "desk.log"
    path.write_text("x" * 11, encoding="utf-8")
    with logging_to(path, "INFO"):
        pass
    assert path.read_text(encoding="utf-8") == ""
    assert (tmp_path / "desk.log.1").read_text(encoding="utf-8") == "x" * 11


def test_log_that_cannot_be_written_is_a_bad_setting(tmp_path: Path) -> None:
    with pytest.raises(errors.BadSetting, match="LOG_FILE"), logging_to(tmp_path, "INFO"):
        pytest.fail("a folder was logged to")


# ---------------------------------------------------------------- what is always in view


def test_prompt_and_toolbar_say_when_the_link_is_not_ready() -> None:
    situation, desk = Situation(some_settings()), FakeDesk()
    assert situation.prompt() == "PAPER> "
    situation.desk = desk.as_desk()
    assert situation.prompt() == "PAPER> "
    desk.link = Link(LinkState.BROKER_LOST, epoch=1)
    assert situation.prompt() == "PAPER (broker link lost)> "
    assert ("bad", "│ broker link lost ") in situation.toolbar()


def test_prompt_and_toolbar_say_in_red_that_trading_is_halted() -> None:
    situation, desk = Situation(some_settings()), FakeDesk()
    situation.desk = desk.as_desk()
    assert "HALTED" not in "".join(text for _, text in situation.toolbar())
    desk.trading = Trading(TradingState.HALTED, HaltCause.FILE)
    assert situation.prompt() == "PAPER (halted)> "
    assert ("bad", "│ HALTED ") in situation.toolbar()


def test_toolbar_fits_80_columns_and_shows_the_age_of_bars_only_while_somebody_watches() -> None:
    situation, desk = Situation(some_settings()), FakeDesk()
    situation.desk = desk.as_desk()
    assert "bars" not in "".join(text for _, text in situation.toolbar())
    desk.rows = (a_watcher(),)
    text = "".join(text for _, text in situation.toolbar())
    assert "bars 1 s old" in text
    assert len(text) <= 80


@pytest.mark.parametrize(
    ("pnl", "shown"), [("-6.604", "P&L -6.60"), ("12.5", "P&L +12.50"), (None, "P&L unknown")]
)
def test_toolbar_shows_the_days_result_open_positions_included(pnl: str | None, shown: str) -> None:
    situation, desk = Situation(some_settings()), FakeDesk()
    situation.desk = desk.as_desk()
    desk.pnl = None if pnl is None else Decimal(pnl)
    assert shown in "".join(text for _, text in situation.toolbar())


def test_symbols_in_use_are_proposed() -> None:
    situation, desk = Situation(some_settings(default_symbol="SPY")), FakeDesk()
    assert situation.symbols() == ["SPY"]
    desk.rows = (a_watcher(symbol="MSFT"),)
    situation.desk = desk.as_desk()
    assert situation.symbols() == ["AAPL", "MSFT", "SPY"]


# ---------------------------------------------------------------- the demo's verdict

LISTING = next(iter(Catalogue.load()))


def an_order_of_the_book(
    order_id: int, order_type: str, *, parent: int = 0, filled: int = 0, price: str = "190"
) -> OrderSnapshot:
    order = Order(
        client_id=1,
        order_id=order_id,
        account="DU1234567",
        listing=LISTING,
        side=Side.SELL if parent else Side.BUY,
        quantity=Decimal(20),
        order_type=order_type,
        limit_price=Decimal(price) if order_type == "LMT" else None,
        stop_price=Decimal(price) if order_type == "STP" else None,
        parent_id=parent,
    )
    return OrderSnapshot(
        order,
        perm_id=order_id,
        stage=Stage.FILLED if filled else Stage.CANCELLED,
        placed_at=0,
        filled=Decimal(filled),
        traded_value=filled * Decimal(price),
    )


def a_whole_story() -> Books:
    return Books(
        working=(),
        done=(
            an_order_of_the_book(1, "LMT", filled=20),
            an_order_of_the_book(2, "LMT", parent=1),
            an_order_of_the_book(3, "STP", parent=1, filled=20, price="189"),
        ),
        holdings=(Holding(LISTING, realized_pnl=Decimal(-22)),),
    )


def failed(books: Books, *, armed: int = 6, believed: str = "-22") -> list[str]:
    verdict = judge(7, books, armed=armed, believed_pnl=Decimal(believed))
    assert verdict.holds is not any(not check.holds for check in verdict.checks)
    return [check.part for check in verdict.checks if not check.holds]


def test_whole_story_holds() -> None:
    assert failed(a_whole_story()) == []


def test_story_without_a_trade_fails_in_every_part_after_arming() -> None:
    assert failed(Books((), (), ()), believed="0") == [
        "A break was entered",
        "Its exits went with it",
        "The entry filled",
        "An exit closed it",
    ]


def test_missing_stop_is_seen() -> None:
    books = a_whole_story()
    assert failed(replace(books, done=books.done[:2])) == [
        "Its exits went with it",
        "An exit closed it",
    ]


def test_what_is_left_behind_is_seen() -> None:
    books = a_whole_story()
    held = replace(books.holdings[0], quantity=Decimal(5))
    assert failed(replace(books, holdings=(held,))) == ["Nothing is left behind"]
    working = an_order_of_the_book(9, "LMT")
    assert failed(replace(books, working=(working,))) == ["Nothing is left behind"]


def test_belief_that_differs_from_the_ledger_is_seen() -> None:
    assert failed(a_whole_story(), believed="-21.98") == ["The desk's P&L is the ledger's"]
