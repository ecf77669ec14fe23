"""The ledger: cash, positions, average cost, P&L and margin of one account.

Pure: a trade comes in with its commission, prices come in through a `Mark`. What a trade moves in
cash depends on what it is:

- A security (a stock, an option) is paid for in full, and is worth its market value.
- A future costs nothing but its commission: the account owes or is owed its variation, which goes
  to cash when the position is closed, and until then is part of the equity.
- A currency pair moves two cash balances, and leaves a *virtual* position that is worth nothing
  beside them: it only remembers at what price the currencies were exchanged. Its cost and its
  realised P&L know no commission, for that is paid in a currency of its own.

These laws hold whatever is booked: per currency, cash and positions at market together are that
currency's net liquidation value, and their sum at the rates of the moment is the account's. Cash
depends on the trades and their order alone, never on rates: the same executions booked again give
the same ledger, to the last digit.

Which orders may be placed with these figures is decided in `apps.paper.exchange.margin`; what a
trade costs, in `apps.paper.exchange.fees`; margins stand in `apps.paper.books.margin_rates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from apps.domain.errors import InvalidInput
from apps.domain.orders import Side
from apps.paper.books.currencies import AccountRates, FixedRates, Mark
from apps.paper.books.holdings import Holding, PositionValue, traded, valued
from apps.paper.books.margin_rates import MARGINS, MarginTable
from apps.paper.instruments.listing import Listing

__all__ = [
    "Account",
    "AccountRates",
    "Balances",
    "CurrencyBalances",
    "Holding",
    "Mark",
    "PositionValue",
]

_ZERO = Decimal(0)
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Balances:
    """The account's figures at one moment, in its base currency.

    ``stock_value`` and ``option_value`` are signed, ``gross_position_value`` is not, and counts
    securities only. ``futures_pnl`` is the open variation of futures. ``buying_power`` is what
    the available funds can buy at the initial rate for long stocks.
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
    option_value: Decimal = _ZERO
    futures_pnl: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class CurrencyBalances:
    """What an account has in one currency, in that currency: a row of IB's $LEDGER.

    ``exchange_rate`` is the worth of one unit in the account's base currency. Virtual currency
    positions are in the P&L, and in no value.
    """

    currency: str
    exchange_rate: Decimal
    cash: Decimal
    stock_value: Decimal
    option_value: Decimal
    futures_pnl: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal

    @property
    def net_liquidation(self) -> Decimal:
        """Cash, securities and open variation together."""
        return self.cash + self.stock_value + self.option_value + self.futures_pnl


