"""`data load`: fetch the bars that are missing, and keep them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import click

from apps.api.commands.history.opening import series_options
from apps.api.durations import duration_s
from apps.api.outcomes import ExitCode, exit_code_of
from apps.api.replies import Reply
from apps.api.session import Command, Session
from apps.api.tree import command
from apps.domain.history.bar_sizes import parse_bar_size
from apps.domain.history.ranges import history_range
from apps.domain.history.series import What
from apps.domain.sessions import Span

if TYPE_CHECKING:
    from apps.engine.history.loading import LoadReport, Progress

__all__ = ["load"]

_USUAL = "1m"


@dataclass(frozen=True, slots=True)
class LoadBars:
    """Have bars of several symbols on disk; ``what`` None is the usual of each."""

    symbols: tuple[str, ...]
    bar_seconds: int
    span: Span
    what: What | None
    all_hours: bool
    newest_first: bool
    deadline_s: float | None
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Fetch what is missing. Raises NotFound, InvalidInput: nothing was fetched then."""
        from apps.engine.history.loading import Wanted  # noqa: PLC0415 - help stays light

        desk = session.desk
        loader = desk.history
        instruments = await asyncio.gather(*(desk.instrument(each) for each in self.symbols))
        wanted = [
            Wanted(each, self.bar_seconds, self.span, self.what, not self.all_hours)
            for each in dict.fromkeys(instruments)
        ]
        came = 0
        try:
            with session.console.counted("Loading") as count:

                def tell(progress: Progress) -> None:
                    nonlocal came
                    came = progress.bars
                    count(progress.done, progress.requests, _words(progress))

                report = await loader.load(
                    wanted, tell, newest_first=self.newest_first, deadline_s=self.deadline_s
                )
        except asyncio.CancelledError:
            session.console.say(
                f"Left: the {came:,} bars that came are kept, and the same command goes on there."
            )
            raise
        return Reply(report, _exit_code(report))


def _words(progress: Progress) -> str:
    bars = f"{progress.bars:,} bars"
    if not progress.left_s or progress.left_s < 1:
        return bars
    minutes, seconds = divmod(round(progress.left_s), 60)
    left = f"{minutes} min" if minutes else f"{seconds} s"
    return f"{bars}, some {left} left"


def _exit_code(report: LoadReport) -> ExitCode:
    errors = [row.error for row in report.rows if row.error is not None]
    if len(report.rows) == len(errors) == 1:
        raise errors[0]
    if errors:
        return exit_code_of(errors[0])
    return ExitCode.TIMEOUT if report.is_cut_short else ExitCode.DONE


@command(
    "load",
    examples=(
        "data load AAPL --from 2026-11-02 --to 2026-11-20",
        "data load AAPL MSFT SPY --bar 5s --from 2026-11-16 --newest-first",
        "data load AAPL --bar 1d --from 2025-01-01 --json",
    ),
    short_help="Fetch bars that are missing from the broker, and keep them.",
)
@click.argument("symbols", metavar="SYMBOL…", nargs=-1, required=True)
@series_options
@click.option("--from", "start", metavar="WHEN", required=True, help="From this day or time on.")
@click.option("--to", "end", metavar="WHEN", help="Up to this day (and with it) or time; now.")
@click.option("--newest-first", is_flag=True, help="Begin with the newest bars.")
@click.option("--deadline", metavar="TIME", help="End after so long, such as 10m, with what came.")
def load(
    symbols: Sequence[str],
    *,
    bar: str | None,
    what: str | None,
    all_hours: bool,
    start: str,
    end: str | None,
    newest_first: bool,
    deadline: str | None,
) -> Command:
    """Have the bars of each SYMBOL on disk: only what is missing is fetched.

    It waits its turn in IB's pacing, and shows how far it is. Ctrl-C, a lost link, even a crash
    loses nothing that came: the same command goes on where it was. A closed market is no hole;
    where IB has no bars though the market was open, it is asked a second time, and then not again.

    A day (2026-11-20) is New York's; so is a time (2026-11-20T09:30) without an offset. The bar
    that is still running is not fetched. Bars are of 1 minute unless --bar says otherwise.
    """
    return LoadBars(
        symbols=tuple(symbol.upper() for symbol in symbols),
        bar_seconds=parse_bar_size(bar or _USUAL).seconds,
        span=history_range(start, end),
        what=None if what is None else What(what.upper()),
        all_hours=all_hours,
        newest_first=newest_first,
        deadline_s=None if deadline is None else duration_s(deadline),
    )
