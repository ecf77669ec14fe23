"""Stand-ins for the edge's tests: a desk that answers from memory, and lines that are typed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from apps.api.clock import SystemClock
from apps.api.config import SETTINGS, Settings
from apps.api.console import Console, Manner, Streams
from apps.api.interrupts import Interrupted, Interrupts
from apps.api.session import Session
from apps.api.views.as_json import as_json
from apps.domain.account import AccountSummary, Position
from apps.domain.bars import Bar
from apps.domain.brackets import EntryStyle
from apps.domain.breakout import BreakoutRule, OnFalseBreak, Phase
from apps.domain.errors import NotFound
from apps.domain.exits.protection import Protection, ProtectionState
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.levels import Direction
from apps.domain.orders import Fill, OrderState, OrderStatus, Side
from apps.domain.quotes import Quote
from apps.domain.sessions import TradingHours
from apps.domain.ticks import TickRule
from apps.domain.trading_state import ACTIVE, HaltCause, Trading, TradingState
from apps.engine.breakout_watcher import Readiness, WatcherSpec, WatcherView
from apps.engine.desk import Desk
from apps.engine.exits.exit_routine import CloseOutcome
from apps.engine.loop_watch import StallLog
from apps.engine.orders.cancellations import CancelOutcome
from apps.engine.orders.trade_states import TradeState
from apps.engine.orders.trade_views import TradeView
from apps.engine.portfolio import PositionView, QuoteView
from apps.engine.ports import Link, LinkState
from apps.engine.previews import BracketPreview, BreakoutPreview
from apps.engine.reconciling.reconciler import Reconciled
from apps.engine.requests import BracketRequest, BreakoutRequest
from apps.engine.risk.kill_switch import HaltOutcome
from apps.engine.routines.runner import RoutineRunner

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CENT = TickRule.of("0.01")
AAPL = Instrument(
    265598, "AAPL", InstrumentKind.STOCK, "SMART", "NASDAQ", "USD", CENT, TradingHours()
)
END = "<end>"
CTRL_C = "<ctrl-c>"
CTRL_C_ON_A_LINE = "<half a line, then ctrl-c>"


def some_settings(**changed: str) -> Settings:
    values = {
        setting.field: setting.parse(changed.get(setting.field, setting.default))
        for setting in SETTINGS
    }
    return Settings(**cast("Any", values))


def a_bar(number: int, close: float = 190.0) -> Bar:
    start = OPEN + timedelta(minutes=number)
    return Bar(start, 60, close, close + 0.1, close - 0.1, close, 1200.0, close, 9)


def a_quote() -> QuoteView:
    quote = Quote(
        bid=Decimal("190.04"),
        ask=Decimal("190.06"),
        last=Decimal("190.05"),
        close=Decimal("189.00"),
        bid_size=Decimal(300),
        ask_size=Decimal(1200),
        received_s=0.0,
    )
    return QuoteView(AAPL, quote, 0.42)


def a_trade(state: TradeState = TradeState.PROTECTED, reason: str = "") -> TradeView:
    return TradeView(
        order_ref="BD-20261120-w1-k3f9a2",
        symbol="AAPL",
        side=Side.BUY,
        quantity=Decimal(10),
        state=state,
        order_ids=(1, 2, 3),
        entry_filled=Decimal(10),
        entry_avg_price=Decimal("190.12"),
        exit_filled=Decimal(0),
        exit_avg_price=None,
        limit_price=Decimal("190.50"),
        take_profit=Decimal("192.02"),
        stop_loss=Decimal("189.17"),
        realized_pnl=None,
        commission=Decimal("1.00"),
        code=None,
        reason=reason,
        watcher_id="w1",
    )


def a_watcher(**changed: Any) -> WatcherView:
    values: dict[str, Any] = {
        "id": "w1",
        "symbol": "AAPL",
        "direction": Direction.LONG,
        "level": Decimal("190.50"),
        "bar_seconds": 60,
        "on_false_break": OnFalseBreak.REARM,
        "quantity": Decimal(10),
        "phase": Phase.ARMED,
        "readiness": Readiness.READY,
        "last_close": Decimal("190.05"),
        "last_bar_at": OPEN,
        "distance": Decimal("0.45"),
        "distance_pct": Decimal("0.2368"),
        "trade": None,
        "end_reason": "",
        "failed": False,
    }
    return WatcherView(**values | changed)


def an_order(order_id: int = 3, **changed: Any) -> OrderState:
    values: dict[str, Any] = {
        "order_id": order_id,
        "perm_id": 1_000_000 + order_id,
        "client_id": 1,
        "account": "DU1234567",
        "con_id": AAPL.con_id,
        "symbol": "AAPL",
        "side": Side.SELL,
        "quantity": Decimal(10),
        "order_type": "STP",
        "limit_price": None,
        "stop_price": Decimal("189.17"),
        "time_in_force": "GTC",
        "order_ref": "BD-20261120-w1-k3f9a2",
        "parent_id": 1,
        "oca_group": "",
        "status": OrderStatus.PRE_SUBMITTED,
        "filled": Decimal(0),
        "remaining": Decimal(10),
        "avg_fill_price": None,
    }
    return OrderState(**values | changed)


def a_fill(**changed: Any) -> Fill:
    values: dict[str, Any] = {
        "exec_id": "0000e0d5.1.01",
        "order_id": 1,
        "perm_id": 1_000_001,
        "client_id": 1,
        "account": "DU1234567",
        "con_id": AAPL.con_id,
        "symbol": "AAPL",
        "side": Side.SELL,
        "quantity": Decimal(10),
        "price": Decimal("192.02"),
        "at": OPEN,
        "order_ref": "BD-20261120-w1-k3f9a2",
        "commission": Decimal("1.05"),
        "realized_pnl": Decimal("-12.34"),
    }
    return Fill(**values | changed)


def a_position(quantity: str = "10", state: ProtectionState | None = None) -> PositionView:
    held = Position(
        account="DU1234567",
        con_id=AAPL.con_id,
        symbol="AAPL",
        kind="STK",
        currency="USD",
        quantity=Decimal(quantity),
        average_cost=Decimal("190.22"),
        market_price=Decimal("190.80"),
        unrealized_pnl=Decimal("5.80"),
    )
    stop = Decimal("189.17") if state is None else None
    protection = Protection(state or ProtectionState.PROTECTED, Decimal(10), stop)
    return PositionView(held, protection, Decimal(quantity))


def an_account() -> AccountSummary:
    return AccountSummary(
        account="DU1234567",
        currency="USD",
        net_liquidation=Decimal("250005.8"),
        cash=Decimal("248097.80"),
        buying_power=Decimal(990000),
        available_funds=Decimal(247500),
        initial_margin=Decimal(477),
        maintenance_margin=Decimal(477),
        unrealized_pnl=Decimal("5.80"),
        realized_pnl=Decimal("-12.34"),
    )


def a_breakout_preview() -> BreakoutPreview:
    rule = BreakoutRule(Decimal("190.50"), Direction.LONG, ticks=CENT)
    return BreakoutPreview(
        instrument=AAPL,
        direction=Direction.LONG,
        level=Decimal("190.50"),
        last=Decimal("190.05"),
        quantity=Decimal(10),
        bar_seconds=60,
        on_false_break=OnFalseBreak.REARM,
        entry=EntryStyle.CAPPED,
        gap_entry=False,
        reference=Decimal("190.50"),
        entry_cap=Decimal("190.88"),
        take_profit=Decimal("192.41"),
        stop_loss=Decimal("189.55"),
        money_at_risk=Decimal("13.30"),
        notional=Decimal("1908.80"),
        at=OPEN,
        spec=WatcherSpec(AAPL, rule, Decimal(10), Decimal(1), Decimal("0.5")),
    )


def a_bracket_preview() -> BracketPreview:
    shown = a_breakout_preview()
    return BracketPreview(
        instrument=AAPL,
        side=Side.BUY,
        quantity=Decimal(10),
        reference=Decimal("190.06"),
        entry_cap=Decimal("190.44"),
        take_profit=shown.take_profit,
        stop_loss=shown.stop_loss,
        money_at_risk=shown.money_at_risk,
        notional=shown.notional,
        at=OPEN,
        made_s=0.0,
        intent=cast("Any", None),
    )


class FakeTrade:
    def __init__(self, end: TradeView) -> None:
        self._end = end

    async def entry_done(self) -> TradeView:
        return self._end


class FakeDesk:
    """Answers from memory and notes what was asked of it; ``failing`` is raised once by name."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.commands: list[str] = []
        self.pnl: Decimal | None = Decimal(0)
        self.failing: dict[str, deque[Exception]] = {}
        self.link = Link(LinkState.READY, epoch=0)
        self.account_name = "DU1234567"
        self.stalls = StallLog()
        self.trading = ACTIVE
        self.market_now = OPEN
        self.trade = a_trade()
        self.reconciled = Reconciled(OPEN, (), ())
        self.rows: tuple[WatcherView, ...] = ()
        self.waiting, self.ended = asyncio.Event(), asyncio.Event()
        self.held: tuple[PositionView, ...] = (a_position(),)
        self.cancelled = (CancelOutcome(3, "AAPL", ok=True, text="cancelled"),)

    def fail(self, name: str, *errors: Exception) -> None:
        self.failing[name] = deque(errors)

    def names(self) -> list[str]:
        return [name for name, _ in self.asked]

    def as_desk(self) -> Desk:
        return cast("Desk", self)

    @property
    def activities(self) -> FakeActivities:
        return FakeActivities()

    def check_trading(self) -> None:
        self._note("check_trading", None)

    async def holdings(self) -> tuple[tuple[PositionView, ...], tuple[OrderState, ...]]:
        return await self.positions(), await self.orders()

    async def own_symbols(self) -> tuple[str, ...]:
        return ("AAPL",)

    def own_quantity(self, symbol: str) -> Decimal:
        return Decimal(10)

    def day_pnl(self) -> Decimal | None:
        return self.pnl

    def note_command(self, text: str) -> None:
        self.commands.append(text)

    def bar_age_s(self) -> float | None:
        return 1.0

    def bring_back_watchers(self) -> tuple[WatcherView, ...]:
        self._note("bring_back_watchers", None)
        return self.rows

    def forget_watchers(self, reason: str) -> tuple[str, ...]:
        self._note("forget_watchers", reason)
        return tuple(row.id for row in self.rows)

    def watchers(self) -> tuple[WatcherView, ...]:
        return self.rows

    def trades(self) -> tuple[TradeView, ...]:
        return (self.trade,)

    async def quote(self, symbol: str) -> QuoteView:
        self._note("quote", symbol)
        return a_quote()

    async def bars(self, symbol: str, *, seconds: int, duration_s: int) -> tuple[Bar, ...]:
        self._note("bars", (symbol, seconds, duration_s))
        return tuple(a_bar(number) for number in range(3))

    async def positions(self) -> tuple[PositionView, ...]:
        self._note("positions", None)
        return self.held

    async def orders(self) -> tuple[OrderState, ...]:
        self._note("orders", None)
        return (an_order(),)

    async def executions(self) -> tuple[Fill, ...]:
        self._note("executions", None)
        return (a_fill(), a_fill(side=Side.BUY, commission=None, realized_pnl=None))

    async def account(self) -> AccountSummary:
        self._note("account", None)
        return an_account()

    async def wait(self, seconds: float) -> None:
        self._note("wait", seconds)
        self.waiting.set()
        await self.ended.wait()

    async def wait_market(self, seconds: float) -> datetime:
        self._note("wait_market", seconds)
        return OPEN + timedelta(seconds=seconds)

    async def preview_breakout(self, request: BreakoutRequest) -> BreakoutPreview:
        self._note("preview_breakout", request)
        return a_breakout_preview()

    async def arm(self, preview: BreakoutPreview) -> WatcherView:
        self._note("arm", preview)
        self.rows = (a_watcher(),)
        return self.rows[0]

    async def watcher_ended(self, watcher_id: str) -> WatcherView:
        self._note("watcher_ended", watcher_id)
        return self.rows[0]

    async def stop_watcher(self, watcher_id: str) -> tuple[WatcherView, ...]:
        self._note("stop_watcher", watcher_id)
        if watcher_id != "all" and watcher_id not in {row.id for row in self.rows}:
            raise NotFound(f"there is no watcher {watcher_id}.")
        return self.rows

    async def preview_bracket(self, request: BracketRequest) -> BracketPreview:
        self._note("preview_bracket", request)
        return a_bracket_preview()

    async def send_bracket(self, preview: BracketPreview) -> FakeTrade:
        self._note("send_bracket", preview)
        return FakeTrade(self.trade)

    async def cancel(self, target: int | str) -> tuple[CancelOutcome, ...]:
        self._note("cancel", target)
        return self.cancelled

    async def halt(self, *, reduce: bool = False, flatten: bool = False) -> HaltOutcome:
        self._note("halt", (reduce, flatten))
        self.trading = Trading(TradingState.HALTED, HaltCause.COMMAND)
        return HaltOutcome(self.trading, self.cancelled)

    async def reconcile(self) -> Reconciled:
        self._note("reconcile", None)
        return self.reconciled

    async def settle(self, intent: str) -> TradeView:
        self._note("settle", intent)
        return self.trade

    def resume(self) -> Trading:
        self._note("resume", None)
        self.trading = ACTIVE
        return self.trading

    async def close(self, target: str) -> tuple[CloseOutcome, ...]:
        self._note("close", target)
        none = Decimal(0)
        return (CloseOutcome("AAPL", True, Decimal(10), none, none, "closed"),)

    def _note(self, name: str, asked: object) -> None:
        self.asked.append((name, asked))
        if self.failing.get(name):
            raise self.failing[name].popleft()


