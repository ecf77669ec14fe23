"""How each effect is begun: at once, or by giving the condition that stands from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from apps.paper.exchange.orders import OrderSnapshot
from apps.paper.faults.broker import Bust, ClockSkew, FailLiveUpdates, FarmOutage, Outage
from apps.paper.faults.codes import text_of
from apps.paper.faults.conditions import (
    Condition,
    HeldChildren,
    MutedOrder,
    SkewedClock,
    concerns,
)
from apps.paper.faults.farms import Farms, farms_of
from apps.paper.faults.fault import Effect, When
from apps.paper.faults.gate import Ending, Gate, Passage
from apps.paper.faults.line_conditions import (
    BadLine,
    Door,
    HeldClientIds,
    KeptSockets,
    MuteHandshake,
)
from apps.paper.faults.market_conditions import Disturbed, Halted, InPieces, OtherHistory
from apps.paper.faults.markets import (
    FlatMarket,
    Halt,
    HistoryDiffers,
    NoTrades,
    PartialFills,
    PriceGap,
    PriceSpike,
)
from apps.paper.faults.messages import (
    CancelOrders,
    Delay,
    Drop,
    Duplicate,
    HoldChildren,
    MuteOrder,
    Refuse,
    RejectOrder,
    Reorder,
    RollBackIds,
    SendError,
)
from apps.paper.faults.network import (
    ChangePort,
    Disconnect,
    HalfOpen,
    HoldClientId,
    How,
    KeepTurnedAway,
    Latency,
    MergeFrames,
    Refusal,
    RefuseConnections,
    Restart,
    SilentHandshake,
    SlowRead,
    SplitFrames,
)
from apps.paper.faults.outages import LostFarm, LostLink
from apps.paper.faults.plan import Begin
from apps.paper.feed.disturbed import DisturbedMarket
from apps.paper.hub import Hub
from apps.paper.wire import Contract, ErrorMessage, NextValidId, PlaceOrder

__all__ = ["Scene", "begin"]

_REAL_TIME_BARS = 50
_BUST, _NOT_LIVE, _NEW_PORT = 10225, 10182, 1300


class Scene(Protocol):
    """The gateway, as effects work on it."""

    hub: Hub
    market: DisturbedMarket

    def gates(self) -> Iterable[Gate]:
        """Give the connections there are."""

    def shut_port(self) -> None:
        """Stop listening; whoever is connected stays."""

    def open_port(self) -> None:
        """Listen again where it did."""

    def move_port(self, port: int) -> int:
        """Listen on another port instead, 0 for a free one; give it."""

    def stand(self, condition: Condition) -> None:
        """Let a condition stand that ends by itself."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One firing: what happens, when and to whom, and the message that set it off, if one did."""

    scene: Scene
    begun: Begin
    passage: Passage | None

    @property
    def when(self) -> When:
        return self.begun.fault.when

    @property
    def gates(self) -> list[Gate]:
        """The connection of the message, or all that the fault concerns."""
        if self.passage is not None:
            return [self.passage.gate]
        return [gate for gate in self.scene.gates() if concerns(self.when, gate)]

    @property
    def all_gates(self) -> list[Gate]:
        return list(self.scene.gates())

    @property
    def req_id(self) -> int:
        """The request or order that the message is about, −1 for none."""
        if self.passage is None:
            return -1
        subject = self.passage.subject
        about = subject.req_id if subject.order_id is None else subject.order_id
        return -1 if about is None else about


def begin(scene: Scene, begun: Begin, passage: Passage | None) -> Condition | None:
    """Let a fault happen; give what stands from then on, if anything does."""
    effect: Any = begun.fault.effect
    return _ACTS[type(effect)](effect, _Case(scene, begun, passage))


# -- single messages ---------------------------------------------------------------------------


def _message(case: _Case) -> Passage:
    if case.passage is None:
        raise TypeError(f"{case.begun.fault.label} needs a message")  # Fault has seen to it
    return case.passage


def _drop(_: Drop, case: _Case) -> None:
    _message(case).is_lost = True


def _delay(effect: Delay, case: _Case) -> None:
    late_s = effect.by_s + case.begun.draws().uniform(-effect.jitter_s, effect.jitter_s)
    _message(case).delay = max(0.0, late_s), case.when.clock


