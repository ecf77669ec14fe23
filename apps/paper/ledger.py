"""The ledger: cash, positions, average cost, P&L and margin of one account.

Pure: a trade comes in with its commission, prices come in through a `Mark`, and two laws hold
whatever is booked: cash and positions at market together are the net liquidation value, and
cash and positions at cost together have grown by exactly the realised P&L. Costs are kept as
totals, for an average is a division and would lose the last digit.

Which orders may be placed with these figures is decided in `apps.paper.exchange.margin`; what a
trade costs, in `apps.paper.exchange.fees`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from apps.domain.errors import InvalidInput
from apps.domain.orders import Side
from apps.paper.listing import Listing

__all__ = [
    "MARGIN_RATES",
    "Account",
    "Balances",
    "Holding",
    "MarginRates",
    "Mark",
    "PositionValue",
]

Mark = Callable[[Listing], Decimal]
"""Gives the price that a listing is valued at."""

_ZERO = Decimal(0)
_COST_STEP = Decimal("1e-8")
"""Shares of a cost are cut here; what one part loses the other keeps, so totals stay exact."""


@dataclass(frozen=True, slots=True)
class MarginRates:
    """Margin as a share of a position's market value.

    Rule-based intraday rates of a margin account for liquid stocks: a quarter for longs (the
    maintenance minimum of Regulation T accounts, which brokers also ask of day trades), 30% for
    shorts. ``overnight`` is Regulation T's own half, reported as RegTMargin and not enforced.
    """

    initial_long: Decimal = Decimal("0.25")
    initial_short: Decimal = Decimal("0.30")
    maintenance_long: Decimal = Decimal("0.25")
    maintenance_short: Decimal = Decimal("0.30")
    overnight: Decimal = Decimal("0.50")

    def initial(self, market_value: Decimal) -> Decimal:
        """Give the initial margin of a signed market value."""
        rate = self.initial_long if market_value > 0 else self.initial_short
        return abs(market_value) * rate

    def maintenance(self, market_value: Decimal) -> Decimal:
        """Give the maintenance margin of a signed market value."""
        rate = self.maintenance_long if market_value > 0 else self.maintenance_short
        return abs(market_value) * rate


MARGIN_RATES = MarginRates()
"""The rates of every account so far."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A position: signed quantity, and what it cost in all (negative for a short).

    Commissions of opening trades are part of the cost, as in IB's average cost.
    ``realized_pnl`` is that of all its closing trades since the account was opened, net of
    commissions. Amounts are in the listing's currency.
    """

    listing: Listing
    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO
    realized_pnl: Decimal = _ZERO

    @property
    def average_cost(self) -> Decimal:
        """Cost per share or contract, multiplier and commissions included; 0 when flat."""
        return self.cost / self.quantity if self.quantity else _ZERO


@dataclass(frozen=True, slots=True)
class PositionValue:
    """A holding at a price."""

    holding: Holding
    price: Decimal
    market_value: Decimal
    unrealized_pnl: Decimal


@dataclass(frozen=True, slots=True)
class Balances:
    """The account's figures at one moment, in its base currency.

    ``stock_value`` is signed, ``gross_position_value`` is not. ``buying_power`` is what the
    available funds can buy at the initial rate for longs.
    """

    currency: str
    cash: Decimal
    stock_value: Decimal
    gross_position_value: Decimal
    net_liquidation: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    reg_t_margin: Decimal
    available_funds: Decimal
    excess_liquidity: Decimal
    buying_power: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal


class Account:
    """One account's books; they change only by `book`.

    ``cash`` is what the account starts with, in its base ``currency``. ``rates`` give the worth
    of one unit of another currency in the base one; a listing in a currency without a rate
    cannot be booked.
    """

    def __init__(
        self,
        name: str,
        cash: Decimal,
        *,
        currency: str = "USD",
        rates: Mapping[str, Decimal] = MappingProxyType({}),
        margin_rates: MarginRates = MARGIN_RATES,
    ) -> None:
        self.name = name
        self.currency = currency
        self.margin_rates = margin_rates
        self._rates = {**rates, currency: Decimal(1)}
        self._cash = {currency: cash}
        self._holdings: dict[int, Holding] = {}

    def book(
        self, listing: Listing, side: Side, quantity: Decimal, price: Decimal, commission: Decimal
    ) -> Decimal | None:
        """Book a trade and its commission; give the realised P&L, None if it only opened.

        Raises InvalidInput, with nothing booked, for a quantity that is not above zero or a
        currency without a rate.
        """
        if quantity <= 0:
            raise InvalidInput(f"a trade of {quantity} {listing.symbol} cannot be booked")
        self.rate(listing.currency)
        before = self.holding(listing)
        after, realized = _traded(before, side.sign * quantity, price, commission)
        self._holdings[listing.con_id] = after
        cash = self._cash.get(listing.currency, _ZERO)
        self._cash[listing.currency] = (
            cash - side.sign * quantity * price * listing.multiplier - commission
        )
        return realized

    def rate(self, currency: str) -> Decimal:
        """Give the worth of one unit in the base currency. Raises InvalidInput."""
        try:
            return self._rates[currency]
        except KeyError:
            raise InvalidInput(
                f"account {self.name} has no exchange rate for {currency}: give it one, or trade "
                f"what is in {', '.join(sorted(self._rates))}"
            ) from None

    def cash(self) -> Mapping[str, Decimal]:
        """Give the cash per currency."""
        return MappingProxyType(dict(self._cash))

    def holding(self, listing: Listing) -> Holding:
        """Give the holding of a listing, a flat one if it was never traded."""
        return self._holdings.get(listing.con_id, Holding(listing))

    def positions(self) -> tuple[Holding, ...]:
        """Give every holding ever opened, flat ones included, for they keep their P&L."""
        return tuple(self._holdings.values())

    def value(self, holding: Holding, mark: Mark) -> PositionValue:
        """Value one holding, in its own currency."""
        price = mark(holding.listing)
        market_value = holding.quantity * price * holding.listing.multiplier
        return PositionValue(holding, price, market_value, market_value - holding.cost)

    def balances(self, mark: Mark) -> Balances:
        """Value the whole account."""
        values = [(self.value(held, mark), self.rate(held.listing.currency)) for held in self._open]
        worth = [value.market_value * rate for value, rate in values]
        cash = sum((amount * self.rate(code) for code, amount in self._cash.items()), _ZERO)
        initial = sum(map(self.margin_rates.initial, worth), _ZERO)
        maintenance = sum(map(self.margin_rates.maintenance, worth), _ZERO)
        gross = sum(map(abs, worth), _ZERO)
        equity = cash + sum(worth, _ZERO)
        return Balances(
            currency=self.currency,
            cash=cash,
            stock_value=sum(worth, _ZERO),
            gross_position_value=gross,
            net_liquidation=equity,
            initial_margin=initial,
            maintenance_margin=maintenance,
            reg_t_margin=gross * self.margin_rates.overnight,
            available_funds=equity - initial,
            excess_liquidity=equity - maintenance,
            buying_power=max(_ZERO, equity - initial) / self.margin_rates.initial_long,
            realized_pnl=self._realized(),
            unrealized_pnl=sum((value.unrealized_pnl * rate for value, rate in values), _ZERO),
        )

    @property
    def _open(self) -> list[Holding]:
        return [holding for holding in self._holdings.values() if holding.quantity]

    def _realized(self) -> Decimal:
        return sum(
            (held.realized_pnl * self.rate(held.listing.currency) for held in self.positions()),
            _ZERO,
        )


def _traded(
    before: Holding, signed: Decimal, price: Decimal, commission: Decimal
) -> tuple[Holding, Decimal | None]:
    """Give the holding after a trade of ``signed`` shares, and what that realised."""
    closing = _closing(before.quantity, signed)
    opening = signed - closing
    closing_fee = _share(commission, closing, signed)
    worth = price * before.listing.multiplier
    released = _share(before.cost, -closing, before.quantity)
    realized = -closing * worth - closing_fee - released
    cost = before.cost - released + opening * worth + (commission - closing_fee)
    after = replace(
        before,
        quantity=before.quantity + signed,
        cost=cost,
        realized_pnl=before.realized_pnl + realized,
    )
    return after, realized if closing else None


def _closing(held: Decimal, signed: Decimal) -> Decimal:
    """Give the part of a trade that closes: signed as the trade, never more than is held."""
    if held * signed >= 0:
        return _ZERO
    return signed if abs(signed) <= abs(held) else -held


def _share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    if not part:
        return _ZERO
    return total if part == whole else (total * part / whole).quantize(_COST_STEP)
