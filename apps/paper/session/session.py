"""The dispatcher: each request goes to its topic, each response into the outbox."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from apps.paper.exchange.events import Event
from apps.paper.session.bars import Bars
from apps.paper.session.faults import RequestRefused
from apps.paper.session.orders import Orders
from apps.paper.session.quotes import Quotes
from apps.paper.session.reference import Reference
from apps.paper.session.reports import Reports
from apps.paper.wire import (
    CurrentTime,
    ErrorMessage,
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

if TYPE_CHECKING:
    from apps.paper.hub import Hub

__all__ = ["Session"]

_FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)

Handler = Callable[[Any], None]


class Session:
    """One connected client. ``outbox`` fills with what it is to be told, in order."""

    def __init__(self, hub: Hub, client_id: int) -> None:
        self.hub = hub
        self.client_id = client_id
        self.outbox: deque[Response] = deque()
        self._orders = Orders(self)
        self._reports = Reports(self)
        self._topics = (Reference(self), Quotes(self), Bars(self), self._orders, self._reports)
        self._handlers: dict[type, Handler] = {
            ReqCurrentTime: self._current_time,
            ReqIds: self._ids,
            ReqManagedAccounts: self._managed_accounts,
            ReqUserInfo: self._user_info,
            SetServerLogLevel: self._no_answer,
        }
        for topic in self._topics:
            self._handlers.update(topic.handlers())

    def greet(self) -> None:
        """Say what IB says after startApi."""
        self.send(ManagedAccounts(tuple(self.hub.accounts)))
        self.send(NextValidId(self.hub.exchange.next_order_id(self.client_id)))
        for code, text in _FARMS:
            self.send(ErrorMessage(-1, code, text))

    def send(self, response: Response) -> None:
        """Put a response into the outbox."""
        self.outbox.append(response)

    def refuse(self, req_id: int, code: int, text: str) -> None:
        """Answer a request with IB's error."""
        self.send(ErrorMessage(req_id, code, text))

    def handle(self, request: Request) -> None:
        """Answer a request. Whatever it is, it is answered, by an error if by nothing else."""
        handler = self._handlers.get(type(request))
        if handler is None:
            self._answer_unknown(request)
            return
        try:
            handler(request)
        except RequestRefused as refusal:
            self.refuse(refusal.req_id, refusal.code, refusal.text)

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
                self.refuse(-1 if req_id is None else req_id, 321, text)
            case MalformedRequest(request_id=req_id, reason=reason):
                text = f"Error reading request.-'{reason}'"
                self.refuse(-1 if req_id is None else req_id, 320, text)
            case _:
                req_id = getattr(request, "req_id", -1)
                name = type(request).__name__
                self.refuse(req_id, 321, f"Error validating request.-'{name} is not simulated'")

    def _current_time(self, _: ReqCurrentTime) -> None:
        self.send(CurrentTime(self.hub.now // 1000))

    def _ids(self, _: ReqIds) -> None:
        self.send(NextValidId(self.hub.exchange.next_order_id(self.client_id)))

    def _managed_accounts(self, _: ReqManagedAccounts) -> None:
        self.send(ManagedAccounts(tuple(self.hub.accounts)))

    def _user_info(self, request: ReqUserInfo) -> None:
        self.send(UserInfo(request.req_id))

    def _no_answer(self, _: SetServerLogLevel) -> None:
        """Take note, as IB does, without a word."""
