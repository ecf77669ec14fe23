"""The invariants, judged by the gateway's own books while a run goes on, and at its end.

Time is judged exactly: the loop says before each jump how many seconds nothing will happen, so a
position is without a stop for as long as it is, and not for as long as somebody looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from apps.domain.intents import OrderRef
from apps.domain.orders import Side
from apps.domain.trading_state import TradingState
from apps.paper.exchange.orders import Execution, OrderSnapshot, Stage
from apps.paper.instruments.listing import Listing
from apps.paper.server import PaperGateway
from apps.paper.wire import ErrorMessage, PlaceOrder, Request, Response

__all__ = ["Broken", "Invariant", "Judge", "Situation", "covered"]

NAKED_S = 10.0
"""Promise 2: so long may a position be without a working stop, by the clock that counts."""

OVER_S = 3.0
"""So long may exits stand that would trade more than is held: while they are put in order."""

DARK_S = 1.0
"""A word of the broker's is on its way, or being read, for so long; latency comes on top."""

_BY_HAND = "bracket"
_STOPS = frozenset({"STP", "STP LMT", "TRAIL", "TRAIL LIMIT"})
_LINK_LOST, _RECOVERED = 1100, frozenset({1101, 1102})
_PROTECTING = frozenset({Stage.AWAITS_TRIGGER, Stage.WORKING})


class Invariant(Enum):
    """What must hold after and during every run."""

    ONE_BRACKET = "one live bracket an intent"
    STOP = "no position without a working stop"
    EXITS = "never more exits than position"
    JOURNAL = "journal equals gateway"
    BARS = "no bar missing or doubled in silence"
    DARK = "no opening order into the dark"
    IDS = "no order id twice"
    LEFT = "nothing left running"
    ALIVE = "the desk goes on"
    """No task dies of an error, no callback fails, the desk can be quit in time."""


@dataclass(frozen=True, slots=True)
class Broken:
    """One invariant that did not hold."""

    invariant: Invariant
    at_s: float
    text: str

    def __str__(self) -> str:
        return f"{self.at_s:8.3f}  BROKEN: {self.invariant.value}: {self.text}"


@dataclass(frozen=True, slots=True)
class Situation:
    """What else the judge has to know at a moment."""

    is_desk_up: bool
    is_dark: bool
    """Something stands between desk and broker that the desk cannot know of yet."""
    trading: TradingState


@dataclass(slots=True)
class _Spell:
    """How long something has been so."""

    seconds: float = 0.0
    is_told: bool = False


