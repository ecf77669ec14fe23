"""The guard's decisions: how a position of ours gets its working stop back.

At home here: what comes next, as ``decide(view, progress)``. Not at home here: sending, waiting,
the broker's answers, and the exit routine; the engine calls `decide` again after every event and
whenever time has passed, and does what comes back.

A trade is in trouble when something that was entered has no working stop
(`apps.domain.exits.protection` says what works), when its exits could trade more than is open, when
a take-profit is not bound to the stop beside it, or when its exits have traded too much already.
Trouble that lasts longer than the patience is acted upon, in this order, and never before the
broker was asked again since:

1. **Too much exited.** A market order of that size takes it back, once, in regular hours only.
2. **A stop that may still live** (unanswered, asleep, being cancelled) is waited for; one that two
   answers of the broker's did not list, or that is held for a locate, is cancelled by its id.
3. **The stop first**: of what is missing, at the price of the bracket, until cancelled. Where the
   market is beyond that price already, or the broker refuses, the exit routine closes instead; but
   never outside regular hours.
4. **Then the take-profit**: one that is not bound to the new stop is cancelled, and sent again in
   one group with it, since the group of a working order cannot be changed (10326).
5. **Exits that are too large** are cut, those that protect nothing cancelled.

`decide` is idempotent: what was sent stands in the view, what was asked for in the progress.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from apps.domain.exits.guard_steps import (
    CancelExit,
    CloseSymbol,
    Correct,
    GuardAction,
    GuardProgress,
    PlaceStop,
    PlaceTarget,
    Problem,
    ReadAgain,
    Report,
    ResizeExit,
    Wait,
    Well,
)
from apps.domain.exits.guard_view import GuardedTrade, GuardOrder, GuardRole, GuardView
from apps.domain.orders import OrderStatus

__all__ = ["RETRY_AFTER_S", "SETTLE_S", "decide", "troubles"]

MAX_FAILED_STOPS = 2
"""The first refusal may be for a take-profit that was still in the way: a broker counts the two
together, as long as they are in no group."""

MAX_CLOSINGS = 3
RETRY_AFTER_S = 30.0
"""How long after an exit routine that has failed the next one may begin."""

SETTLE_S = 3.0
"""How long a change of a working stop may take before what it lacks is sent beside it."""

LONGEST_PAUSE_S = 60.0
"""Trouble that nothing can be done about is looked at less and less often, down to this."""

_ZERO = Decimal(0)
_BEING_CANCELLED = frozenset({OrderStatus.PENDING_CANCEL, OrderStatus.PRE_CANCELLED})


_Decision = tuple[GuardProgress, tuple[GuardAction, ...]]


def troubles(view: GuardView) -> frozenset[str]:
    """Give the trades that are not as they should be, by order_ref."""
    needs = view.needs()
    return frozenset(
        each.order_ref
        for each in view.trades
        if each.over_exited or _is_in_trouble(view, each, needs[each.order_ref])
    )


def decide(view: GuardView, progress: GuardProgress, patience_s: float) -> _Decision:
    """Give the progress to decide with next time, and what to do now.

    There is always at least one action; ReadAgain, Wait and Well come alone. Keep the progress
    only of what was done: where that raised, decide again with the one before.
    """
    if view.is_being_closed:
        kept = GuardProgress(closings=progress.closings, closed_s=progress.closed_s)
        return kept, (Wait(),)
    found = troubles(view)
    if not found:
        return GuardProgress(), (Well(),)
    since = {each: progress.since.get(each, view.now_s) for each in sorted(found)}
    progress = replace(progress, since=since)
    due = {each for each, at_s in since.items() if view.now_s - at_s >= patience_s}
    if not due:
        return progress, (Wait(),)
    read_s = view.readings[-1].at_s if view.readings else None
    ready = {each for each in due if read_s is not None and read_s - since[each] >= patience_s}
    if _is_time_to_ask(view, progress, patience_s, all_are_ready=ready == due):
        return replace(progress, asked=progress.asked + 1, asked_s=view.now_s), (ReadAgain(),)
    return _act(view, progress, ready)


def _is_time_to_ask(
    view: GuardView, progress: GuardProgress, patience_s: float, *, all_are_ready: bool
) -> bool:
    if progress.asked_s is None:
        return True
    pause_s = patience_s
    if all_are_ready:
        pause_s = min(LONGEST_PAUSE_S, patience_s * 2.0 ** (progress.asked - 1))
    return view.now_s - progress.asked_s >= pause_s


def _act(view: GuardView, progress: GuardProgress, ready: set[str]) -> _Decision:
    needs, is_short = view.needs(), view.is_short_of_position(2)
    actions: list[GuardAction] = []
    for trade in view.trades:
        need = needs[trade.order_ref]
        if trade.order_ref not in ready:
            continue
        if trade.over_exited:
            actions += _take_back(view, trade)
        else:
            actions += _protect(view, progress, trade, need)
        allowed = need if is_short else trade.open_quantity
        actions += _cut(view, progress, trade, allowed)
        if is_short and need < trade.open_quantity:
            actions.append(Report(Problem.SHORT_OF_POSITION, trade.order_ref))
    closing: list[GuardAction] = [each for each in actions if isinstance(each, CloseSymbol)]
    progress, done = _note(progress, closing[:1] or actions, view.now_s)
    if any(not isinstance(each, Report | Wait) for each in done):
        # something is tried: whether it came about is looked at as soon as ever
        progress = replace(progress, asked=min(progress.asked, 1))
    return progress, done


def _note(progress: GuardProgress, actions: list[GuardAction], now_s: float) -> _Decision:
    """Write down what is asked for; what was told or cancelled already is left out."""
    fresh: list[GuardAction] = []
    for action in actions:
        match action:
            case Report(problem, order_ref):
                if (problem, order_ref) in progress.told:
                    continue
                progress = replace(progress, told=progress.told | {(problem, order_ref)})
            case CancelExit(_, order_id):
                if order_id in progress.cancelled:
                    continue
                progress = replace(progress, cancelled=progress.cancelled | {order_id})
            case ResizeExit(_, order_id, quantity):
                if order_id in progress.cancelled:
                    continue
                resized = {**progress.resized, order_id: (quantity, now_s)}
                progress = replace(progress, resized=resized)
            case CloseSymbol():
                progress = replace(progress, closings=progress.closings + 1, closed_s=now_s)
        fresh.append(action)
    return progress, tuple(fresh) or (Wait(),)


# ------------------------------------------------------------------------ what is not as it should


def _is_in_trouble(view: GuardView, trade: GuardedTrade, need: Decimal) -> bool:
    if trade.stop_price is not None and view.covered(trade) < need:
        return True
    if next(_too_large(view, trade, need), None) is not None:
        return True
    return bool(_unbound_targets(view, trade)) or _lacks_its_target(view, trade, need)


def _too_large(
    view: GuardView, trade: GuardedTrade, allowed: Decimal
) -> Iterator[tuple[GuardOrder, Decimal]]:
    """Give the exits that could trade more than is allowed, each with what it should leave.

    Children of an entry that still fills are as large as that may become, unless they have proved
    to be too large already.
    """
    if trade.is_entering and not trade.over_exited:
        return
    excess = view.stopped(trade) - allowed
    for stop in reversed(trade.live(GuardRole.STOP)):
        if stop.is_answered and excess > 0:
            cut = min(stop.left, excess)
            excess -= cut
            yield stop, stop.left - cut
    for target in trade.live(GuardRole.TAKE_PROFIT):
        if target.is_answered and target.left > allowed:
            yield target, allowed


def _unbound_targets(view: GuardView, trade: GuardedTrade) -> list[GuardOrder]:
    """Give the take-profits that work beside a stop that would not end with them."""
    stops = [each for each in trade.live(GuardRole.STOP) if view.works(trade, each)]
    if not stops:
        return []
    targets = [each for each in trade.live(GuardRole.TAKE_PROFIT) if each.is_answered]
    return [each for each in targets if not any(each.is_bound_to(stop) for stop in stops)]


def _lacks_its_target(view: GuardView, trade: GuardedTrade, need: Decimal) -> bool:
    return _target_group(view, trade, need) != ""


def _target_group(view: GuardView, trade: GuardedTrade, need: Decimal) -> str:
    """Give the group in which a take-profit is still to be sent; empty if none is."""
    if trade.target_price is None or not need or trade.live(GuardRole.TAKE_PROFIT):
        return ""
    used = {each.group for each in trade.exits if each.role is GuardRole.TAKE_PROFIT}
    for stop in trade.live(GuardRole.STOP):
        is_own = stop.parent_id == 0 and stop.group and stop.group not in used
        if is_own and view.works(trade, stop) and stop.left >= need:
            return stop.group
    return ""


# -------------------------------------------------------------------------- what is done about it


def _take_back(view: GuardView, trade: GuardedTrade) -> Iterator[GuardAction]:
    fixes = [each for each in trade.exits if each.role is GuardRole.CORRECTION]
    quantity = view.crossed(trade)
    if any(not each.is_over for each in fixes):
        return
    if any(each.filled < each.quantity for each in fixes):
        yield Report(Problem.CORRECTION_FAILED, trade.order_ref)
    elif not quantity:
        yield Report(Problem.NOT_CROSSED, trade.order_ref)
    elif view.is_open:
        yield Correct(trade.order_ref, trade.side, quantity)
    else:
        yield Report(Problem.WAITS_FOR_OPEN, trade.order_ref)


def _protect(
    view: GuardView, progress: GuardProgress, trade: GuardedTrade, need: Decimal
) -> Iterator[GuardAction]:
    if trade.stop_price is None:
        return
    missing = need - view.covered(trade)
    doubtful = [
        each
        for each in trade.live(GuardRole.STOP)
        if not view.works(trade, each) and not _is_gone(view, progress, each)
    ]
    if missing > 0 and doubtful:
        yield from _settle(view, progress, trade, doubtful)
    elif missing > 0:
        yield from _send_stop(view, progress, trade, trade.stop_price, missing)
    yield from _order_target(view, progress, trade, need)


def _is_gone(view: GuardView, progress: GuardProgress, order: GuardOrder) -> bool:
    """Tell whether an order counts as never accepted: absent twice, and cancelled all the same."""
    return order.order_id in progress.cancelled and view.is_absent(order)


def _settle(
    view: GuardView, progress: GuardProgress, trade: GuardedTrade, doubtful: list[GuardOrder]
) -> Iterator[GuardAction]:
    """Find out about stops that may still live, before another is sent beside them."""
    for stop in doubtful:
        is_held = stop.order is not None and "locate" in stop.order.why_held
        is_ending = stop.order is not None and stop.order.status in _BEING_CANCELLED
        if stop.order_id in progress.cancelled or (is_ending and not view.is_absent(stop)):
            continue
        if is_held or view.is_absent(stop):
            yield CancelExit(trade.order_ref, stop.order_id)


def _send_stop(
    view: GuardView,
    progress: GuardProgress,
    trade: GuardedTrade,
    price: Decimal,
    missing: Decimal,
) -> Iterator[GuardAction]:
    for stop in trade.live(GuardRole.STOP):
        if not view.works(trade, stop):
            continue
        _, asked_s = progress.resized.get(stop.order_id, (_ZERO, None))
        if asked_s is None:
            yield ResizeExit(trade.order_ref, stop.order_id, stop.quantity + missing)
        if asked_s is None or view.now_s - asked_s < SETTLE_S:
            return
    failed = _failed_stops(progress, trade)
    targets = trade.live(GuardRole.TAKE_PROFIT)
    reason = _why_not_a_stop(view, trade, price, failed)
    if reason:
        yield from _close(view, progress, trade, reason)
    elif failed and targets:
        for target in targets:  # it may be what was in the way
            yield CancelExit(trade.order_ref, target.order_id)
    else:
        yield PlaceStop(trade.order_ref, trade.side.opposite, missing, price)


def _failed_stops(progress: GuardProgress, trade: GuardedTrade) -> int:
    """Count the stops of the guard's own that the broker refused, or did not let work."""
    return sum(
        1
        for each in trade.exits
        if each.role is GuardRole.STOP
        and each.parent_id == 0
        and each.is_over
        and (each.was_refused or each.order_id in progress.cancelled)
    )


