"""The adapter under test, with everything that it told, and values to send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.market_data_type import MarketDataType
from apps.domain.orders import Bracket, Fill, OrderState, OrderType, Side, Ticket, TimeInForce
from apps.domain.sessions import TradingHours
from apps.domain.ticks import TickRule
from apps.engine.ports import BrokerNotice, Link, LinkState
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.pacing import Limits
from apps.ib.requests import Timeouts

AAPL = Instrument(
    con_id=265598,
    symbol="AAPL",
    kind=InstrumentKind.STOCK,
    exchange="SMART",
    primary_exchange="NASDAQ",
    currency="USD",
    ticks=TickRule.of("0.01"),
    hours=TradingHours(),
)

ENTRY = Ticket(Side.BUY, Decimal(100), OrderType.LIMIT, Decimal("190.43"), order_ref="desk-1")
TAKE_PROFIT = replace(
    ENTRY, side=Side.SELL, limit_price=Decimal("193.85"), time_in_force=TimeInForce.GTC
)
STOP_LOSS = Ticket(
    Side.SELL,
    Decimal(100),
    OrderType.STOP,
    stop_price=Decimal("188.15"),
    time_in_force=TimeInForce.GTC,
    order_ref="desk-1",
)
BRACKET = Bracket(AAPL, ENTRY, TAKE_PROFIT, STOP_LOSS)

SHORT = Timeouts(
    connect_s=0.3,
    request_s=0.3,
    history_s=0.3,
    heartbeat_every_s=0.02,
    heartbeat_answer_s=0.1,
    refusal_s=0.05,
    disconnect_s=0.2,
    backoff_first_s=0.0,
)
PATIENT = replace(
    SHORT, connect_s=5, request_s=5, history_s=5, heartbeat_every_s=60, heartbeat_answer_s=5
)


class RealClock:
    """This machine's clock; the pauses of these tests are of no length."""

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Heard:
    """A listener that keeps everything, and can be waited on."""

    orders: list[OrderState] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    notices: list[BrokerNotice] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def on_order(self, order: OrderState) -> None:
        self.orders.append(order)
        self._changed.set()

    def on_fill(self, fill: Fill) -> None:
        self.fills.append(fill)
        self._changed.set()

    def on_notice(self, notice: BrokerNotice) -> None:
        self.notices.append(notice)
        self._changed.set()

    def on_link(self, link: Link) -> None:
        self.links.append(link)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def notice(self, code: int) -> BrokerNotice:
        await self.until(lambda: any(one.code == code for one in self.notices))
        return next(one for one in self.notices if one.code == code)

    async def link(self, state: LinkState) -> Link:
        await self.until(lambda: bool(self.links) and self.links[-1].state is state)
        return self.links[-1]


class DeskSide:
    """A gateway object, its listener, and the errors that it told."""

    def __init__(
        self,
        port: int,
        *,
        account: str = "",
        client_id: int = 7,
        timeouts: Timeouts = PATIENT,
        limits: Limits | None = None,
        market_data_type: MarketDataType = MarketDataType.LIVE,
    ) -> None:
        self.errors: list[str] = []
        self.gateway = IBGateway(
            Endpoint("127.0.0.1", port, client_id, account),
            clock=RealClock(),
            on_error=lambda text, _: self.errors.append(text),
            limits=limits,
            timeouts=timeouts,
            market_data_type=market_data_type,
            jitter=lambda: 0.0,
        )
        self.heard = Heard()
        self.gateway.broker.listen(self.heard)

    @property
    def link(self) -> Link:
        return self.gateway.broker.link