def _duplicate(effect: Duplicate, case: _Case) -> None:
    _message(case).copies += effect.copies


def _reorder(effect: Reorder, case: _Case) -> None:
    _message(case).behind = effect.behind


def _send_error(effect: SendError, case: _Case) -> None:
    req_id = case.req_id if effect.req_id is None else effect.req_id
    error = ErrorMessage(req_id, effect.code, effect.text or text_of(effect.code))
    if case.passage is not None and not case.passage.is_request:
        case.passage.followed_by.append(error)
        return
    for gate in case.gates:
        if gate.speaker.session is not None:
            gate.tell(error)


def _refuse(effect: Refuse, case: _Case) -> None:
    passage = _message(case)
    passage.is_lost = True
    text = effect.text or text_of(effect.code)
    passage.afterwards.append(lambda: passage.gate.tell_error(effect.code, text, case.req_id))


def _reject_order(effect: RejectOrder, case: _Case) -> None:
    passage = _message(case)
    placed = passage.message
    if isinstance(placed, PlaceOrder) and passage.gate.client_id is not None:
        key, exchange = (passage.gate.client_id, placed.order_id), case.scene.hub.exchange
        exchange.turn_down(key, effect.reason)
        passage.afterwards.append(lambda: exchange.turn_down(key, ""))


def _roll_back_ids(effect: RollBackIds, case: _Case) -> None:
    passage = _message(case)
    if isinstance(passage.message, NextValidId):
        passage.message = NextValidId(max(1, passage.message.order_id - effect.by))


def _cancel_orders(_: CancelOrders, case: _Case) -> None:
    def cancel() -> None:
        hub = case.scene.hub
        for each in hub.exchange.working_orders():
            if _is_meant(each, case):
                hub.cancel(each.order.client_id, each.order.order_id)

    if case.passage is not None:
        case.passage.afterwards.append(cancel)
    else:
        cancel()


def _is_meant(snapshot: OrderSnapshot, case: _Case) -> bool:
    order, when = snapshot.order, case.when
    if case.passage is not None:
        by = (case.passage.gate.client_id, case.passage.subject.order_id)
        return (order.client_id, order.order_id) == by
    wanted = (
        (when.client, order.client_id),
        (when.order_id, order.order_id),
        (when.order_ref or None, order.order_ref),
        (when.symbol or None, order.listing.symbol),
    )
    return all(want is None or want == got for want, got in wanted)


def _mute_order(effect: MuteOrder, case: _Case) -> Condition | None:
    passage = _message(case)
    order_id = passage.subject.order_id
    if order_id is None:
        return None
    if not passage.is_request:
        passage.is_lost = True
    client_id = passage.gate.client_id
    return MutedOrder(client_id, order_id, until=effect.until, family=effect.family)


def _hold_children(_: HoldChildren, case: _Case) -> Condition:
    parent_id = case.passage.subject.order_id if case.passage else case.when.order_id
    return HeldChildren(case.when, parent_id)


# -- connections -------------------------------------------------------------------------------


def _disconnect(effect: Disconnect, case: _Case) -> None:
    ending = Ending(effect.how, effect.at_byte)
    if case.passage is not None:
        case.passage.ending = ending
        case.passage.is_lost = case.passage.is_lost or effect.lose_message
        return
    for gate in case.gates:
        gate.speaker.end(ending)


def _bad_line(effect: Effect, case: _Case) -> Condition:
    spreads = case.passage is None
    return BadLine(effect, case.when, case.begun.chance, case.gates, spreads=spreads)


def _refuse_connections(effect: RefuseConnections, case: _Case) -> Condition:
    return Door(effect.how, case.scene.shut_port, case.scene.open_port)


def _restart(effect: Restart, case: _Case) -> Condition:
    for gate in case.all_gates:
        gate.speaker.end(Ending(How(effect.how.value)))
    return Door(Refusal.CLOSED, case.scene.shut_port, case.scene.open_port)


def _change_port(effect: ChangePort, case: _Case) -> None:
    port = case.scene.move_port(effect.port)
    for gate in case.all_gates:
        if gate.speaker.session is not None:
            gate.tell_error(_NEW_PORT, f"{text_of(_NEW_PORT)}{port}")
        gate.speaker.link.close()


