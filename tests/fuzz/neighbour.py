"""A client that behaves, beside others that do not: it must get all that is due to it.

It follows the bars of one stock, and takes orders through their lives. What it is owed is known
beforehand, for its account is its own and market time moves only when it is told to.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal

from apps.paper.wire import Contract, Order, PlaceOrder
from tests.fuzz.hostile import Harm
from tests.paper.paper_client import RawClient
from tests.paper.wire.mutator import body_of

__all__ = ["Neighbour"]

ACCOUNT = "DU7654321"
CLIENT_ID = 5
BAR_S = 5

_VERSION = 176
_BARS = 1
_AMD = Contract(4391, "AMD", "STK", exchange="SMART", currency="USD")
"""Nobody else trades it: whoever buys all that is offered leaves nothing for the next."""
_SHARES = Decimal(10)
_REMEMBERED = 20
_EXEC_ID = 11
"""How many fields lie between the order id of execDetails and its execId."""


class Neighbour:
    """A client with an account of its own. Each method raises Harm when it is wronged."""

    def __init__(self, client: RawClient) -> None:
        self._client = client
        self._order_id = 0
        self._last_bar: int | None = None
        self._bars: list[int] = []
        self._position = Decimal(0)
        self._latest: deque[list[str]] = deque(maxlen=_REMEMBERED)
        self.lives = 0
        """Orders that were taken through their whole life."""

    @classmethod
    @asynccontextmanager
    async def moved_in(cls, host: str, port: int) -> AsyncIterator[Neighbour]:
        """Connect, and ask for bars, until the block ends."""
        client = RawClient(*await asyncio.open_connection(host, port))
        try:
            await client.start(CLIENT_ID)
            neighbour = cls(client)
            contract = (4391, "", "", "", 0, "", "", "SMART", "", "", "", "")
            client.send(50, 3, _BARS, *contract, 5, "TRADES", 1, "")
            await neighbour.ping()
            yield neighbour
        finally:
            with suppress(ConnectionError):  # a gateway that died is told of elsewhere
                await client.close()

    async def ping(self) -> None:
        """Ask the time; bars that come before the answer are kept."""
        self._client.send(49, 1)
        await self._until("49")

    async def live(self) -> None:
        """Trade at the market, and place a bracket and withdraw it.

        Others may withdraw it too, by reqGlobalCancel.
        """
        await self._trade()
        await self._bracket()

    async def sleep(self) -> None:
        """Take note that a night has passed."""
        await self.ping()
        self._bars.clear()
        self._last_bar = None

    async def next_bar(self) -> None:
        """Take the one bar that is due since market time went on by its length."""
        await self.ping()
        if len(self._bars) != 1:
            raise Harm(f"{len(self._bars)} bars came where one was due")
        start = self._bars.pop()
        if self._last_bar is not None and start != self._last_bar + BAR_S:
            raise Harm(f"after the bar of {self._last_bar} came that of {start}")
        self._last_bar = start

    @property
    def traded(self) -> Decimal:
        """What all its trades come to."""
        return self._position

    async def position(self) -> Decimal:
        """Give what the gateway says that the account holds, seen to be what was traded."""
        self._client.send(61, 1)
        held = Decimal(0)
        while (fields := await self._next())[0] != "62":
            if fields[0] == "61" and fields[2] == ACCOUNT:
                held += Decimal(fields[14])
        self._client.send(64, 1)
        if held != self._position:
            raise Harm(f"{ACCOUNT} holds {held}, and traded {self._position}")
        return held

    # -- orders ----------------------------------------------------------------------------------

    async def _trade(self) -> None:
        action, sign = ("BUY", 1) if self._position <= 0 else ("SELL", -1)
        order_id = self._place(Order(action, _SHARES, "MKT"))
        filled, executed, charged = "", set[str](), set[str]()
        while not (filled and executed and executed <= charged):
            match await self._next():
                case ["3", number, "Filled", shares, *_] if number == str(order_id):
                    filled = shares
                case ["11", _, number, *rest] if number == str(order_id):
                    executed.add(rest[_EXEC_ID])
                case ["59", _, exec_id, *_]:
                    charged.add(exec_id)
                case ["4", _, number, *error] if number == str(order_id):
                    raise Harm(f"order {order_id} of the neighbour was refused: {error}")
        if Decimal(filled) != _SHARES:
            raise Harm(f"order {order_id} of {_SHARES} was filled by {filled}")
        self._position += sign * _SHARES
        self.lives += 1

    async def _bracket(self) -> None:
        parent = self._order_id + 1
        plain = Order(action="SELL", total_quantity=_SHARES, parent_id=parent)
        # in one write: a reqGlobalCancel between two of them would take the parent away
        self._place(
            Order("BUY", _SHARES, "LMT", Decimal(1), transmit=False),
            replace(plain, order_type="LMT", limit_price=Decimal(900), transmit=False),
            replace(plain, order_type="STP", stop_price=Decimal("0.5")),
        )
        legs = {str(parent + leg) for leg in range(3)}
        gone = await self._each_is(legs, {"PreSubmitted", "Submitted"})
        self._client.send(4, 1, parent, "")
        await self._each_is(legs - gone, set())
        self.lives += 3

    async def _each_is(self, legs: set[str], statuses: set[str]) -> set[str]:
        """Wait until each leg has one of ``statuses``, or is gone; give those that are gone."""
        waiting, gone = set(legs), set[str]()
        while waiting:
            match await self._next():
                case ["3", order_id, "Cancelled", *_]:
                    gone.add(order_id)
                    waiting.discard(order_id)
                case ["3", order_id, status, *_] if status in statuses:
                    waiting.discard(order_id)
        return gone & legs

    def _place(self, *orders: Order) -> int:
        """Send orders in one write; give the id of the last."""
        frames = []
        for order in orders:
            self._order_id += 1
            whole = replace(order, account=ACCOUNT, time_in_force="DAY")
            frames.append(body_of(PlaceOrder(self._order_id, _AMD, whole), _VERSION))
        self._client.send_bodies(frames)
        return self._order_id

    # -- hearing ---------------------------------------------------------------------------------

    async def _until(self, msg_id: str) -> list[str]:
        while (fields := await self._next())[0] != msg_id:
            pass
        return fields

    async def _next(self) -> list[str]:
        self._client.received = b""  # it would keep all that it is ever told
        try:
            fields = await self._client.frame()
        except TimeoutError:
            latest = [fields[:10] for fields in self._latest]
            raise Harm(f"the neighbour is told nothing any more after {latest}") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Harm("the neighbour was hung up on") from None
        self._latest.append(fields)
        if fields[:3] == ["50", "3", str(_BARS)]:
            self._bars.append(int(fields[3]))
        return fields
