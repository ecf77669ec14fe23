"""Whoever sits at the desk: arms, enters by hand, closes, halts, and takes no for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from apps.domain.errors import DeskError
from apps.engine.previews import BracketPreview
from apps.engine.requests import BracketRequest, BreakoutRequest
from tests.chaos.plan import BY_HAND, SYMBOLS, Plan
from tests.chaos.processes import DeskProcess

__all__ = ["Trader"]

_TAKE_PROFIT, _STOP_LOSS = "1", "0.5"


class Trader:
    """Acts at whatever desk there is; ``says`` hears what the desk answers."""

    def __init__(
        self, plan: Plan, desk: Callable[[], DeskProcess | None], says: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._desk = desk
        self._says = says
        self._prepared: BracketPreview | None = None

    async def arm(self) -> None:
        """Arm all watchers, and prepare what may be entered by hand."""
        process, plan = self._desk(), self._plan
        assert process is not None
        desk, quantity = process.desk, f"{plan.quantity}"
        way = "long" if plan.is_long else "short"
        for symbol in SYMBOLS[: plan.watchers]:
            wanted = BreakoutRequest(
                symbol,
                f"{plan.level}",
                direction=way,
                quantity=quantity,
                take_profit=_TAKE_PROFIT,
                stop_loss=_STOP_LOSS,
            )
            preview = await process.run(desk.preview_breakout(wanted))
            await process.run(desk.arm(preview))
        if plan.by_hand_after_s is not None:
            side = "buy" if plan.is_long else "sell"
            by_hand = BracketRequest(
                side,
                BY_HAND,
                quantity,
                f"{plan.level}",
                take_profit=_TAKE_PROFIT,
                stop_loss=_STOP_LOSS,
            )
            self._prepared = await process.run(desk.preview_bracket(by_hand))

    async def enter_by_hand(self) -> None:
        """Send what was prepared."""

        async def send(process: DeskProcess) -> None:
            if self._prepared is not None:
                trade = await process.desk.send_bracket(self._prepared)
                self._says(f"by hand: {trade.order_ref}")

        await self._do(send)

    async def close(self) -> None:
        """Close the first symbol."""

        async def close(process: DeskProcess) -> None:
            for outcome in await process.desk.close(SYMBOLS[0]):
                self._says(f"close: {outcome.text}")

        await self._do(close)

    async def halt(self, *, flatten: bool) -> None:
        """Halt trading."""

        async def halt(process: DeskProcess) -> None:
            await process.desk.halt(flatten=flatten)

        await self._do(halt)

    async def _do(self, act: Callable[[DeskProcess], Coroutine[Any, Any, None]]) -> None:
        process = self._desk()
        if process is None or not process.is_open:
            return

        async def ask() -> None:
            try:
                await act(process)
            except DeskError as error:
                self._says(f"refused: {error.message}")

        # a part of the desk's: it ends with the desk, and harms nobody else
        task = process.run(ask())
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()
