"""Our own pacing in front of the socket: orders first, a bracket whole, the rate never exceeded.

At home here: the pure arithmetic of IB's limits. Every method is told the time (any
monotonic clock, in seconds) and reads none. The waiting stands in `apps.ib.pacer`.

A token is given back one second after it was spent. A plain bucket of the same size would
let nearly twice its size through in one second, and the third breach of IB's limit (100) ends
the session.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, TypeVar

__all__ = [
    "Budget",
    "HistoryBudget",
    "HistoryRequest",
    "Lane",
    "Limits",
    "MessageQueue",
    "TokenWindow",
]

Item = TypeVar("Item")


class Lane(IntEnum):
    """Who goes first when tokens are short; within a lane, first come, first served."""

    PROTECTION = 0
    """Single orders, changes and cancellations: what protects, reduces or takes back."""
    ORDER = 1
    """Brackets, which open; and whatever speaks of one that has not left yet."""
    CONTROL = 2
    """The heartbeat and the end of subscriptions; may use the reserve."""
    REQUEST = 3
    """Everything else; leaves the reserve untouched."""


@dataclass(frozen=True, slots=True)
class Limits:
    """IB's limits as we keep them.

    IB allows 50 messages a second (market-data lines ÷ 2). ``order_reserve`` tokens are never
    spent on ordinary requests, so that a bracket goes out at once in the middle of a burst.
    """

    messages_per_s: int = 45
    order_reserve: int = 9
    market_data_lines: int = 100
    bar_subscriptions: int = 60
    bar_window_s: float = 600.0
    small_bar_requests: int = 60
    small_bar_window_s: float = 600.0
    identical_history_s: float = 15.0
    alike_history: int = 5
    alike_history_window_s: float = 2.0
    open_history: int = 50

    def __post_init__(self) -> None:
        if not 0 <= self.order_reserve < self.messages_per_s:
            raise ValueError("the reserve for orders must leave room for requests")


@dataclass(slots=True)
class TokenWindow:
    """At most ``size`` tokens spent in any window of ``window_s`` seconds."""

    size: int
    window_s: float = 1.0
    _spent: deque[float] = field(default_factory=deque)

    def free(self, now: float) -> int:
        """Give the tokens that may be spent now."""
        self._forget(now)
        return self.size - len(self._spent)

    def spend(self, now: float, cost: int = 1) -> None:
        """Spend ``cost`` tokens, which must be free."""
        if cost > self.free(now):
            raise ValueError(f"{cost} tokens are not free")
        self._spent.extend([now] * cost)

    def free_at(self, now: float, cost: int = 1) -> float:
        """Give the first moment from ``now`` at which ``cost`` tokens are free."""
        if cost > self.size:
            raise ValueError(f"{cost} tokens are more than the window holds")
        short = cost - self.free(now)
        return now if short <= 0 else self._spent[short - 1] + self.window_s

    def nth_free_at(self, now: float, nth: int) -> float:
        """Give the first moment from ``now`` at which the ``nth`` further token may be spent."""
        rounds, place = divmod(nth - 1, self.size)
        return self.free_at(now, place + 1) + rounds * self.window_s

    def _forget(self, now: float) -> None:
        # the same sum as in free_at: with a difference, a float's last bit would make
        # a token free at a moment at which this would still count it
        while self._spent and self._spent[0] + self.window_s <= now:
            self._spent.popleft()


class MessageQueue(Generic[Item]):
    """What waits for tokens, by lane; the head of a lane is never overtaken from behind.

    An item's cost is spent at once or not at all, so a bracket is never split. While an
    order waits, nothing of a lower lane is let through: it could eat the order's tokens.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._tokens = TokenWindow(limits.messages_per_s)
        self._lanes: dict[Lane, deque[tuple[int, Item]]] = {lane: deque() for lane in Lane}

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._lanes.values())

    def try_spend(self, now: float, lane: Lane, cost: int) -> bool:
        """Spend ``cost`` for something that goes out this instant, unless it would have to wait."""
        if any(self._lanes[before] for before in Lane if before <= lane):
            return False
        if self._tokens.free(now) < self._needed(lane, cost):
            return False
        self._tokens.spend(now, cost)
        return True

    def put(self, lane: Lane, cost: int, item: Item) -> None:
        """Let ``item`` wait for its tokens."""
        self._tokens.free_at(0.0, self._needed(lane, cost))  # raises for what could never go
        self._lanes[lane].append((cost, item))

    def due(self, now: float) -> list[Item]:
        """Take out everything that may go now, in order, and spend its tokens."""
        gone: list[Item] = []
        while (head := self._head()) is not None:
            lane, cost = head
            if self._tokens.free(now) < self._needed(lane, cost):
                break
            self._tokens.spend(now, cost)
            gone.append(self._lanes[lane].popleft()[1])
        return gone

    def next_due(self, now: float) -> float | None:
        """Give the moment at which the first in line may go, or None when nobody waits."""
        head = self._head()
        if head is None:
            return None
        return self._tokens.free_at(now, self._needed(*head))

    def clear(self, *lanes: Lane) -> list[Item]:
        """Take out what waits in ``lanes`` (of none given, in all); spent tokens stay spent."""
        dropped: list[Item] = []
        for lane in lanes or tuple(Lane):
            dropped.extend(item for _, item in self._lanes[lane])
            self._lanes[lane].clear()
        return dropped

    def _head(self) -> tuple[Lane, int] | None:
        for lane in Lane:
            if self._lanes[lane]:
                return lane, self._lanes[lane][0][0]
        return None

    def _needed(self, lane: Lane, cost: int) -> int:
        return cost + (self._limits.order_reserve if lane is Lane.REQUEST else 0)


