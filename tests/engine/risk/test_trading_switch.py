"""The trading switch as a machine: commands, the kill file, signals and restarts in any order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from apps.domain.errors import DeskError, Refused, TradingHalted
from apps.domain.records import Record, TradingChanged
from apps.domain.trading_state import (
    ACTIVE,
    Action,
    Flattened,
    Halt,
    HaltCause,
    Trading,
    TradingState,
    WithdrawEntries,
)
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.trading_switch import KillOrder, TradingSwitch
from tests.engine.fakes import FakeClock, FakeMarket

HALTS = st.sampled_from([TradingState.REDUCING, TradingState.HALTED])


class Keeper:
    """Keeps in memory; the disk may be full."""

    def __init__(self) -> None:
        self.kept = ACTIVE
        self.order: KillOrder | None = None
        self.is_full = False

    def load(self) -> Trading:
        return self.kept

    def save(self, trading: Trading) -> None:
        if self.is_full:
            raise DeskError("the disk is full")
        self.kept = trading

    def kill_order(self) -> KillOrder | None:
        return self.order


class TradingSwitchMachine(RuleBasedStateMachine):
    """``severity`` is what was asked for since the last resumption that was obeyed."""

    @initialize()
    def open(self) -> None:
        self.keeper = Keeper()
        self.severity = 0
        self.restart()

    def restart(self) -> None:
        self.acted: list[tuple[Action, ...]] = []
        self.written: list[Record] = []
        clock = FakeClock()
        market_clock = MarketClock(FakeMarket(clock), clock)
        self.switch = TradingSwitch(self.keeper, market_clock, lambda _: None, self.written.append)
        self.switch.on_actions = self.acted.append
        self.switch.begin()

    def _halted(self, to: TradingState) -> None:
        self.severity = max(self.severity, to.severity)

    @rule(to=HALTS, flatten=st.booleans())
    def halt(self, to: TradingState, flatten: bool) -> None:
        self.switch.halt(Halt(HaltCause.COMMAND, to, flatten))
        self._halted(to)
        assert WithdrawEntries() in self.acted[-1]

    @rule(to=HALTS, flatten=st.booleans())
    def leave_a_kill_file(self, to: TradingState, flatten: bool) -> None:
        self.keeper.order = KillOrder("KILL is there", flatten, to)

    @rule()
    def remove_the_kill_file(self) -> None:
        self.keeper.order = None

    @rule()
    def look(self) -> None:
        self.switch.look()
        if self.keeper.order is not None:
            self._halted(self.keeper.order.to)

    @rule()
    def close_everything(self) -> None:
        self.switch.note(Flattened())

    @rule()
    def resume(self) -> None:
        before = self.switch.trading
        try:
            self.switch.resume()
        except Refused:
            assert self.keeper.order is not None
            assert self.switch.trading == before
        except DeskError:
            assert self.keeper.is_full
            assert self.switch.trading == before
        else:
            assert self.keeper.order is None
            self.severity = 0

    @rule(is_full=st.booleans())
    def fill_the_disk(self, is_full: bool) -> None:
        self.keeper.is_full = is_full

    @precondition(lambda self: not self.keeper.is_full)
    @rule()
    def start_again(self) -> None:
        self.severity = self.keeper.kept.state.severity
        if self.keeper.order is not None:
            self._halted(self.keeper.order.to)
        self.restart()

    @invariant()
    def nothing_passes_that_the_state_holds_back(self) -> None:
        if not hasattr(self, "switch"):
            return
        if self.keeper.order is not None:
            self._halted(self.keeper.order.to)  # it is looked for before every entry
        for only_reduces in (False, True):
            try:
                self.switch.check_opening("AAPL", only_reduces=only_reduces)
            except TradingHalted:
                assert self.severity > 0
                assert not only_reduces or self.severity == TradingState.HALTED.severity
            else:
                assert self.severity == 0 or (only_reduces and self.severity == 1)

    @invariant()
    def what_is_kept_is_what_holds_and_each_change_is_written_down(self) -> None:
        if not hasattr(self, "switch"):
            return
        if not self.keeper.is_full:
            assert self.keeper.kept.state.severity == self.severity
        changes = [each for each in self.written if isinstance(each, TradingChanged)]
        if changes:
            assert changes[-1].state == self.switch.trading.state.value


TestTradingSwitch = TradingSwitchMachine.TestCase
TestTradingSwitch.settings = settings(deadline=None, max_examples=40, stateful_step_count=20)
