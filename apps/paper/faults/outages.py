"""Links that are lost beyond the gateway: to IB's servers, or to one data farm."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apps.paper.faults.broker import Back, FarmOutage, News, Orders, Outage, Streams
from apps.paper.faults.codes import farm_codes, farm_text, text_of
from apps.paper.faults.conditions import Condition
from apps.paper.faults.farms import SEC_DEF_FARM, Farms
from apps.paper.faults.gate import Gate, Passage
from apps.paper.faults.kinds import Topic, message_id, topic_of
from apps.paper.faults.subjects import CANCELS
from apps.paper.session.session import Session
from apps.paper.wire import (
    CancelOrder,
    Contract,
    ErrorMessage,
    PlaceOrder,
    ReqGlobalCancel,
    Request,
    Response,
)

__all__ = ["DeadStreams", "LostFarm", "LostLink", "farm_notice"]

_LINK_LOST = 1100
_BROKEN = 2110
_REJECTED = 201
_QUERY_MESSAGE = 165
_HMDS_GONE = (
    "Historical Market Data Service query message:HMDS server disconnect occurred.  "
    "Attempting reconnection..."
)
_ORDER_REQUESTS = (PlaceOrder, CancelOrder, ReqGlobalCancel)
_NEWS = (Topic.ORDERS, Topic.ACCOUNT)
_FARM_STATES = range(2103, 2109)
_SEC_DEF_STATES = (2157, 2158)
_RENEWS = frozenset((*CANCELS, *CANCELS.values()))
_CURRENT_BAR = 90


class _Queue:
    """Messages that wait, by connection and in order."""

    def __init__(self) -> None:
        self._requests: list[tuple[Gate, Request]] = []
        self._responses: list[tuple[Gate, Response]] = []
        self._orphans: list[tuple[Session, Request]] = []

    def hold_request(self, passage: Passage) -> None:
        passage.is_lost = True
        self._requests.append((passage.gate, passage.request))

    def hold_response(self, passage: Passage) -> None:
        passage.is_lost = True
        self._responses.append((passage.gate, passage.response))

    def forget(self, gate: Gate) -> None:
        """Drop what waits for a client that is gone, but for what it wants done with orders."""
        if (session := gate.speaker.session) is not None:
            self._orphans += [
                (session, request)
                for held, request in self._requests
                if held is gate and isinstance(request, _ORDER_REQUESTS)
            ]
        self._requests = [each for each in self._requests if each[0] is not gate]
        self._responses = [each for each in self._responses if each[0] is not gate]

    def let_go(self) -> None:
        """Tell first what was known before, then handle what was asked."""
        responses, self._responses = self._responses, []
        requests, self._requests = self._requests, []
        for gate, response in responses:
            gate.resume_response(response)
        for session, request in self._orphans:
            session.handle(request)
            session.outbox.clear()
        for gate, request in requests:
            gate.resume_request(request)


class DeadStreams(Condition):
    """Subscriptions that stay silent until their client cancels them."""

    def __init__(self, dead: Iterable[tuple[Gate, int]]) -> None:
        self._dead = {(gate.number, req_id) for gate, req_id in dead}

    def weigh_request(self, passage: Passage) -> None:
        """Let an id live again that is cancelled, or used anew."""
        req_id = passage.subject.req_id
        if req_id is not None and message_id(passage.message) in _RENEWS:
            self._dead.discard((passage.gate.number, req_id))

    def weigh_response(self, passage: Passage) -> None:
        """Lose what comes on a dead subscription."""
        req_id = passage.subject.req_id
        if req_id is not None and (passage.gate.number, req_id) in self._dead:
            passage.is_lost = topic_of(passage.message) is Topic.MARKET

    def left(self, gate: Gate) -> None:
        """Forget a connection."""
        self._dead = {each for each in self._dead if each[0] != gate.number}
        self.is_over = not self._dead


class LostLink(Condition):
    """No connectivity between the gateway and IB."""

    def __init__(
        self,
        outage: Outage,
        gates: Callable[[], Iterable[Gate]],
        stand: Callable[[Condition], None],
    ) -> None:
        self._outage = outage
        self._gates = gates
        self._stand = stand
        self._queue = _Queue()
        for gate in gates():
            gate.tell_error(_LINK_LOST, text_of(_LINK_LOST))

    def joined(self, gate: Gate) -> None:
        """Say how things stand to a client that comes meanwhile."""
        gate.tell_error(_BROKEN, text_of(_BROKEN))

    def weigh_request(self, passage: Passage) -> None:
        """Hold what needs IB."""
        if topic_of(passage.message) is Topic.LOCAL:
            return
        if isinstance(passage.message, PlaceOrder) and self._outage.orders is Orders.REFUSED:
            passage.is_lost = True
            text = text_of(_REJECTED) + text_of(_LINK_LOST)
            passage.gate.tell_error(_REJECTED, text, passage.message.order_id)
            return
        self._queue.hold_request(passage)

    def weigh_response(self, passage: Passage) -> None:
        """Lose what comes of markets, hold what comes of orders."""
        topic = topic_of(passage.message)
        if isinstance(passage.message, ErrorMessage):
            topic = _topic_of_error(passage)
        if topic is Topic.MARKET or (topic in _NEWS and self._outage.news is News.LOST):
            passage.is_lost = True
        elif topic is not Topic.LOCAL:
            self._queue.hold_response(passage)

    def left(self, gate: Gate) -> None:
        """Forget what waits for a client that is gone."""
        self._queue.forget(gate)

    def end(self) -> None:
        """Come back, as the fault says: with the subscriptions or without them."""
        outage, gates = self._outage, tuple(self._gates())
        if outage.back is Back.DATA_LOST:
            for gate in gates:
                for stream in tuple(gate.subjects.subscriptions.values()):
                    gate.end_stream(stream)
        elif outage.streams is Streams.DEAD:
            self._stand(DeadStreams((gate, each) for gate in gates for each in _streams(gate)))
        for gate in gates:
            gate.tell_error(outage.back.value, text_of(outage.back.value))
        self._queue.let_go()


class LostFarm(Condition):
    """One data farm is gone."""

    def __init__(
        self,
        outage: FarmOutage,
        gates: Callable[[], Iterable[Gate]],
        farms_of: Callable[[Contract], Farms | None],
        stand: Callable[[Condition], None],
    ) -> None:
        self._farm = outage.farm
        self._streams = outage.streams
        self._gates = gates
        self._farms_of = farms_of
        self._stand = stand
        self._queue = _Queue()
        for gate in gates():
            gate.tell(farm_notice(self._farm, is_ok=False))

    def weigh_request(self, passage: Passage) -> None:
        """Hold what needs the farm."""
        if not self._is_needed_by(passage):
            return
        if topic_of(passage.message) is Topic.HISTORY:
            passage.gate.tell_error(_QUERY_MESSAGE, _HMDS_GONE, passage.subject.req_id or -1)
        self._queue.hold_request(passage)

    def weigh_response(self, passage: Passage) -> None:
        """Lose what streams from the farm, and tell the truth of it."""
        if passage.message == farm_notice(self._farm, is_ok=True):
            passage.message = farm_notice(self._farm, is_ok=False)
        elif topic_of(passage.message) is Topic.MARKET and self._feeds(passage):
            passage.is_lost = True

    def left(self, gate: Gate) -> None:
        """Forget what waits for a client that is gone."""
        self._queue.forget(gate)

    def end(self) -> None:
        """Come back: what was subscribed goes on, or seems to."""
        gates = tuple(self._gates())
        if self._streams is Streams.DEAD:
            self._stand(
                DeadStreams(
                    (gate, req_id)
                    for gate in gates
                    for req_id in _streams(gate)
                    if self._is_of(gate.subjects.subscriptions[req_id].contract)
                )
            )
        for gate in gates:
            gate.tell(farm_notice(self._farm, is_ok=True))
        self._queue.let_go()

    def _is_needed_by(self, passage: Passage) -> bool:
        topic, contract = topic_of(passage.message), passage.subject.contract
        if topic is Topic.REFERENCE:
            return self._farm == SEC_DEF_FARM
        farms = None if contract is None else self._farms_of(contract)
        if farms is None:
            return False
        if topic is Topic.HISTORY:
            return self._farm == farms.history
        return topic is Topic.MARKET and self._farm == farms.market

    def _feeds(self, passage: Passage) -> bool:
        """Tell whether a response streams from the farm; running bars need both kinds."""
        contract = passage.subject.contract
        farms = None if contract is None else self._farms_of(contract)
        if farms is None:
            return False
        by_history = message_id(passage.message) == _CURRENT_BAR and self._farm == farms.history
        return by_history or self._farm == farms.market

    def _is_of(self, contract: Contract | None) -> bool:
        farms = None if contract is None else self._farms_of(contract)
        return farms is not None and self._farm in (farms.market, farms.history)


def farm_notice(farm: str, *, is_ok: bool) -> ErrorMessage:
    """Give the notice of a farm's state."""
    return ErrorMessage(-1, farm_codes(farm)[is_ok], farm_text(farm, is_ok=is_ok))


def _streams(gate: Gate) -> tuple[int, ...]:
    return tuple(gate.subjects.subscriptions)


def _topic_of_error(passage: Passage) -> Topic:
    """Tell what an error is about: an order, a request, a farm, or the gateway."""
    subject = passage.subject
    if subject.order is not None:
        return Topic.ORDERS
    if subject.code in _FARM_STATES or subject.code in _SEC_DEF_STATES:
        return Topic.MARKET
    return Topic.LOCAL if subject.req_id == -1 else Topic.REFERENCE