class Account:
    """One account's books; they change only by `book`.

    ``cash`` is what the account starts with, in its base ``currency``, ``foreign_cash`` what it has
    of others, each with a rate. ``rates`` say what other
    currencies are worth in the base one (a table of worths will do); a listing in a currency
    without a rate cannot be booked.
    """

    def __init__(
        self,
        name: str,
        cash: Decimal,
        *,
        currency: str = "USD",
        foreign_cash: Iterable[tuple[str, Decimal]] = (),
        rates: AccountRates | Mapping[str, Decimal] = MappingProxyType({}),
        margins: MarginTable = MARGINS,
    ) -> None:
        self.name = name
        self.currency = currency
        self.margins = margins
        self._rates = FixedRates(rates) if isinstance(rates, Mapping) else rates
        self._cash = {currency: cash, **dict(foreign_cash)}
        self._holdings: dict[int, Holding] = {}

    # -- booking ---------------------------------------------------------------------------------

    def book(
        self,
        listing: Listing,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        commission: Decimal,
        *,
        commission_currency: str = "",
    ) -> Decimal | None:
        """Book a trade and its commission; give the realised P&L, None if it only opened.

        The commission is in the listing's currency unless another is named, and then is no part
        of the position's cost.

        Raises InvalidInput, with nothing booked, for a quantity that is not above zero or a
        currency without a rate.
        """
        paid_in = commission_currency or listing.currency
        self._check(listing, quantity, paid_in)
        signed, is_apart = side.sign * quantity, listing.sec_type == "CASH"
        own_fee = _ZERO if is_apart or paid_in != listing.currency else commission
        before = self.holding(listing)
        after, realized = traded(before, signed, price, own_fee)
        self._holdings[listing.con_id] = after
        self._pay(paid_in, -commission)
        match listing.sec_type:
            case "CASH":
                self._pay(listing.symbol, signed)
                self._pay(listing.currency, -signed * price)
            case "FUT":
                self._pay(listing.currency, _variation_paid(before, after, own_fee))
            case _:
                self._pay(listing.currency, -signed * price * listing.multiplier)
        return realized

    def can_book(self, listing: Listing) -> bool:
        """Tell whether there are rates for all the currencies that a trade would move."""
        return all(
            currency == self.currency or self._rates.rate(currency, self.currency) is not None
            for currency in _currencies(listing)
        )

    def _check(self, listing: Listing, quantity: Decimal, paid_in: str) -> None:
        if quantity <= 0:
            raise InvalidInput(f"a trade of {quantity} {listing.symbol} cannot be booked")
        for currency in {*_currencies(listing), paid_in}:
            self.rate(currency)

    def _pay(self, currency: str, amount: Decimal) -> None:
        if amount or currency in self._cash:
            self._cash[currency] = self._cash.get(currency, _ZERO) + amount

    # -- what there is ---------------------------------------------------------------------------

    def rate(self, currency: str) -> Decimal:
        """Give the worth of one unit in the base currency. Raises InvalidInput."""
        if currency == self.currency:
            return _ONE
        rate = self._rates.rate(currency, self.currency)
        if rate is None:
            raise InvalidInput(
                f"account {self.name} has no exchange rate from {currency} to {self.currency}: "
                "give it one, or trade what is in a currency that it knows"
            )
        return rate

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
        return valued(holding, mark(holding.listing))

    def ledger(self, mark: Mark) -> tuple[CurrencyBalances, ...]:
        """Give what there is in each currency, the base currency first."""
        return self._rows(self._open(mark))

    def balances(self, mark: Mark) -> Balances:
        """Value the whole account."""
        values = self._open(mark)
        rows = self._rows(values)
        initial, maintenance = self._margins(values)
        gross = self._gross(values)
        equity = _in_base(rows, "net_liquidation")
        return Balances(
            currency=self.currency,
            cash=_in_base(rows, "cash"),
            stock_value=_in_base(rows, "stock_value"),
            option_value=_in_base(rows, "option_value"),
            futures_pnl=_in_base(rows, "futures_pnl"),
            gross_position_value=gross,
            net_liquidation=equity,
            initial_margin=initial,
            maintenance_margin=maintenance,
            reg_t_margin=gross * self.margins.securities.overnight,
            available_funds=equity - initial,
            excess_liquidity=equity - maintenance,
            buying_power=max(_ZERO, equity - initial) / self.margins.securities.initial_long,
            realized_pnl=_in_base(rows, "realized_pnl"),
            unrealized_pnl=_in_base(rows, "unrealized_pnl"),
        )

    def _open(self, mark: Mark) -> list[PositionValue]:
        return [self.value(held, mark) for held in self._holdings.values() if held.quantity]

    def _rows(self, values: list[PositionValue]) -> tuple[CurrencyBalances, ...]:
        currencies = dict.fromkeys(self._cash)
        currencies.update(dict.fromkeys(held.listing.currency for held in self.positions()))
        return tuple(self._row(currency, values) for currency in currencies)

    def _row(self, currency: str, values: list[PositionValue]) -> CurrencyBalances:
        own = [value for value in values if value.holding.listing.currency == currency]
        return CurrencyBalances(
            currency=currency,
            exchange_rate=self.rate(currency),
            cash=self._cash.get(currency, _ZERO),
            stock_value=_total(value.market_value for value in own if _kind(value) == "STK"),
            option_value=_total(value.market_value for value in own if _kind(value) == "OPT"),
            futures_pnl=_total(value.variation for value in own if _kind(value) == "FUT"),
            realized_pnl=_total(
                held.realized_pnl for held in self.positions() if held.listing.currency == currency
            ),
            unrealized_pnl=_total(value.unrealized_pnl for value in own),
        )

    def _margins(self, values: list[PositionValue]) -> tuple[Decimal, Decimal]:
        initial = maintenance = _ZERO
        for value in values:
            listing, quantity = value.holding.listing, value.holding.quantity
            rate = self.rate(listing.currency)
            initial += self.margins.initial(listing, quantity, value.market_value) * rate
            maintenance += self.margins.maintenance(listing, quantity, value.market_value) * rate
        return initial, maintenance

    def _gross(self, values: list[PositionValue]) -> Decimal:
        return _total(
            abs(value.market_value) * self.rate(value.holding.listing.currency)
            for value in values
            if _kind(value) in {"STK", "OPT"}
        )


def _currencies(listing: Listing) -> tuple[str, ...]:
    if listing.sec_type == "CASH":
        return (listing.symbol, listing.currency)
    return (listing.currency,)


def _variation_paid(before: Holding, after: Holding, commission: Decimal) -> Decimal:
    """Give what a trade in a future settles in cash: what it realised, commissions taken out.

    The realised P&L is net of the closing commission and of its share of the opening ones, and
    those were paid when they fell due.
    """
    realized = after.realized_pnl - before.realized_pnl
    fees_in_it = before.opening_fees + commission - after.opening_fees
    return realized + fees_in_it


def _kind(value: PositionValue) -> str:
    return value.holding.listing.sec_type


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)


def _in_base(rows: tuple[CurrencyBalances, ...], figure: str) -> Decimal:
    return _total(getattr(row, figure) * row.exchange_rate for row in rows)
