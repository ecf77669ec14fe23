"""Matching executions with intents, orders and commissions; result and slippage of each intent.

Pure: what the journal holds and what the broker tells are given. An execution belongs to the intent
whose reference it carries. Of several deliveries of one execution the last correction holds. The
same input gives the same result, however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.domain.intents import is_ours
from apps.domain.orders import Fill, Side
from apps.domain.pnl import last_word, own_positions
from apps.domain.records import IntentReserved, OrderReserved

__all__ = [
    "MatchedIntent",
    "TradeReconciliation",
    "TradingRecords",
    "Unmatched",
    "match_trades",
]

_ZERO = Decimal(0)
_ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class TradingRecords:
    """What the journal holds of a stretch of time: intents, their orders, their executions.

    Executions carry their commission where that was reported. Those of an intent are whole,
    whenever they were.
    """

    intents: tuple[IntentReserved, ...]
    orders: tuple[OrderReserved, ...]
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class MatchedIntent:
    """One intent with what was traded for it. Prices per share, money in the currency.

    ``entry_slippage`` is what the entry cost beyond its reference price, for all shares; negative
    is a gain. ``exit_slippage`` is the same of stops that were executed, None where none was.
    ``realized_pnl`` is of the shares that were closed, fees of all executions
    off; ``commission`` None while a report is missing.
    """

    order_ref: str
    label: str
    symbol: str
    side: Side
    wanted: Decimal
    entered: Decimal
    exited: Decimal
    entry_avg_price: Decimal | None
    exit_avg_price: Decimal | None
    commission: Decimal | None
    realized_pnl: Decimal | None
    entry_slippage: Decimal | None
    exit_slippage: Decimal | None
    executions: int

    @property
    def open(self) -> Decimal:
        """Shares that were entered and not exited."""
        return self.entered - self.exited


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Something with nothing on the other side; ``text`` says what is missing."""

    order_ref: str
    symbol: str
    exec_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TradeReconciliation:
    """Every intent with its trades, and what has no other half.

    ``missing`` are executions of ours that the broker tells and the journal lacks; ``commissions``
    are fills whose report the broker has and the journal lacks.
    """

    intents: tuple[MatchedIntent, ...]
    unmatched: tuple[Unmatched, ...]
    missing: tuple[Fill, ...]
    commissions: tuple[Fill, ...]

    @property
    def realized_pnl(self) -> Decimal:
        """What all intents realised, fees off, as far as it is known."""
        return sum((each.realized_pnl or _ZERO for each in self.intents), _ZERO)


def match_trades(
    journal: TradingRecords, told: Iterable[Fill], client_id: int
) -> TradeReconciliation:
    """Match what the ``journal`` holds with the executions that the broker has ``told``.

    The broker tells the account's executions since midnight: those that are ours carry our
    references and ``client_id``. One that the journal holds since the earliest of them, and that
    the broker did not tell, is unmatched.
    """
    theirs = last_word(told)
    ours = [fill for fill in theirs if fill.client_id == client_id and is_ours(fill.order_ref)]
    known = {fill.execution: fill for fill in last_word(journal.fills)}
    missing = tuple(fill for fill in ours if _is_news(fill, known.get(fill.execution)))
    commissions = tuple(
        fill
        for fill in ours
        if fill.commission is not None
        and fill.execution in known
        and known[fill.execution].commission is None
    )
    whole = last_word([*journal.fills, *ours])
    by_ref: dict[str, list[Fill]] = {}
    for fill in whole:
        by_ref.setdefault(fill.order_ref, []).append(fill)
    roles = {(each.order_ref, each.order_id): each for each in journal.orders}
    intents = tuple(
        _matched(each, by_ref.get(each.order_ref, ()), roles) for each in journal.intents
    )
    names = {each.order_ref for each in journal.intents}
    unmatched = [
        *_without_intent(whole, names, roles),
        *_untold(journal.fills, theirs),
        *_without_commission(whole),
    ]
    return TradeReconciliation(intents, tuple(unmatched), missing, commissions)


