from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.domain.orders import Side
from apps.paper.books.ledger import Account
from apps.paper.instruments.listing import Listing
from tests.paper.exchange.bench import listing

D = Decimal
AAPL = listing(1)
SPY = listing(2, symbol="SPY")


def account(cash: int = 250_000) -> Account:
    return Account("DU1", D(cash))


def test_average_cost_includes_the_commission() -> None:
    books = account()
    assert books.book(AAPL, Side.BUY, D(100), D("10"), D("1")) is None
    holding = books.holding(AAPL)
    assert holding.average_cost == D("10.01")
    assert books.cash()["USD"] == D("248999")


def test_realized_profit_is_net_of_opening_and_closing_commission() -> None:
    books = account()
    books.book(AAPL, Side.BUY, D(100), D("10"), D("1"))
    assert books.book(AAPL, Side.SELL, D(100), D("11"), D("1")) == D("98")
    holding = books.holding(AAPL)
    assert (holding.quantity, holding.cost, holding.average_cost) == (D(0), D(0), D(0))
    assert books.cash()["USD"] == D("250098")


def test_short_position_profits_when_the_price_falls() -> None:
    books = account()
    books.book(AAPL, Side.SELL, D(100), D("10"), D("1"))
    assert books.holding(AAPL).average_cost == D("9.99")
    value = books.value(books.holding(AAPL), lambda _: D("9"))
    assert value.market_value == D("-900")
    assert value.unrealized_pnl == D("99")
    assert books.book(AAPL, Side.BUY, D(100), D("9"), D("1")) == D("98")


def test_partial_close_keeps_the_average_cost_of_the_rest() -> None:
    books = account()
    books.book(AAPL, Side.BUY, D(100), D("10"), D("1"))
    assert books.book(AAPL, Side.SELL, D(40), D("12"), D("1")) == D("78.60")
    assert books.holding(AAPL).average_cost == D("10.01")


def test_trade_through_flat_closes_one_side_and_opens_the_other() -> None:
    books = account()
    books.book(AAPL, Side.BUY, D(100), D("10"), D("1"))
    assert books.book(AAPL, Side.SELL, D(150), D("11"), D("3")) == D("97")  # two thirds of the fee
    holding = books.holding(AAPL)
    assert holding.quantity == D(-50)
    assert holding.cost == D("-549")


def test_balances_of_a_long_and_a_short_position() -> None:
    books = account(100_000)
    books.book(AAPL, Side.BUY, D(100), D("100"), D("1"))
    books.book(SPY, Side.SELL, D(10), D("500"), D("1"))
    prices = {1: D("110"), 2: D("490")}
    balances = books.balances(lambda each: prices[each.con_id])
    assert balances.cash == D("94998")
    assert balances.stock_value == D("6100")
    assert balances.gross_position_value == D("15900")
    assert balances.net_liquidation == D("101098")
    assert balances.initial_margin == D("11000") * D("0.25") + D("4900") * D("0.30")
    assert balances.reg_t_margin == D("7950")
    assert balances.unrealized_pnl == D("999") + D("99")
    assert balances.buying_power == 4 * (balances.net_liquidation - balances.initial_margin)


def test_buying_power_is_never_below_nothing() -> None:
    books = account(1_000)
    books.book(AAPL, Side.BUY, D(100), D("40"), D("1"))
    balances = books.balances(lambda _: D("20"))
    assert balances.available_funds < 0
    assert balances.buying_power == 0


def test_flat_position_keeps_its_realized_profit() -> None:
    books = account()
    books.book(AAPL, Side.BUY, D(1), D("10"), D(0))
    books.book(AAPL, Side.SELL, D(1), D("12"), D(0))
    (holding,) = books.positions()
    assert holding.realized_pnl == D(2)


def test_other_currency_is_valued_at_its_rate() -> None:
    sap = listing(3, currency="EUR")
    books = Account("DU1", D(1000), rates={"EUR": D("1.10")})
    books.book(sap, Side.BUY, D(10), D("100"), D(0))
    assert books.cash() == {"USD": D(1000), "EUR": D(-1000)}
    assert books.balances(lambda _: D("120")).net_liquidation == D("1220")


@pytest.mark.parametrize(
    ("stock", "quantity"), [(listing(3, currency="EUR"), D(1)), (AAPL, D(0)), (AAPL, D(-1))]
)
def test_trade_that_cannot_be_booked_raises_and_changes_nothing(
    stock: Listing, quantity: Decimal
) -> None:
    books = account()
    with pytest.raises(InvalidInput):
        books.book(stock, Side.BUY, quantity, D("10"), D("1"))
    assert books.cash() == {"USD": D(250_000)}
    assert books.positions() == ()


PRICES = st.integers(1, 1_000_000).map(lambda cents: cents * D("0.01"))
TRADES = st.tuples(
    st.sampled_from([AAPL, SPY]),
    st.sampled_from(Side),
    st.integers(1, 10_000).map(D),
    PRICES,
    st.integers(0, 100_000).map(lambda units: units * D("0.0001")),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(TRADES, max_size=30), PRICES, PRICES)
def test_cash_and_positions_balance_after_any_trades(
    trades: list[tuple[Listing, Side, Decimal, Decimal, Decimal]], aapl: Decimal, spy: Decimal
) -> None:
    books = account()
    prices = {1: aapl, 2: spy}
    realized = D(0)
    for stock, side, quantity, price, commission in trades:
        realized += books.book(stock, side, quantity, price, commission) or D(0)
        balances = books.balances(lambda each: prices[each.con_id])
        positions = sum((h.quantity * prices[h.listing.con_id] for h in books.positions()), D(0))
        cost = sum((holding.cost for holding in books.positions()), D(0))
        assert books.cash()["USD"] + positions == balances.net_liquidation
        assert books.cash()["USD"] + cost == 250_000 + realized
        assert balances.realized_pnl == realized
        assert balances.net_liquidation == 250_000 + realized + balances.unrealized_pnl


@settings(deadline=None, max_examples=100)
@given(st.lists(TRADES, max_size=30))
def test_quantity_is_the_sum_of_the_trades_and_cost_is_nothing_when_flat(
    trades: list[tuple[Listing, Side, Decimal, Decimal, Decimal]],
) -> None:
    books = account()
    held = {1: D(0), 2: D(0)}
    for stock, side, quantity, price, commission in trades:
        books.book(stock, side, quantity, price, commission)
        held[stock.con_id] += side.sign * quantity
        holding = books.holding(stock)
        assert holding.quantity == held[stock.con_id]
        assert (holding.cost == 0) or holding.quantity != 0
