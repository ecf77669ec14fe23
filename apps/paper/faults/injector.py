"""``gateway.faults``: put faults in, see them fire, take them out.

    late = gateway.faults.inject(Delay(by_s=5), on="commissionReport")
    cut = gateway.faults.inject("disconnect on=placeOrder order_ref=BD-1")
    await gateway.faults.fired(cut)
    gateway.faults.clear()

What fires is decided by `plan`, which is pure; here are the two clocks that it is told of, the
conditions that stand, and who is to hear of it. Not safe across threads: call it in the gateway's
own loop (`apps.paper.thread.GatewayThread.call` does).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time
from typing import Protocol

from apps.paper.faults.acts import Scene, begin
from apps.paper.faults.conditions import Act, Condition
from apps.paper.faults.fault import Clock, Effect, Fault, When
from apps.paper.faults.gate import Gate, Passage
from apps.paper.faults.injection import Firing, Injection
from apps.paper.faults.language import FaultError, parse_fault
from apps.paper.faults.plan import Begin, Moment, Plan, Step, step
from apps.paper.faults.subjects import OrderIds
from apps.paper.feed.market import Millis
from apps.paper.wall import Alarm, Wall
from apps.paper.wire import Contract

__all__ = ["FaultInjector", "Host"]

_RANK_FAULTS = -1
"""A fault that is due with something else of the market's comes before it."""

_MOST_REMEMBERED = 10_000
"""Firings that the log keeps."""


class Host(Scene, Protocol):
    """The gateway, as its faults see it."""

    wall: Wall

    def settle(self) -> None:
        """Bring the hub to the clock's present."""

    def flush(self) -> None:
        """Send what waits for any client, and look again at what is due next."""

    def report(self, what: Mapping[str, object]) -> None:
        """Have it written down that a fault began, or ended."""


