"""Trades of an earlier session, made anew: from the journal, or from what the broker still holds.

Nothing is sent or asked here. A trade gets the legs, executions and last words that were written
down, in that order, and stands where that puts it; one that the broker never spoke of is UNKNOWN.
What the journal lacks, as after a power loss, is put together from the reference that each order
carries; where that does not tell the entry, nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from apps.domain.instruments import Instrument
from apps.domain.intents import OrderRef
from apps.domain.orders import Bracket, Fill, OrderState, Side
from apps.domain.reconciling.expectations import ExpectedIntent, ExpectedOrder
from apps.domain.reconciling.open_intents import OpenIntent, OpenOrder
from apps.domain.records import IntentReserved, OrderReserved
from apps.engine.orders.legs import Leg, LegRole
from apps.engine.orders.trades import Trade
from apps.engine.ports import Clock

__all__ = ["expectation", "rebuilt_intent", "restored_trade"]


def restored_trade(known: OpenIntent, instrument: Instrument, clock: Clock, account: str) -> Trade:
    """Give the trade of an intent as it was last known.

    Raises ValueError for one without an entry, or with a word that this version does not know.
    """
    by_role: dict[LegRole, OpenOrder] = {}
    for order in known.orders:
        by_role.setdefault(LegRole(order.reserved.role), order)
    if LegRole.ENTRY not in by_role:
        raise ValueError("it has no entry")
    target, stop = by_role.get(LegRole.TAKE_PROFIT), by_role.get(LegRole.STOP_LOSS)
    bracket = Bracket(
        instrument,
        by_role[LegRole.ENTRY].ticket,
        None if target is None else target.ticket,
        None if stop is None else stop.ticket,
    )
    intent = known.intent
    trade = Trade(bracket, clock, watcher_id=intent.label, has_deadline=not intent.rests)
    for order in known.orders:
        trade.add(LegRole(order.reserved.role), order.reserved.order_id, order.ticket)
    _tell(trade, known, account)
    return trade


def _tell(trade: Trade, known: OpenIntent, account: str) -> None:
    """Have a trade hear again what was heard; entries first, so that exits find what they exit."""
    ids = {leg.order_id for leg in trade.legs}
    for fill in known.fills:
        if fill.order_id in ids:
            trade.on_fill(fill)
    for order in known.orders:
        if order.notice is not None:
            trade.leg(order.reserved.order_id).notice = order.notice
        if (state := order.state(account)) is not None:
            trade.on_order(state)
    trade.on_link_lost()


def expectation(
    trade: Trade, client_id: int, at: datetime | None, sent_at: dict[int, datetime | None]
) -> ExpectedIntent:
    """Give what is counted with of a trade; ``sent_at`` says when its orders were sent."""
    bracket = trade.bracket
    return ExpectedIntent(
        order_ref=trade.order_ref,
        symbol=trade.instrument.symbol,
        con_id=trade.instrument.con_id,
        side=bracket.entry.side,
        orders=tuple(
            _expected(leg, trade, client_id, sent_at.get(leg.order_id)) for leg in trade.legs
        ),
        fills=trade.fills,
        open_quantity=trade.open_quantity,
        at=at,
        is_over=trade.is_over,
    )


def _expected(leg: Leg, trade: Trade, client_id: int, sent_at: datetime | None) -> ExpectedOrder:
    ticket, order = leg.ticket, leg.order
    is_entry = leg.role is LegRole.ENTRY
    return ExpectedOrder(
        order_ref=trade.order_ref,
        client_id=client_id,
        order_id=leg.order_id,
        perm_id=order.perm_id if order is not None else 0,
        parent_id=trade.entry.order_id if trade.is_child(leg) else 0,
        is_entry=is_entry,
        con_id=trade.instrument.con_id,
        symbol=trade.instrument.symbol,
        side=ticket.side,
        order_type=ticket.order_type.value,
        quantity=order.quantity if order is not None else ticket.quantity,
        limit_price=order.limit_price if order is not None else ticket.limit_price,
        stop_price=order.stop_price if order is not None else ticket.stop_price,
        time_in_force=ticket.time_in_force.value,
        status=order.status if order is not None else None,
        filled=leg.filled,
        sent_at=sent_at,
        is_over=leg.is_over,
    )


def rebuilt_intent(orders: Iterable[OrderState], fills: Iterable[Fill]) -> OpenIntent | None:
    """Put an intent together from its orders and executions at the broker, all of one reference.

    None where they do not tell which order was the entry, and how much of it was asked for.
    """
    states = sorted(orders, key=lambda order: order.order_id)
    known = sorted(fills, key=lambda fill: (fill.at, fill.order_id))
    parents = {each.parent_id for each in states if each.parent_id}
    if len(parents) > 1 or not states:
        return None
    entry_id = parents.pop() if parents else states[0].order_id
    standing = next((each for each in states if each.order_id == entry_id), None)
    entered = [fill for fill in known if fill.order_id == entry_id]
    if standing is not None and not _can_open(standing):
        return None
    if standing is None and not entered:
        return None
    sample = standing or states[0]
    side = standing.side if standing is not None else entered[0].side
    at = known[0].at if known else None
    entry = _entry(sample, standing, entry_id, side, entered, at)
    exits = [each for each in states if each.order_id != entry_id]
    legs = (entry, *(_exit(each, at) for each in exits))
    return OpenIntent(_intent(entry, sample, entered, at), legs, tuple(known))


def _can_open(order: OrderState) -> bool:
    """Tell whether an order can be an entry: the desk never enters by a plain stop."""
    return order.parent_id == 0 and order.order_type != "STP"


def _entry(
    sample: OrderState,
    standing: OrderState | None,
    entry_id: int,
    side: Side,
    entered: list[Fill],
    at: datetime | None,
) -> OpenOrder:
    filled = sum((fill.quantity for fill in entered), Decimal(0))
    return OpenOrder(
        OrderReserved(
            order_ref=sample.order_ref,
            client_id=sample.client_id,
            order_id=entry_id,
            parent_id=0,
            role=LegRole.ENTRY.value,
            con_id=sample.con_id,
            symbol=sample.symbol,
            side=side,
            quantity=standing.quantity if standing is not None else filled,
            order_type=standing.order_type if standing is not None else "MKT",
            limit_price=standing.limit_price if standing is not None else None,
            stop_price=standing.stop_price if standing is not None else None,
            time_in_force=standing.time_in_force if standing is not None else "DAY",
            at=at,
        )
    )


def _exit(order: OrderState, at: datetime | None) -> OpenOrder:
    roles = {"LMT": LegRole.TAKE_PROFIT, "STP": LegRole.STOP_LOSS}
    return OpenOrder(
        OrderReserved(
            order_ref=order.order_ref,
            client_id=order.client_id,
            order_id=order.order_id,
            parent_id=order.parent_id,
            role=roles.get(order.order_type, LegRole.EXIT).value,
            con_id=order.con_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            order_type=order.order_type,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            time_in_force=order.time_in_force,
            at=at,
        )
    )


def _intent(
    entry: OpenOrder, sample: OrderState, entered: list[Fill], at: datetime | None
) -> IntentReserved:
    order, ref = entry.reserved, OrderRef.parse(sample.order_ref)
    label = "rebuilt" if ref is None else ref.label
    first = entered[0].price if entered else Decimal(0)
    return IntentReserved(
        order_ref=order.order_ref,
        label=label,
        con_id=order.con_id,
        symbol=order.symbol,
        primary_exchange="",
        side=order.side,
        quantity=order.quantity,
        reference=order.limit_price or order.stop_price or first,
        # only what a watcher sent is known to have had a deadline
        rests=not label.startswith("w"),
        at=at,
    )
