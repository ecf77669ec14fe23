from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.account import Position
from apps.domain.orders import Fill, Side
from apps.engine.risk.own_book import OwnBook
from tests.engine.fakes import AAPL, ACCOUNT, CLIENT_ID, OPEN, a_bar

BOUGHT = Fill(
    exec_id="0001.0001.01",
    order_id=101,
    perm_id=1,
    client_id=7,
    account=ACCOUNT,
    con_id=AAPL.con_id,
    symbol="AAPL",
    side=Side.BUY,
    quantity=Decimal(10),
    price=Decimal(190),
    at=OPEN,
    order_ref="BD-20261119-w1-000001",
)


def a_sale(price: str) -> Fill:
    return replace(BOUGHT, exec_id="0001.0002.01", side=Side.SELL, price=Decimal(price))


def test_correction_moves_the_holding_by_what_it_changes_in_whatever_order_they_come() -> None:
    corrected = replace(BOUGHT, exec_id="0001.0001.02", quantity=Decimal(7))
    for told in ((BOUGHT, corrected), (corrected, BOUGHT), (BOUGHT, corrected, BOUGHT)):
        book = OwnBook(CLIENT_ID)
        for fill in told:
            book.on_fill(fill)
        assert book.holding(AAPL.con_id) == book.quantity(AAPL.con_id) == 7


def test_what_another_client_of_this_program_did_is_not_ours() -> None:
    book = OwnBook(CLIENT_ID)
    book.on_fill(replace(BOUGHT, client_id=CLIENT_ID + 1))
    assert (book.holding(AAPL.con_id), book.quantity(AAPL.con_id)) == (Decimal(10), Decimal(0))


@pytest.mark.parametrize("close", [-1.0, 0.0, float("nan"), float("inf")])
def test_bar_without_a_price_leaves_the_mark_as_it_was(close: float) -> None:
    book = OwnBook(CLIENT_ID)
    book.on_fill(BOUGHT)
    book.on_bar(AAPL, a_bar(1, 190.0, 189.0))
    book.on_bar(AAPL, replace(a_bar(2, 190.0, 190.0), close=close))
    assert book.day_pnl() == -10


def test_execution_told_again_with_its_commission_moves_the_holding_once() -> None:
    book = OwnBook(CLIENT_ID)
    book.on_fill(BOUGHT)
    book.on_fill(replace(BOUGHT, commission=Decimal(1)))
    assert book.open_symbols() == {"AAPL"}
    book.on_fill(a_sale("191"))
    assert book.open_symbols() == frozenset()
    assert book.day_pnl() == Decimal(9)
    assert book.version == 2


def test_commission_once_known_is_not_forgotten_by_a_late_repeat() -> None:
    book = OwnBook(CLIENT_ID)
    book.on_fill(replace(BOUGHT, commission=Decimal(1)))
    book.on_fill(BOUGHT)
    book.on_fill(a_sale("190"))
    assert book.day_pnl() == Decimal(-1)


def test_open_position_is_valued_at_the_running_price() -> None:
    book = OwnBook(CLIENT_ID)
    book.on_fill(BOUGHT)
    book.on_bar(AAPL, a_bar(0, 188.0, 188.5))
    assert book.day_pnl() == Decimal(-15)


def test_fills_of_others_move_the_holdings_and_not_our_result() -> None:
    book = OwnBook(CLIENT_ID)
    book.on_fill(replace(BOUGHT, order_ref="by hand"))
    assert book.open_symbols() == {"AAPL"}
    assert (book.quantity(AAPL.con_id), book.day_pnl()) == (Decimal(0), Decimal(0))


def test_what_the_account_says_replaces_what_was_reckoned() -> None:
    book = OwnBook(CLIENT_ID)
    book.on_fill(BOUGHT)
    book.on_positions(())
    assert book.open_symbols() == frozenset()
    held = Position(ACCOUNT, 1, "IBM", "STK", "USD", Decimal(5), Decimal(100))
    book.on_positions((held,))
    assert book.open_symbols() == {"IBM"}
