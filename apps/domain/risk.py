"""What an entry is judged by, and the judging.

Pure: everything is handed in, of the account as it stands, so a cash and a margin account are
judged alike. Each breach is a value with its sentence. What only makes a position smaller is
refused by no limit, and orders that protect or close are not asked about here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from apps.domain.errors import RiskRefused
from apps.domain.margin import Margin
from apps.domain.numerals import plain
from apps.domain.orders import Side, Ticket
from apps.domain.risk_limits import RiskLimits
from apps.domain.trading_mode import TradingMode, check_account, check_mode, looks_like_paper

__all__ = [
    "Breach",
    "EntryContext",
    "LiveIntent",
    "RiskLimits",
    "TradingMode",
    "breaches",
    "check_account",
    "check_account_order",
    "check_entry",
    "check_margin",
    "check_mode",
    "check_size",
    "looks_like_paper",
    "only_reduces",
]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LiveIntent:
    """A bracket of ours that is not over.

    ``unfilled`` is what of its entry may still fill, in shares, ``notional`` the worth of that at
    its worst price; None where there is no price to tell it by.
    """

    symbol: str
    entry: Ticket
    unfilled: Decimal
    notional: Decimal | None

    @property
    def is_entering(self) -> bool:
        """Its entry may still fill."""
        return self.unfilled > 0


@dataclass(frozen=True, slots=True)
class EntryContext:
    """What an entry is judged by, of the moment at which it would be sent.

    ``ticket`` is the order that opens; ``price`` the worst at which it may fill, or the reference
    where it has none, and ``multiplier`` what a price is multiplied by to give money. Of the
    account: ``position`` is its signed holding of the symbol, ``open_symbols`` are those with a
    holding. Of the desk: ``exposure`` is what its own positions are worth, without sign,
    ``day_pnl`` its own result since the exchange session began, realised and unrealised less
    fees; None is unknown for both. ``sent_last_minute`` counts entries. ``market_price`` is the
    newest price seen of the symbol, ``price_age_s`` its age in seconds of this machine.
    ``in_regular_hours`` is None where the broker's hours do not say, ``margin`` where the funds are
    not known.
    """

    symbol: str
    ticket: Ticket
    price: Decimal
    multiplier: Decimal = Decimal(1)
    position: Decimal = _ZERO
    open_symbols: frozenset[str] = frozenset()
    live: tuple[LiveIntent, ...] = ()
    exposure: Decimal | None = _ZERO
    day_pnl: Decimal | None = _ZERO
    sent_last_minute: int = 0
    market_price: Decimal | None = None
    price_age_s: float | None = None
    in_regular_hours: bool | None = None
    margin: Margin | None = None

    @property
    def notional(self) -> Decimal:
        """What it costs at its worst price."""
        return self.ticket.quantity * self.price * self.multiplier

    @property
    def reduces(self) -> bool:
        """It can only make the account's position smaller."""
        return only_reduces(self.ticket.side, self.ticket.quantity, self.position)


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that an entry would break: the setting's name, and one sentence."""

    limit: str
    message: str


def breaches(limits: RiskLimits, entry: EntryContext) -> tuple[Breach, ...]:
    """Give every limit that ``entry`` would break; none for what only reduces a position."""
    if entry.reduces:
        return ()
    found = [check(limits, entry) for check in _CHECKS]
    return tuple([breach for breach in found if breach is not None])


def check_entry(limits: RiskLimits, entry: EntryContext) -> None:
    """Raise RiskRefused, with every reason, if ``entry`` would break a limit."""
    _refuse(entry, breaches(limits, entry))


def check_account_order(limits: RiskLimits, entry: EntryContext) -> None:
    """Raise RiskRefused if an order for the account as a whole would break a limit.

    It is no bracket: what counts brackets, and what is asked of the broker for each, is left out.
    """
    found = () if entry.reduces else tuple(check(limits, entry) for check in _ACCOUNT_CHECKS)
    _refuse(entry, tuple(breach for breach in found if breach is not None))


def check_size(limits: RiskLimits, entry: EntryContext) -> None:
    """Raise RiskRefused if ``entry`` is too large by itself, whatever else is held."""
    found = (check(limits, entry) for check in (_order_qty, _order_notional))
    _refuse(entry, tuple(breach for breach in found if breach is not None))


def check_margin(limits: RiskLimits, entry: EntryContext) -> None:
    """Raise RiskRefused if the account cannot pay for ``entry``; less is known when it is armed."""
    breach = None if entry.reduces else _margin(limits, entry)
    _refuse(entry, () if breach is None else (breach,))