def _why_not_a_stop(view: GuardView, trade: GuardedTrade, price: Decimal, failed: int) -> str:
    if failed >= MAX_FAILED_STOPS:
        return "the broker refuses the stop"
    is_beyond = view.touch is not None and (view.touch - price) * trade.side.sign <= 0
    return "the market is beyond the stop already" if is_beyond and view.is_open else ""


def _close(
    view: GuardView, progress: GuardProgress, trade: GuardedTrade, reason: str
) -> Iterator[GuardAction]:
    if not view.is_open:
        yield Report(Problem.WAITS_FOR_OPEN, trade.order_ref)
    elif progress.closings >= MAX_CLOSINGS:
        yield Report(Problem.STUCK, trade.order_ref)
    elif progress.closed_s is None or view.now_s - progress.closed_s >= RETRY_AFTER_S:
        yield CloseSymbol(reason)


def _order_target(
    view: GuardView, progress: GuardProgress, trade: GuardedTrade, need: Decimal
) -> Iterator[GuardAction]:
    for target in _unbound_targets(view, trade):
        if target.order_id not in progress.cancelled:
            yield CancelExit(trade.order_ref, target.order_id)
    group = _target_group(view, trade, need)
    if group and trade.target_price is not None:
        side = trade.side.opposite
        yield PlaceTarget(trade.order_ref, side, need, trade.target_price, group)


def _cut(
    view: GuardView, progress: GuardProgress, trade: GuardedTrade, allowed: Decimal
) -> Iterator[GuardAction]:
    for order, left in _too_large(view, trade, allowed):
        quantity = order.filled + left
        if order.order_id in progress.cancelled:
            continue
        if not left:
            yield CancelExit(trade.order_ref, order.order_id)
        elif progress.resized.get(order.order_id, (None, 0.0))[0] != quantity:
            yield ResizeExit(trade.order_ref, order.order_id, quantity)
