"""A desk dies in each phase of a watcher's life; the next one, over a link of its own, goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from apps.domain.breakout import Phase
from apps.domain.records import WatcherSeen
from apps.domain.risk import RiskLimits, TradingMode
from apps.engine.alerts import Alert
from apps.engine.breakout_watcher import Readiness
from apps.engine.desk import Desk
from apps.engine.orders.trade_states import TradeState
from apps.engine.parts import Parts
from apps.engine.previews import OrderDefaults
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.pacing import Limits
from apps.store.journal.file import JournalFile
from apps.store.journal.reading import JournalReader
from tests.engine_on_paper.play import Play, a_play
from tests.ib.desk_side import PATIENT


@dataclass
class Second:
    """The next desk: a link of its own, on the journal that the first left behind."""

    play: Play
    ib: IBGateway
    desk: Desk
    told: list[Alert] = field(default_factory=list)

    async def bars(self, *closes: str, opening: str = "") -> None:
        """Let one bar after the other come, each opening at the close before it."""
        opens = (opening or closes[0], *closes[:-1])
        for open_, close in zip(opens, closes, strict=True):
            self.play.bar_now(open_, close)
            await self.sync()

    async def sync(self) -> None:
        for _ in range(3):
            await self.ib.market_data.market_time()
            await self.play.clock.advance(0.01)

    async def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(200):
            if holds():
                return
            await self.sync()
        raise AssertionError("it never came to be")

    def heard(self, words: str) -> bool:
        return any(words in each.text for each in self.told)


@asynccontextmanager
async def a_second_desk(play: Play, path: Path, *, crashed: bool = True) -> AsyncIterator[Second]:
    """End the first desk (without a word in the journal if it ``crashed``), and open another."""
    taken = JournalCopy(path)
    if crashed:
        taken.take()
    await play.shut_down()
    await play.ib.disconnect()
    if crashed:
        taken.put_back()
    told = list[Alert]()
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(JournalFile.open(taken.path))
        ib = await stack.enter_async_context(
            IBGateway(
                Endpoint("127.0.0.1", play.gateway.port, 7),
                clock=play.clock,
                on_error=lambda *_: None,
                timeouts=PATIENT,
                limits=Limits(messages_per_s=100_000),
            )
        )
        await ib.connect()
        desk = Desk(
            Parts(
                broker=ib.broker,
                market=ib.market_data,
                clock=play.clock,
                limits=RiskLimits(),
                trading_mode=TradingMode.PAPER,
                defaults=OrderDefaults(),
                alerts=told.append,
                journal=journal,
                ref_suffix=lambda: f"second{len(told):03d}",
            )
        )
        second = Second(play, ib, desk, told)
        await desk.__aenter__()
        yield second
        await play.done(desk.shutdown())


class JournalCopy:
    """A journal as it was at one moment: what a kill -9 then would have left."""

    def __init__(self, path: Path) -> None:
        self._original = path
        self._kept: dict[Path, bytes] = {}
        self.path = path

    def take(self) -> None:
        folder = self._original.parent
        self._kept = {each: each.read_bytes() for each in folder.glob(f"{self._original.name}*")}

    def put_back(self) -> None:
        self.path = self._original.with_name("crashed.sqlite")
        for each, content in self._kept.items():
            suffix = each.name.removeprefix(self._original.name)
            self.path.with_name(f"{self.path.name}{suffix}").write_bytes(content)


@asynccontextmanager
async def a_first_desk(tmp_path: Path) -> AsyncIterator[tuple[Play, Path]]:
    path = tmp_path / "journal.sqlite"
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            yield play, path


def last_word(path: Path) -> WatcherSeen:
    with JournalReader.open(path) as reader:
        words = [each.record for each in reader.everything()]
    return [each for each in words if isinstance(each, WatcherSeen)][-1]


async def test_armed_watcher_is_back_and_what_it_missed_is_an_alert_and_no_order(
    tmp_path: Path,
) -> None:
    async with a_first_desk(tmp_path) as (play, path):
        await play.arm()
        await play.bars("190.40", "190.41")
        async with a_second_desk(play, path) as second:
            for closes in (("190.41", "190.55"), ("190.55", "190.60"), ("190.60", "190.62")):
                play.bar_now(*closes)
            (back,) = second.desk.bring_back_watchers()
            assert (back.id, back.phase) == ("w1", Phase.ARMED)
            await second.until(lambda: second.desk.watcher("w1").readiness is Readiness.READY)
            await second.bars("190.64")
            await second.until(lambda: second.heard("would have entered at 190.50"))
            assert second.heard("would have triggered at 190.50")
            await second.bars("190.65", "190.66")
            assert play.entries_placed == 0
            assert second.desk.watcher("w1").phase is Phase.BEYOND
            await second.bars("190.40", "190.55", "190.60")
            assert play.entries_placed == 1


@pytest.mark.parametrize("option", ["rearm", "stop"])
async def test_break_that_waits_for_its_confirmation_is_missed_over_a_restart(
    tmp_path: Path, option: str
) -> None:
    async with a_first_desk(tmp_path) as (play, path):
        await play.arm(on_false_break=option)
        await play.bars("190.40", "190.55")
        async with a_second_desk(play, path) as second:
            second.desk.bring_back_watchers()
            await second.until(lambda: second.heard("nobody watched when it was to be confirmed"))
            await second.bars("190.60", "190.62", opening="190.55")
            assert play.entries_placed == 0
            ended = second.desk.watcher("w1").end_reason
            expected = {"rearm": "", "stop": "stopped after a break that a restart came between"}
            assert ended == expected[option]
            assert last_word(tmp_path / "crashed.sqlite").has_ended is (option == "stop")


@pytest.mark.parametrize("fills", [False, True])
async def test_watcher_whose_bracket_is_out_comes_back_as_its_keeper_and_enters_no_second_time(
    tmp_path: Path, *, fills: bool
) -> None:
    async with a_first_desk(tmp_path) as (play, path):
        await play.enter(size=1000 if fills else 0)
        await play.until(lambda: play.trade().state.value == ("protected" if fills else "working"))
        async with a_second_desk(play, path) as second:
            (back,) = second.desk.bring_back_watchers()
            assert back.phase is Phase.ENTERED
            await second.until(lambda: second.desk.watcher("w1").trade is not None)
            await second.bars("190.40", "190.55", "190.60", "190.62")
            assert play.entries_placed == 1
            if fills:
                trade = second.desk.watcher("w1").trade
                assert trade is not None
                assert trade.state is TradeState.PROTECTED
                play.market.put("AAPL", "192.60", "192.62")
                await play.print("192.60", 1000)
            await second.until(lambda: second.desk.watcher("w1").end_reason != "")
            end = "entered, closed" if fills else "entered, withdrawn"
            assert second.desk.watcher("w1").end_reason == end
            assert last_word(tmp_path / "crashed.sqlite").reason == end


async def test_crash_right_after_the_bracket_was_sent_leaves_no_watcher_that_enters_again(
    tmp_path: Path,
) -> None:
    async with a_first_desk(tmp_path) as (play, path):
        await play.arm()
        await play.bars("190.40", "190.55")
        taken = JournalCopy(path)
        place = play.desk._broker.place_bracket

        def sent(*args: object, **more: object) -> tuple[int, ...]:
            taken.take()
            return place(*args, **more)  # type: ignore[arg-type]

        play.desk._broker.place_bracket = sent  # type: ignore[method-assign]
        await play.bars("190.60")
        play.desk._broker.place_bracket = place  # type: ignore[method-assign]
        taken.put_back()
        assert last_word(taken.path).phase == "confirming"
        async with a_second_desk(play, taken.path, crashed=False) as second:
            (back,) = second.desk.bring_back_watchers()
            assert back.phase is Phase.ENTERED
            await second.bars("190.40", "190.55", "190.60", "190.62")
            assert play.entries_placed == 1


async def test_watchers_come_back_after_a_clean_quit_and_fresh_begins_without(
    tmp_path: Path,
) -> None:
    async with a_first_desk(tmp_path) as (play, path):
        await play.arm()
        await play.arm(level="191")
        await play.arm(level="192")
        await play.desk.stop_watcher("w2")
        await play.bars("190.40")
        async with a_second_desk(play, path, crashed=False) as second:
            assert [each.id for each in second.desk.bring_back_watchers()] == ["w1", "w3"]
            await second.bars("190.41", "190.42")
            await second.until(
                lambda: {each.readiness for each in second.desk.watchers()} == {Readiness.READY}
            )
            assert not second.heard("missing")
            await play.done(second.desk.shutdown())
            assert second.desk.forget_watchers("--fresh") == ("w1", "w3")
            assert second.desk.forget_watchers("--fresh") == ()
            assert last_word(path).reason == "--fresh"


async def test_cooldown_after_a_false_break_is_over_with_the_restart_and_the_rule_goes_on(
    tmp_path: Path,
) -> None:
    async with a_first_desk(tmp_path) as (play, path):
        await play.arm()
        await play.bars("190.40", "190.55", "190.45")
        assert play.desk.watcher("w1").phase is Phase.ARMED
        async with a_second_desk(play, path) as second:
            second.desk.bring_back_watchers()
            await second.bars("190.45", "190.46", "190.55", "190.60")
            assert play.entries_placed == 1