@dataclass(slots=True)
class Budget:
    """A number of things that may be open at once, such as market-data lines."""

    size: int
    used: int = 0

    def try_open(self) -> bool:
        """Take one, if one is left."""
        if self.used >= self.size:
            return False
        self.used += 1
        return True

    def close(self) -> None:
        """Give one back."""
        if self.used == 0:
            raise ValueError("nothing is open")
        self.used -= 1


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """What makes two requests for history identical to IB, and what makes them alike."""

    con_id: int
    seconds: int
    span: str
    what_to_show: str


class HistoryBudget:
    """When IB takes the next request for history.

    Bars of 30 s and less: 60 requests in ten minutes, none identical within 15 s, five of one
    contract in two seconds. Larger bars are only counted among the open requests.

    A request counts from its answer on: it had arrived by then, and IB counts from its arrival.
    Until then it counts as sent this instant. So none arrives too early, however long the way.
    """

    SMALL_BAR_S = 30

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._window = TokenWindow(limits.small_bar_requests, limits.small_bar_window_s)
        self._alike: dict[tuple[int, str], TokenWindow] = {}
        self._last: dict[HistoryRequest, float] = {}
        self._open: list[HistoryRequest] = []

    def allowed_at(self, now: float, request: HistoryRequest, *, spare: int = 0) -> float:
        """Give the first moment from ``now`` at which ``request`` may be sent.

        It may turn out later while others are open. ``spare`` requests are left to others.
        """
        if request.seconds > self.SMALL_BAR_S:
            return now
        again = self._last.get(request, now - self._limits.identical_history_s)
        if request in self._open:
            again = now
        key = _alike(request)
        alike = sum(_alike(each) == key for each in self._open)
        return max(
            now,
            again + self._limits.identical_history_s,
            _free_at(self._window, now, len(self._open) + spare),
            _free_at(self._alike_window(key), now, alike),
        )

    def nth_allowed_at(self, now: float, nth: int) -> float:
        """Give the first moment from ``now`` at which the ``nth`` further request may be sent."""
        return self._window.nth_free_at(now, nth + len(self._open))

    def open(self, request: HistoryRequest) -> None:
        """Note that ``request`` is sent, or about to be."""
        if request.seconds <= self.SMALL_BAR_S:
            self._open.append(request)

    def settle(self, now: float, request: HistoryRequest) -> None:
        """Note that ``request`` was answered, or that no answer is waited for any more."""
        if request.seconds <= self.SMALL_BAR_S:
            self._open.remove(request)
            self.spend(now, request)

    def spend(self, now: float, request: HistoryRequest) -> None:
        """Note that ``request`` has arrived now at the latest."""
        if request.seconds > self.SMALL_BAR_S:
            return
        oldest = now - self._limits.identical_history_s
        self._last = {key: at for key, at in self._last.items() if at > oldest}
        self._last[request] = now
        self._window.spend(now)
        self._alike_window(_alike(request)).spend(now)

    def _alike_window(self, key: tuple[int, str]) -> TokenWindow:
        limits = self._limits
        return self._alike.setdefault(
            key, TokenWindow(limits.alike_history, limits.alike_history_window_s)
        )


def _alike(request: HistoryRequest) -> tuple[int, str]:
    return request.con_id, request.what_to_show


def _free_at(window: TokenWindow, now: float, others: int) -> float:
    """Give when a token is free beside those of ``others``, whose windows have yet to begin."""
    if others < window.size:
        return window.nth_free_at(now, others + 1)
    return now + window.window_s
