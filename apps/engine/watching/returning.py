"""What a watcher needs to come back: its instrument as it is today, and the trade that it began."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from apps.domain.errors import ConnectionProblem, DeadlineExceeded, NotFound, WatcherRefused
from apps.domain.instruments import Instrument
from apps.domain.watching.terms import WatcherTerms
from apps.engine.orders.execution import Execution
from apps.engine.orders.trades import Trade
from apps.engine.ports import Clock, Journal, MarketData

__all__ = ["Instruments", "KeptTrades"]

LOOK_AGAIN_S = 5.0
"""After so long, what could not be asked for is asked for again."""


class Instruments:
    """Instruments by their listing, each asked for once."""

    def __init__(self, market: MarketData, clock: Clock) -> None:
        self._market = market
        self._clock = clock
        self._known: dict[str, Instrument] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, terms: WatcherTerms, watcher_id: str) -> Instrument:
        """Give the instrument of ``terms``; wait for the link as long as that takes.

        Raises NotFound, WatcherRefused where the name stands for another contract by now, and
        BrokerError.
        """
        async with self._asking[terms.listing]:
            if terms.listing not in self._known:
                self._known[terms.listing] = await self._ask(terms.listing)
        instrument = self._known[terms.listing]
        if instrument.con_id != terms.con_id:
            raise WatcherRefused(
                f"{terms.listing} is another contract than watcher {watcher_id} was armed on "
                f"(conId {instrument.con_id}, not {terms.con_id}); arm it again if it is meant."
            )
        instrument.require_tradable()
        return instrument

    async def _ask(self, listing: str) -> Instrument:
        while True:
            try:
                return await self._market.qualify(listing)
            except (ConnectionProblem, DeadlineExceeded):
                await self._clock.sleep(LOOK_AGAIN_S)
            except NotFound as error:
                raise NotFound(f"its instrument is not known any more: {error.message}") from error


class KeptTrades:
    """The trades of an earlier desk, as far as they are not over."""

    def __init__(
        self, execution: Execution, journal: Journal, clock: Clock, client_id: int
    ) -> None:
        self._execution = execution
        self._journal = journal
        self._clock = clock
        self._client_id = client_id

    async def find(self, order_ref: str) -> Trade | None:
        """Give the trade of an intent once it is followed again; None where it is over."""
        while (trade := self._execution.trade_of_ref(order_ref)) is None:
            if not self._is_open(order_ref):
                return None
            await self._clock.sleep(LOOK_AGAIN_S)
        return trade

    def _is_open(self, order_ref: str) -> bool:
        kept = self._journal.open_intents(self._client_id)
        return any(each.intent.order_ref == order_ref for each in kept)
