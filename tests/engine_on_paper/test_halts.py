"""The kill switch: no entry passes it, and nothing that protects or closes is held back by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from apps.api.halt_files import KILL_NAME, HaltFiles
from apps.domain.breakout import Phase
from apps.domain.errors import Refused, TradingHalted
from apps.domain.risk import TradingMode
from apps.domain.trading_state import HaltCause, Trading, TradingState
from apps.engine.alerts import AlertKind
from apps.engine.ports import LinkState
from apps.engine.requests import BracketRequest
from apps.engine.risk.kill_switch import HaltOutcome
from tests.engine_on_paper.play import Play, a_play

LIMIT = BracketRequest("buy", "AAPL", "10", limit="189.00")


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Play]:
    async with a_play(keeper=HaltFiles(tmp_path)) as opened:
        yield opened


async def rest(play: Play) -> None:
    """Have an entry rest at a limit of its own."""
    await play.desk.send_bracket(await play.done(play.desk.preview_bracket(LIMIT)))
    await play.sync()
    assert play.entries_placed == 1


async def _result(task: asyncio.Task[HaltOutcome]) -> HaltOutcome:
    return await task


def halted_by(play: Play) -> HaltCause | None:
    assert play.desk.trading.state is TradingState.HALTED
    return play.desk.trading.cause


async def test_halt_between_trigger_and_confirmation_sends_nothing(play: Play) -> None:
    await play.arm()
    await play.bars("190.40", "190.55")
    await play.done(play.desk.halt())
    await play.bars("190.60", "190.65", "190.70")
    assert play.entries_placed == 0
    (watcher,) = play.desk.watchers()
    assert (watcher.phase, watcher.end_reason) == (Phase.BEYOND, "")
    assert play.heard("AAPL: not sent. Trading is halted")


async def test_watcher_enters_at_the_next_break_after_resume_and_not_at_once(play: Play) -> None:
    await play.arm()
    await play.bars("190.40", "190.55")
    await play.done(play.desk.halt())
    await play.bars("190.60")
    play.desk.resume()
    play.market.put("AAPL", "190.59", "190.61")
    await play.bars("190.65", "190.70")
    assert play.entries_placed == 0
    await play.bars("190.40", "190.55", "190.60")
    assert play.entries_placed == 1


async def test_trigger_while_halted_is_told_and_not_entered(play: Play) -> None:
    await play.arm()
    await play.done(play.desk.halt())
    await play.bars("190.40", "190.55", "190.60")
    assert play.entries_placed == 0
    assert play.texts(AlertKind.TRIGGER)


async def test_halt_withdraws_an_entry_that_rests(play: Play) -> None:
    await rest(play)
    outcome = await play.done(play.desk.halt())
    assert outcome.ok
    assert len(outcome.withdrawn) == 1
    assert play.is_flat()


async def test_halt_takes_back_the_unfilled_part_and_keeps_the_rest_protected(play: Play) -> None:
    await play.enter(size=4)
    assert (await play.done(play.desk.halt())).ok
    await play.turn(3)
    assert play.held() == 4
    assert play.exits() == {"LMT": 4, "STP": 4}


async def test_protection_and_closing_go_on_while_halted(play: Play) -> None:
    await play.protected()
    await play.done(play.desk.halt())
    assert play.exits() == {"LMT": 10, "STP": 10}
    (outcome,) = await play.done(play.desk.close("AAPL"))
    assert outcome.ok
    await play.sync()
    assert play.is_flat()


async def test_stop_fills_while_halted(play: Play) -> None:
    await play.protected()
    await play.done(play.desk.halt())
    play.market.put("AAPL", "189.00", "189.02")
    await play.print("189.00")
    await play.turn(6)
    assert play.is_flat()


async def test_halt_and_flatten_leaves_nothing(play: Play) -> None:
    await play.protected()
    outcome = await play.done(play.desk.halt(flatten=True))
    assert outcome.ok
    assert [each.symbol for each in outcome.closed] == ["AAPL"]
    assert not play.desk.trading.is_flattening
    assert play.is_flat()


async def test_flatten_waits_for_a_link_that_is_lost(play: Play) -> None:
    await play.protected()
    target, play.wire.target = play.wire.target, 1  # nobody is there
    play.wire.cut()
    await play.until(lambda: play.desk.link.state is not LinkState.READY)
    halting = asyncio.create_task(play.desk.halt(flatten=True))
    await play.turn(3)
    assert play.heard("what the halt asks for waits for the broker")
    assert play.held() == 10
    play.wire.target = target
    assert (await play.done(_result(halting))).ok
    assert play.is_flat()


async def test_restart_stays_halted_until_resume(play: Play) -> None:
    await play.done(play.desk.halt())
    await play.restart()
    assert halted_by(play) is HaltCause.COMMAND
    with pytest.raises(TradingHalted, match="`resume`"):
        await play.desk.send_bracket(await play.done(play.desk.preview_bracket(LIMIT)))
    play.desk.resume()
    await play.restart()
    assert play.desk.trading.is_active
    await rest(play)


async def test_flatten_that_was_cut_short_is_done_after_the_restart(
    play: Play, tmp_path: Path
) -> None:
    await play.protected()
    await play.shut_down()
    half_way = Trading(TradingState.HALTED, HaltCause.COMMAND, is_flattening=True)
    HaltFiles(tmp_path).save(half_way)
    await play.restart()
    await play.turn(5)
    assert play.is_flat()
    assert HaltFiles(tmp_path).load() == replace(half_way, is_flattening=False)


async def test_kill_file_that_says_flatten_closes_all_at_the_next_start(
    play: Play, tmp_path: Path
) -> None:
    await play.protected()
    await play.shut_down()
    (tmp_path / KILL_NAME).write_text("flatten")
    await play.restart()
    await play.turn(5)
    assert halted_by(play) is HaltCause.FILE
    assert play.is_flat()


async def test_kill_file_that_appears_while_the_desk_runs_halts_it(
    play: Play, tmp_path: Path
) -> None:
    await rest(play)
    (tmp_path / KILL_NAME).touch()
    await play.turn(1)
    assert halted_by(play) is HaltCause.FILE
    assert play.is_flat()


async def test_no_entry_passes_a_kill_file_that_nobody_has_looked_for_yet(
    play: Play, tmp_path: Path
) -> None:
    await play.arm()
    await play.bars("190.40", "190.55")
    (tmp_path / KILL_NAME).touch()
    await play.bars("190.60")
    assert play.entries_placed == 0
    assert halted_by(play) is HaltCause.FILE


async def test_resume_refuses_while_the_kill_file_is_there(play: Play, tmp_path: Path) -> None:
    (tmp_path / KILL_NAME).touch()
    await play.turn(1)
    with pytest.raises(Refused, match="KILL is there"):
        play.desk.resume()
    (tmp_path / KILL_NAME).unlink()
    await play.turn(1)
    assert halted_by(play) is HaltCause.FILE
    assert play.desk.resume().is_active


async def test_entry_that_an_earlier_session_left_is_withdrawn_at_a_start_that_is_halted(
    play: Play, tmp_path: Path
) -> None:
    await rest(play)
    await play.shut_down()
    (tmp_path / KILL_NAME).touch()
    await play.restart()
    await play.turn(1)
    assert play.orders == ()


async def test_signal_halts_at_once(play: Play) -> None:
    await rest(play)
    play.desk.halt_now(HaltCause.SIGNAL)
    assert halted_by(play) is HaltCause.SIGNAL
    await play.turn(1)
    assert play.is_flat()


async def test_halt_withdraws_nothing_of_others(play: Play) -> None:
    await play.protected()
    outcome = await play.done(play.desk.halt())
    assert outcome.withdrawn == ()
    assert len(play.orders) == 2


async def test_live_mode_is_halted_without_a_word_to_the_broker(tmp_path: Path) -> None:
    keeper = HaltFiles(tmp_path)
    async with a_play(mode=TradingMode.LIVE, accounts=("U1234567",), keeper=keeper) as play:
        outcome = await play.done(play.desk.halt())
        assert outcome.ok
        assert halted_by(play) is HaltCause.COMMAND