class FakeActivities:
    """Forgets what it is told: what is logged is tested where it is written."""

    def begin(self, *told: object, **also: object) -> str:
        return "a1"

    def ended(self, *told: object) -> datetime:
        return OPEN

    def failed(self, *told: object) -> None:
        pass

    def of_key(self, request_key: str) -> None:
        return None


class TypedLines:
    """Lines as if typed, and the prompts that were shown for them."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = deque(lines)
        self.prompts: list[str] = []

    def write(self, chunk: bytes) -> None:
        self.prompts.append(chunk.decode())

    async def drain(self) -> None:
        pass

    async def readline(self) -> bytes:
        line = self._lines.popleft() if self._lines else END
        if line in (CTRL_C, CTRL_C_ON_A_LINE):
            raise Interrupted(discarded=line == CTRL_C_ON_A_LINE)
        return b"" if line == END else f"{line}\n".encode()


def a_session(
    desk: FakeDesk,
    *lines: str,
    interactive: bool = True,
    one_shot: bool = False,
    manner: Manner = Manner.SESSION,
) -> tuple[Session, TypedLines]:
    """A session in which ``lines`` are typed, commands and answers alike."""
    typed = TypedLines(lines)
    console = Console(
        Interrupts(),
        commands=lambda: Streams(typed, typed),
        answers=lambda: Streams(typed, typed),
        interactive=interactive,
        manner=manner,
    )
    runner = RoutineRunner(desk.as_desk(), SystemClock(), encode=as_json, configuration={})
    session = Session(console, some_settings(), desk.as_desk(), one_shot=one_shot, runner=runner)
    return session, typed
