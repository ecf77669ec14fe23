"""The desk under measurement: the product, put together by its own bootstrap, in its own process.

Its settings come from the environment, like those of any desk. Watchers are armed through the
`Desk`'s surface; what is shown to a trader goes nowhere.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tracemalloc
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

from apps.api import bootstrap
from apps.api.bootstrap import joined_desk
from apps.api.config import load_settings
from apps.domain.breakout import Phase
from apps.engine.alerts import Alert, AlertKind
from apps.engine.breakout_watcher import Readiness
from apps.engine.desk import Desk
from apps.engine.previews import BreakoutPreview
from apps.engine.requests import BreakoutRequest
from apps.ib.gateway import IBGateway
from apps.ib.pacing import Limits
from benchmarks.loop_lag_sampler import lags_ms
from benchmarks.resident import resident_bytes
from benchmarks.served_desk import ServedDesk
from benchmarks.worker import Answer, serve

_LOOK_S = 0.002
_UNPACED = Limits(
    messages_per_s=100_000,
    market_data_lines=100_000,
    bar_subscriptions=100_000,
    small_bar_requests=100_000,
    alike_history=100_000,
    open_history=100_000,
)
_OUT_OF_REACH = Decimal("1.25")
"""Watchers of the crowd wait a quarter above the price."""


class Driver:
    """Does with the desk what the benchmark asks for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._previews: dict[str, BreakoutPreview] = {}

    async def look_up(self, symbols: list[str], level: str) -> Answer:
        """Preview a watcher of each symbol at ``level`` (a price, or a percentage)."""
        asked = [
            self._desk.preview_breakout(
                BreakoutRequest(symbol, level, direction="long", quantity="10")
            )
            for symbol in symbols
        ]
        for preview in await asyncio.gather(*asked):
            self._previews[preview.instrument.symbol] = preview
        return {}

    async def watch(self, symbol: str) -> Answer:
        """Arm a watcher as it was previewed; it watches when this is answered."""
        view = await self._desk.arm(self._previews[symbol])
        await self._ready([view.id])
        return {}

    async def confirming(self) -> Answer:
        """Wait until the watcher that was armed last waits for its confirmation."""
        while (view := self._desk.watchers()[-1]).phase is not Phase.CONFIRMING:
            if view.phase.is_over:
                raise RuntimeError(f"watcher {view.id} has ended: {view.end_reason}")
            await self._desk.wait(_LOOK_S)
        return {}

    async def crowd(self, symbols: list[str], watchers: int) -> Answer:
        """Arm watchers whose levels are out of reach, spread over ``symbols`` in their order."""
        armed = []
        for number in range(watchers):
            preview = self._previews[symbols[number % len(symbols)]]
            armed.append((await self._desk.arm(_out_of_reach(preview))).id)
            await asyncio.sleep(0)  # to arm waits for nothing, and the loop would see them as one
        await self._ready(armed)
        return {}

    async def bring_back(self, watchers: int) -> Answer:
        """Bring back what an earlier desk left, so many watchers, and wait until all are ready."""
        back = [view.id for view in self._desk.bring_back_watchers()]
        if len(back) != watchers:
            raise RuntimeError(f"{len(back)} watchers came back, and not {watchers}")
        await self._ready(back)
        return {}

    async def reach(self, at: str) -> Answer:
        """Wait until the desk has seen the market time ``at``."""
        goal = datetime.fromisoformat(at)
        while (now := self._desk.market_now) is None or now < goal:
            await self._desk.wait(_LOOK_S)
        return {}

    async def lag(self, seconds: float) -> Answer:
        """Sample how late the loop is."""
        return {"lags_ms": await lags_ms(seconds)}

    async def trace(self) -> Answer:
        """Count, from now on, every byte that is allocated."""
        tracemalloc.start()
        return {}

    async def memory(self) -> Answer:
        """Say what is held, after a collection; ``traced`` are bytes since tracing began."""
        gc.collect()
        return {
            "resident": resident_bytes(),
            "blocks": sys.getallocatedblocks(),
            "traced": tracemalloc.get_traced_memory()[0],
        }

    async def _ready(self, watcher_ids: list[str]) -> None:
        for each in watcher_ids:
            while (view := self._desk.watcher(each)).readiness is not Readiness.READY:
                if view.readiness is Readiness.ENDED:
                    raise RuntimeError(f"watcher {each} has ended: {view.end_reason}")
                await self._desk.wait(_LOOK_S)


def _out_of_reach(preview: BreakoutPreview) -> BreakoutPreview:
    spec = preview.spec
    level = spec.rule.ticks.nearest(preview.last * _OUT_OF_REACH)
    return replace(preview, spec=replace(spec, rule=replace(spec.rule, level=level)))


def _on_alert(alert: Alert) -> None:
    if alert.kind in (AlertKind.ERROR, AlertKind.WARNING, AlertKind.LINK):
        print(f"the desk says: {alert.text}", file=sys.stderr)


async def main() -> None:
    """Open the desk, and serve until stdin ends."""
    home = Path(os.environ["DESK_HOME"])
    if os.environ.get("BENCHMARK_UNPACED"):
        vars(bootstrap)["IBGateway"] = partial(IBGateway, limits=_UNPACED)
    settings = load_settings({}, os.environ, working_folder=home)
    async with joined_desk(settings, _on_alert) as joined:
        driver, served = Driver(joined.desk), ServedDesk(joined, settings)
        await serve(
            {
                "look_up": driver.look_up,
                "watch": driver.watch,
                "confirming": driver.confirming,
                "crowd": driver.crowd,
                "bring_back": driver.bring_back,
                "reach": driver.reach,
                "lag": driver.lag,
                "trace": driver.trace,
                "memory": driver.memory,
                "serve_http": served.serve_http,
                "summaries": served.summaries,
            }
        )
        await served.end()


if __name__ == "__main__":
    asyncio.run(main())
