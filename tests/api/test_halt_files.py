from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.api.halt_files import KILL_NAME, STATE_NAME, HaltFiles
from apps.api.kill_signal import on_kill_signal
from apps.domain.errors import DeskError
from apps.domain.trading_state import ACTIVE, HaltCause, Trading, TradingState
from apps.engine.risk.trading_switch import KillOrder

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
HALTED = Trading(TradingState.HALTED, HaltCause.COMMAND, "why", AT, is_flattening=True)


@pytest.mark.parametrize("trading", [ACTIVE, HALTED, Trading(TradingState.REDUCING)])
def test_what_is_kept_is_what_was_saved(tmp_path: Path, trading: Trading) -> None:
    HaltFiles(tmp_path).save(HALTED)
    HaltFiles(tmp_path).save(trading)
    assert HaltFiles(tmp_path).load() == trading
    assert [each.name for each in tmp_path.iterdir()] == [STATE_NAME]


def test_folder_without_a_state_holds_nothing_back(tmp_path: Path) -> None:
    assert HaltFiles(tmp_path).load() == ACTIVE
    assert HaltFiles(tmp_path).kill_order() is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"state": "active"}', b'{"state": "?", "cause": null}']
)
def test_state_that_cannot_be_understood_is_a_halt(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_NAME).write_bytes(content)
    kept = HaltFiles(tmp_path).load()
    assert (kept.state, kept.cause) == (TradingState.HALTED, HaltCause.UNREADABLE)


def test_state_that_cannot_be_written_is_told_and_leaves_the_old_one(tmp_path: Path) -> None:
    HaltFiles(tmp_path).save(HALTED)
    (tmp_path / "trading.new").mkdir()
    with pytest.raises(DeskError, match="cannot be written"):
        HaltFiles(tmp_path).save(ACTIVE)
    assert HaltFiles(tmp_path).load() == HALTED


@pytest.mark.parametrize(("words", "flatten"), [("", False), ("stop it", False), ("FLATTEN", True)])
def test_kill_file_may_ask_for_all_to_be_closed(tmp_path: Path, words: str, flatten: bool) -> None:
    (tmp_path / KILL_NAME).write_text(words)
    order = HaltFiles(tmp_path).kill_order()
    assert order is not None
    assert order.flatten is flatten


@pytest.mark.parametrize(
    ("words", "to", "flatten"),
    [
        ("reduce", TradingState.REDUCING, False),
        ("Reduce\nflatten\n", TradingState.REDUCING, True),
        ("reduce everything", TradingState.HALTED, False),
        ("reduce " + "\n" * 5000, TradingState.HALTED, False),
        ("\x00\x00reduce", TradingState.HALTED, False),
    ],
)
def test_kill_file_lets_reducing_through_only_where_it_says_nothing_else(
    tmp_path: Path, words: str, to: TradingState, flatten: bool
) -> None:
    (tmp_path / KILL_NAME).write_text(words)
    order = HaltFiles(tmp_path).kill_order()
    assert order is not None
    assert (order.to, order.flatten) == (to, flatten)


def test_kill_file_that_is_left_never_asks_for_less_than_the_one_before(tmp_path: Path) -> None:
    files = HaltFiles(tmp_path)
    files.leave_kill_order(TradingState.REDUCING, flatten=False)
    assert files.kill_order() == an_order(files, TradingState.REDUCING, flatten=False)
    files.leave_kill_order(TradingState.HALTED, flatten=True)
    files.leave_kill_order(TradingState.REDUCING, flatten=False)
    assert files.kill_order() == an_order(files, TradingState.HALTED, flatten=True)


def an_order(files: HaltFiles, to: TradingState, *, flatten: bool) -> KillOrder:
    return KillOrder(f"{files.folder / KILL_NAME} is there", flatten=flatten, to=to)


def test_kill_file_that_cannot_be_read_counts_as_on(tmp_path: Path) -> None:
    (tmp_path / KILL_NAME).mkdir()
    order = HaltFiles(tmp_path).kill_order()
    assert order is not None
    assert "cannot be read" in order.reason


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_kill_file_that_leads_nowhere_counts_as_on(tmp_path: Path) -> None:
    (tmp_path / KILL_NAME).symlink_to(tmp_path / "gone")
    assert HaltFiles(tmp_path).kill_order() is not None


def test_kill_file_that_cannot_be_looked_for_counts_as_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    order = HaltFiles(tmp_path / "file").kill_order()
    assert order is not None
    assert "counts as on" in order.reason


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there is no such signal")
async def test_signal_halts_while_the_desk_is_open() -> None:
    heard = asyncio.Event()
    with on_kill_signal(heard.set):
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(heard.wait(), 5)
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
