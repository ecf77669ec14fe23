"""What we count with, beside what the broker says: a finding for each order and each position.

Pure. Orders are matched by order_ref first, then by perm_id, then by client and order id where
the broker's carries no reference; never by an id alone when the references differ, for a broker
may roll its counter back. Nothing is concluded from a part of a snapshot that failed.

That an order was never accepted is only found when two complete snapshots, apart in time, within
one epoch of the link and one trading day with its sending, list it nowhere. An order whose end was
never told, or an earlier day's, stays unknown: the trader is asked, unless the account is flat and
nothing of the intent is left, which is all that an intent's end comes to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum

from apps.domain.broker_snapshot import BrokerSnapshot, Failed, is_one_trading_day
from apps.domain.intents import is_ours
from apps.domain.numerals import plain
from apps.domain.orders import Fill, OrderState, OrderStatus, Side

__all__ = [
    "APART_S",
    "EarlierLook",
    "ExpectedIntent",
    "ExpectedOrder",
    "Finding",
    "Verdict",
    "reconcile",
]

APART_S = 5.0
"""How far apart two snapshots have to be for what neither of them lists to count as absent."""

_UNANSWERED = frozenset({None, OrderStatus.API_PENDING, OrderStatus.PENDING_SUBMIT})


class Verdict(Enum):
    """What was found of an order, an intent or a position; the value is shown."""

    AGREES = "agrees"
    ADOPTED = "adopted"
    """The broker knows more than we did; we know it now."""
    DIFFERS = "differs"
    """Broker and journal contradict each other; the trader is asked."""
    FOREIGN = "foreign"
    """Not ours: told, and never touched."""
    UNKNOWN = "unknown"
    """What became of it cannot be told yet, or not by us."""
    NEVER_ACCEPTED = "never accepted"
    NEVER_TRANSMITTED = "never transmitted"
    """An exit whose entry is over unfilled and that the broker does not list."""
    GONE = "gone"
    """Nothing of an intent is left, and how it ended was not told."""
    REBUILT = "rebuilt"
    """Orders of ours that the journal did not know."""


@dataclass(frozen=True, slots=True)
class ExpectedOrder:
    """An order that we count with. ``status`` is the broker's last word, None before the first.

    ``filled`` is by executions; one that ``is_over`` is not looked for any more.
    """

    order_ref: str
    client_id: int
    order_id: int
    perm_id: int
    parent_id: int
    is_entry: bool
    con_id: int
    symbol: str
    side: Side
    order_type: str
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    status: OrderStatus | None
    filled: Decimal
    sent_at: datetime | None
    is_over: bool

    @property
    def was_answered(self) -> bool:
        """The broker has shown that it has, or had, the order."""
        return self.perm_id != 0 or self.filled > 0 or self.status not in _UNANSWERED

    @property
    def name(self) -> tuple[str, int]:
        """The intent's reference and the order id."""
        return self.order_ref, self.order_id

    @property
    def key(self) -> tuple[int, int]:
        """Client and order id."""
        return self.client_id, self.order_id


