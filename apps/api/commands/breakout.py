"""`breakout`: arm, list and stop breakout watchers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import click

from apps.api.dialogue import Question, agreed_to_open, ask, need
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply, Watchers
from apps.api.session import Command, Session
from apps.api.tree import CommandGroup, command
from apps.domain.errors import InvalidInput, NotFound
from apps.engine.requests import BreakoutRequest

if TYPE_CHECKING:
    from apps.engine.previews import BreakoutPreview

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class StartBreakout:
    """Arm a watcher, after its preview where there is somebody to look at it."""

    request: BreakoutRequest
    confirmed: bool
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Preview, ask, arm; as a one-shot of its own, stay until the watcher has ended."""
        preview = await self._preview(session)
        if not await agreed_to_open(session, "Arm it?", preview, already=self.confirmed):
            return Reply(Note("Not armed."), ExitCode.ERROR)
        watcher = await session.desk.arm(preview)
        if session.beside:
            ends = f"`breakout stop {watcher.id}` ends it"
            session.console.say(f"{watcher.id} stays with the desk that runs; {ends}.")
        if not session.one_shot:
            return Reply(watcher)
        ended = await session.desk.watcher_ended(watcher.id)
        return Reply(ended, ExitCode.ERROR if ended.failed else ExitCode.DONE)

    async def _preview(self, session: Session) -> BreakoutPreview:
        """Complete the request until it can be previewed; an answer may be given again."""
        request, is_dialogue = self.request, not (self.request.symbol and self.request.level)
        if is_dialogue:
            request = await _completed(session, request)
        while True:
            try:
                preview = await session.desk.preview_breakout(request)
            except (InvalidInput, NotFound) as error:
                if not is_dialogue:
                    raise
                session.console.show_error(error)
                # what was asked for is asked again; the options of the line stand
                given = replace(
                    request, symbol="", level="", quantity=None, take_profit=None, stop_loss=None
                )
                request = await _asked(session, request, given)
            else:
                session.console.preview(preview)
                return preview


@dataclass(frozen=True, slots=True)
class ListBreakouts:
    """Show every watcher of the session."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Give them, those that have ended too."""
        return Reply(Watchers(session.desk.watchers()))


@dataclass(frozen=True, slots=True)
class StopBreakout:
    """Stop one watcher, or all."""

    watcher_id: str | None
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Stop what was named."""
        target = await need(session, "ID", self.watcher_id, "all")
        return Reply(Watchers(await session.desk.stop_watcher(target.lower())))


async def _completed(session: Session, given: BreakoutRequest) -> BreakoutRequest:
    """Ask for what the line left out. Raises InvalidInput where nobody is there to answer."""
    if not session.console.interactive:
        missing = "--level" if given.symbol else "SYMBOL"
        raise InvalidInput(f"{missing} is missing, and there is no terminal to ask for it.")
    settings = session.settings
    defaults = BreakoutRequest(
        symbol=settings.default_symbol,
        level="",
        quantity=str(settings.default_qty),
        take_profit=str(settings.default_tp_pct),
        stop_loss=str(settings.default_sl_pct),
    )
    return await _asked(session, defaults, given)


async def _asked(
    session: Session, defaults: BreakoutRequest, given: BreakoutRequest
) -> BreakoutRequest:
    """Ask for each value that is not in ``given``; Enter answers what is in ``defaults``."""

    async def value(typed: str | None, label: str, default: str | None, hint: str = "") -> str:
        return typed or await ask(session.console, Question(label, default or "", hint))

    symbol = (await value(given.symbol, "Symbol", defaults.symbol)).upper()
    if not given.level:
        session.console.preview(await session.desk.quote(symbol))
    return replace(
        given,
        symbol=symbol,
        level=await value(given.level, "Level", defaults.level, "a price, or ±% of last"),
        quantity=await value(given.quantity, "Shares", defaults.quantity),
        take_profit=await value(given.take_profit, "Take-profit %", defaults.take_profit),
        stop_loss=await value(given.stop_loss, "Stop-loss %", defaults.stop_loss),
    )


@click.group("breakout", cls=CommandGroup, short_help="Breakout watchers: start, list, stop.")
def entry() -> None:
    """Breakout live: watchers that turn a confirmed break of a level into one bracket order."""


@command(
    "start",
    examples=(
        "breakout start AAPL --level 190.50",
        "breakout start AAPL --level +0.05% --qty 10 --tp 1 --sl 0.5 --bar 1m",
    ),
    short_help="Arm a watcher.",
)
@click.argument("symbol", required=False)
@click.option("--level", metavar="PRICE|±PCT", help="The level; +0.5% is above the last price.")
@click.option("--direction", metavar="long|short", help="Otherwise seen from the last price.")
@click.option("--qty", metavar="N", help="Shares.")
@click.option("--tp", metavar="PCT", help="Take-profit, percent of the entry's reference.")
@click.option("--sl", metavar="PCT", help="Stop-loss, percent of the entry's reference.")
@click.option("--bar", metavar="SIZE", help="The bars that have to close beyond: 5s, 1m, 5m …")
@click.option("--on-false-break", metavar="rearm|stop", help="What a false break leads to.")
@click.option("--entry", metavar="limit|mkt|stop", help="Otherwise a limit with room of 0.2%.")
@click.option("--gap-entry", is_flag=True, help="Let a break count that was not seen to happen.")
@click.option("--yes", "-y", is_flag=True, help="Arm without asking.")
def start(
    symbol: str | None,
    *,
    level: str | None,
    direction: str | None,
    qty: str | None,
    tp: str | None,
    sl: str | None,
    bar: str | None,
    on_false_break: str | None,
    entry: str | None,
    gap_entry: bool,
    yes: bool,
) -> Command:
    """Watch SYMBOL in the background and enter when a break of the level is confirmed.

    A completed bar has to close at or beyond the level, and the next one has to open there and
    go on there. The entry is a limit a little through the market; both exits go with it. What of
    it is unfilled after ten seconds is withdrawn, whatever its style.
    """
    request = BreakoutRequest(
        symbol=(symbol or "").upper(),
        level=level or "",
        direction=direction,
        quantity=qty,
        take_profit=tp,
        stop_loss=sl,
        bar=bar,
        on_false_break=on_false_break,
        entry=entry,
        gap_entry=gap_entry,
    )
    return StartBreakout(request, confirmed=yes)


@command("list", examples=("breakout list",), short_help="The watchers of this session.")
def list_() -> Command:
    """Show every watcher of this session: what it waits for, how far away that is, how it ended."""
    return ListBreakouts()


@command(
    "stop", examples=("breakout stop w1", "breakout stop all"), short_help="Stop a watcher, or all."
)
@click.argument("watcher_id", metavar="ID|all", required=False)
def stop(watcher_id: str | None) -> Command:
    """Stop watcher ID, or all of them, for good. Orders that were sent already stay."""
    return StopBreakout(watcher_id)


entry.add_command(start)
entry.add_command(list_)
entry.add_command(stop)
