"""`bracket`: one entry with its take-profit and stop, sent now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import click

from apps.api.dialogue import Question, agreed_to_open, ask, need
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply
from apps.api.session import Command, Session
from apps.api.tree import command
from apps.engine.orders.trade_states import TradeState
from apps.engine.orders.trade_views import TradeView
from apps.engine.requests import BracketRequest

__all__ = ["entry"]

_NOT_DONE = {
    TradeState.REJECTED: ExitCode.REJECTED,
    TradeState.WITHDRAWN: ExitCode.ERROR,
    TradeState.UNKNOWN: ExitCode.TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class SendBracket:
    """Send one bracket, after its preview where there is somebody to look at it."""

    side: str | None
    symbol: str | None
    quantity: str | None
    limit: str | None
    take_profit: str | None
    stop_loss: str | None
    confirmed: bool
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Preview, ask, send, and wait for what became of the entry."""
        preview = await session.desk.preview_bracket(await self._request(session))
        session.console.preview(preview)
        if not await agreed_to_open(session, "Send it?", preview, already=self.confirmed):
            return Reply(Note("Not sent."), ExitCode.ERROR)
        trade = await session.desk.send_bracket(preview)
        return _reply(await trade.entry_done())

    async def _request(self, session: Session) -> BracketRequest:
        defaults = session.settings
        side = await need(session, "SIDE", self.side, "buy")
        symbol = await need(session, "SYMBOL", self.symbol, defaults.default_symbol)
        quantity = await need(session, "QTY", self.quantity, str(defaults.default_qty))
        request = BracketRequest(
            side=side,
            symbol=symbol.upper(),
            quantity=quantity,
            limit=self.limit,
            take_profit=self.take_profit,
            stop_loss=self.stop_loss,
        )
        return request if self._is_complete else await _exits(session, request)

    @property
    def _is_complete(self) -> bool:
        """The line named what it must; the rest has defaults."""
        return None not in (self.side, self.symbol, self.quantity)


def _reply(trade: TradeView) -> Reply:
    return Reply(trade, _NOT_DONE.get(trade.state, ExitCode.DONE))


async def _exits(session: Session, request: BracketRequest) -> BracketRequest:
    console, defaults = session.console, session.settings
    take_profit = request.take_profit or await ask(
        console, Question("Take-profit %", str(defaults.default_tp_pct))
    )
    stop_loss = request.stop_loss or await ask(
        console, Question("Stop-loss %", str(defaults.default_sl_pct))
    )
    return replace(request, take_profit=take_profit, stop_loss=stop_loss)


@command(
    "bracket",
    examples=("bracket buy AAPL 100", "bracket sell MSFT 50 --limit 410.5 --tp 1 --sl 0.5"),
    short_help="One entry with its take-profit and stop, sent now.",
)
@click.argument("side", metavar="buy|sell", required=False)
@click.argument("symbol", required=False)
@click.argument("qty", required=False)
@click.option("--limit", metavar="PRICE", help="Entry at this price or better.")
@click.option("--tp", metavar="PCT", help="Take-profit, percent of the entry's reference.")
@click.option("--sl", metavar="PCT", help="Stop-loss, percent of the entry's reference.")
@click.option("--yes", "-y", is_flag=True, help="Send without asking.")
def entry(
    side: str | None,
    symbol: str | None,
    qty: str | None,
    limit: str | None,
    tp: str | None,
    sl: str | None,
    yes: bool,
) -> Command:
    """Buy or sell QTY shares of SYMBOL, with both exits at the broker from the first moment.

    Without --limit the entry is a marketable limit, a little through the market.
    """
    return SendBracket(side, symbol, qty, limit, tp, sl, yes)