def _silent_handshake(effect: SilentHandshake, case: _Case) -> Condition:
    return MuteHandshake(effect.stage, case.when)


def _hold_client_id(_: HoldClientId, case: _Case) -> Condition:
    return HeldClientIds(case.when, case.scene.hub.close_session)


def _keep_turned_away(_: KeepTurnedAway, case: _Case) -> Condition:
    return KeptSockets(case.when)


# -- the broker --------------------------------------------------------------------------------


def _outage(effect: Outage, case: _Case) -> Condition:
    return LostLink(effect, lambda: _served(case.scene), case.scene.stand)


def _farm_outage(effect: FarmOutage, case: _Case) -> Condition:
    hub = case.scene.hub

    def farms(contract: Contract) -> Farms | None:
        found = hub.catalogue.find(contract, hub.now)
        return farms_of(found[0]) if found else None

    return LostFarm(effect, lambda: _served(case.scene), farms, case.scene.stand)


def _served(scene: Scene) -> list[Gate]:
    """Give the connections whose client has named itself."""
    return [gate for gate in scene.gates() if gate.speaker.session is not None]


def _bust(_: Bust, case: _Case) -> None:
    for gate in case.gates:
        for stream in tuple(gate.subjects.subscriptions.values()):
            if stream.msg_id == _REAL_TIME_BARS and _has_symbol(gate, stream.contract, case):
                _end_with(gate, stream.req_id, _BUST)


def _fail_live_updates(_: FailLiveUpdates, case: _Case) -> None:
    for gate in case.gates:
        for stream in tuple(gate.subjects.subscriptions.values()):
            if stream.is_kept_up_history and _has_symbol(gate, stream.contract, case):
                _end_with(gate, stream.req_id, _NOT_LIVE)


def _has_symbol(gate: Gate, contract: Contract | None, case: _Case) -> bool:
    wanted = case.when.symbol
    return not wanted or (contract is not None and gate.subjects.symbol_of(contract) == wanted)


def _end_with(gate: Gate, req_id: int, code: int) -> None:
    if gate.end_stream(gate.subjects.subscriptions[req_id]):
        gate.tell_error(code, text_of(code), req_id)


def _clock_skew(effect: ClockSkew, case: _Case) -> Condition:
    return SkewedClock(effect, case.when)


# -- the markets -------------------------------------------------------------------------------


def _disturb(effect: Effect, case: _Case) -> Condition:
    return Disturbed(effect, case.when, case.scene.hub, case.scene.market)


def _halt(effect: Halt, case: _Case) -> Condition:
    scene = case.scene
    return Halted(effect, case.when, scene.hub, scene.market, _served(scene))


def _partial_fills(effect: PartialFills, case: _Case) -> Condition:
    return InPieces(effect, case.when, case.scene.hub)


def _history_differs(effect: HistoryDiffers, case: _Case) -> Condition:
    return OtherHistory(effect, case.scene.hub)


_ACTS: dict[type[Effect], Callable[[Any, _Case], Condition | None]] = {
    Drop: _drop,
    Delay: _delay,
    Duplicate: _duplicate,
    Reorder: _reorder,
    SendError: _send_error,
    Refuse: _refuse,
    RejectOrder: _reject_order,
    CancelOrders: _cancel_orders,
    MuteOrder: _mute_order,
    HoldChildren: _hold_children,
    RollBackIds: _roll_back_ids,
    Disconnect: _disconnect,
    HalfOpen: _bad_line,
    RefuseConnections: _refuse_connections,
    SilentHandshake: _silent_handshake,
    SplitFrames: _bad_line,
    MergeFrames: _bad_line,
    Latency: _bad_line,
    SlowRead: _bad_line,
    HoldClientId: _hold_client_id,
    KeepTurnedAway: _keep_turned_away,
    ChangePort: _change_port,
    Restart: _restart,
    Outage: _outage,
    FarmOutage: _farm_outage,
    Bust: _bust,
    FailLiveUpdates: _fail_live_updates,
    ClockSkew: _clock_skew,
    Halt: _halt,
    PriceGap: _disturb,
    PriceSpike: _disturb,
    FlatMarket: _disturb,
    NoTrades: _disturb,
    PartialFills: _partial_fills,
    HistoryDiffers: _history_differs,
}