@dataclass(slots=True)
class Judge:
    """Judges one run. ``entry_side`` is the side of every entry in it."""

    now_s: Callable[[], float]
    entry_side: Side
    listings: tuple[Listing, ...]
    gateway: Callable[[], PaperGateway | None]
    situation: Callable[[], Situation]
    broken: list[Broken] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)
    entry_keys: dict[str, set[int]] = field(default_factory=dict)
    _ids: dict[tuple[int, int], tuple[str, str, str, str]] = field(default_factory=dict)
    _naked: dict[str, _Spell] = field(default_factory=dict)
    _over: dict[str, _Spell] = field(default_factory=dict)
    _halted: dict[str, float] = field(default_factory=dict)
    _lost_at_s: float | None = None
    _halted_at_s: float | None = None

    def rule(self, invariant: Invariant, text: str) -> None:
        """Take note that an invariant is broken."""
        self.broken.append(Broken(invariant, self.now_s(), text))

    # -- as it goes on ---------------------------------------------------------------------------

    def on_jump(self, seconds: float) -> None:
        """Judge a stretch of time in which nothing happens."""
        gateway = self.gateway()
        if gateway is None:
            return
        self._read_executions(gateway)
        situation = self.situation()
        halted_now = situation.trading is TradingState.HALTED
        self._halted_at_s = (self._halted_at_s or self.now_s()) if halted_now else None
        working = gateway.hub.exchange.working_orders()
        for symbol, held in _holdings(gateway).items():
            orders = [each for each in working if each.order.listing.symbol == symbol]
            self._judge_stop(symbol, held, orders, seconds, situation)
            self._judge_exits(symbol, held, orders, seconds, situation)
        self._judge_intents(working)
        self._judge_halts(gateway)

    def on_request(self, request: Request) -> None:
        """Judge an order as it comes in."""
        if not isinstance(request, PlaceOrder) or request.order.what_if:
            return
        order = request.order
        said = (request.contract.symbol, order.order_ref, order.action, order.order_type)
        key = (0, request.order_id)
        if self._ids.setdefault(key, said) != said:
            self.rule(Invariant.IDS, f"{request.order_id} was {self._ids[key]}, and now is {said}")
        if order.action == self.entry_side.value:
            keys = self.entry_keys.setdefault(order.order_ref, set())
            if request.order_id not in keys:
                keys.add(request.order_id)
                self._judge_opening(request)

    def on_response(self, response: Response) -> None:
        """Take note of what the desk is told of the link."""
        if isinstance(response, ErrorMessage):
            if response.code == _LINK_LOST:
                self._lost_at_s = self.now_s()
            elif response.code in _RECOVERED:
                self._lost_at_s = None

    def link_is_new(self) -> None:
        """Take note of a new connection: what was said on the old one is over."""
        self._lost_at_s = None

    def sign_of(self, side: Side) -> int:
        """Give +1 for what enters, −1 for what leaves."""
        return 1 if side is self.entry_side else -1

    # -- the parts -------------------------------------------------------------------------------

    def _judge_stop(
        self,
        symbol: str,
        held: Decimal,
        orders: list[OrderSnapshot],
        seconds: float,
        situation: Situation,
    ) -> None:
        spell = self._naked.setdefault(symbol, _Spell())
        protected = covered(held, orders)
        if not held or protected >= abs(held):
            self._naked[symbol] = _Spell()
            return
        counts = situation.is_desk_up and not situation.is_dark
        if counts and symbol not in self._halted:
            spell.seconds += seconds
        if spell.seconds > NAKED_S and not spell.is_told:
            spell.is_told = True
            self.rule(
                Invariant.STOP,
                f"{held:f} {symbol} held, stops for {protected:f}, for {spell.seconds:.1f} s",
            )

    def _judge_exits(
        self,
        symbol: str,
        held: Decimal,
        orders: list[OrderSnapshot],
        seconds: float,
        situation: Situation,
    ) -> None:
        most = _most_that_exits_trade(self.entry_side.opposite, orders)
        spell = self._over.setdefault(symbol, _Spell())
        if most <= abs(held):
            self._over[symbol] = _Spell()
            return
        if situation.is_desk_up and not situation.is_dark:
            spell.seconds += seconds
        if spell.seconds > OVER_S and not spell.is_told:
            spell.is_told = True
            self.rule(Invariant.EXITS, f"{held:f} {symbol} held, exits could trade {most:f}")

    def _judge_intents(self, working: Iterable[OrderSnapshot]) -> None:
        live: dict[str, set[str]] = {}
        for each in working:
            if each.order.side is self.entry_side:
                live.setdefault(each.order.listing.symbol, set()).add(each.order.order_ref)
        for ref, (symbol, left) in self._open_refs().items():
            if left > 0:
                live.setdefault(symbol, set()).add(ref)
        for symbol, refs in live.items():
            if len(refs) > 1 and not self._has(Invariant.ONE_BRACKET):
                self.rule(Invariant.ONE_BRACKET, f"{symbol}: {', '.join(sorted(refs))}")
        for ref, keys in self.entry_keys.items():
            if len(keys) > 1 and not self._has(Invariant.ONE_BRACKET):
                self.rule(Invariant.ONE_BRACKET, f"{ref} was entered by orders {sorted(keys)}")

    def _judge_opening(self, request: PlaceOrder) -> None:
        now_s, symbol = self.now_s(), request.contract.symbol
        if self._lost_at_s is not None and now_s - self._lost_at_s > DARK_S:
            self.rule(
                Invariant.DARK,
                f"{symbol}: an entry came {now_s - self._lost_at_s:.1f} s after 1100",
            )
        if self._halted_at_s is not None and now_s > self._halted_at_s:
            self.rule(Invariant.DARK, f"{symbol}: an entry came though trading is halted")
        ref = OrderRef.parse(request.order.order_ref)
        since_s = self._halted.get(symbol)
        if ref is not None and ref.label == _BY_HAND:
            return  # a trader may well queue an order for the end of a halt
        if since_s is not None and now_s - since_s > DARK_S:
            self.rule(
                Invariant.DARK, f"{symbol}: an entry came, halted for {now_s - since_s:.1f} s"
            )

    def _judge_halts(self, gateway: PaperGateway) -> None:
        exchange, now_s = gateway.hub.exchange, self.now_s()
        halted = [each.symbol for each in self.listings if exchange.is_halted(each)]
        self._halted = {each: self._halted.get(each, now_s) for each in halted}

    def _read_executions(self, gateway: PaperGateway) -> None:
        told = gateway.hub.exchange.executions()
        if len(told) == len(self.executions):
            return
        for each in told:
            if each.exec_id not in self.executions:
                self.executions[each.exec_id] = each
                if self._net(each.order_ref) < 0 and not self._has(Invariant.EXITS):
                    text = f"{each.order_ref} left with more than it had entered with: {each.price}"
                    self.rule(Invariant.EXITS, text)

    def _net(self, order_ref: str) -> Decimal:
        fills = [each for each in self.executions.values() if each.order_ref == order_ref]
        return sum((self.sign_of(each.side) * each.quantity for each in fills), Decimal(0))

    def _open_refs(self) -> dict[str, tuple[str, Decimal]]:
        symbols = {each.order_ref: each.listing.symbol for each in self.executions.values()}
        return {ref: (symbol, self._net(ref)) for ref, symbol in symbols.items()}

    def _has(self, invariant: Invariant) -> bool:
        return any(each.invariant is invariant for each in self.broken)


