"""What happens, for whoever listens: bars, alerts, fills, the link, watchers and trades.

On the way of a bar stands one append, and only while somebody listens: what it is told as is made
in the loop's next turn. Each listener has a queue that does not grow without end; one that does not
read is dropped, with the reason. How events are sent stands in `apps.api.http.events_response`.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

from apps.api.views.as_json import Json, as_json
from apps.domain.bars import Bar
from apps.domain.instruments import Instrument
from apps.domain.orders import Fill
from apps.engine.alerts import Alert
from apps.engine.desk import Desk
from apps.engine.ports import Link

__all__ = ["EventHub", "EventKind", "Listener"]

MOST_UNREAD = 2_000
"""Events that a listener may leave unread: a minute of the bars of 160 symbols."""

MOST_LISTENERS = 32

LOOK_EVERY_S = 1.0
"""How often watchers and trades are looked at for what has changed."""


class EventKind(Enum):
    """What an event is about; the value is its name in the stream."""

    HELLO = "hello"
    """How things stand: the first event of every stream."""
    BAR = "bar"
    ALERT = "alert"
    FILL = "fill"
    LINK = "link"
    WATCHER = "watcher"
    TRADE = "trade"
    END = "end"
    """Nothing more comes, and why."""


class Listener:
    """One who listens: what it has not read yet, and whether more will come."""

    def __init__(self, kinds: frozenset[EventKind]) -> None:
        self.is_over = asyncio.Event()
        """Nothing is added any more; what is left may still be read."""
        self._kinds = kinds | {EventKind.HELLO, EventKind.END}
        self._unread: deque[bytes] = deque()
        self._has_some = asyncio.Event()

    def put(self, kind: EventKind, event: bytes) -> None:
        """Add an event, or drop the listener that has not read its last ones."""
        if kind not in self._kinds or self.is_over.is_set():
            return
        if len(self._unread) >= MOST_UNREAD:
            self._unread.clear()
            self.end(f"{MOST_UNREAD:,} events were not read: the rest is not sent. Connect anew.")
            return
        self._unread.append(event)
        self._has_some.set()

    def end(self, reason: str) -> None:
        """Add the last event."""
        if not self.is_over.is_set():
            self._unread.append(_told(EventKind.END, None, {"reason": reason}))
            self.is_over.set()
            self._has_some.set()

    async def next(self) -> bytes:
        """Give what is unread, as it is sent; wait for some; nothing at the end."""
        while not self._unread and not self.is_over.is_set():
            self._has_some.clear()
            await self._has_some.wait()
        unread = b"".join(self._unread)
        self._unread.clear()
        return unread


class EventHub:
    """Everyone who listens to one desk: an `Onlooker` of it while there is anybody."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._listeners: set[Listener] = set()
        self._inbox: deque[tuple[EventKind, Callable[[], Json]]] = deque()
        self._is_due = False
        self._number = 0
        self._leave: Callable[[], None] = lambda: None
        self._looking: asyncio.TimerHandle | None = None
        self._seen: dict[tuple[EventKind, str], object] = {}

    def __len__(self) -> int:
        return len(self._listeners)

    @property
    def is_full(self) -> bool:
        """Nobody more can listen."""
        return len(self._listeners) >= MOST_LISTENERS

    @contextmanager
    def listening(self, kinds: frozenset[EventKind]) -> Iterator[Listener]:
        """Listen while the block runs, from how things stand on."""
        if not self._listeners:
            self._begin()
        listener = Listener(kinds)
        hello = _told(EventKind.HELLO, self._number, self._standing())
        listener.put(EventKind.HELLO, b"retry: 2000\n" + hello)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._end()

    def close(self, reason: str) -> None:
        """Tell everybody that nothing more comes."""
        for each in self._listeners:
            each.end(reason)

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Take a bar; see `apps.engine.onlookers.Onlooker`."""
        self._take(EventKind.BAR, lambda: _of_bar(instrument, bar))

    def on_alert(self, alert: Alert) -> None:
        """Take an alert."""
        self._take(EventKind.ALERT, lambda: as_json(alert))

    def on_fill(self, fill: Fill) -> None:
        """Take an execution."""
        self._take(EventKind.FILL, lambda: as_json(fill))

    def on_link(self, link: Link) -> None:
        """Take a state of the link."""
        self._take(EventKind.LINK, lambda: _of_link(link))

    def _take(self, kind: EventKind, made: Callable[[], Json]) -> None:
        self._inbox.append((kind, made))
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._pass_on)

    def _pass_on(self) -> None:
        self._is_due = False
        while self._inbox:
            kind, made = self._inbox.popleft()
            if self._listeners:
                self._tell(kind, made())

    def _tell(self, kind: EventKind, value: Json) -> None:
        self._number += 1
        event = _told(kind, self._number, value)
        for each in self._listeners:
            each.put(kind, event)

    def _begin(self) -> None:
        self._leave = self._desk.look_on(self)
        self._seen = dict(self._states())
        self._look_again()

    def _end(self) -> None:
        self._leave()
        if self._looking is not None:
            self._looking.cancel()

    def _look_again(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        """Tell of watchers and trades that are otherwise than at the last look."""
        states = dict(self._states())
        changed = [name for name, state in states.items() if self._seen.get(name) != state]
        self._seen = states
        if changed:
            views = dict(self._views())
            for kind, name in changed:
                self._tell(kind, views[kind, name])
        self._look_again()

    def _states(self) -> Iterator[tuple[tuple[EventKind, str], object]]:
        """Give what has to change for a watcher or a trade to be told of again."""
        for watcher in self._desk.watchers():
            state = (watcher.phase, watcher.readiness, watcher.end_reason)
            yield (EventKind.WATCHER, watcher.id), state
        for trade in self._desk.trades():
            traded = (trade.state, trade.entry_filled, trade.exit_filled, trade.realized_pnl)
            yield (EventKind.TRADE, trade.order_ref), traded

    def _views(self) -> Iterator[tuple[tuple[EventKind, str], Json]]:
        for watcher in self._desk.watchers():
            yield (EventKind.WATCHER, watcher.id), as_json(watcher)
        for trade in self._desk.trades():
            yield (EventKind.TRADE, trade.order_ref), as_json(trade)

    def _standing(self) -> Json:
        desk = self._desk
        return {
            "utcTimestamp": as_json(desk.market_now),
            "link": _of_link(desk.link),
            "trading": desk.trading.state.value,
            "watchers": as_json(desk.watchers()),
            "trades": as_json(desk.trades()),
        }


def _of_bar(instrument: Instrument, bar: Bar) -> Json:
    return {"symbol": instrument.symbol, "con_id": instrument.con_id, **_members(as_json(bar))}


def _members(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _of_link(link: Link) -> Json:
    return {"state": link.state.value, "epoch": link.epoch, "reason": link.reason}


def _told(kind: EventKind, number: int | None, value: Json) -> bytes:
    """Give an event as it is sent; JSON is one line, as the stream wants it."""
    name = "" if number is None else f"id: {number}\n"
    return f"{name}event: {kind.value}\ndata: {json.dumps(value)}\n\n".encode()
