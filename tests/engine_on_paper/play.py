"""A desk on a paper gateway whose market is scripted, joined by a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from apps.domain.exits.session_end import SessionEndRule
from apps.domain.orders import Side
from apps.domain.risk import RiskLimits, TradingMode
from apps.engine.alerts import Alert, AlertKind
from apps.engine.breakout_watcher import WatcherView
from apps.engine.desk import Desk, ShutdownReport
from apps.engine.exits.guard import GuardSettings
from apps.engine.orders.trade_views import TradeView
from apps.engine.parts import Parts
from apps.engine.ports import Journal, LinkState
from apps.engine.previews import OrderDefaults
from apps.engine.requests import BreakoutRequest
from apps.engine.risk.trading_switch import TradingKeeper
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.pacing import Limits
from apps.paper.clock import ManualClock
from apps.paper.exchange.orders import OrderSnapshot
from apps.paper.exchange.policies import DEFAULT_RULES, ExchangePolicy
from apps.paper.feed.market import Print
from apps.paper.limits import NO_LIMITS
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from tests.engine.fakes import FakeClock, FakeJournal, settle
from tests.engine_on_paper.scripted import BAR_MS, ScriptedMarket, Wire
from tests.ib.desk_side import PATIENT

OPEN = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
START = OPEN + timedelta(minutes=5)
ACCOUNT = "DU1234567"

T = TypeVar("T")


def ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000


class Play:
    """One desk, its gateway, and short ways to move the story on and to judge it."""

    def __init__(self, market: ScriptedMarket, wire: Wire, ib: IBGateway, desk: Desk) -> None:
        self.market = market
        self.wire = wire
        self.ib = ib
        self.desk = desk
        self.gateway: PaperGateway
        self.clock: FakeClock
        self.told: list[Alert]
        self.new_desk: Callable[..., Desk]
        self.now = ms(START)

    # moving on

    async def sync(self) -> None:
        """Let everything that is under way in both directions arrive."""
        for _ in range(3):
            await settle()
            if self.ib.broker.link.state is LinkState.READY and not self.wire.loses_answers:
                await self.ib.market_data.market_time()
        await settle()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let things arrive until ``holds()``."""
        async with asyncio.timeout(10):
            while not holds():
                await settle()

    async def bars(self, *closes: str, of: tuple[str, ...] = ("AAPL",)) -> None:
        """Let one bar after the other stream, each opening at the close before it."""
        opens = (closes[0], *closes[:-1])
        for open_, close in zip(opens, closes, strict=True):
            self.bar_now(open_, close, of=of)
            await self.sync()

    def bar_now(self, open_: str, close: str, *, of: tuple[str, ...] = ("AAPL",)) -> None:
        """Send one bar of each symbol in one go, without waiting for what comes of it."""
        for symbol in of:
            self.market.bar(symbol, self.now, open_, close)
        self.now += BAR_MS
        self.gateway.advance_to(self.now)

    async def print(self, price: str, size: int = 100, symbol: str = "AAPL") -> None:
        """Let the orders at the exchange meet a trade of the market's, now."""
        listings = (each.order.listing for each in self.orders)
        listing = next(each for each in listings if each.symbol == symbol)
        trade = Print(self.now, Decimal(price), size)
        self.market.printed.setdefault(symbol, []).append(trade)
        hub, touch = self.gateway.hub, self.market.touch(listing, self.now)
        hub.publish(hub.exchange.on_market(listing, touch, trade, self.now))
        self.gateway.flush()
        await self.sync()

    async def turn(self, seconds: float) -> None:
        """Turn the desk's own clock on, a little at a time."""
        for _ in range(int(seconds * 2)):
            await self.clock.advance(0.5)
            await self.sync()

    async def done(self, act: Coroutine[Any, Any, T]) -> T:
        """Give what ``act`` comes to, while the desk's clock runs on."""
        task = asyncio.create_task(act)
        while not task.done():
            await self.sync()
            await self.clock.advance(0.1)
        return await task

    async def arm(self, symbol: str = "AAPL", level: str = "190.50", **more: Any) -> WatcherView:
        request = BreakoutRequest(symbol, level, **{"quantity": "10", **more})
        watcher = await self.desk.arm(await self.desk.preview_breakout(request))
        await self.sync()
        return watcher

    async def enter(self, *, size: int = 1000, **more: Any) -> None:
        """Arm, trigger and confirm; ``size`` shares are offered to the entry."""
        await self.arm(**more)
        self.market.put("AAPL", "190.59", "190.61", size)
        await self.bars("190.40", "190.55", "190.60")

    async def protected(self) -> None:
        """Have a long of 10 with both exits working."""
        await self.enter()
        await self.until(lambda: self.trade().state.value == "protected")

    # judging

    @property
    def orders(self) -> tuple[OrderSnapshot, ...]:
        """What works at the exchange."""
        return self.gateway.hub.exchange.working_orders()

    @property
    def entries_placed(self) -> int:
        """How many entries the exchange ever took."""
        exchange = self.gateway.hub.exchange
        every = (*exchange.working_orders(), *exchange.completed_orders())
        return len({each.key for each in every if not each.order.parent_id})

    def held(self, symbol: str = "AAPL") -> Decimal:
        """What the gateway's ledger says that the account holds."""
        for holding in self.gateway.hub.accounts[ACCOUNT].positions():
            if holding.listing.symbol == symbol:
                return holding.quantity
        return Decimal(0)

    def is_flat(self) -> bool:
        """Nothing is held, and no order works."""
        return not self.held() and not self.orders

    def exits(self) -> dict[str, Decimal]:
        """What is left of each working exit, by order type."""
        exits = [each for each in self.orders if each.order.parent_id]
        return {each.order.order_type: each.remaining for each in exits}

    def order_id(self, order_type: str) -> int:
        """The order id of the one working order of a type."""
        (found,) = [each for each in self.orders if each.order.order_type == order_type]
        return found.order.order_id

    def trade(self, number: int = 0) -> TradeView:
        return self.desk.trades()[number]

    def texts(self, *kinds: AlertKind) -> list[str]:
        return [each.text for each in self.told if not kinds or each.kind in kinds]

    def heard(self, words: str) -> bool:
        return any(words in text for text in self.texts())

    async def restart(self) -> None:
        """Quit, and open a new desk on the same link."""
        await self.shut_down()
        self.desk = self.new_desk()
        await self.desk.__aenter__()
        await self.sync()

    async def shut_down(self) -> ShutdownReport:
        """Quit, while the desk's clock runs on."""
        return await self.done(self.desk.shutdown())