def _holdings(gateway: PaperGateway) -> dict[str, Decimal]:
    held: dict[str, Decimal] = {}
    for account in gateway.hub.accounts.values():
        for each in account.positions():
            symbol = each.listing.symbol
            held[symbol] = held.get(symbol, Decimal(0)) + each.quantity
    return held


def covered(held: Decimal, orders: Iterable[OrderSnapshot]) -> Decimal:
    """Give how many are protected by stops that work, each OCA group counted once."""
    closing = Side.SELL if held > 0 else Side.BUY
    groups: dict[object, Decimal] = {}
    for each in orders:
        is_stop = each.order.side is closing and each.order.order_type in _STOPS
        if is_stop and each.stage in _PROTECTING:
            group = each.oca_group or each.key
            groups[group] = max(groups.get(group, Decimal(0)), each.remaining)
    return sum(groups.values(), Decimal(0))


def _most_that_exits_trade(closing: Side, orders: Iterable[OrderSnapshot]) -> Decimal:
    """Give what the exits could trade together at most.

    Those of one group take from each other, and children of an entry that still works trade no
    more than it has, all of them together.
    """
    everything = list(orders)
    entries = {each.key: each for each in everything if each.order.side is not closing}
    exits = [each for each in everything if each.order.side is closing]
    groups: dict[object, Decimal] = {}
    for each in exits:
        if each.stage in _PROTECTING:
            parent = entries.get(each.order.parent_key) if each.order.parent_key else None
            kin = [
                child.filled for child in exits if child.order.parent_key == each.order.parent_key
            ]
            most = each.remaining if parent is None else parent.filled - sum(kin, Decimal(0))
            group = each.oca_group or each.key
            groups[group] = max(groups.get(group, Decimal(0)), min(each.remaining, most))
    return sum(groups.values(), Decimal(0))
