"""Feeds over a real socket while data farms, links and subscriptions fail, judged by what was made.

A bar takes five seconds of the market's time and five of the desk's: a market at speed one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from random import Random

import pytest

from apps.domain.bars import Bar
from apps.domain.calm import Calm
from apps.domain.gaps import Gap, Replay
from apps.engine.breakout_watcher import Readiness
from apps.engine.ports import LinkState
from tests.engine_on_paper.play import Play, a_play
from tests.engine_on_paper.scripted import BAR_MS

DEAD_FARM = "farm_outage for_s=3 streams=dead"


@dataclass
class Ear:
    """Hears everything, and keeps what it was told could not be had."""

    live: list[int] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    torn: list[Gap] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)

    def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
        self.live.append(ms(bar))
        self.heard.append(ms(bar))

    def on_replay(self, replay: Replay) -> None:
        self.heard += [ms(bar) for bar in replay.bars]
        self.torn += [] if replay.torn is None else [replay.torn]

    def on_blind(self, reason: str) -> None:
        self.blind.append(reason)

    def on_sight(self) -> None:
        pass

    def on_failure(self, error: Exception) -> None:
        raise error

    def calm(self) -> Calm | None:
        return None

    def urgency(self) -> float:
        return inf


@dataclass
class Listening:
    """A play in which two symbols are listened to."""

    play: Play
    ears: dict[str, Ear]

    async def bars(self, count: int, *, untraded: tuple[str, ...] = ()) -> None:
        """Let bars stream, five seconds of the desk's clock for each."""
        traded = tuple(each for each in self.ears if each not in untraded)
        for _ in range(count):
            self.play.bar_now("190.40", "190.40", of=traded)
            await self.play.sync()
            for _ in range(2):
                await self.play.clock.advance(2.5)
                await self.play.sync()

    def inject(self, fault: str) -> None:
        self.play.gateway.faults.inject(fault)
        self.play.gateway.flush()

    def must_have_every_bar(self) -> None:
        """See that no bar is there twice, none out of order, and none missing but by word."""
        for symbol, ear in self.ears.items():
            assert ear.heard == sorted(set(ear.heard)), symbol
            made = [bar.start for bar in self.play.market.made[symbol]]
            missing = [each for each in made if each not in set(ear.heard)]
            unsaid = [each for each in missing if not any(holds(gap, each) for gap in ear.torn)]
            assert unsaid == [], f"{symbol}: {[(each - made[0]) // BAR_MS for each in unsaid]}"
            assert ear.heard[-1] == made[-1], f"{symbol} is heard again"


def ms(bar: Bar) -> int:
    return int(bar.start.timestamp()) * 1000


def holds(gap: Gap, at: int) -> bool:
    return gap.start <= datetime.fromtimestamp(at / 1000, UTC) < gap.end


@asynccontextmanager
async def listening() -> AsyncIterator[Listening]:
    async with a_play() as play:
        ears = {"AAPL": Ear(), "MSFT": Ear()}
        for symbol, ear in ears.items():
            await play.desk._feeds.join(await play.ib.market_data.qualify(symbol), ear)
        each = Listening(play, ears)
        await each.bars(2)
        yield each


@pytest.mark.parametrize(
    "fault",
    [
        DEAD_FARM,
        "farm_outage for_s=12",
        "outage for_s=8 back=1101",
        "outage for_s=0.3 back=1102 streams=dead",
        "bust",
        "disconnect",
        "drop on=realtimeBar times=14",
    ],
)
async def test_bars_that_a_fault_took_are_replayed_and_the_stream_goes_on(fault: str) -> None:
    async with listening() as desk:
        await desk.bars(14)
        desk.inject(fault)
        await desk.bars(16)
        desk.must_have_every_bar()
        for ear in desk.ears.values():
            assert ear.torn == []
            assert ear.blind


async def test_streams_that_die_without_a_word_are_found_by_the_age_of_their_bars() -> None:
    async with listening() as desk:
        await desk.bars(3)
        desk.inject("drop on=realtimeBar times=16")  # eight of each
        await desk.bars(9)
        assert desk.play.heard("bars have stopped without a word")
        desk.must_have_every_bar()


async def test_symbol_that_is_not_traded_is_no_alarm_while_another_one_goes_on() -> None:
    async with listening() as desk:
        await desk.bars(14)
        await desk.bars(20, untraded=("MSFT",))
        assert desk.ears["MSFT"].blind == []
        assert not desk.play.heard("without a word")
        await desk.bars(3)
        desk.must_have_every_bar()


async def test_market_that_stands_still_is_no_alarm() -> None:
    async with listening() as desk:
        for _ in range(60):
            await desk.play.clock.advance(5)
            await desk.play.sync()
        assert not desk.play.heard("without a word")


async def test_watcher_misses_a_break_while_it_is_blind_and_says_so() -> None:
    async with a_play() as play:
        await play.arm()
        await play.bars("190.40")
        play.gateway.faults.inject("outage for_s=12 back=1101")
        play.gateway.flush()
        await play.until(lambda: play.desk.watcher("w1").readiness is Readiness.BLIND)
        await play.bars("190.55", "190.60", "190.62")
        await play.until(lambda: play.desk.link.state is LinkState.READY)
        await play.sync()
        await play.bars("190.64", "190.66")
        await play.sync()
        assert play.heard("would have triggered at 190.50")
        assert play.heard("would have entered at 190.50")
        assert play.entries_placed == 0
        await play.bars("190.40", "190.55", "190.60")
        await play.sync()
        assert play.entries_placed == 1


@pytest.mark.parametrize("seed", range(4))
async def test_no_bar_is_missing_or_doubled_whatever_happens_to_the_streams(seed: int) -> None:
    luck = Random(seed)  # noqa: S311  the same seed, the same story
    async with listening() as desk:
        await desk.bars(12)
        for _ in range(4):
            for_s = luck.choice((0.3, 3, 7, 12, 31))
            fault = luck.choice(
                (
                    f"farm_outage for_s={for_s} streams={luck.choice(('alive', 'dead'))}",
                    f"outage for_s={for_s} back=1101",
                    f"outage for_s={for_s} back=1102 streams={luck.choice(('alive', 'dead'))}",
                    f"farm_outage farm=ushmds for_s={for_s}",
                    "bust",
                    "disconnect how=mid_frame",
                    f"drop on=realtimeBar times={luck.randint(1, 12)}",
                )
            )
            desk.inject(fault)
            await desk.bars(luck.randint(1, 16))
        await desk.bars(20)
        desk.must_have_every_bar()
