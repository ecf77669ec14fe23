"""Conditions of the markets: disturbed prices, halts, and how orders fill."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from apps.paper.exchange.orders import OrderKey, OrderSnapshot
from apps.paper.faults.conditions import Condition
from apps.paper.faults.fault import Clock, Effect, When
from apps.paper.faults.gate import Gate
from apps.paper.faults.markets import (
    FlatMarket,
    Halt,
    HistoryDiffers,
    NoTrades,
    PartialFills,
    PriceGap,
    PriceSpike,
)
from apps.paper.feed.disturbed import Disturbance, DisturbedMarket, Shape
from apps.paper.feed.market import Millis
from apps.paper.hub import Hub
from apps.paper.instruments.listing import Listing
from apps.paper.wire import TickGeneric

__all__ = ["Disturbed", "Halted", "InPieces", "OtherHistory"]

_MARKET_DATA = 1
_HALTED_TICK = 49
_HUNDRED = Decimal(100)


class Disturbed(Condition):
    """A market is otherwise than it would have been."""

    def __init__(self, effect: Effect, when: When, hub: Hub, market: DisturbedMarket) -> None:
        self._hub = hub
        self._market = market
        # an end that is known beforehand is told beforehand: streams look ahead
        lasts_s = effect.lasts_s if when.clock is Clock.MARKET else None
        end = None if lasts_s in (None, math.inf) else hub.now + round(lasts_s * 1000)
        self._number = market.disturb(_disturbance(effect, when.symbol, hub.now, end))

    def end(self) -> None:
        """Let the market be as it would have been, from now on."""
        self._market.end(self._number, self._hub.now)


class Halted(Disturbed):
    """Trading is halted."""

    def __init__(
        self, effect: Halt, when: When, hub: Hub, market: DisturbedMarket, gates: Iterable[Gate]
    ) -> None:
        super().__init__(effect, when, hub, market)
        self._gates = gates
        self._listings = [
            each
            for each in hub.catalogue
            if when.symbol in ("", each.symbol) and not hub.exchange.is_halted(each)
        ]
        for listing in self._listings:
            hub.publish(hub.exchange.halt(listing, hub.now))
        self._tell(halted=True)

    def end(self) -> None:
        """Let trading go on."""
        super().end()
        for listing in self._listings:
            self._hub.publish(self._hub.exchange.resume(listing, self._hub.now))
        self._tell(halted=False)

    def _tell(self, *, halted: bool) -> None:
        """Say so at once: a stream speaks with the next print, and there will be none."""
        for gate in self._gates:
            for stream in tuple(gate.subjects.subscriptions.values()):
                if stream.msg_id == _MARKET_DATA and self._is_of(gate, stream.req_id):
                    tick = TickGeneric(stream.req_id, _HALTED_TICK, int(halted))
                    gate.resume_response(tick)

    def _is_of(self, gate: Gate, req_id: int) -> bool:
        contract = gate.subjects.subscriptions[req_id].contract
        found: list[Listing] = (
            [] if contract is None else self._hub.catalogue.find(contract, self._hub.now)
        )
        return any(each in self._listings for each in found)


class InPieces(Condition):
    """Orders fill in pieces of given sizes."""

    def __init__(self, effect: PartialFills, when: When, hub: Hub) -> None:
        self._sizes = effect.sizes
        self._when = when
        self._hub = hub
        self._before = hub.exchange.fill_sizes
        self._pieces: dict[OrderKey, tuple[Decimal, int]] = {}
        hub.exchange.fill_sizes = self

    def end(self) -> None:
        """Let orders fill as they come."""
        self._hub.exchange.fill_sizes = self._before

    def most(self, order: OrderSnapshot) -> Decimal | None:
        """Give what a working order may fill next, None for no limit."""
        when, placed = self._when, order.order
        wanted = (
            (when.symbol or None, placed.listing.symbol),
            (when.client, placed.client_id),
            (when.order_id, placed.order_id),
            (when.order_ref or None, placed.order_ref),
        )
        if any(want is not None and want != got for want, got in wanted):
            return None
        filled, piece = self._pieces.get(order.key, (order.filled, 0))
        piece += order.filled != filled
        self._pieces[order.key] = (order.filled, piece)
        return self._sizes[min(piece, len(self._sizes) - 1)]


class OtherHistory(Condition):
    """History is not what streamed."""

    def __init__(self, effect: HistoryDiffers, hub: Hub) -> None:
        self._hub = hub
        self._before = hub.vendor.history_policy
        hub.vendor.history_policy = effect.policy

    def end(self) -> None:
        """Let history be what it was before."""
        self._hub.vendor.history_policy = self._before


def _disturbance(effect: Effect, symbol: str, now: Millis, end: Millis | None) -> Disturbance:
    match effect:
        case PriceGap(percent=percent) | PriceSpike(percent=percent):
            return Disturbance(Shape.SHIFTED, now, end, symbol, percent / _HUNDRED)
        case FlatMarket():
            return Disturbance(Shape.FLAT, now, end, symbol)
        case NoTrades(bars=bars):
            return Disturbance(Shape.QUIET, now, end, symbol, bars=bars)
        case Halt(bars=bars):
            return Disturbance(Shape.HALTED, now, end, symbol, bars=bars)
        case _:
            raise TypeError(f"{effect} disturbs no market")
