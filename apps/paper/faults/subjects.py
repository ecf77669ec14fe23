"""What a message is about: which order, which subscription, which symbol.

Many responses carry an id and nothing else. What the ids stand for is learnt from the requests of
each client: its orders, which outlive a connection, and its subscriptions, which do not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from apps.paper.faults.kinds import message_id
from apps.paper.wire import Contract, PlaceOrder, Request, Response
from apps.paper.wire.requests.parse import REQUEST_MESSAGES

__all__ = ["CANCELS", "NOTHING", "OrderFacts", "OrderIds", "Subject", "Subjects", "Subscription"]

CANCELS = {1: 2, 10: 11, 20: 25, 22: 23, 50: 51, 97: 98}
"""The requests that begin a stream of market data, and what cancels each."""

_BEGUN_BY = {cancel: begin for begin, cancel in CANCELS.items()}
_SNAPSHOT, _KEEP_UP = 1, 20
_ERROR = 4
_MOST_QUESTIONS = 2_000
"""Requests that are answered once are remembered for a while, to tell their answers' symbol."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What is known of an order id of a client's."""

    order_id: int
    order_ref: str = ""
    symbol: str = ""
    parent_id: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """What one message is about; what it does not say, and nobody knows, is empty."""

    req_id: int | None = None
    order: OrderFacts | None = None
    symbol: str = ""
    status: str = ""
    code: int | None = None
    contract: Contract | None = None

    @property
    def order_id(self) -> int | None:
        """The order, where it is about one."""
        return None if self.order is None else self.order.order_id


NOTHING = Subject()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A stream that a client has asked for, by the request that began it."""

    req_id: int
    msg_id: int
    request: Request

    @property
    def contract(self) -> Contract | None:
        """What it is of; a scanner is of nothing."""
        contract = getattr(self.request, "contract", None)
        return contract if isinstance(contract, Contract) else None

    def cancel(self) -> Request:
        """Give the request that ends it."""
        shape = REQUEST_MESSAGES[CANCELS[self.msg_id]].record.shape
        given = {
            field.name: getattr(self.request, field.name)
            for field in fields(shape)
            if hasattr(self.request, field.name)
        }
        request: Request = shape(**given)
        return request

    @property
    def is_kept_up_history(self) -> bool:
        """A history whose running bar is kept up to date."""
        return self.msg_id == _KEEP_UP


class OrderIds:
    """What all order ids of one client stand for, over all its connections."""

    def __init__(self) -> None:
        self._known: dict[int, OrderFacts] = {}
        self._by_exec_id: OrderedDict[str, int] = OrderedDict()

    def learn(self, order_id: int, facts: OrderFacts) -> OrderFacts:
        """Take note of an order; give what is known of it now."""
        self._known[order_id] = facts
        return facts

    def learn_execution(self, exec_id: str, order_id: int) -> None:
        """Take note of whose execution it is, until its fee has been told."""
        self._by_exec_id[exec_id] = order_id
        if len(self._by_exec_id) > _MOST_QUESTIONS:
            self._by_exec_id.popitem(last=False)

    def of(self, order_id: int | None) -> OrderFacts | None:
        """Give what is known of an order id."""
        return None if order_id is None else self._known.get(order_id)

    def of_execution(self, exec_id: str) -> OrderFacts | None:
        """Give the order that an execution belongs to."""
        return self.of(self._by_exec_id.get(exec_id))


