"""The dispatcher: each request goes to its topic, each response into the outbox."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from apps.paper.exchange.events import Event
from apps.paper.session.accounts.account_values import AccountValues
from apps.paper.session.accounts.pnl import ProfitAndLoss
from apps.paper.session.accounts.positions import Positions
from apps.paper.session.bars.head import HeadTimestamps
from apps.paper.session.bars.histogram import Histograms
from apps.paper.session.bars.history import History
from apps.paper.session.bars.real_time import RealTimeBars
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.instruments.news import News
from apps.paper.session.instruments.options import Options
from apps.paper.session.instruments.reference import Reference
from apps.paper.session.instruments.scanners import Scanners
from apps.paper.session.orders.orders import Orders
from apps.paper.session.quotes.depth import Depth
from apps.paper.session.quotes.historical_ticks import HistoricalTicks
from apps.paper.session.quotes.quotes import Quotes
from apps.paper.session.quotes.tick_by_tick import TickByTick
from apps.paper.session.refused import Refused
from apps.paper.session.topic import Topic
from apps.paper.wire import (
    CurrentTime,
    MalformedRequest,
    ManagedAccounts,
    NextValidId,
    ReqCurrentTime,
    ReqIds,
    ReqManagedAccounts,
    Request,
    ReqUserInfo,
    Response,
    SetServerLogLevel,
    UnknownRequest,
    UserInfo,
    request_name,
)
from apps.paper.world import World

__all__ = ["Session"]

_FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)

Handler = Callable[[Any], None]


class Session:
    """One connected client."""

    def __init__(self, world: World, client_id: int) -> None:
        self.client_id = client_id
        self._world = world
        self._client = client = Client(client_id)
        self._topics = (
            Reference(world, client),
            Refused(world, client),
            News(world, client),
            Scanners(world, client),
            Options(world, client),
            Quotes(world, client),
            Depth(world, client),
            TickByTick(world, client),
            RealTimeBars(world, client),
            History(world, client),
            HistoricalTicks(world, client),
            Histograms(world, client),
            HeadTimestamps(world, client),
            Orders(world, client),
            Positions(world, client),
            AccountValues(world, client),
            ProfitAndLoss(world, client),
        )
        self._handlers: dict[type, Handler] = {
            ReqCurrentTime: self._current_time,
            ReqIds: self._ids,
            ReqManagedAccounts: self._managed_accounts,
            ReqUserInfo: self._user_info,
            SetServerLogLevel: self._no_answer,
        }
        for topic in self._topics:
            self._handlers.update(topic.handlers())
        # most topics hear nothing of the exchange, and every event is told to every session
        self._listeners = [
            topic.tell for topic in self._topics if type(topic).tell is not Topic.tell
        ]

    @property
    def outbox(self) -> deque[Response]:
        """What the client is to be told, in order."""
        return self._client.outbox

    def greet(self) -> None:
        """Say what IB says after startApi."""
        self._client.send(ManagedAccounts(tuple(self._world.accounts)))
        self._client.send(NextValidId(self._world.exchange.next_order_id(self.client_id)))
        for code, text in _FARMS:
            self._client.refuse(-1, code, text)

    def handle(self, request: Request) -> None:
        """Answer a request. Whatever it is, it is answered, by an error if by nothing else."""
        handler = self._handlers.get(type(request))
        if handler is None:
            self._answer_unknown(request)
            return
        try:
            handler(request)
        except RequestRefused as refusal:
            self._client.refuse(refusal.req_id, refusal.code, refusal.text)

    def tell(self, event: Event) -> None:
        """Hear of something that happened at the exchange."""
        for listen in self._listeners:
            listen(event)

    def close(self) -> None:
        """End every subscription."""
        for topic in self._topics:
            topic.close()

    def _answer_unknown(self, request: Request) -> None:
        """Refuse what could not be read, what IB lacks too, and what nobody here answers."""
        req_id = getattr(request, "request_id", getattr(request, "req_id", None))
        code, reason = 321, f"{request_name(request) or 'this request'} is not supported"
        match request:
            case UnknownRequest(msg_id=msg_id, name=""):
                reason = f"there is no request {msg_id}"
            case MalformedRequest():
                code, reason = 320, request.reason
        verb = "reading" if code == 320 else "validating"
        text = f"Error {verb} request.-'{reason}'"
        self._client.refuse(-1 if req_id is None else req_id, code, text)

    def _current_time(self, _: ReqCurrentTime) -> None:
        self._client.send(CurrentTime(self._world.now // 1000))

    def _ids(self, _: ReqIds) -> None:
        self._client.send(NextValidId(self._world.exchange.next_order_id(self.client_id)))

    def _managed_accounts(self, _: ReqManagedAccounts) -> None:
        self._client.send(ManagedAccounts(tuple(self._world.accounts)))

    def _user_info(self, request: ReqUserInfo) -> None:
        self._client.send(UserInfo(request.req_id))

    def _no_answer(self, _: SetServerLogLevel) -> None:
        """Take note, as IB does, without a word."""
