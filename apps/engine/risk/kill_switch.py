"""What follows when trading is halted: entries are withdrawn, then, if asked, all is closed.

Entries have been stopped before anything here begins: that is the trading switch's. The work goes
on until it is done, whoever waits for it or no longer does; while the link is down it waits for the
link, and after a restart it begins anew. Positions are left by the exit routine, all at the same
time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from apps.domain.errors import (
    BrokerError,
    DeadlineExceeded,
    DeskError,
    IllegalTransition,
    NotConnected,
    NotFound,
)
from apps.domain.instruments import Instrument
from apps.domain.trading_state import Action, Flatten, Flattened, Halt, Trading, WithdrawEntries
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.exits.closings import Closings
from apps.engine.exits.exit_routine import CloseOutcome, ExitRoutine
from apps.engine.long_lived import LongLived
from apps.engine.orders.account_orders import AccountOrders
from apps.engine.orders.cancellations import Cancellations, CancelOutcome
from apps.engine.ports import Broker, Clock
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.order_gate import OrderGate
from apps.engine.risk.trading_switch import TradingSwitch
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd

__all__ = ["HaltOutcome", "KillSwitch"]

LOOK_S = 0.5
"""How often the kill file is looked for; before every entry it is looked for as well."""

RETRY_S = 1.0
ROUNDS = 3
"""How often closing is begun anew where something of ours is left."""

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class HaltOutcome:
    """The trading state, and what became of each entry and each position."""

    trading: Trading
    withdrawn: tuple[CancelOutcome, ...] = ()
    closed: tuple[CloseOutcome, ...] = ()

    @property
    def ok(self) -> bool:
        """Everything that was asked for is done."""
        return all(each.ok for each in self.withdrawn) and all(each.ok for each in self.closed)


@dataclass(slots=True)
class _Done:
    withdrawn: tuple[CancelOutcome, ...] = ()
    closed: tuple[CloseOutcome, ...] = ()


class KillSwitch:
    """The hands of the trading switch. ``ours`` asks for the instruments that are to be closed."""

    def __init__(
        self,
        *,
        switch: TradingSwitch,
        broker: Broker,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        gate: OrderGate,
        cancellations: Cancellations,
        account_orders: AccountOrders,
        exits: ExitRoutine,
        closings: Closings,
        ours: Callable[[], Awaitable[tuple[Instrument, ...]]],
        alerts: AlertSink,
    ) -> None:
        self._switch = switch
        self._broker = broker
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._gate = gate
        self._cancellations = cancellations
        self._account_orders = account_orders
        self._exits = exits
        self._closings = closings
        self._ours = ours
        self._alerts = alerts
        self._latest: tuple[Supervised, _Done] | None = None
        self._is_begun = False
        switch.on_actions = self._act

    def begin(self) -> None:
        """Take up a halt of an earlier session, and look for the kill file from here on."""
        self._is_begun = True
        self._switch.begin()
        long_lived = LongLived(self._supervisor, self._market_clock, self._alerts)
        long_lived.keep("kill file", self._watch, "the kill file is seen by the next entry only")

    async def halt(self, event: Halt) -> HaltOutcome:
        """Halt, and wait until what was asked for is done.

        Being cancelled ends the waiting only: what became of it is then an alert.
        """
        self._switch.halt(event)
        if self._latest is None:
            return HaltOutcome(self._switch.trading)
        task, done = self._latest
        await task.over()
        if task.end is TaskEnd.FAILED and task.error is not None:
            raise task.error
        return HaltOutcome(self._switch.trading, done.withdrawn, done.closed)

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            self._switch.look()

    def _act(self, actions: tuple[Action, ...]) -> None:
        if not self._is_begun or WithdrawEntries() not in actions:
            return
        done, flatten = _Done(), Flatten() in actions
        with suppress(IllegalTransition):  # the desk is closing: the next one takes it up
            self._latest = (
                self._supervisor.start(
                    "halt", lambda: self._work(done, flatten=flatten), self._end
                ),
                done,
            )

    async def _work(self, done: _Done, *, flatten: bool) -> None:
        done.withdrawn = await self._when_linked(self._withdraw_entries)
        for each in done.withdrawn:
            self._tell(AlertKind.ORDER if each.ok else AlertKind.ERROR, each.text, each.symbol)
        if flatten:
            done.closed = await self._close_all()
            for closed in done.closed:
                kind = AlertKind.CLOSED if closed.ok else AlertKind.ERROR
                self._tell(kind, closed.text, closed.symbol)
            self._switch.note(Flattened())

    async def _when_linked(self, act: Callable[[], Awaitable[T]]) -> T:
        """Give what ``act`` comes to; what the link is to blame for is tried again, without end."""
        told = False
        while True:
            try:
                return await act()
            except (BrokerError, DeadlineExceeded, NotConnected) as error:
                if not told:
                    text = f"what the halt asks for waits for the broker: {error.message}"
                    self._tell(AlertKind.WARNING, text)
                told = True
            await self._clock.sleep(RETRY_S)

    async def _withdraw_entries(self) -> tuple[CancelOutcome, ...]:
        orders = await self._broker.open_orders()
        entries = [
            order
            for order in orders
            if self._exits.is_own_entry(order) or self._account_orders.is_opening(order)
        ]
        if entries:
            self._gate.check_mode()
        return await _all(self._cancellations.cancel, entries)

    async def _close_all(self) -> tuple[CloseOutcome, ...]:
        """Close until nothing of ours is left, in `ROUNDS` at most; give the last word on each."""
        outcomes: dict[str, CloseOutcome] = {}
        for _ in range(ROUNDS):
            instruments = await self._when_linked(self._ours)
            if not instruments:
                break
            for outcome in await _all(self._close, instruments):
                if outcome is not None:
                    outcomes[outcome.symbol] = outcome
        return tuple(outcomes[symbol] for symbol in sorted(outcomes))

    async def _close(self, instrument: Instrument) -> CloseOutcome | None:
        try:
            return await self._when_linked(lambda: self._closings.close(instrument))
        except NotFound:
            return None  # it was closed meanwhile
        except DeskError as error:
            none = Decimal(0)
            return CloseOutcome(instrument.symbol, False, none, none, none, error.message)

    def _end(self, task: Supervised) -> None:
        if task.end is TaskEnd.FAILED:
            self._tell(AlertKind.ERROR, f"what the halt asked for was not done: {task.reason}")

    def _tell(self, kind: AlertKind, text: str, symbol: str = "") -> None:
        self._alerts(Alert(kind, text, self._market_clock.now, symbol))


async def _all(act: Callable[[S], Coroutine[Any, Any, T]], them: Iterable[S]) -> tuple[T, ...]:
    """Do ``act`` with all of ``them`` at the same time; give the results in their order."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(act(each)) for each in them]
    return tuple([task.result() for task in tasks])
