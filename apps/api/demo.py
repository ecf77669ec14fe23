"""The demo: the whole story on a market of its own, told by the same code that trades.

Watchers are armed on both sides of the market, so that whatever it does, one of them has a break
to see. What is told at the end is not what the desk believes but what stands in the gateway's
books (`apps.api.story`); where the two differ, the demo has failed.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from rich.text import Text

from apps.api.bootstrap import Joined, joined_desk
from apps.api.config import Settings, default_settings
from apps.api.console import Console
from apps.api.replies import Executions, Trades, Verdict, Watchers
from apps.api.session import Session
from apps.api.story import Books, judge
from apps.api.views.banner import banner
from apps.domain.errors import DeskError
from apps.engine.alerts import Alert
from apps.engine.desk import Desk
from apps.engine.orders.trade_states import TradeState
from apps.engine.orders.trade_views import TradeView
from apps.engine.requests import BreakoutRequest
from apps.paper.server import PaperGateway

__all__ = ["tell_story"]

_SPEED = 60.0
_TIME_LIMIT_S = 22.0
"""For the story; with start, closing and end it stays below half a minute."""
_CLOSING_LIMIT_S = 4.0
_LOOK_AGAIN_S = 0.25

_SYMBOLS = ("AAPL", "MSFT", "SPY")
_LEVELS = ("+0.05%", "-0.05%")
_QUANTITY, _TAKE_PROFIT, _STOP_LOSS = "20", "0.12", "0.10"

_OVER = frozenset({TradeState.CLOSED, TradeState.REJECTED, TradeState.WITHDRAWN})


async def tell_story(session: Session, *, seed: int | None) -> Verdict:
    """Tell the story on the market of ``seed``; give what the gateway's books say of it."""
    with tempfile.TemporaryDirectory(prefix="desk-demo-") as home:
        settings = _settings(session.settings, home, seed)
        story = _Story(session.console)
        async with joined_desk(settings, story.hear) as joined:
            words = banner(joined.desk.account_name, settings, is_kept=False)
            story.say(f"Connected. {words}")
            return await story.tell(joined, settings.paper_seed)


def _settings(configured: Settings, home: str, seed: int | None) -> Settings:
    """Give settings of the demo's own: no limit or account of the trader's takes part in it."""
    return replace(
        default_settings(),
        paper_seed=configured.paper_seed if seed is None else seed,
        paper_speed=_SPEED,
        desk_home=home,
        log_level=configured.log_level,
        log_file=configured.log_file,
    )


@dataclass(slots=True)
class _Story:
    console: Console
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, alert: Alert) -> None:
        """Show an alert of the desk's, and look whether the story went on by it."""
        self.console.emit(alert)
        self.news.set()

    def say(self, words: str) -> None:
        """Say what comes next."""
        self.console.tell(Text(f"── {words}", style="bold"))

    async def tell(self, joined: Joined, seed: int) -> Verdict:
        """Go through the parts; what did not happen in time is for the books to show."""
        desk = joined.desk
        armed = 0
        try:
            async with asyncio.timeout(_TIME_LIMIT_S):
                armed = await self._arm(desk)
                await self._until(lambda: any(trade.entry_filled for trade in desk.trades()))
                await self._stop_the_rest(desk)
                self.say("A break was entered; take-profit and stop are at the broker.")
                await self._until(lambda: all(trade.state in _OVER for trade in desk.trades()))
                self.say("The exit is filled; this is the P&L.")
        except TimeoutError:
            self.say("It took too long; what is left is closed.")
            await self._close(desk)
        self.console.tell_of(Trades(desk.trades()))
        self.console.tell_of(Executions(await desk.executions()))
        return judge(seed, _books(joined), armed=armed, believed_pnl=_believed_pnl(desk.trades()))

    async def _arm(self, desk: Desk) -> int:
        self.say("Watchers are armed on both sides of three markets.")
        for symbol in _SYMBOLS:
            for level in _LEVELS:
                request = BreakoutRequest(
                    symbol,
                    level,
                    quantity=_QUANTITY,
                    take_profit=_TAKE_PROFIT,
                    stop_loss=_STOP_LOSS,
                    bar="5s",
                )
                await desk.arm(await desk.preview_breakout(request))
        self.console.tell_of(Watchers(desk.watchers()))
        return len(desk.watchers())

    async def _until(self, happened: Callable[[], bool]) -> None:
        while not happened():
            self.news.clear()
            try:
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    await self.news.wait()
            except TimeoutError:
                continue

    async def _stop_the_rest(self, desk: Desk) -> None:
        for watcher in desk.watchers():
            if watcher.trade is None and not watcher.end_reason:
                await desk.stop_watcher(watcher.id)

    async def _close(self, desk: Desk) -> None:
        try:
            async with asyncio.timeout(_CLOSING_LIMIT_S):
                await desk.stop_watcher("all")
                await desk.close("all")
        except TimeoutError:
            self.say("It could not be closed in time.")
        except DeskError as error:
            self.say(f"It could not be closed: {error.message}")


def _books(joined: Joined) -> Books:
    gateway = joined.gateway
    if not isinstance(gateway, PaperGateway):
        raise DeskError("The demo has no gateway of its own; leave IB_HOST alone and try again.")
    exchange = gateway.hub.exchange
    return Books(
        working=exchange.working_orders(),
        done=exchange.completed_orders(),
        holdings=gateway.hub.accounts[joined.desk.account_name].positions(),
    )


def _believed_pnl(trades: tuple[TradeView, ...]) -> Decimal:
    known = (trade.realized_pnl for trade in trades)
    return sum((pnl for pnl in known if pnl is not None), Decimal(0))
