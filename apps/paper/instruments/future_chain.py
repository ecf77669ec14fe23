"""Future chains: the contracts of one future, month after month, as listings made on demand.

A contract's id is a number of its chain and its month, the same in every run. What a contract says
of itself follows from the chain's ``model``: a listing whose price is the spot's and whose drift
is the cost of carry, so that a contract stands above the spot until it expires, and meets it then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from apps.domain.errors import InvalidInput
from apps.paper.instruments.expiries import ExpiryRule, last_trading_day
from apps.paper.instruments.listing import Listing

__all__ = ["FutureChain"]

_FIRST_ID = 950_000_000
_IDS_A_CHAIN = 1_000
_FIRST_YEAR = 2010
_LAST_YEAR = 2092
_MONTHS_A_YEAR = 12
_MONTH_CODES = "FGHJKMNQUVXZ"
_EXPIRED_ARE_KEPT = timedelta(days=730)
"""IB still tells of futures that expired within the last two years."""
_DRIFT_ZERO = date(2026, 1, 1)
"""The day on which a drifting reference has its face value, as in `apps.paper.feed.levels`."""
_DAYS_A_YEAR = 365.25

Month = tuple[int, int]
"""Year and month of a contract."""


@dataclass(frozen=True, slots=True)
class FutureChain:
    """The contracts of one future. ``number`` (0 to 999) stands in the contract ids.

    ``months`` are those that have a contract, ``listed`` is how many trade at a time.
    """

    number: int
    model: Listing
    months: frozenset[int]
    rule: ExpiryRule
    listed: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < _IDS_A_CHAIN or not self.months or self.listed < 1:
            raise InvalidInput("a future chain has a number of 0 to 999, months, and contracts")

    def __hash__(self) -> int:
        return self.number

    @classmethod
    def place_of(cls, con_id: int) -> tuple[int, Month] | None:
        """Read a contract id: the chain's number and the month, None for other ids."""
        number, months = divmod(con_id - _FIRST_ID, _IDS_A_CHAIN)
        year, month = divmod(months, _MONTHS_A_YEAR)
        if not 0 <= number < _IDS_A_CHAIN or year + _FIRST_YEAR > _LAST_YEAR:
            return None
        return number, (year + _FIRST_YEAR, month + 1)

    def contracts(self, today: date, *, include_expired: bool = False) -> list[Listing]:
        """Give what trades ``today``, nearest first; with it what expired in the last two years."""
        since = today - _EXPIRED_ARE_KEPT if include_expired else today
        found: list[Listing] = []
        alive, year = 0, since.year
        while alive < self.listed and year <= _LAST_YEAR:
            for month in sorted(self.months):
                last_day = last_trading_day(self.rule, year, month)
                if last_day < since or alive == self.listed:
                    continue
                alive += last_day >= today
                found.append(_listing(self, (year, month)))
            year += 1
        return found

    def contract(self, month: Month) -> Listing | None:
        """Give the contract of a month, whenever it trades, if the chain has it."""
        return _listing(self, month) if month[1] in self.months else None


@lru_cache(maxsize=1_024)
def _listing(chain: FutureChain, month: Month) -> Listing:
    model, last_day = chain.model, last_trading_day(chain.rule, *month)
    months = (month[0] - _FIRST_YEAR) * _MONTHS_A_YEAR + month[1] - 1
    years = (last_day - _DRIFT_ZERO).days / _DAYS_A_YEAR
    carried = float(model.market.reference) * (1 + model.market.drift) ** years
    trading_life = timedelta(days=31 * _MONTHS_A_YEAR * chain.listed // len(chain.months))
    return replace(
        model,
        con_id=_FIRST_ID + chain.number * _IDS_A_CHAIN + months,
        local_symbol=f"{model.local_symbol}{_MONTH_CODES[month[1] - 1]}{month[0] % 10}",
        last_trade_date=f"{last_day:%Y%m%d}",
        contract_month=f"{month[0]}{month[1]:02d}",
        market=replace(
            model.market,
            reference=model.ticks.nearest(Decimal(str(carried))),
            drift=0.0,
            since=max(model.market.since, last_day - trading_life),
        ),
    )
