"""The trading state of one desk: held, kept where it outlives the desk, and asked before entries.

At home here: the state and its keeping. What is withdrawn and closed when trading is halted is
done by the kill switch, which hears of every change by `on_actions`. The state machine
itself is `apps.domain.trading_state`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from apps.domain.errors import DeskError, Refused
from apps.domain.records import Record, TradingChanged
from apps.domain.trading_state import (
    ACTIVE,
    Action,
    Event,
    Flatten,
    Halt,
    HaltCause,
    Keep,
    Resume,
    Trading,
    TradingState,
    WithdrawEntries,
    check_opening,
    step,
)
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.prices.market_clock import MarketClock

__all__ = ["KillOrder", "TradingKeeper", "TradingSwitch", "Unkept"]


@dataclass(frozen=True, slots=True)
class KillOrder:
    """The kill file is there, or cannot be told not to be; ``reason`` says which file and how."""

    reason: str
    flatten: bool = False
    to: TradingState = TradingState.HALTED


class TradingKeeper(Protocol):
    """Where the trading state outlives the desk, and the file that halts it from outside."""

    def load(self) -> Trading:
        """Give what was kept; halted where that cannot be read, for it may have been that."""

    def save(self, trading: Trading) -> None:
        """Keep ``trading``. Raises DeskError when that did not succeed; what was kept stands."""

    def kill_order(self) -> KillOrder | None:
        """Give the kill file's order; None where there surely is none. Takes microseconds."""


class Unkept:
    """A keeper that keeps nothing, for a desk without a folder of its own."""

    def load(self) -> Trading:
        """Give a state in which nothing is held back."""
        return ACTIVE

    def save(self, trading: Trading) -> None:
        """Keep nothing."""

    def kill_order(self) -> KillOrder | None:
        """Give none."""
        return None


class TradingSwitch:
    """Holds the state. ``on_actions`` is called synchronously with what a change asks for.

    ``note`` writes into the journal.
    """

    def __init__(
        self,
        keeper: TradingKeeper,
        market_clock: MarketClock,
        alerts: AlertSink,
        note: Callable[[Record], None],
    ) -> None:
        self._keeper = keeper
        self._note = note
        self._market_clock = market_clock
        self._alerts = alerts
        self._trading = ACTIVE
        self._obeyed: tuple[TradingState, bool] | None = None
        self._is_kept = True
        self.on_actions: Callable[[tuple[Action, ...]], None] = lambda _actions: None

    @property
    def trading(self) -> Trading:
        """The state as it stands."""
        return self._trading

    def check_opening(self, symbol: str, *, only_reduces: bool) -> None:
        """Raise TradingHalted unless an opening order may be sent now.

        The kill file is looked at before every entry, so none passes once it is there.
        """
        self.look()
        check_opening(self._trading, symbol, only_reduces=only_reduces)

    def begin(self) -> None:
        """Take up a halt of an earlier session: what it asked for may not have been done."""
        trading = self._trading = self._keeper.load()
        self.look()
        if trading.is_active:
            return
        self._tell(AlertKind.ERROR, f"trading is {trading.words}. {trading.way_on}")
        flatten: tuple[Action, ...] = (Flatten(),) if trading.is_flattening else ()
        self.on_actions((WithdrawEntries(), *flatten))

    def look(self) -> None:
        """Halt if the kill file has appeared since the last look, or asks for something else."""
        order = self._keeper.kill_order()
        asked = None if order is None else (order.to, order.flatten)
        if order is not None and asked != self._obeyed:
            self._obeyed = asked
            self.halt(Halt(HaltCause.FILE, order.to, order.flatten, order.reason))
        self._obeyed = asked
        if not self._is_kept:
            self._keep()

    def halt(self, event: Halt) -> Trading:
        """Stop entries, at once and whatever happens to the keeping; give the state."""
        return self._take(
            event
            if event.at is not None
            else Halt(event.cause, event.to, event.flatten, event.reason, self._market_clock.now)
        )

    def resume(self) -> Trading:
        """Let entries through again.

        Raises Refused while the kill file is there, and what keeping raises: then nothing changed.
        """
        order = self._keeper.kill_order()
        if order is not None:
            raise Refused(f"trading stays {self._trading.state.value}: {order.reason}. Remove it.")
        after, actions = step(self._trading, Resume())
        if Keep() in actions:
            self._keeper.save(after)
            self._trading, self._is_kept = after, True
            self._write_down()
            self._tell(AlertKind.INFO, "trading goes on: entries are let through again")
        return self._trading

    def note(self, event: Event) -> None:
        """Take note of something that halts nothing."""
        self._take(event)

    def _take(self, event: Event) -> Trading:
        before = self._trading
        self._trading, actions = step(before, event)  # in force before anything can fail
        if self._trading.state is not before.state:
            text = f"trading is {self._trading.words}: no entries; what protects or closes goes on"
            self._tell(AlertKind.ERROR, text)
        if Keep() in actions:
            self._keep()
            self._write_down()
        self.on_actions(actions)
        return self._trading

    def _keep(self) -> None:
        """Keep the state; where that fails it is tried again at every look, and told once."""
        was_kept, what = self._is_kept, f"that trading is {self._trading.state.value}"
        try:
            self._keeper.save(self._trading)
        except DeskError as error:
            self._is_kept = False
            if was_kept:
                text = f"{what} is not kept for the next start: {error.message}"
                self._tell(AlertKind.ERROR, text)
        else:
            self._is_kept = True
            if not was_kept:
                self._tell(AlertKind.INFO, f"{what} is kept for the next start now")

    def _write_down(self) -> None:
        trading = self._trading
        cause = trading.cause.value if trading.cause else ""
        at = self._market_clock.now
        self._note(
            TradingChanged(trading.state.value, cause, trading.reason, trading.is_flattening, at)
        )

    def _tell(self, kind: AlertKind, text: str) -> None:
        self._alerts(Alert(kind, text, self._market_clock.now))
