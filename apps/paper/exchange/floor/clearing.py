"""Clearing: a fill becomes an execution, a charge, and an entry in the account's books.

At home here: the numbers and ids of executions, what has been executed, and what it cost. Which
orders trade, and what a trade does to an order's kin, is the `floor`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.books.ledger import Account
from apps.paper.exchange.fees import NOTHING_TRADED, Charge, FeeTable, Traded
from apps.paper.exchange.floor.combos import LegOffer
from apps.paper.exchange.orders import CommissionReport, Execution, OrderSnapshot
from apps.paper.exchange.record import Trade
from apps.paper.feed.market import Millis
from apps.paper.instruments.listing import Listing

__all__ = ["Cleared", "Clearing"]

_Position = tuple[int, int]
"""permId and contract id: what one order has traded of one contract."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """What a fill came to: its executions with their reports, and all that it cost."""

    trades: tuple[Trade, ...]
    commission: Decimal


class Clearing:
    """The executions of a gateway, oldest first, and their commission reports by exec id.

    ``next_number`` is that of the next execution. The BAG's own execution is never booked: its
    legs are.
    """

    def __init__(self, accounts: Mapping[str, Account], fees: FeeTable) -> None:
        self.executions: list[Execution] = []
        self.reports: dict[str, CommissionReport] = {}
        self.next_number = 1
        self._accounts = accounts
        self._fees = fees
        self._traded: dict[_Position, Traded] = {}
        self._newest: dict[tuple[str, str, str], Execution] = {}

    def fill(
        self, order: OrderSnapshot, quantity: Decimal, price: Decimal, *, removed: bool, at: Millis
    ) -> Cleared:
        """Book a fill of ``order``, which stands as it does after it, its commission apart."""
        wish = order.order
        trade = self._traded_by(
            order, wish.listing, wish.side, quantity, price, removed=removed, at=at
        )
        return Cleared((trade,), trade[1].commission)

    def fill_legs(
        self, order: OrderSnapshot, quantity: Decimal, offers: Iterable[LegOffer], at: Millis
    ) -> Cleared:
        """Book a fill of a BAG by its legs: first the BAG's own execution, then one a leg.

        The BAG's own costs nothing and moves no position.
        """
        trades = [self._whole(order, quantity, at)]
        for offer in offers:
            size = quantity * offer.leg.ratio
            listing = offer.leg.listing
            trades.append(
                self._traded_by(order, listing, offer.side, size, offer.price, removed=True, at=at)
            )
        return Cleared(tuple(trades), sum((report.commission for _, report in trades), Decimal(0)))

    def newest_in(self, account: str, symbol: str, sec_type: str) -> Execution | None:
        """Give the newest execution of a symbol in an account."""
        return self._newest.get((account, symbol, sec_type))

    def restore(self, trades: Iterable[Trade], next_number: int) -> None:
        """Take back what has been traded, and book it again."""
        for execution, report in trades:
            self._count(execution)
            if not execution.is_combo:
                self._book(execution, Charge(report.commission, report.currency))
            self._keep(execution, report)
        self.next_number = next_number

    def _whole(self, order: OrderSnapshot, quantity: Decimal, at: Millis) -> Trade:
        wish, price = order.order, order.last_fill_price or Decimal(0)
        traded = Traded(order.filled, order.traded_value)
        execution = self._execution(
            order, wish.listing, wish.side, quantity, price, traded, removed=True, at=at
        )
        execution = replace(execution, is_combo=True)
        report = CommissionReport(
            execution.exec_id, wish.account, Decimal(0), wish.listing.currency, None
        )
        return self._keep(execution, report)

    def _traded_by(
        self,
        order: OrderSnapshot,
        listing: Listing,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        *,
        removed: bool,
        at: Millis,
    ) -> Trade:
        before = self._traded.get((order.perm_id, listing.con_id), NOTHING_TRADED)
        after = Traded(before.quantity + quantity, before.value + quantity * price)
        self._traded[order.perm_id, listing.con_id] = after
        charge = self._fees.charge(
            listing,
            side,
            before=_in_money(before, listing),
            after=_in_money(after, listing),
            at=at,
            worth=self._accounts[order.order.account].rate,
        )
        execution = self._execution(
            order, listing, side, quantity, price, after, removed=removed, at=at
        )
        return self._booked(execution, charge)

    def _execution(
        self,
        order: OrderSnapshot,
        listing: Listing,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        traded: Traded,
        *,
        removed: bool,
        at: Millis,
    ) -> Execution:
        number, self.next_number = self.next_number, self.next_number + 1
        return Execution(
            exec_id=f"0000e0d5.{order.perm_id:08x}.{number:08x}.01",
            client_id=order.order.client_id,
            order_id=order.order.order_id,
            perm_id=order.perm_id,
            account=order.order.account,
            listing=listing,
            side=side,
            quantity=quantity,
            price=price,
            at=at,
            cumulative_quantity=traded.quantity,
            avg_price=traded.value / traded.quantity,
            order_ref=order.order.order_ref,
            removed_liquidity=removed,
        )

    def _booked(self, execution: Execution, charge: Charge) -> Trade:
        report = CommissionReport(
            exec_id=execution.exec_id,
            account=execution.account,
            commission=charge.amount,
            currency=charge.currency,
            realized_pnl=self._book(execution, charge),
        )
        return self._keep(execution, report)

    def _book(self, execution: Execution, charge: Charge) -> Decimal | None:
        return self._accounts[execution.account].book(
            execution.listing,
            execution.side,
            execution.quantity,
            execution.price,
            charge.amount,
            commission_currency=charge.currency,
        )

    def _count(self, execution: Execution) -> None:
        if not execution.is_combo:
            key = (execution.perm_id, execution.listing.con_id)
            quantity = execution.cumulative_quantity
            before = self._traded.get(key, NOTHING_TRADED)
            value = before.value + execution.quantity * execution.price
            self._traded[key] = Traded(quantity, value)

    def _keep(self, execution: Execution, report: CommissionReport) -> Trade:
        listing = execution.listing
        self.executions.append(execution)
        self.reports[execution.exec_id] = report
        self._newest[execution.account, listing.symbol, listing.sec_type] = execution
        return execution, report


def _in_money(traded: Traded, listing: Listing) -> Traded:
    return Traded(traded.quantity, traded.value * listing.multiplier)
