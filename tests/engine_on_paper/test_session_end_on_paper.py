"""The end of the session, at a gateway whose clock tells when it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.domain.errors import TradingHalted
from apps.domain.exits.session_end import Overnight, SessionEndRule
from apps.engine.requests import BracketRequest
from tests.engine_on_paper.play import OPEN, Play, a_play, ms

CLOSE = datetime(2026, 11, 19, 21, 0, tzinfo=UTC)
HALF_CLOSE = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
HALF_START = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
FIVE = SessionEndRule(timedelta(minutes=5))
PASSIVE = BracketRequest("buy", "AAPL", "10", limit="189.00")
BUY = BracketRequest("buy", "AAPL", "10")


async def send(play: Play, request: BracketRequest) -> None:
    await play.desk.send_bracket(await play.done(play.desk.preview_bracket(request)))
    await play.sync()


async def to(play: Play, at: datetime) -> None:
    """Let the market come to ``at``, and one bar more be seen."""
    play.now = ms(at)
    play.gateway.advance_to(play.now)
    await play.bars("190.40")
    await play.turn(1)


@pytest.mark.parametrize(
    ("start", "close"), [(OPEN + timedelta(minutes=5), CLOSE), (HALF_START, HALF_CLOSE)]
)
async def test_everything_of_ours_is_flat_before_the_close_of_a_whole_day_and_of_a_half_one(
    start: datetime, close: datetime
) -> None:
    async with a_play(session_end=FIVE, start=start) as play:
        await send(play, BUY)
        await to(play, close - timedelta(minutes=6))
        assert play.held() == 10
        await to(play, close - timedelta(minutes=5))
        await play.turn(5)
        assert play.is_flat()
        assert play.heard("5 min to the close: AAPL is made flat")
        await play.turn(20)
        assert sum("made flat" in text for text in play.texts()) == 1


async def test_entry_that_rests_is_withdrawn_and_none_is_sent_after_it() -> None:
    async with a_play(session_end=FIVE) as play:
        await send(play, PASSIVE)
        assert len(play.orders) == 3
        await to(play, CLOSE - timedelta(minutes=4))
        await play.turn(16)
        assert play.is_flat()
        with pytest.raises(TradingHalted, match="FLAT_BEFORE_CLOSE"):
            await send(play, BUY)
        assert play.entries_placed == 1


async def test_desk_that_opens_late_acts_at_once() -> None:
    async with a_play(session_end=FIVE) as play:
        await send(play, BUY)
        await play.shut_down()
        play.gateway.advance_to(ms(CLOSE - timedelta(minutes=2)))
        play.now = ms(CLOSE - timedelta(minutes=2))
        await play.restart()
        await play.turn(5)
        assert play.is_flat()


async def test_what_is_held_overnight_stays_with_its_exits_and_is_told() -> None:
    async with a_play() as play:
        await send(play, BUY)
        await to(play, CLOSE - timedelta(minutes=5))
        await play.turn(20)
        assert sum("held overnight" in text for text in play.texts()) == 1
        await to(play, CLOSE + timedelta(minutes=5))
        assert play.held() == 10
        assert play.exits() == {"LMT": 10, "STP": 10}
        assert play.heard("10 AAPL are held overnight (OVERNIGHT=hold)")


async def test_watcher_stays_and_enters_nothing_after_it() -> None:
    async with a_play(session_end=FIVE) as play:
        await play.arm()
        await to(play, CLOSE - timedelta(minutes=4))
        await play.bars("190.40", "190.55", "190.60")
        assert play.entries_placed == 0
        assert play.heard("enter in the next session")
        assert not play.desk.watcher("w1").phase.is_over


async def test_overnight_flat_closes_five_minutes_before() -> None:
    async with a_play(session_end=SessionEndRule(overnight=Overnight.FLAT)) as play:
        await send(play, BUY)
        await to(play, CLOSE - timedelta(minutes=5))
        await play.turn(5)
        assert play.is_flat()
