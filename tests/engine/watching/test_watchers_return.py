"""Watchers that outlive their desk, and those that fail and go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.bars import Bar
from apps.domain.breakout import Phase
from apps.domain.breakout_events import BaseBar
from apps.domain.errors import JournalLost, NotConnected
from apps.domain.gaps import Replay
from apps.domain.instruments import Instrument
from apps.domain.records import BarsHeard, WatcherSeen
from apps.domain.sessions import TradingHours
from apps.domain.watching.text import state_of, terms_of
from apps.engine.alerts import AlertKind
from apps.engine.breakout_watcher import BreakoutWatcher, Readiness
from apps.engine.desk import Desk
from apps.engine.parts import Parts
from tests.engine.conftest import Stage, shut_down
from tests.engine.fakes import AAPL, MSFT, OPEN, a_bar, an_instrument, settle


def said(stage: Stage, watcher_id: str = "w1") -> list[WatcherSeen]:
    records = stage.journal.records
    return [
        each for each in records if isinstance(each, WatcherSeen) and each.watcher_id == watcher_id
    ]


def phases(stage: Stage) -> list[str]:
    return [each.phase for each in said(stage)]


def break_it(monkeypatch: pytest.MonkeyPatch, stage: Stage, watcher_id: str) -> Callable[[], None]:
    """Have a watcher fail on each bar; give what mends it."""
    broken = watcher_of(stage, watcher_id)

    def fail(base: object) -> None:
        raise ZeroDivisionError("a rule that does not hold")

    monkeypatch.setattr(broken, "_completed", fail)
    return monkeypatch.undo


def watcher_of(stage: Stage, watcher_id: str) -> BreakoutWatcher:
    watcher = stage.desk._watchers._armed[watcher_id].watcher
    assert watcher is not None
    return watcher


async def killed(stage: Stage, make_desk: Callable[[], Desk]) -> None:
    """End a desk without a word of it in the journal, and open the next one on what is there."""
    kept = list(stage.journal.records)
    await shut_down(stage.desk, stage.clock)
    stage.journal.records[:] = kept
    stage.desk = make_desk()
    await stage.desk.__aenter__()
    stage.desk.bring_back_watchers()
    await settle()


@pytest.fixture
def make_desk(stage: Stage) -> Callable[[], Desk]:
    def make() -> Desk:
        old = stage.desk
        return Desk(
            Parts(
                broker=stage.broker,
                market=stage.market,
                clock=stage.clock,
                limits=old._limits,
                trading_mode=old.trading_mode,
                defaults=old._previews._defaults,
                alerts=stage.told.append,
                journal=stage.journal,
                ref_suffix=lambda: f"{len(stage.journal.records):06d}",
            )
        )

    return make


async def test_watcher_is_written_down_at_arming_and_with_each_change_and_by_no_calm_bar(
    stage: Stage,
) -> None:
    await stage.arm()
    (armed,) = said(stage)
    assert terms_of(armed.terms, "w1").rule.level == Decimal("190.50")
    stage.bars(*[190.40] * 50)
    await settle()
    assert phases(stage) == ["armed"]
    stage.bars(190.55, 190.45, start=50)
    assert phases(stage) == ["armed"], "not while bars are told"
    await settle()
    stage.bars(190.55, 190.60, start=52)
    await settle()
    assert phases(stage) == ["armed", "armed", "entered"]
    last = said(stage)[-1]
    assert state_of(last.state, "w1").order_ref == stage.desk.trades()[0].order_ref
    assert not last.has_ended


async def test_watcher_that_cannot_be_written_down_is_not_armed(stage: Stage) -> None:
    stage.journal.error = JournalLost("The journal cannot be written to.")
    with pytest.raises(JournalLost):
        await stage.arm()
    stage.journal.error = None
    assert stage.desk.watchers() == ()
    assert (await stage.arm()).id == "w1"


async def test_ids_go_on_above_the_highest_ever_given(
    stage: Stage, make_desk: Callable[[], Desk]
) -> None:
    for _ in range(3):
        await stage.arm()
    await stage.desk.stop_watcher("w3")
    await stage.desk.stop_watcher("w1")
    await killed(stage, make_desk)
    assert [each.id for each in stage.desk.watchers()] == ["w2"]
    assert (await stage.arm()).id == "w4"


async def test_break_that_waited_for_its_confirmation_is_missed_over_a_restart(
    stage: Stage, make_desk: Callable[[], Desk]
) -> None:
    await stage.arm()
    await stage.arm(on_false_break="stop")
    stage.bars(190.40, 190.55)
    await settle()
    await killed(stage, make_desk)
    assert [each.phase for each in stage.desk.watchers()] == [Phase.BEYOND, Phase.STOPPED]
    lost = [each for each in stage.texts(AlertKind.WARNING) if "nobody watched" in each]
    assert len(lost) == 2
    ended = stage.desk.watcher("w2")
    assert ended.end_reason == "stopped after a break that a restart came between"
    stage.bars(190.60, 190.61, start=2)
    await settle()
    assert stage.broker.brackets == []
    stage.bars(190.40, 190.55, 190.60, start=4)
    assert len(stage.broker.brackets) == 1


async def test_minute_that_was_being_built_is_whole_after_a_restart(
    stage: Stage, make_desk: Callable[[], Desk]
) -> None:
    await stage.arm(bar="1m")
    stage.bars(*[190.40] * 15)
    stage.desk._watchers._diary.note_heard()
    await killed(stage, make_desk)
    stage.bars(*[190.40] * 3, start=15)
    await settle()
    assert stage.market.history_asks == 1
    stage.bars(*[190.40] * 5, 190.60, start=18)
    assert stage.desk.watcher("w1").phase is Phase.CONFIRMING


async def test_watcher_whose_contract_is_gone_is_shown_as_failed_and_the_others_go_on(
    stage: Stage, make_desk: Callable[[], Desk]
) -> None:
    await stage.arm()
    await stage.arm("MSFT", "411")
    stage.market.instruments["AAPL@NASDAQ"] = an_instrument("AAPL", 4711)
    await killed(stage, make_desk)
    first, second = stage.desk.watchers()
    assert first.failed
    assert "another contract than watcher w1 was armed on" in first.end_reason
    assert said(stage)[-1].has_ended
    stage.bars(410.0, instrument=MSFT)
    await settle()
    assert second.id == "w2"
    assert stage.desk.watcher("w2").readiness is Readiness.READY


async def test_watcher_waits_for_the_link_before_it_asks_for_its_instrument(
    stage: Stage, make_desk: Callable[[], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.arm()
    kept = list(stage.journal.records)
    await shut_down(stage.desk, stage.clock)
    stage.journal.records[:] = kept
    stage.desk = make_desk()
    await stage.desk.__aenter__()

    async def lost(symbol: str) -> Instrument:
        raise NotConnected("no link to the broker")

    with monkeypatch.context() as patch:
        patch.setattr(stage.market, "qualify", lost)
        stage.desk.bring_back_watchers()
        await stage.clock.advance(60)
        assert stage.desk.watcher("w1").readiness is Readiness.STARTING
    await stage.clock.advance(10)
    assert stage.desk.watcher("w1").readiness is Readiness.READY


async def test_watcher_that_cannot_be_read_is_named_and_stays_in_the_journal(
    stage: Stage, make_desk: Callable[[], Desk]
) -> None:
    stage.journal.write(WatcherSeen("w5", "AAPL", "armed", "[2,{}]", "[1,{}]", False, "", OPEN))
    await killed(stage, make_desk)
    assert stage.desk.watchers() == ()
    assert "the terms of watcher w5 cannot be read" in stage.texts(AlertKind.ERROR)[-1]
    assert [each.seen.watcher_id for each in stage.journal.watchers()] == ["w5"]
    assert stage.desk.forget_watchers("--fresh") == ("w5",)
    assert stage.journal.watchers() == ()
    assert said(stage, "w5")[-1].reason == "--fresh"


async def test_until_when_bars_were_heard_is_written_once_in_ten_minutes_of_the_market(
    stage: Stage,
) -> None:
    await stage.arm()
    await stage.arm(level="191")
    for minute in range(31):
        stage.bars(*[190.40] * 12, start=12 * minute)
        await stage.clock.advance(60)
    heard = [each for each in stage.journal.records if isinstance(each, BarsHeard)]
    assert [(each.at - OPEN).total_seconds() // 60 for each in heard] == [1, 12, 23]


async def test_five_hundred_watchers_on_sixty_contracts_are_back_with_one_request_for_each(
    stage: Stage, make_desk: Callable[[], Desk]
) -> None:
    instruments = [an_instrument(f"S{n}", 1000 + n) for n in range(60)]
    for each in instruments:
        stage.market.instruments[each.symbol] = each
        stage.market.set_quote(each, "190.39", "190.41", "190.40")
    for number in range(500):
        await stage.arm(f"S{number % 60}", level="200")
    for each in instruments:
        stage.bars(190.40, 190.41, instrument=each)
    await settle()
    stage.market.subscriptions.clear()
    await killed(stage, make_desk)
    assert len(stage.market.subscriptions) == 60
    for each in instruments:
        stage.bars(190.42, 190.43, start=2, instrument=each)
    await settle()
    assert stage.market.history_asks == 60
    rows = stage.desk.watchers()
    assert [each.id for each in rows] == [f"w{number}" for number in range(1, 501)]
    assert {each.readiness for each in rows} == {Readiness.READY}
    stage.bars(190.44, 200.10, 200.20, start=4, instrument=instruments[0])
    assert len(stage.broker.brackets) == 9


async def test_watchers_come_back_nearest_to_their_level_first(
    stage: Stage, make_desk: Callable[[], Desk]
) -> None:
    await stage.arm(level="250")
    await stage.arm("MSFT", "411")
    stage.bars(190.40)
    stage.bars(410.0, instrument=MSFT)
    stage.desk._watchers._diary.note_heard()
    stage.market.subscriptions.clear()
    await killed(stage, make_desk)
    assert stage.market.subscriptions == [MSFT.con_id, AAPL.con_id]


async def test_failing_watcher_goes_on_with_the_bars_that_it_missed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.arm()
    await stage.arm()
    stage.bars(190.40)
    mend = break_it(monkeypatch, stage, "w1")
    stage.bars(190.55, 190.60, start=1)
    await settle()
    mend()
    first, second = stage.desk.watchers()
    assert first.readiness is Readiness.RESTARTING
    assert len(stage.broker.brackets) == 1, "of the other one"
    await stage.clock.advance(1)
    stage.bars(190.62, start=3)
    await settle()
    assert "would have triggered at 190.50 at 14:30:05 UTC" in " ".join(
        stage.texts(AlertKind.WARNING)
    )
    assert stage.desk.watcher("w1").phase is Phase.BEYOND
    stage.bars(190.40, 190.55, 190.60, start=4)
    assert len(stage.broker.brackets) == 2
    assert not second.failed


async def test_watcher_that_fails_again_and_again_is_stopped_with_its_error(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.arm()
    break_it(monkeypatch, stage, "w1")
    for number in range(9):
        stage.bars(190.40, start=number)
        await stage.clock.advance(8)
    ended = stage.desk.watcher("w1")
    assert (ended.failed, ended.end_reason) == (True, "a rule that does not hold")
    assert len([each for each in stage.texts(AlertKind.WARNING) if "it goes on in" in each]) == 3
    assert "AAPL is not watched any more: a rule" in stage.texts(AlertKind.ERROR)[0]
    assert (said(stage)[-1].has_ended, said(stage)[-1].reason) == (
        True,
        "a rule that does not hold",
    )


async def test_error_in_the_entry_itself_is_not_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.arm()
    place = stage.broker.place_bracket

    def sent_and_lost(*args: object, **more: object) -> None:
        place(*args, **more)  # type: ignore[arg-type]
        raise ZeroDivisionError("after it was sent")

    monkeypatch.setattr(stage.broker, "place_bracket", sent_and_lost)
    stage.bars(190.40, 190.55, 190.60)
    await settle()
    monkeypatch.undo()
    assert stage.desk.watcher("w1").failed
    await stage.clock.advance(30)
    stage.bars(190.40, 190.55, 190.60, start=3)
    await settle()
    assert len(stage.broker.brackets) == 1


async def test_stopped_watcher_does_not_come_back(
    stage: Stage, make_desk: Callable[[], Desk]
) -> None:
    await stage.arm()
    await stage.desk.stop_watcher("w1")
    await killed(stage, make_desk)
    assert stage.desk.watchers() == ()


async def test_who_comes_back_late_is_told_what_it_missed_and_who_never_left_is_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.arm(bar="1m")  # of which no bar is calm
    heard = list[float]()
    early = watcher_of(stage, "w1")
    take = early._take

    def noted(base: BaseBar) -> None:
        heard.append(base.bar.close)
        assert base.live
        take(base)

    monkeypatch.setattr(early, "_take", noted)
    stage.bars(190.40, 190.41, 190.42)
    since = a_bar(1, 190.40, 190.41).start
    replayed, live = list[float](), list[tuple[float, bool]]()

    class Late:
        def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
            live.append((bar.close, after_gap))

        def on_replay(self, replay: Replay) -> None:
            replayed.extend(bar.close for bar in replay.bars)

        def on_blind(self, reason: str) -> None: ...
        def on_sight(self) -> None: ...
        def on_failure(self, error: Exception) -> None:
            raise error

        def calm(self) -> None: ...
        def urgency(self) -> float:
            return 1.0

    seat = await stage.desk._feeds.join(AAPL, Late(), since=since)
    stage.bars(190.43, start=3)
    await settle()
    stage.bars(190.44, 190.45, start=4)
    seat.close()
    assert replayed == [190.41, 190.42, 190.43]
    assert live == [(190.44, True), (190.45, False)]
    assert heard == [190.40, 190.41, 190.42, 190.43, 190.44, 190.45]


@pytest.mark.parametrize("hours", [AAPL.hours, TradingHours()])
async def test_minute_whose_first_seconds_had_no_trades_is_whole_after_a_restart(
    stage: Stage, make_desk: Callable[[], Desk], hours: TradingHours
) -> None:
    instrument = stage.market.instruments["AAPL"] = replace(AAPL, hours=hours)
    await stage.arm(bar="1m")
    stage.bars(*[190.40] * 12)
    stage.bars(190.40, 190.40, start=13)
    await settle()
    stage.desk._watchers._diary.note_heard()
    await killed(stage, make_desk)
    stage.bars(190.40, start=15, instrument=instrument)
    await settle()
    stage.bars(*[190.40] * 7, 190.60, start=16)
    assert stage.desk.watcher("w1").phase is Phase.CONFIRMING


async def test_bars_that_a_failing_watcher_has_not_taken_do_not_count_as_heard(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.arm()
    await stage.arm(level="191")  # of the same contract, and heard all of it
    stage.bars(190.40)
    break_it(monkeypatch, stage, "w1")
    stage.bars(190.55, 190.60, start=1)
    await settle()
    stage.desk._watchers._diary.note_heard()
    assert not [each for each in stage.journal.records if isinstance(each, BarsHeard)]
    await shut_down(stage.desk, stage.clock)
    assert state_of(said(stage)[-1].state, "w1").heard_until == a_bar(1, 190.40, 190.55).start


async def test_what_was_missed_begins_with_the_last_bar_that_is_known_to_have_been_heard(
    stage: Stage,
) -> None:
    await stage.arm()
    stage.bars(*[190.40] * 50)
    await stage.clock.advance(10)
    diary = stage.desk._watchers._diary
    ((kept,), _) = diary.remembered()
    assert kept.state.heard_until == a_bar(49, 190.40, 190.40).end
    assert kept.close == 190.40
