"""The ledger of futures, currencies and foreign stocks, and the laws that hold for all kinds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.domain.orders import Side
from apps.paper.books.currencies import ForexRates
from apps.paper.books.ledger import Account, CurrencyBalances
from apps.paper.instruments.listing import Listing
from tests.paper.exchange.instruments import ES, EURUSD, OPTION, SAP, STOCK, USDJPY

D = Decimal
PRICES = {
    STOCK.con_id: D(100),
    SAP.con_id: D(200),
    ES.con_id: D("6800"),
    OPTION.con_id: D(5),
    EURUSD.con_id: D("1.25"),
    USDJPY.con_id: D(160),
}


def mark(listing: Listing) -> Decimal:
    return PRICES[listing.con_id]


def account(cash: int = 250_000) -> Account:
    return Account("DU1", D(cash), rates=ForexRates([EURUSD, USDJPY], mark))


def row(books: Account, currency: str) -> CurrencyBalances:
    return next(each for each in books.ledger(mark) if each.currency == currency)


# -- futures


def test_future_costs_its_commission_and_nothing_else() -> None:
    books = account()
    assert books.book(ES, Side.BUY, D(2), D("6790"), D("4.50")) is None
    assert books.cash() == {"USD": D("249995.50")}
    assert books.holding(ES).average_cost == 50 * D("6790") + D("2.25")


def test_open_variation_of_a_future_is_equity_and_no_position_value() -> None:
    books = account()
    books.book(ES, Side.BUY, D(2), D("6790"), D("4.50"))
    balances = books.balances(mark)
    assert balances.futures_pnl == 1000
    assert balances.net_liquidation == 250_000 + 1000 - D("4.50")
    assert balances.unrealized_pnl == 1000 - D("4.50")
    assert balances.stock_value == balances.gross_position_value == 0
    assert (balances.initial_margin, balances.maintenance_margin) == (D(48_000), D(43_000))


def test_variation_goes_to_cash_when_a_future_is_closed() -> None:
    books = account()
    books.book(ES, Side.SELL, D(3), D("6800"), D(6))
    assert books.book(ES, Side.BUY, D(1), D("6790"), D(2)) == 500 - 2 - 2
    assert books.cash() == {"USD": D(250_000) - 6 - 2 + 500}
    assert books.book(ES, Side.BUY, D(2), D("6820"), D(4)) == -2000 - 4 - 4
    assert books.cash() == {"USD": D(250_000) - 12 + 500 - 2000}
    assert books.holding(ES).opening_fees == 0


# -- currencies


def test_currency_trade_is_two_balances_and_a_virtual_position() -> None:
    books = account()
    books.book(EURUSD, Side.BUY, D(10_000), D("1.20"), D(2), commission_currency="USD")
    assert books.cash() == {"USD": D(250_000) - 12_000 - 2, "EUR": D(10_000)}
    holding = books.holding(EURUSD)
    assert (holding.quantity, holding.average_cost) == (D(10_000), D("1.20"))
    balances = books.balances(mark)
    assert balances.net_liquidation == 250_000 - 2 + 10_000 * (D("1.25") - D("1.20"))
    assert balances.unrealized_pnl == 500
    assert balances.stock_value == balances.gross_position_value == 0


def test_closing_a_currency_position_realizes_in_the_quoted_currency() -> None:
    books = account()
    books.book(USDJPY, Side.BUY, D(1000), D(150), D(2), commission_currency="USD")
    realized = books.book(USDJPY, Side.SELL, D(1000), D(155), D(2), commission_currency="USD")
    assert realized == 5000
    assert books.cash() == {"USD": D(250_000) - 4, "JPY": D(5000)}
    assert row(books, "JPY").realized_pnl == 5000


def test_foreign_stock_is_borrowed_for_in_its_own_currency() -> None:
    books = account()
    books.book(SAP, Side.BUY, D(10), D(190), D(3))
    euros = row(books, "EUR")
    assert (euros.cash, euros.stock_value, euros.net_liquidation) == (D(-1903), D(2000), D(97))
    assert euros.exchange_rate == D("1.25")
    assert books.balances(mark).net_liquidation == 250_000 + 97 * D("1.25")


def test_option_is_paid_in_full() -> None:
    books = account()
    books.book(OPTION, Side.BUY, D(2), D(4), D("1.40"))
    balances = books.balances(mark)
    assert (balances.cash, balances.option_value) == (D(250_000) - 800 - D("1.40"), D(1000))
    assert balances.gross_position_value == balances.initial_margin == 1000


def test_ledger_begins_with_the_base_currency() -> None:
    books = account()
    assert [each.currency for each in books.ledger(mark)] == ["USD"]
    books.book(SAP, Side.BUY, D(1), D(190), D(3))
    assert [each.currency for each in books.ledger(mark)] == ["USD", "EUR"]


def test_currency_without_a_rate_is_booked_on_neither_side() -> None:
    books = Account("DU1", D(1000))
    assert not books.can_book(EURUSD)
    with pytest.raises(InvalidInput, match="EUR"):
        books.book(EURUSD, Side.BUY, D(10), D("1.2"), D(0), commission_currency="USD")
    assert (books.cash(), books.positions()) == ({"USD": D(1000)}, ())


# -- laws


LISTINGS = [STOCK, SAP, ES, OPTION, EURUSD, USDJPY]
TRADES = st.lists(
    st.tuples(
        st.sampled_from(LISTINGS),
        st.sampled_from(Side),
        st.integers(1, 500).map(D),
        st.integers(1, 100_000).map(lambda cents: cents * D("0.01")),
        st.integers(0, 50_000).map(lambda units: units * D("0.0001")),
    ),
    max_size=25,
)
Trades = list[tuple[Listing, Side, Decimal, Decimal, Decimal]]
FAST = settings(deadline=None, max_examples=80)


def booked(trades: Trades) -> Account:
    books = account()
    for listing, side, quantity, price, commission in trades:
        paid_in = "USD" if listing.sec_type == "CASH" else ""
        books.book(listing, side, quantity, price, commission, commission_currency=paid_in)
    return books


@FAST
@given(TRADES)
def test_net_liquidation_is_the_sum_of_the_currencies(trades: Trades) -> None:
    books = booked(trades)
    rows = books.ledger(mark)
    total = sum((each.net_liquidation * each.exchange_rate for each in rows), D(0))
    assert books.balances(mark).net_liquidation == total
    assert len({each.currency for each in rows}) == len(rows)


@FAST
@given(TRADES)
def test_wealth_is_what_trades_at_the_mark_have_made_less_commissions(trades: Trades) -> None:
    """A slow account: every trade is worth its signed size times how far the mark is from it."""
    wealth = {"USD": D(250_000), "EUR": D(0), "JPY": D(0)}
    for listing, side, quantity, price, commission in trades:
        signed, currency = side.sign * quantity, listing.currency
        if listing.sec_type == "CASH":
            wealth[listing.symbol] += signed
            wealth[currency] -= signed * price
            wealth["USD"] -= commission
        else:
            wealth[currency] += signed * (mark(listing) - price) * listing.multiplier - commission
    for each in booked(trades).ledger(mark):
        assert each.net_liquidation == wealth[each.currency]


@FAST
@given(TRADES)
def test_profit_is_the_whole_change_of_each_currency(trades: Trades) -> None:
    """Cash and securities have grown by the P&L, the exchange of currencies itself apart."""
    books = booked(trades)
    exchanged = {"USD": D(250_000), "EUR": D(0), "JPY": D(0)}
    for holding in books.positions():
        if holding.listing.sec_type == "CASH":
            value = holding.quantity * mark(holding.listing)
            exchanged[holding.listing.symbol] += holding.quantity
            exchanged[holding.listing.currency] -= value
    for listing, _, _, _, commission in trades:
        if listing.sec_type == "CASH":
            exchanged["USD"] -= commission
    for each in books.ledger(mark):
        profit = each.realized_pnl + each.unrealized_pnl
        assert each.net_liquidation == exchanged[each.currency] + profit


@FAST
@given(TRADES)
def test_same_trades_booked_again_give_the_same_books(trades: Trades) -> None:
    one, other = booked(trades), booked(trades)
    assert one.cash() == other.cash()
    assert one.positions() == other.positions()
    assert [str(each.cost) for each in one.positions()] == [
        str(each.cost) for each in other.positions()
    ]


@FAST
@given(TRADES)
def test_books_do_not_depend_on_the_rates_of_the_moment(trades: Trades) -> None:
    richer = Account("DU1", D(250_000), rates={"EUR": D(3), "JPY": D(1)})
    for listing, side, quantity, price, commission in trades:
        paid_in = "USD" if listing.sec_type == "CASH" else ""
        richer.book(listing, side, quantity, price, commission, commission_currency=paid_in)
    assert richer.cash() == booked(trades).cash()
    assert richer.positions() == booked(trades).positions()


@FAST
@given(TRADES)
def test_closing_everything_at_the_mark_changes_nothing_but_where_it_is(trades: Trades) -> None:
    books = booked(trades)
    before = {each.currency: each.net_liquidation for each in books.ledger(mark)}
    for holding in books.positions():
        if holding.quantity and holding.listing.sec_type != "CASH":
            side = Side.SELL if holding.quantity > 0 else Side.BUY
            books.book(holding.listing, side, abs(holding.quantity), mark(holding.listing), D(0))
    after = books.ledger(mark)
    assert {each.currency: each.net_liquidation for each in after} == before
    assert {each.currency: each.cash for each in after} == before
    assert all(each.stock_value == each.futures_pnl == 0 for each in after)
