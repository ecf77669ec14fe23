"""What an account has made today: profit and loss since the midnight before, in its base currency.

A position that was held overnight counts from the previous close, one that was opened today from
what it cost. IB lets a user choose when the day begins; here it is midnight in New York.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.paper.books.ledger import Account, Holding, Mark
from apps.paper.exchange.orders import CommissionReport, Execution
from apps.paper.feed.market import Millis
from apps.paper.session.times import start_of_day

__all__ = ["DayPnl", "DayTrades"]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class DayPnl:
    """``daily`` since midnight, ``unrealized`` of what is held, ``realized`` by today's trades."""

    daily: Decimal
    unrealized: Decimal
    realized: Decimal


@dataclass(slots=True)
class _Traded:
    """One listing's trades of today: signed quantity, money spent with fees, P&L realised."""

    quantity: Decimal = _ZERO
    spent: Decimal = _ZERO
    realized: Decimal = _ZERO


class DayTrades:
    """Today's trades of one account, by contract id."""

    def __init__(self, account: Account, now: Millis) -> None:
        self._account = account
        self._since = start_of_day(now)
        self._traded: dict[int, _Traded] = {}

    def note(self, execution: Execution, report: CommissionReport) -> None:
        """Count a trade; one of another account or another day changes nothing."""
        if execution.account != self._account.name or execution.at < self._since:
            return
        traded = self._traded.setdefault(execution.listing.con_id, _Traded())
        signed = execution.side.sign * execution.quantity
        traded.quantity += signed
        traded.spent += signed * execution.price * execution.listing.multiplier + report.commission
        traded.realized += report.realized_pnl or _ZERO

    def note_all(self, trades: Iterable[tuple[Execution, CommissionReport]]) -> None:
        """Count many trades."""
        for execution, report in trades:
            self.note(execution, report)

    def begin(self, now: Millis) -> None:
        """Forget the trades of yesterday, if a day has begun since."""
        today = start_of_day(now)
        if today != self._since:
            self._since = today
            self._traded.clear()

    def has(self, holding: Holding) -> bool:
        """Tell whether a listing was traded today."""
        return holding.listing.con_id in self._traded

    def of(self, holding: Holding, mark: Mark, previous_close: Mark) -> DayPnl:
        """Give the P&L of one holding, in its own currency."""
        traded = self._traded.get(holding.listing.con_id, _Traded())
        multiplier = holding.listing.multiplier
        overnight = holding.quantity - traded.quantity
        valued = self._account.value(holding, mark)
        at_close = overnight * previous_close(holding.listing) * multiplier if overnight else _ZERO
        worth = holding.quantity * valued.price * multiplier
        return DayPnl(worth - at_close - traded.spent, valued.unrealized_pnl, traded.realized)

    def of_account(
        self, mark: Mark, previous_close: Mark, rate: Callable[[str], Decimal]
    ) -> DayPnl:
        """Give the P&L of the whole account, in its base currency."""
        total = DayPnl(_ZERO, _ZERO, _ZERO)
        for holding in self._account.positions():
            if not holding.quantity and not self.has(holding):
                continue
            part, worth = self.of(holding, mark, previous_close), rate(holding.listing.currency)
            total = DayPnl(
                total.daily + part.daily * worth,
                total.unrealized + part.unrealized * worth,
                total.realized + part.realized * worth,
            )
        return total