class FaultInjector:
    """The faults of one gateway. ``log`` is what happened, oldest first.

    ``seed`` is the luck of faults with a chance: the same seed, faults and messages give the same
    firings.
    """

    def __init__(self, host: Host, *, seed: int = 1) -> None:
        self.log: deque[Firing] = deque(maxlen=_MOST_REMEMBERED)
        self._host = host
        self._plan = Plan(seed)
        self._injections: dict[int, Injection] = {}
        self._conditions: dict[object, Condition] = {}
        self._order_ids: dict[int, OrderIds] = {}
        self._due = _Due(self)
        self._alarm: Alarm | None = None
        self._later: set[Alarm] = set()

    # -- putting in and taking out ---------------------------------------------------------------

    def inject(
        self,
        what: Fault | Effect | str,
        *,
        at: datetime | time | None = None,
        after_s: float | None = None,
        every_s: float | None = None,
        clock: Clock = Clock.MARKET,
        on: str = "",
        nth: int = 1,
        times: int = 1,
        chance: float = 1.0,
        client: int | None = None,
        order_ref: str = "",
        order_id: int | None = None,
        symbol: str = "",
        status: str = "",
        error_code: int | None = None,
        name: str = "",
    ) -> Injection:
        """Put a fault in: an effect with its `When` here, a whole fault, or one in words.

        A fault that waits for nothing has happened when this returns.

        Raises:
            InvalidInput: There can be no such fault.
        """
        when = When(
            at=at,
            after_s=after_s,
            every_s=every_s,
            clock=clock,
            on=on,
            nth=nth,
            times=times,
            chance=chance,
            client=client,
            order_ref=order_ref,
            order_id=order_id,
            symbol=symbol,
            status=status,
            error_code=error_code,
        )
        if isinstance(what, Effect):
            return self._put_in(Fault(what, when, name))
        if when != When() or name:
            raise FaultError("a whole fault says when by itself: give its effect, or no keys")
        return self._put_in(parse_fault(what) if isinstance(what, str) else what)

    def inject_all(self, faults: Iterable[Fault]) -> list[Injection]:
        """Put several in, in order."""
        return [self.inject(fault) for fault in faults]

    async def fired(
        self, injection: Injection, times: int = 1, *, timeout_s: float = 10.0
    ) -> Firing:
        """Wait until a fault has fired so often (`Injection.fired`)."""
        return await injection.fired(times, timeout_s=timeout_s)

    def remove(self, injection: Injection) -> None:
        """Take a fault out; what of it stands ends now."""
        self._take_out(injection.number)

    def clear(self) -> None:
        """Take all faults out."""
        for number in tuple(self._injections):
            self._take_out(number)

    @property
    def injections(self) -> tuple[Injection, ...]:
        """What was put in and not taken out, whether or not it can still fire."""
        return tuple(self._injections.values())

    def close(self) -> None:
        """Forget everything; the gateway ends."""
        if self._alarm is not None:
            self._alarm.cancel()
        for alarm in self._later:
            alarm.cancel()
        self._later.clear()

    # -- what the gateway tells ------------------------------------------------------------------

    @property
    def is_quiet(self) -> bool:
        """Nothing stands, and nothing waits for a message."""
        return not self._conditions and not self._plan.listens

    def forbids(self, gate: Gate, act: Act) -> bool:
        """Tell whether something keeps the gateway from doing this with a connection."""
        return any(each.forbids(gate, act) for each in self._standing())

    def connected(self, gate: Gate) -> None:
        """Hear of a new connection."""
        for condition in self._standing():
            condition.connected(gate)

    def named(self, gate: Gate, client_id: int) -> None:
        """Hear who a client says it is, before it is let in."""
        orders = self._order_ids.setdefault(client_id, OrderIds())
        gate.named(client_id, orders, self._symbol_of)

    def joined(self, gate: Gate) -> None:
        """Hear that a client was let in, and greeted."""
        for condition in self._standing():
            condition.joined(gate)

    def left(self, gate: Gate) -> None:
        """Hear that a connection has ended."""
        for condition in self._standing():
            condition.left(gate)
        over = [key for key, condition in self._conditions.items() if condition.is_over]
        for key in over:
            del self._conditions[key]

    def flushed(self) -> None:
        """Hear that everything was sent."""
        for condition in self._standing():
            condition.flushed()

    # -- what the gates ask ----------------------------------------------------------------------

    def weigh(self, passage: Passage) -> None:
        """Let the conditions have their say."""
        is_request = passage.is_request
        for condition in self._standing():
            if is_request:
                condition.weigh_request(passage)
            else:
                condition.weigh_response(passage)
            if passage.is_lost:
                return

    def happened(self, passage: Passage) -> None:
        """Let the faults that wait for a message fire."""
        if self._plan.listens:
            self._plan, steps = step(self._plan, passage.happening(), self._moment())
            self._carry_out(steps, passage)

    def later(self, seconds: float, clock: Clock, call: Callable[[], None]) -> None:
        """Have ``call`` called, and what comes of it sent."""
        if clock is Clock.MARKET:
            once = _Once(call)
            due = self._host.hub.now + round(seconds * 1000)
            self._host.hub.timetable.start(once, due)
            return

        def ring() -> None:
            self._later.discard(alarm)
            call()
            self._host.flush()

        alarm = self._host.wall.call_later(seconds, ring)
        self._later.add(alarm)

    # -- time ------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let the time that has passed have its effect."""
        self._host.flush()
        self._plan, steps = step(self._plan, None, self._moment())
        self._carry_out(steps, None)
        self._wind_up()

    def _wind_up(self) -> None:
        """See to it that `tick` is called when something is due, on either clock."""
        timetable = self._host.hub.timetable
        due_s = self._plan.next_due_s(Clock.MARKET)
        if due_s is None:
            timetable.stop(self._due)
        else:
            timetable.start(self._due, max(self._host.hub.now, round(due_s * 1000)))
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        wall_s = self._plan.next_due_s(Clock.WALL)
        if wall_s is not None:
            wait_s = max(0.0, wall_s - self._host.wall.now_s())
            self._alarm = self._host.wall.call_later(wait_s, self._wall_due)

    def _wall_due(self) -> None:
        self._host.settle()
        self.tick()
        self._host.flush()

    def _moment(self) -> Moment:
        return Moment(self._host.hub.now, self._host.wall.now_s())

    # -- carrying out ----------------------------------------------------------------------------

    def _put_in(self, fault: Fault) -> Injection:
        self._host.settle()
        self._plan, number = self._plan.inject(fault, self._moment())
        injection = self._injections[number] = Injection(number, fault, self._take_out)
        self._wall_due()
        return injection

    def _take_out(self, number: int) -> None:
        self._injections.pop(number, None)
        self._host.settle()
        self._host.flush()
        self._plan, steps = self._plan.remove(number)
        self._carry_out(steps, None)
        self._wind_up()
        self._host.flush()

    def _carry_out(self, steps: tuple[Step, ...], passage: Passage | None) -> None:
        for each in steps:
            if isinstance(each, Begin):
                self._begin(each, passage)
            else:
                self._end((each.number, each.firing))
        if steps and passage is not None:
            self._wind_up()

    def _begin(self, begun: Begin, passage: Passage | None) -> None:
        firing = Firing(
            begun.number,
            begun.firing,
            begun.fault,
            self._host.hub.now,
            passage.gate.client_id if passage else begun.fault.when.client,
            passage.kind if passage else "",
        )
        self.log.append(firing)
        self._host.report(firing.as_record())
        condition = begin(self._host, begun, passage)
        if condition is not None:
            self._conditions[begun.number, begun.firing] = condition
        if (injection := self._injections.get(begun.number)) is not None:
            injection.happened(firing)

    def _end(self, key: tuple[int, int]) -> None:
        condition = self._conditions.pop(key, None)
        if condition is not None:
            self._host.report({"fault_over": key[0], "firing": key[1], "at": self._host.hub.now})
            condition.end()

    def stand(self, condition: Condition) -> None:
        """Let a condition stand that no fault ends; it says itself when it is over."""
        self._conditions[condition] = condition

    def _standing(self) -> tuple[Condition, ...]:
        return tuple(self._conditions.values())

    def _symbol_of(self, contract: Contract) -> str:
        if contract.symbol or not contract.con_id:
            return contract.symbol
        listing = self._host.hub.catalogue.by_con_id(contract.con_id)
        return listing.symbol if listing else ""


class _Due:
    """Tells the injector of market times at which something is due."""

    rank = _RANK_FAULTS

    def __init__(self, injector: FaultInjector) -> None:
        self._injector = injector

    def run(self, at: Millis) -> Millis | None:  # noqa: ARG002 - the Stream's signature
        self._injector.tick()
        return None  # it has set itself the next time already


class _Once:
    """Does one thing at a market time."""

    rank = _RANK_FAULTS

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def run(self, at: Millis) -> Millis | None:  # noqa: ARG002 - the Stream's signature
        self._call()
        return None