def _is_news(fill: Fill, known: Fill | None) -> bool:
    return known is None or known.revision < fill.revision


def _matched(
    intent: IntentReserved,
    fills: Sequence[Fill],
    roles: dict[tuple[str, int], OrderReserved],
) -> MatchedIntent:
    entries = [each for each in fills if _role(each, roles, intent) == _ENTRY]
    exits = [each for each in fills if _role(each, roles, intent) != _ENTRY]
    entered, exited = _quantity(entries), _quantity(exits)
    entry_price, exit_price = _average(entries), _average(exits)
    sign = intent.side.sign
    realized = [each.realized - each.fees for each in own_positions(fills).values()]
    slippage = None if entry_price is None else (entry_price - intent.reference) * entered * sign
    return MatchedIntent(
        order_ref=intent.order_ref,
        label=intent.label,
        symbol=intent.symbol,
        side=intent.side,
        wanted=intent.quantity,
        entered=entered,
        exited=exited,
        entry_avg_price=entry_price,
        exit_avg_price=exit_price,
        commission=_commission(fills),
        realized_pnl=sum(realized, _ZERO) if exits else None,
        entry_slippage=slippage,
        exit_slippage=_exit_slippage(exits, roles, sign),
        executions=len(fills),
    )


def _role(fill: Fill, roles: dict[tuple[str, int], OrderReserved], intent: IntentReserved) -> str:
    """Give what an execution's order was to its intent; by its side where that is not known."""
    order = roles.get((fill.order_ref, fill.order_id))
    if order is not None:
        return order.role
    return _ENTRY if fill.side is intent.side else ""


def _exit_slippage(
    exits: Sequence[Fill], roles: dict[tuple[str, int], OrderReserved], sign: int
) -> Decimal | None:
    lost, is_known = _ZERO, False
    for fill in exits:
        order = roles.get((fill.order_ref, fill.order_id))
        # a take-profit fills at its limit or better, and that may have been changed on the way
        stop = None if order is None else order.stop_price
        if stop is not None:
            lost += (stop - fill.price) * fill.quantity * sign
            is_known = True
    return lost if is_known else None


def _without_intent(
    fills: Iterable[Fill], names: set[str], roles: dict[tuple[str, int], OrderReserved]
) -> list[Unmatched]:
    """Name executions of ours that no intent and no order of the journal accounts for."""
    return [
        _unmatched(fill, "an execution of ours that belongs to no intent and no order here")
        for fill in fills
        if fill.order_ref not in names and (fill.order_ref, fill.order_id) not in roles
    ]


def _untold(journal: Iterable[Fill], told: Sequence[Fill]) -> list[Unmatched]:
    """Name executions of the journal that the broker should have told, and did not."""
    if not told:
        return []
    told_names = {fill.execution for fill in told}
    since = min(fill.at for fill in told)
    return [
        _unmatched(fill, "in the journal, and the broker does not tell it")
        for fill in last_word(journal)
        if fill.at >= since and fill.execution not in told_names
    ]


def _without_commission(fills: Iterable[Fill]) -> list[Unmatched]:
    return [
        _unmatched(fill, "no commission was reported for it yet")
        for fill in fills
        if fill.commission is None
    ]


def _unmatched(fill: Fill, text: str) -> Unmatched:
    return Unmatched(fill.order_ref, fill.symbol, fill.exec_id, text)


def _commission(fills: Sequence[Fill]) -> Decimal | None:
    known = [each.commission for each in fills if each.commission is not None]
    return sum(known, _ZERO) if known and len(known) == len(fills) else None


def _quantity(fills: Iterable[Fill]) -> Decimal:
    return sum((each.quantity for each in fills), _ZERO)


def _average(fills: Sequence[Fill]) -> Decimal | None:
    quantity = _quantity(fills)
    value = sum((each.quantity * each.price for each in fills), _ZERO)
    return value / quantity if quantity else None
