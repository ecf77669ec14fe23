"""What we count with, beside what the broker says: a finding for each order and each position.

Pure. How the two are matched stands in `apps.domain.reconciling.looks`. Nothing is concluded from a
part of a snapshot that failed, nor from answers that contradict each other.

That an order was never accepted is only found when two complete snapshots, apart in time, within
one epoch of the link and one trading day with its sending, list it nowhere, and when nothing
speaks of a fill: neither a status, nor an execution, nor shares in the account that we do not know
the origin of. A child whose entry may be filled was transmitted with it, and may protect: it stays
unknown, whoever does not list it. So does an order whose end was never told, or an earlier day's:
the trader is asked, unless the account is flat and nothing of the intent is left, which is all
that an intent's end comes to.

Orders for the account as a whole are looked for in the same way. What they bought is the account's:
no shares in it speak of them, and none need to be gone for one of an earlier day to be over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from apps.domain.intents import is_for_account, is_ours
from apps.domain.numerals import plain
from apps.domain.orders import OrderState, OrderStatus
from apps.domain.reconciling.broker_snapshot import BrokerSnapshot, Failed, is_one_trading_day
from apps.domain.reconciling.expectations import ExpectedIntent, ExpectedOrder
from apps.domain.reconciling.findings import Finding, Verdict
from apps.domain.reconciling.looks import EarlierLook, Look, are_apart

__all__ = ["reconcile"]

_NONE = Decimal(0)


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
    now = Look(intents, snapshot)
    untold = _untold_shares(own, snapshot)
    before = None
    if earlier is not None:
        before = Look(intents, earlier.snapshot, earlier.looked_for)
    findings: list[Finding] = []
    for intent in intents:
        findings += _of_intent(intent, now, before, untold)
    findings += _strangers(now, client_id)
    findings += _of_positions(own, snapshot)
    return tuple(findings)


def _of_intent(
    intent: ExpectedIntent, now: Look, before: Look | None, untold: Mapping[int, Decimal]
) -> Iterator[Finding]:
    if intent.is_over:
        told = [(order, now.told.get(order.key)) for order in intent.orders]
        known_ends = [_told(order, state, now) for order, state in told if state is not None]
        yield from (each for each in known_ends if each is not None)
        return
    if (forgotten := _forgotten(intent, now)) is not None:
        yield forgotten
        return
    shares = untold.get(intent.con_id, Decimal(0))
    doubt = _may_be_filled(intent, now, _NONE if is_for_account(intent.order_ref) else shares)
    findings = [_of_order(order, intent, now, before, doubt) for order in intent.orders]
    known = [each for each in findings if each is not None]
    if any(each.verdict is Verdict.UNKNOWN for each in known) and _is_gone(intent, now, before):
        yield Finding(Verdict.GONE, intent.symbol, _gone_words(intent), intent.order_ref)
        return
    yield from known


def _of_order(
    order: ExpectedOrder, intent: ExpectedIntent, now: Look, before: Look | None, doubt: str
) -> Finding | None:
    told = now.told.get(order.key)
    if told is not None:
        return _told(order, told, now)
    if order.is_over or order.name in now.executed:
        return None
    verdict, text = _of_absent(order, intent, now, before, doubt)
    return Finding(verdict, order.symbol, text, order.order_ref, order.order_id)


def _told(order: ExpectedOrder, told: OrderState, now: Look) -> Finding | None:
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
    order: ExpectedOrder, intent: ExpectedIntent, now: Look, before: Look | None, doubt: str
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
    if doubt and (order.is_entry or order.parent_id):  # and no exit that was sent by itself later
        return Verdict.UNKNOWN, f"{named} is listed nowhere, and {doubt}"
    if _is_left_over(order, intent):
        return Verdict.NEVER_TRANSMITTED, f"{named} was never transmitted, its entry is over"
    if not is_one_trading_day(order.sent_at, now.snapshot.at):
        return Verdict.UNKNOWN, (
            f"{named} was sent on another day and is listed nowhere; look for it in TWS, then "
            f"`reconcile --settle {_tail(order.order_ref)}` if there is nothing of it"
        )
    if before is not None and are_apart(before, now) and before.missed(order):
        return Verdict.NEVER_ACCEPTED, f"{named} was never accepted: the broker lists it nowhere"
    return Verdict.UNKNOWN, f"{named} is listed nowhere; it is looked for again"


def _may_be_filled(intent: ExpectedIntent, now: Look, untold: Decimal) -> str:
    """Give what speaks for a fill of the entry, and what to do; empty where nothing does."""
    for entry in (each for each in intent.orders if each.is_entry):
        told = now.told.get(entry.key)
        is_told = told is not None and (told.filled > 0 or told.status is OrderStatus.FILLED)
        is_known = entry.filled > 0 or entry.status is OrderStatus.FILLED
        if is_told or is_known or entry.name in now.executed:
            return (
                f"its entry, order {entry.order_id}, is filled; see in TWS what protects the "
                "position, and `close` it if nothing does"
            )
    if untold * intent.side.sign > 0:
        return (
            f"the account holds {plain(untold)} {intent.symbol} that our executions do not tell "
            f"of; look for it in TWS, then `reconcile --settle {_tail(intent.order_ref)}` if there "
            "is nothing of it"
        )
    return ""


def _is_left_over(order: ExpectedOrder, intent: ExpectedIntent) -> bool:
    """Tell whether an exit can have nothing to exit: its entry ended, and nothing was filled."""
    entries = [each for each in intent.orders if each.is_entry]
    return not order.is_entry and all(each.is_over and not each.filled for each in entries)


def _is_gone(intent: ExpectedIntent, now: Look, before: Look | None) -> bool:
    """Tell whether nothing of an intent is left, at the broker or in the account, both times.

    On the day of its entry the broker would still tell how that ended: then it is not assumed.
    """
    if before is None or not are_apart(before, now):
        return False
    if is_one_trading_day(intent.at, now.snapshot.at):
        return False
    waited_for = [each for each in intent.orders if not each.is_over]
    is_listed = any(now.tells_of(each) or not before.missed(each) for each in waited_for)
    is_flat = is_for_account(intent.order_ref) or all(
        look.snapshot.holding(intent.con_id) == 0 for look in (before, now)
    )
    return bool(waited_for) and is_flat and not is_listed


def _forgotten(intent: ExpectedIntent, now: Look) -> Finding | None:
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


def _strangers(now: Look, client_id: int) -> Iterator[Finding]:
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


def _untold_shares(own: Mapping[int, Decimal], snapshot: BrokerSnapshot) -> dict[int, Decimal]:
    """Give what the account holds beside what our executions add up to, signed, by con_id."""
    if isinstance(snapshot.positions, Failed):
        return {}
    con_ids = own.keys() | {each.con_id for each in snapshot.positions.rows}
    return {
        each: (snapshot.holding(each) or Decimal(0)) - own.get(each, Decimal(0)) for each in con_ids
    }


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
    if is_for_account(intent.order_ref):
        return (
            f"{intent.order_ref}, sent on another day, is listed nowhere any more; how it ended "
            "was not told, look at TWS's trades"
        )
    return (
        f"nothing of {intent.order_ref} is left: none of its orders stands, and the account holds "
        f"no {intent.symbol}; how it ended was not told, look at TWS's trades"
    )


def _tail(order_ref: str) -> str:
    return order_ref.rpartition("-")[2]