@dataclass(frozen=True, slots=True)
class ExpectedIntent:
    """An intent of ours; ``open_quantity`` is what was entered and not exited.

    Of one that ``is_over`` nothing is missed any more; what the broker tells of it counts.
    """

    order_ref: str
    symbol: str
    con_id: int
    side: Side
    orders: tuple[ExpectedOrder, ...]
    fills: tuple[Fill, ...]
    open_quantity: Decimal
    at: datetime | None
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class EarlierLook:
    """A snapshot taken before, and which orders (reference, order id) were looked for in it."""

    snapshot: BrokerSnapshot
    looked_for: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found; ``text`` says it, with what to do where that is the trader's.

    ``order_id`` is 0 for what concerns a whole intent or a position. ``state`` is the order as the
    broker tells it, for one that it tells of, with our ids and role restored.
    """

    verdict: Verdict
    symbol: str
    text: str
    order_ref: str = ""
    order_id: int = 0
    state: OrderState | None = None

    @property
    def needs_the_trader(self) -> bool:
        """Nobody but the trader can say what is true here."""
        return self.verdict in (Verdict.DIFFERS, Verdict.UNKNOWN)


def reconcile(
    expected: Iterable[ExpectedIntent],
    own: Mapping[int, Decimal],
    snapshot: BrokerSnapshot,
    earlier: EarlierLook | None,
    client_id: int,
) -> tuple[Finding, ...]:
    """Compare what is ``expected`` with a snapshot, and with one taken before it, if there is one.

    ``own`` is what our executions add up to, signed, by con_id. ``client_id`` is ours.
    """
    intents = tuple(expected)
    now = _Look(intents, snapshot)
    before = None
    if earlier is not None:
        before = _Look(intents, earlier.snapshot, earlier.looked_for)
    findings: list[Finding] = []
    for intent in intents:
        findings += _of_intent(intent, now, before)
    findings += _strangers(now, client_id)
    findings += _of_positions(own, snapshot)
    return tuple(findings)


class _Look:
    """One snapshot with its orders put beside those that are expected."""

    def __init__(
        self,
        intents: tuple[ExpectedIntent, ...],
        snapshot: BrokerSnapshot,
        looked_for: frozenset[tuple[str, int]] = frozenset(),
    ) -> None:
        self.snapshot = snapshot
        self._looked_for = looked_for
        self.told: dict[tuple[int, int], OrderState] = {}
        self.strangers: list[OrderState] = []
        self.unmatched_ends: list[OrderState] = []
        self.executed: dict[tuple[str, int], list[Fill]] = defaultdict(list)
        self.executions = {fill.execution for fill in snapshot.fills}
        self._by_ref: dict[str, list[ExpectedOrder]] = defaultdict(list)
        self._by_perm: dict[int, ExpectedOrder] = {}
        self._by_key: dict[tuple[int, int], ExpectedOrder] = {}
        for order in (order for intent in intents for order in intent.orders):
            self._by_ref[order.order_ref].append(order)
            self._by_key[order.key] = order
            if order.perm_id:
                self._by_perm[order.perm_id] = order
        for state in snapshot.standing:
            self._place(state, self.strangers)
        for state in snapshot.ended:
            self._place(state, self.unmatched_ends)
        for fill in snapshot.fills:
            self.executed[fill.order_ref, fill.order_id].append(fill)

    def tells_of(self, order: ExpectedOrder) -> bool:
        """The broker lists the order somewhere: open, ended, or by an execution."""
        return order.key in self.told or order.name in self.executed

    def missed(self, order: ExpectedOrder) -> bool:
        """The order was looked for, and the broker did not list it."""
        return order.name in self._looked_for and not self.tells_of(order)

    def _place(self, state: OrderState, others: list[OrderState]) -> None:
        order = self._match(state)
        if order is None:
            others.append(state)
        elif order.key not in self.told:  # an order that ended meanwhile may stand in both
            self.told[order.key] = _as_ours(state, order)

    def _match(self, state: OrderState) -> ExpectedOrder | None:
        same = self._by_ref.get(state.order_ref, []) if state.order_ref else []
        for order in same:
            if state.order_id and order.key == (state.client_id, state.order_id):
                return order
        if state.perm_id and (order_by_perm := self._by_perm.get(state.perm_id)) is not None:
            return order_by_perm
        if not state.order_id:
            return self._by_look(state, same)
        if state.order_ref:
            return None
        return self._by_key.get((state.client_id, state.order_id))

    def _by_look(self, state: OrderState, same: list[ExpectedOrder]) -> ExpectedOrder | None:
        """Find which order of its intent an ended one is: it comes without an order id."""
        alike = [
            order
            for order in same
            if not order.perm_id
            and order.key not in self.told
            and (order.side, order.order_type) == (state.side, state.order_type)
        ]
        prices = state.limit_price, state.stop_price
        alike.sort(key=lambda order: (order.limit_price, order.stop_price) != prices)
        return alike[0] if alike else None


def _as_ours(state: OrderState, order: ExpectedOrder) -> OrderState:
    """Give back to an ended order what the broker does not say of it."""
    if state.order_id:
        return state
    quantity = order.quantity if state.status is not OrderStatus.FILLED else state.filled
    return replace(
        state,
        order_id=order.order_id,
        client_id=order.client_id,
        parent_id=order.parent_id,
        order_ref=order.order_ref,
        quantity=quantity or order.quantity,
        remaining=max(quantity - state.filled, Decimal(0)),
    )


def _of_intent(intent: ExpectedIntent, now: _Look, before: _Look | None) -> Iterator[Finding]:
    if intent.is_over:
        told = [(order, now.told.get(order.key)) for order in intent.orders]
        known_ends = [_told(order, state, now) for order, state in told if state is not None]
        yield from (each for each in known_ends if each is not None)
        return
    if (forgotten := _forgotten(intent, now)) is not None:
        yield forgotten
        return
    findings = [_of_order(order, intent, now, before) for order in intent.orders]
    known = [each for each in findings if each is not None]
    if any(each.verdict is Verdict.UNKNOWN for each in known) and _is_gone(intent, now, before):
        yield Finding(Verdict.GONE, intent.symbol, _gone_words(intent), intent.order_ref)
        return
    yield from known


def _of_order(
    order: ExpectedOrder, intent: ExpectedIntent, now: _Look, before: _Look | None
) -> Finding | None:
    told = now.told.get(order.key)
    if told is not None:
        return _told(order, told, now)
    if order.is_over or order.name in now.executed:
        return None
    verdict, text = _of_absent(order, intent, now, before)
    return Finding(verdict, order.symbol, text, order.order_ref, order.order_id)


def _told(order: ExpectedOrder, told: OrderState, now: _Look) -> Finding | None:
    executed = sum((each.quantity for each in now.executed[order.name]), Decimal(0))
    filled = max(order.filled, executed)
    if isinstance(now.snapshot.executions, Failed) or told.filled <= filled:
        is_news = (told.status, told.perm_id) != (order.status, order.perm_id)
        if order.is_over and not is_news:
            return None
        verdict = Verdict.ADOPTED if is_news or executed > order.filled else Verdict.AGREES
        part = f", {plain(filled)} of {plain(order.quantity)} filled" if filled else ""
        text = f"order {order.order_id} is {told.status.value}{part}"
    else:
        verdict = Verdict.DIFFERS
        text = (
            f"order {order.order_id} is {told.status.value} with {plain(told.filled)} filled, and "
            f"only {plain(filled)} of that is among the executions; look at them in TWS"
        )
    return Finding(verdict, order.symbol, text, order.order_ref, order.order_id, told)


def _of_absent(
    order: ExpectedOrder, intent: ExpectedIntent, now: _Look, before: _Look | None
) -> tuple[Verdict, str]:
    named = f"order {order.order_id}"
    if not now.snapshot.is_complete:
        why = "; ".join(now.snapshot.problems)
        return Verdict.UNKNOWN, f"{named} could not be looked for everywhere: {why}"
    if order.was_answered:
        return Verdict.UNKNOWN, (
            f"{named} is not listed any more, and its end was not told; look for it in TWS, then "
            f"`reconcile --settle {_tail(order.order_ref)}` if it is over"
        )
    if _is_left_over(order, intent):
        return Verdict.NEVER_TRANSMITTED, f"{named} was never transmitted, its entry is over"
    if not is_one_trading_day(order.sent_at, now.snapshot.at):
        return Verdict.UNKNOWN, (
            f"{named} was sent on another day and is listed nowhere; look for it in TWS, then "
            f"`reconcile --settle {_tail(order.order_ref)}` if there is nothing of it"
        )
    if before is not None and _are_apart(before, now) and before.missed(order):
        return Verdict.NEVER_ACCEPTED, f"{named} was never accepted: the broker lists it nowhere"
    return Verdict.UNKNOWN, f"{named} is listed nowhere; it is looked for again"


def _are_apart(before: _Look, now: _Look) -> bool:
    """Tell whether two looks may speak for each other: see promise 3 at the top."""
    first, second = before.snapshot, now.snapshot
    return (
        first.is_complete
        and second.is_complete
        and first.epoch == second.epoch
        and second.taken_s - first.taken_s >= APART_S
        and is_one_trading_day(first.at, second.at)
    )


def _is_left_over(order: ExpectedOrder, intent: ExpectedIntent) -> bool:
    """Tell whether an exit can have nothing to exit: its entry ended, and nothing was filled."""
    entries = [each for each in intent.orders if each.is_entry]
    return not order.is_entry and all(each.is_over and not each.filled for each in entries)


def _is_gone(intent: ExpectedIntent, now: _Look, before: _Look | None) -> bool:
    """Tell whether nothing of an intent is left, at the broker or in the account, both times.

    On the day of its entry the broker would still tell how that ended: then it is not assumed.
    """
    if before is None or not _are_apart(before, now):
        return False
    if is_one_trading_day(intent.at, now.snapshot.at):
        return False
    waited_for = [each for each in intent.orders if not each.is_over]
    is_listed = any(now.tells_of(each) or not before.missed(each) for each in waited_for)
    is_flat = all(look.snapshot.holding(intent.con_id) == 0 for look in (before, now))
    return bool(waited_for) and is_flat and not is_listed


def _forgotten(intent: ExpectedIntent, now: _Look) -> Finding | None:
    """Find that the broker does not know executions that it told us today."""
    if not now.snapshot.is_complete:
        return None
    missing = [
        fill
        for fill in intent.fills
        if is_one_trading_day(fill.at, now.snapshot.at) and fill.execution not in now.executions
    ]
    if not missing or any(now.tells_of(each) for each in intent.orders):
        return None
    return Finding(
        Verdict.DIFFERS,
        intent.symbol,
        f"the broker knows nothing of {intent.order_ref}, though it told executions of it today: "
        "is this the same account, or was it reset? Look at TWS, then `reconcile --settle "
        f"{_tail(intent.order_ref)}` if there is nothing of it",
        intent.order_ref,
    )


def _strangers(now: _Look, client_id: int) -> Iterator[Finding]:
    for state in now.strangers:
        ours = is_ours(state.order_ref) and state.client_id == client_id
        who = f"client {state.client_id}" if state.order_id else "hand"
        what = f"{state.side.value.lower()} {plain(state.quantity)} {state.symbol}"
        text = f"order {state.order_id} ({what}, {state.order_type}) is by {who}: not touched"
        if ours:
            text = (
                f"order {state.order_id} ({what}, {state.order_type}) is ours, and not journalled"
            )
        verdict = Verdict.REBUILT if ours else Verdict.FOREIGN
        yield Finding(verdict, state.symbol, text, state.order_ref, state.order_id, state)


def _of_positions(own: Mapping[int, Decimal], snapshot: BrokerSnapshot) -> Iterator[Finding]:
    if isinstance(snapshot.positions, Failed):
        return
    names = {each.con_id: each.symbol for each in snapshot.positions.rows}
    for con_id in sorted(names.keys() | {each for each, quantity in own.items() if quantity}):
        ours, held = own.get(con_id, Decimal(0)), snapshot.holding(con_id) or Decimal(0)
        symbol = names.get(con_id, "")
        counts = f"the account holds {plain(held)}, of which {plain(ours)} are ours"
        if ours == held:
            if ours:
                yield Finding(Verdict.AGREES, symbol, counts)
        elif ours * held >= 0 and abs(held) >= abs(ours):
            yield Finding(Verdict.FOREIGN, symbol, f"{counts}; the rest is not touched")
        else:
            counts = (
                f"the account holds {plain(held)}, and by our executions {plain(ours)} are ours"
            )
            yield Finding(
                Verdict.DIFFERS, symbol, f"{counts}: were they traded by hand? Look at `positions`"
            )


def _gone_words(intent: ExpectedIntent) -> str:
    return (
        f"nothing of {intent.order_ref} is left: none of its orders stands, and the account holds "
        f"no {intent.symbol}; how it ended was not told, look at TWS's trades"
    )


def _tail(order_ref: str) -> str:
    return order_ref.rpartition("-")[2]