class Subjects:
    """What the messages of one connection are about; ``subscriptions`` are its streams."""

    def __init__(self, orders: OrderIds, symbol_of: Callable[[Contract], str]) -> None:
        self.orders = orders
        self.subscriptions: dict[int, Subscription] = {}
        self.symbol_of = symbol_of
        self._asked: OrderedDict[int, Contract] = OrderedDict()

    def of_request(self, request: Request) -> Subject:
        """Tell what a request is about, and remember what its id stands for."""
        if isinstance(request, PlaceOrder):
            return self._placed(request)
        number = message_id(request)
        req_id = _integer(request, "req_id")
        order_id = _integer(request, "order_id")
        contract = getattr(request, "contract", None)
        if req_id is not None:
            self._follow(number or 0, req_id, request)
            if isinstance(contract, Contract):
                self._ask(req_id, contract)
            else:
                contract = self._contract_of(req_id)
        facts = self.orders.of(order_id)
        if facts is None and order_id is not None:
            facts = OrderFacts(order_id)
        return self._subject(req_id, facts, contract)

    def of_response(self, response: Response) -> Subject:
        """Tell what a response is about."""
        message: Any = response
        req_id = _integer(message, "req_id")
        facts = self._order_of(message)
        if message_id(response) == _ERROR:
            facts = self.orders.of(req_id)
        contract = getattr(message, "contract", None)
        if not isinstance(contract, Contract):
            contract = self._contract_of(req_id)
        status = getattr(message, "status", None) or getattr(
            getattr(message, "state", None), "status", ""
        )
        return self._subject(req_id, facts, contract, str(status), _integer(message, "code"))

    def forget(self, req_id: int) -> None:
        """Take note that a stream has ended."""
        self.subscriptions.pop(req_id, None)

    def _placed(self, request: PlaceOrder) -> Subject:
        facts = OrderFacts(
            request.order_id,
            request.order.order_ref,
            self.symbol_of(request.contract),
            request.order.parent_id,
        )
        self.orders.learn(request.order_id, facts)
        return Subject(None, facts, facts.symbol, contract=request.contract)

    def _order_of(self, message: Any) -> OrderFacts | None:
        order_id = _integer(message, "order_id")
        exec_id = getattr(message, "exec_id", None)
        if order_id is None:
            return self.orders.of_execution(exec_id) if isinstance(exec_id, str) else None
        if isinstance(exec_id, str):
            self.orders.learn_execution(exec_id, order_id)
        known = self.orders.of(order_id)
        contract = getattr(message, "contract", None)
        if known is not None or not isinstance(contract, Contract):
            return known or OrderFacts(order_id)
        order = getattr(message, "order", message)
        facts = OrderFacts(
            order_id,
            getattr(order, "order_ref", ""),
            contract.symbol,
            getattr(order, "parent_id", 0),
        )
        return self.orders.learn(order_id, facts)

    def _follow(self, number: int, req_id: int, request: Request) -> None:
        if number in _BEGUN_BY:
            self.forget(req_id)
        elif number in CANCELS and _is_stream(number, request):
            self.subscriptions[req_id] = Subscription(req_id, number, request)

    def _ask(self, req_id: int, contract: Contract) -> None:
        self._asked[req_id] = contract
        self._asked.move_to_end(req_id)
        if len(self._asked) > _MOST_QUESTIONS:
            self._asked.popitem(last=False)

    def _contract_of(self, req_id: int | None) -> Contract | None:
        if req_id is None:
            return None
        subscription = self.subscriptions.get(req_id)
        return subscription.contract if subscription else self._asked.get(req_id)

    def _subject(
        self,
        req_id: int | None,
        facts: OrderFacts | None,
        contract: Contract | None,
        status: str = "",
        code: int | None = None,
    ) -> Subject:
        symbol = facts.symbol if facts and facts.symbol else ""
        if not symbol and contract is not None:
            symbol = self.symbol_of(contract)
        return Subject(req_id, facts, symbol, status, code, contract)


def _is_stream(number: int, request: Request) -> bool:
    if number == _KEEP_UP:
        return bool(getattr(request, "keep_up_to_date", False))
    if number == _SNAPSHOT:
        return not (
            getattr(request, "snapshot", False) or getattr(request, "regulatory_snapshot", False)
        )
    return True


def _integer(message: Any, name: str) -> int | None:
    value = getattr(message, name, None)
    return value if isinstance(value, int) else None
