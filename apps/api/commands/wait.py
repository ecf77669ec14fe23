"""`wait`: let time pass while the watchers go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import click

from apps.api.durations import duration_s
from apps.api.replies import MarketTime, Reply
from apps.api.session import Command, Session
from apps.api.tree import command
from apps.domain.errors import InvalidInput

__all__ = ["entry"]

_LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for a stretch of this machine's time, or of the market's."""

    seconds: float
    of_market: bool
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Wait it out."""
        if self.of_market:
            return Reply(MarketTime(await session.desk.wait_market(self.seconds)))
        await session.desk.wait(self.seconds)
        return Reply(MarketTime(session.desk.market_now))


@command(
    "wait",
    examples=("wait 30", "wait --market 5m"),
    short_help="Let time pass, of the clock on the wall or of the market.",
)
@click.argument("time", metavar="SECONDS", required=False)
@click.option("--market", metavar="TIME", help="Wait for market time instead, such as 5m.")
def entry(time: str | None, market: str | None) -> Command:
    """Let SECONDS pass while watchers and orders go on; `30`, `5m` and `1h` all do."""
    given = [text for text in (time, market) if text is not None]
    if len(given) != 1:
        raise InvalidInput("wait takes SECONDS, or --market TIME, and one of them only.")
    seconds = duration_s(given[0])
    if not 0 <= seconds <= _LONGEST.total_seconds():
        raise InvalidInput(f"{given[0]!r} is longer than the 7 days that wait takes.")
    return Wait(seconds, of_market=market is not None)
