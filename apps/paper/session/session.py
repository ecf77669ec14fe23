"""The dispatcher: each request goes to its topic, each response into the outbox."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from apps.paper.exchange.events import Event
from apps.paper.session.bars import Bars
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.orders import Orders
from apps.paper.session.quotes import Quotes
from apps.paper.session.reference import Reference
from apps.paper.session.reports import Reports
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
        self._orders = Orders(world, client)
        self._reports = Reports(world, client)
        self._topics = (
            Reference(world, client),
            Quotes(world, client),
            Bars(world, client),
            self._orders,
            self._reports,
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
        self._orders.tell(event)
        self._reports.tell(event)

    def close(self) -> None:
        """End every subscription."""
        for topic in self._topics:
            topic.close()

    def _answer_unknown(self, request: Request) -> None:
        match request:
            case UnknownRequest(msg_id=msg_id, name=name, request_id=req_id):
                text = f"Error validating request.-'{name or msg_id} is not simulated'"
                self._client.refuse(-1 if req_id is None else req_id, 321, text)
            case MalformedRequest(request_id=req_id, reason=reason):
                text = f"Error reading request.-'{reason}'"
                self._client.refuse(-1 if req_id is None else req_id, 320, text)
            case _:
                req_id = getattr(request, "req_id", -1)
                name = type(request).__name__
                self._client.refuse(
                    req_id, 321, f"Error validating request.-'{name} is not simulated'"
                )

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