@asynccontextmanager
async def a_play(
    *,
    limits: RiskLimits | None = None,
    mode: TradingMode = TradingMode.PAPER,
    cash: int = 250_000,
    foreign_cash: tuple[tuple[str, Decimal], ...] = (),
    accounts: tuple[str, ...] = (ACCOUNT,),
    account: str = "",
    journal: Journal | None = None,
    keeper: TradingKeeper | None = None,
    live_is_confirmed: bool = False,
    guard: GuardSettings = GuardSettings(),  # noqa: B008  a value that nobody can change
    policy: ExchangePolicy = DEFAULT_RULES,
    session_end: SessionEndRule = SessionEndRule(),  # noqa: B008  likewise
    start: datetime = START,
) -> AsyncIterator[Play]:
    """Open a gateway, a wire and a desk; at the end nothing may be left running."""
    market, clock, told = ScriptedMarket(), FakeClock(), list[Alert]()
    settings = GatewaySettings(
        cash=Decimal(cash),
        foreign_cash=foreign_cash,
        accounts=accounts,
        limits=NO_LIMITS,
        policy=policy,
    )
    numbers = count(1)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(
            PaperGateway.open(settings, market=market, clock=ManualClock(ms(start)))
        )
        wire = await stack.enter_async_context(Wire(gateway.port))
        ib = await stack.enter_async_context(
            IBGateway(
                Endpoint("127.0.0.1", wire.port, 7, account),
                clock=clock,
                on_error=lambda text, _: told.append(Alert(AlertKind.WARNING, text)),
                timeouts=PATIENT,
                limits=Limits(messages_per_s=100_000),  # a play is faster than IB's second
                jitter=lambda: 0.0,
            )
        )
        await ib.connect()
        keeping = asyncio.create_task(ib.keep_connected())
        kept = journal or FakeJournal()

        def new_desk(
            on: IBGateway = ib,
            written: Journal = kept,
            *,
            is_confirmed: bool = live_is_confirmed,
            is_enabled: bool = True,
            session_end: SessionEndRule = session_end,
        ) -> Desk:
            return Desk(
                Parts(
                    broker=on.broker,
                    market=on.market_data,
                    clock=clock,
                    limits=limits or RiskLimits(),
                    trading_mode=mode,
                    defaults=OrderDefaults(),
                    alerts=told.append,
                    journal=written,
                    ref_suffix=lambda: f"{next(numbers):06d}",
                    keeper=keeper,
                    live_is_confirmed=is_confirmed,
                    trading_enabled=is_enabled,
                    guard=guard,
                    session_end=session_end,
                )
            )

        desk = new_desk()
        play = Play(market, wire, ib, desk)
        play.now = ms(start)
        play.new_desk = new_desk
        play.gateway, play.clock, play.told = gateway, clock, told
        try:
            await desk.__aenter__()
            yield play
            report = await play.shut_down()
            assert not [each for each in report.problems if "did not end in time" in each]
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})


def signed(play: Play, symbol: str = "AAPL") -> Decimal:
    """What the executions at the exchange add up to."""
    return sum(
        (
            each.quantity * (1 if each.side is Side.BUY else -1)
            for each in play.gateway.hub.exchange.executions()
            if each.listing.symbol == symbol
        ),
        Decimal(0),
    )
