"""Option chains: which expiries and strikes there are, each option as a listing made on demand.

An option's contract id *is* the option: chain, week of expiry, strike and right packed into the 30
bits above 2^30, so that it is the same in every run and needs no table. Third Fridays, weekly
Fridays and Januaries (LEAPS) expire; days on which New York does not trade give way to the one
before. What an option is worth is not at home here (`apps.paper.feed.options`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import takewhile

from apps.domain.errors import InvalidInput
from apps.domain.ticks import TickRule
from apps.paper.hours.calendar import CalendarName
from apps.paper.instruments.expiries import business_day_before, fridays_from, third_friday
from apps.paper.instruments.listing import Listing, MarketCharacter, Right, SecType

__all__ = ["OptionChain", "OptionId", "Terms", "is_option_id"]

_FIRST_ID = 1 << 30
_RIGHT_BITS, _STRIKE_BITS, _WEEK_BITS, _CHAIN_BITS = 1, 11, 11, 7
_WEEK_ZERO = date(2016, 1, 1)
"""A Friday; ids count weeks from it, and reach to 2055."""

_MULTIPLIER = Decimal(100)
_WEEKLIES_AHEAD = timedelta(weeks=8)
_MONTHLIES_AHEAD = timedelta(days=190)
_QUARTERLIES_AHEAD = timedelta(days=430)
_LEAPS_AHEAD = timedelta(days=960)
_QUARTER_MONTHS = frozenset({3, 6, 9, 12})
_JANUARY = 1

_NEAR = Decimal("0.1")
"""Within this of the reference price every step has a strike; farther out every fifth."""
_FAR_BELOW, _FAR_ABOVE = Decimal("0.5"), Decimal("1.5")
_COARSE = 5
_LISTINGS_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class OptionId:
    """What a contract id says; chain and week by number, the strike in steps of the chain."""

    chain: int
    week: int
    strike_steps: int
    right: Right

    @classmethod
    def of(cls, con_id: int) -> OptionId:
        """Read a contract id, of which `is_option_id` must hold."""
        packed = con_id - _FIRST_ID
        right = Right.PUT if packed & 1 else Right.CALL
        packed >>= _RIGHT_BITS
        packed, strike_steps = divmod(packed, 1 << _STRIKE_BITS)
        chain, week = divmod(packed, 1 << _WEEK_BITS)
        return cls(chain, week, strike_steps, right)

    @property
    def con_id(self) -> int:
        """The contract id; it fits into the 31 bits that clients in Java and C++ have for it."""
        packed = (self.chain << _WEEK_BITS) + self.week
        packed = (packed << _STRIKE_BITS) + self.strike_steps
        return _FIRST_ID + (packed << _RIGHT_BITS) + (self.right is Right.PUT)

    @property
    def friday(self) -> date:
        """The Friday of the week of expiry."""
        return _WEEK_ZERO + timedelta(weeks=self.week)


def is_option_id(con_id: int) -> bool:
    """Tell whether a contract id is in the range of options."""
    return _FIRST_ID <= con_id < 2 * _FIRST_ID


@dataclass(frozen=True, slots=True)
class Terms:
    """What all options of a kind have in common; ``ticks`` is the rule of ``market_rule_id``."""

    ticks: TickRule
    market_rule_id: int
    valid_exchanges: tuple[str, ...]
    calendar: CalendarName = CalendarName.US_INDEX


@dataclass(frozen=True, slots=True)
class OptionChain:
    """The options of one trading class on one underlying.

    ``number`` (1 to 127) stands in the contract ids, and must never be given to another chain.
    Strikes are multiples of ``strike_step``. With ``settles_at_open`` they are settled at the
    open of the expiry and trade until the day before, as SPX does; such chains have no weeklies.
    """

    number: int
    underlying: Listing
    trading_class: str
    strike_step: Decimal
    terms: Terms
    settles_at_open: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.number < 1 << _CHAIN_BITS:
            raise InvalidInput(f"an option chain's number is 1 to {(1 << _CHAIN_BITS) - 1}")
        if self.strike_step <= 0 or self.strikes[-1] >= self.strike_step * (1 << _STRIKE_BITS):
            raise InvalidInput(
                f"strikes of {self.trading_class} would count more steps than an id can hold: "
                "give it a larger strike_step"
            )

    def __hash__(self) -> int:
        return self.number

    @property
    def multiplier_text(self) -> str:
        """Shares a contract, as the wire has it."""
        return f"{_MULTIPLIER:f}"

    @property
    def strikes(self) -> tuple[Decimal, ...]:
        """The strikes of every expiry, rising: close to each other around the reference price."""
        return _strikes(self.underlying.market.reference, self.strike_step)

    def fridays(self, today: date) -> list[date]:
        """Give the weeks that have an expiry, by their Fridays, of what still trades ``today``."""
        ahead = takewhile(lambda day: day <= today + _LEAPS_AHEAD, fridays_from(today))
        return [
            friday
            for friday in ahead
            if friday - today <= self._listed_for(friday) and today <= self.last_trade_day(friday)
        ]

    def expiry(self, friday: date) -> date:
        """Give the day on which the options of this week are settled."""
        return business_day_before(friday, 0)

    def last_trade_day(self, friday: date) -> date:
        """Give the last day on which the options of this week trade."""
        expires = self.expiry(friday)
        return business_day_before(expires) if self.settles_at_open else expires

    def options(
        self, friday: date, strike: Decimal | None, right: Right | None
    ) -> Iterator[Listing]:
        """Yield the options of a week, of one strike and right or of all: calls before puts."""
        strikes = self.strikes if strike is None else self._only(strike)
        for each in (Right.CALL, Right.PUT) if right is None else (right,):
            for price in strikes:
                yield _listing(self, friday, price, each)

    def option(self, named: OptionId) -> Listing | None:
        """Give the option that an id of this chain names, if there is such a strike and week."""
        strike = named.strike_steps * self.strike_step
        is_an_expiry = self._listed_for(named.friday) > timedelta(0)
        if not self._only(strike) or not is_an_expiry:
            return None
        return _listing(self, named.friday, strike, named.right)

    def listed_since(self, friday: date) -> date:
        """Give the first day of trading of an expiry."""
        return max(friday - self._listed_for(friday), self.underlying.market.since)

    def _only(self, strike: Decimal) -> tuple[Decimal, ...]:
        return (strike,) if strike in _strike_set(self) else ()

    def _listed_for(self, friday: date) -> timedelta:
        """Give how long before its expiry a week is listed; none where nothing expires."""
        if friday != third_friday(friday.year, friday.month):
            return timedelta(0) if self.settles_at_open else _WEEKLIES_AHEAD
        if friday.month == _JANUARY:
            return _LEAPS_AHEAD
        return _QUARTERLIES_AHEAD if friday.month in _QUARTER_MONTHS else _MONTHLIES_AHEAD


@lru_cache(maxsize=256)
def _strikes(reference: Decimal, step: Decimal) -> tuple[Decimal, ...]:
    lowest, highest = int(reference * _FAR_BELOW / step), int(reference * _FAR_ABOVE / step)
    near = range(int(reference * (1 - _NEAR) / step), int(reference * (1 + _NEAR) / step) + 1)
    steps = (n for n in range(max(1, lowest), highest + 1) if n in near or n % _COARSE == 0)
    return tuple(n * step for n in steps)


@lru_cache(maxsize=256)
def _strike_set(chain: OptionChain) -> frozenset[Decimal]:
    return frozenset(chain.strikes)


@lru_cache(maxsize=_LISTINGS_KEPT)
def _listing(chain: OptionChain, friday: date, strike: Decimal, right: Right) -> Listing:
    under, terms = chain.underlying, chain.terms
    expires = chain.expiry(friday)
    week = (friday - _WEEK_ZERO).days // 7
    named = OptionId(chain.number, week, int(strike / chain.strike_step), right)
    local_symbol = f"{chain.trading_class:<6}{expires:%y%m%d}{right}{int(strike * 1000):08d}"
    return Listing(
        con_id=named.con_id,
        symbol=under.symbol,
        sec_type=SecType.OPTION,
        currency=under.currency,
        exchange="SMART",
        primary_exchange="",
        local_symbol=local_symbol,
        trading_class=chain.trading_class,
        market_name=chain.trading_class,
        long_name=under.long_name,
        ticks=terms.ticks,
        market_rule_id=terms.market_rule_id,
        valid_exchanges=terms.valid_exchanges,
        calendar=terms.calendar,
        time_zone=under.time_zone,
        market=_character(chain, friday, strike, right),
        multiplier=_MULTIPLIER,
        last_trade_date=f"{chain.last_trade_day(friday):%Y%m%d}",
        contract_month=f"{expires:%Y%m}",
        industry=under.industry,
        category=under.category,
        subcategory=under.subcategory,
        suggested_size_increment=Decimal(1),
        agg_group=2,
        strike=strike,
        right=right,
        under_con_id=under.con_id,
        expires=f"{expires:%Y%m%d}",
    )


def _character(chain: OptionChain, friday: date, strike: Decimal, right: Right) -> MarketCharacter:
    """Give the underlying's character at the option's own scale: what is in the money, at least.

    The reference decides on ticks that details print, and on nothing else: prices are derived.
    """
    under = chain.underlying.market
    inside = under.reference - strike if right is Right.CALL else strike - under.reference
    ticks = chain.terms.ticks
    return MarketCharacter(
        reference=ticks.up(max(inside, ticks.increment_at(Decimal(0)))),
        volatility=under.volatility,
        volume=1,
        trade_size=1,
        since=chain.listed_since(friday),
    )