def only_reduces(side: Side, quantity: Decimal, position: Decimal) -> bool:
    """Tell whether an order can only make a signed ``position`` smaller, not turn it around.

    >>> only_reduces(Side.SELL, Decimal(10), Decimal(10))
    True
    >>> only_reduces(Side.SELL, Decimal(11), Decimal(10))
    False
    """
    return position * side.sign < 0 and quantity <= abs(position)


def _refuse(entry: EntryContext, found: tuple[Breach, ...]) -> None:
    if found:
        raise RiskRefused(
            f"{entry.symbol}: not sent. " + " ".join(breach.message for breach in found)
        )


def _order_qty(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit, asked = limits.max_order_qty, entry.ticket.quantity
    if limit is None or asked <= limit:
        return None
    return Breach(
        "MAX_ORDER_QTY",
        f"The order is for {plain(asked)} shares; MAX_ORDER_QTY allows {plain(limit)}: ask for "
        "fewer.",
    )


def _order_notional(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit = limits.max_order_notional
    if limit is None or entry.notional <= limit:
        return None
    return Breach(
        "MAX_ORDER_NOTIONAL",
        f"The order is worth {_rounded(entry.notional)} at its worst price; MAX_ORDER_NOTIONAL "
        f"allows {_rounded(limit)}: ask for fewer shares.",
    )


def _position_notional(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit = limits.max_position_notional
    if limit is None:
        return None
    entering = sum(
        (
            each.unfilled * each.entry.side.sign
            for each in entry.live
            if each.symbol == entry.symbol
        ),
        _ZERO,
    )
    shares = abs(entry.position + entering + entry.ticket.quantity * entry.ticket.side.sign)
    worth = shares * entry.price * entry.multiplier
    if worth <= limit:
        return None
    return Breach(
        "MAX_POSITION_NOTIONAL",
        f"It would make {plain(shares)} {entry.symbol} worth {_rounded(worth)}; "
        f"MAX_POSITION_NOTIONAL allows {_rounded(limit)}: ask for fewer shares, or close "
        "some first.",
    )


def _total_exposure(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit = limits.max_total_exposure
    if limit is None:
        return None
    entering = [each.notional for each in entry.live if each.is_entering]
    known = [notional for notional in entering if notional is not None]
    if entry.exposure is None or len(known) < len(entering):
        return Breach(
            "MAX_TOTAL_EXPOSURE",
            "What the desk holds cannot be valued now, so MAX_TOTAL_EXPOSURE cannot be held: wait "
            "until prices come again.",
        )
    total = entry.exposure + sum(known, _ZERO) + entry.notional
    if total <= limit:
        return None
    return Breach(
        "MAX_TOTAL_EXPOSURE",
        f"All that is held and being entered would be worth {_rounded(total)}; MAX_TOTAL_EXPOSURE "
        f"allows {_rounded(limit)}: close something first, or ask for fewer shares.",
    )


def _open_positions(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit = limits.max_open_positions
    if limit is None or entry.symbol in entry.open_symbols:
        return None
    held = entry.open_symbols | {each.symbol for each in entry.live if each.is_entering}
    if entry.symbol in held or len(held) < limit:
        return None
    return Breach(
        "MAX_OPEN_POSITIONS",
        f"{len(held)} positions are open or being entered ({', '.join(sorted(held))}); "
        f"MAX_OPEN_POSITIONS allows {limit}: close one first.",
    )


def _open_intents(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit = limits.max_open_intents
    if limit is None or len(entry.live) < limit:
        return None
    return Breach(
        "MAX_OPEN_INTENTS",
        f"{len(entry.live)} brackets are not over yet; MAX_OPEN_INTENTS allows {limit}: wait for "
        "one to end, or close it.",
    )


def _one_per_symbol(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    if not limits.one_intent_per_symbol:
        return None
    if not any(each.symbol == entry.symbol for each in entry.live):
        return None
    return Breach(
        "ONE_INTENT_PER_SYMBOL",
        f"A bracket in {entry.symbol} is not over yet, and ONE_INTENT_PER_SYMBOL allows one: close "
        "it first, or set ONE_INTENT_PER_SYMBOL=off.",
    )


def _duplicate(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    if not limits.refuse_duplicates:
        return None
    asked = _terms(entry.ticket)
    under_way = (each for each in entry.live if each.symbol == entry.symbol and each.is_entering)
    if all(_terms(each.entry) != asked for each in under_way):
        return None
    return Breach(
        "REFUSE_DUPLICATES",
        f"The same order in {entry.symbol} (side, quantity and prices) is under way already, and "
        "REFUSE_DUPLICATES is on: wait for it, or cancel it first.",
    )


def _terms(ticket: Ticket) -> tuple[object, ...]:
    prices = ticket.limit_price, ticket.stop_price
    return ticket.side, ticket.quantity, ticket.order_type, prices


def _orders_per_minute(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit = limits.max_orders_per_minute
    if limit is None or entry.sent_last_minute < limit:
        return None
    return Breach(
        "MAX_ORDERS_PER_MINUTE",
        f"{entry.sent_last_minute} entries were sent within the last minute; MAX_ORDERS_PER_MINUTE "
        f"allows {limit}: wait a minute, and see what sends so many.",
    )


def _daily_loss(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit = limits.max_daily_loss
    if limit is None:
        return None
    if entry.day_pnl is None:
        return Breach(
            "MAX_DAILY_LOSS",
            "The day's profit or loss is not known now, so MAX_DAILY_LOSS cannot be held: wait "
            "until prices come again.",
        )
    if entry.day_pnl > -limit:
        return None
    return Breach(
        "MAX_DAILY_LOSS",
        f"The day's result is {_rounded(entry.day_pnl)}; MAX_DAILY_LOSS stops entries at "
        f"-{_rounded(limit)} until the next session begins.",
    )


def _price_age(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit = limits.max_price_age_s
    if limit is None or (entry.price_age_s is not None and entry.price_age_s <= limit):
        return None
    age = "has been seen yet" if entry.price_age_s is None else "is fresh"
    old = "" if entry.price_age_s is None else f" (the newest is {entry.price_age_s:.0f} s old)"
    return Breach(
        "MAX_PRICE_AGE_S",
        f"No price of {entry.symbol} {age}{old}; MAX_PRICE_AGE_S allows {limit:g} s: ask again "
        "when prices come.",
    )


def _price_distance(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit, market = limits.max_price_distance_pct, entry.market_price
    if limit is None:
        return None
    if market is None or market <= 0:
        return Breach(
            "MAX_PRICE_DISTANCE_PCT",
            f"No price of {entry.symbol} has been seen, so MAX_PRICE_DISTANCE_PCT cannot be held: "
            "ask again when prices come.",
        )
    away = abs(entry.price - market) / market * 100
    if away <= limit:
        return None
    return Breach(
        "MAX_PRICE_DISTANCE_PCT",
        f"The price {plain(entry.price)} is {_rounded(away)}% away from the market "
        f"at {plain(market)}; MAX_PRICE_DISTANCE_PCT allows {plain(limit)}: check the price.",
    )


def _regular_hours(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    # unknown hours refuse nothing: an entry is sent for regular hours only, and the broker holds it
    if not limits.regular_hours_only or entry.in_regular_hours is not False:
        return None
    return Breach(
        "REGULAR_HOURS_ONLY",
        f"The regular session of {entry.symbol} is not open, and REGULAR_HOURS_ONLY is on: wait "
        "for the open.",
    )


def _margin(limits: RiskLimits, entry: EntryContext) -> Breach | None:
    limit, margin = limits.max_margin_pct, entry.margin
    if limit is None:
        return None
    name = "MAX_MARGIN_PCT"
    if margin is None or margin.available is None:
        words = "The account's funds are not known now, so MAX_MARGIN_PCT cannot be held: wait "
        return Breach(name, f"{words}until the broker tells them.")
    if margin.is_cash_account and entry.ticket.side is Side.SELL:
        words = "A cash account cannot sell what it does not hold"
        return Breach(name, f"{words} (held to by MAX_MARGIN_PCT): trade the other side.")
    if margin.needed is None:
        words = f"What {entry.symbol} takes of the account's funds is not known, so {name} cannot "
        return Breach(name, f"{words}be held: wait until the broker was asked.")
    free = margin.available * limit / 100 - margin.reserved
    if margin.needed <= free:
        return None
    of_what = "margin"
    if margin.is_estimate:
        of_what = "its whole worth, for its margin is not known yet"
    elif margin.is_cash_account:
        of_what = "in full, for a cash account"
    reserved = f", {_rounded(margin.reserved)} of it reserved" if margin.reserved else ""
    return Breach(
        name,
        f"It takes {_rounded(margin.needed)} ({of_what}) and {_rounded(max(_ZERO, free))} is free: "
        f"{_rounded(margin.available)} funds{reserved}, of which {name} allows {plain(limit)}%. "
        "Stop a watcher, close something, or ask for fewer shares.",
    )


def _rounded(amount: Decimal) -> str:
    return plain(Decimal(f"{amount:.2f}"))


_CHECKS: tuple[Callable[[RiskLimits, EntryContext], Breach | None], ...] = (
    _order_qty,
    _order_notional,
    _position_notional,
    _total_exposure,
    _open_positions,
    _open_intents,
    _one_per_symbol,
    _duplicate,
    _orders_per_minute,
    _daily_loss,
    _price_age,
    _price_distance,
    _regular_hours,
    _margin,
)

_ACCOUNT_CHECKS = tuple(
    check for check in _CHECKS if check not in (_open_intents, _one_per_symbol, _duplicate, _margin)
)
