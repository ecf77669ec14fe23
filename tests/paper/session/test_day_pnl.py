"""What an account has made today, and what belongs to yesterday."""

from __future__ import annotations

from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.books.ledger import Account
from apps.paper.exchange.orders import CommissionReport, Execution
from apps.paper.instruments.listing import Listing
from apps.paper.session.accounts.day_pnl import DayPnl, DayTrades
from tests.paper.exchange.bench import listing, new_york

MORNING = new_york("2026-11-19 10:00")
YESTERDAY = new_york("2026-11-18 10:00")
STOCK = listing()


class Books:
    """An account whose trades are counted as they are booked."""

    def __init__(self) -> None:
        self.account = Account("DU1", Decimal(100_000))
        self.day = DayTrades(self.account, MORNING)
        self._number = 0

    def trade(self, side: str, quantity: int, price: str, at: int = MORNING) -> None:
        self._number += 1
        fee = Decimal(1)
        realized = self.account.book(STOCK, Side(side), Decimal(quantity), Decimal(price), fee)
        execution = Execution(
            exec_id=str(self._number),
            client_id=1,
            order_id=1,
            perm_id=1,
            account="DU1",
            listing=STOCK,
            side=Side(side),
            quantity=Decimal(quantity),
            price=Decimal(price),
            at=at,
            cumulative_quantity=Decimal(quantity),
            avg_price=Decimal(price),
            order_ref="",
            removed_liquidity=True,
        )
        self.day.note(execution, CommissionReport(str(self._number), "DU1", fee, "USD", realized))

    def at(self, price: str, previous_close: str = "100") -> DayPnl:
        def mark(_: Listing) -> Decimal:
            return Decimal(price)

        def close(_: Listing) -> Decimal:
            return Decimal(previous_close)

        return self.day.of_account(mark, close, lambda _: Decimal(1))


def test_what_was_opened_today_counts_from_its_cost_with_fees() -> None:
    books = Books()
    books.trade("BUY", 10, "101")
    assert books.at("103") == DayPnl(Decimal(19), Decimal(19), Decimal(0))


def test_what_was_held_overnight_counts_from_the_previous_close() -> None:
    books = Books()
    books.trade("BUY", 10, "90", at=YESTERDAY)
    made = books.at("103", previous_close="100")
    assert (made.daily, made.unrealized) == (Decimal(30), Decimal(129))


def test_a_close_of_what_was_held_overnight_makes_todays_difference() -> None:
    books = Books()
    books.trade("BUY", 10, "90", at=YESTERDAY)
    books.trade("SELL", 10, "104")
    made = books.at("500", previous_close="100")
    assert made.daily == Decimal(39)  # 4 a share, less the fee
    assert made.realized == Decimal(138)  # 14 a share, less both fees


def test_a_day_trade_stays_in_the_days_figures_when_it_is_flat() -> None:
    books = Books()
    books.trade("SELL", 10, "105")
    books.trade("BUY", 10, "103")
    assert books.at("99") == DayPnl(Decimal(18), Decimal(0), Decimal(18))


def test_midnight_begins_a_new_day() -> None:
    books = Books()
    books.trade("BUY", 10, "101")
    books.day.begin(new_york("2026-11-20 00:00"))
    made = books.at("103", previous_close="102")
    assert (made.daily, made.realized) == (Decimal(10), Decimal(0))


def test_a_day_does_not_begin_before_midnight() -> None:
    books = Books()
    books.trade("BUY", 10, "101")
    books.day.begin(new_york("2026-11-19 23:59"))
    assert books.at("103").daily == Decimal(19)
