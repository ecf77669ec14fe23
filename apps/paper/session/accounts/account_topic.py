"""What the topics about accounts share: whose they are, and when something is told again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from apps.paper.books.ledger import Account
from apps.paper.exchange.events import CommissionReported, Event, Executed
from apps.paper.exchange.orders import CommissionReport, Execution
from apps.paper.feed.market import Millis
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.topic import Topic
from apps.paper.timetable import RANK_REPORTS
from apps.paper.world import World

__all__ = ["ACCOUNT_REFRESH_MS", "AccountTopic", "Refresh", "money", "price"]

ACCOUNT_REFRESH_MS = 180_000
"""IB refreshes account values every three minutes, or when a position changes."""

_CENT = Decimal("0.01")
_PRICE_STEP = Decimal("1.000000")


class Refresh:
    """Tells something again and again, every ``every`` milliseconds of market time."""

    rank = RANK_REPORTS

    def __init__(self, tell: Callable[[], None], every: Millis) -> None:
        self.tell = tell
        self._every = every

    def run(self, at: Millis) -> Millis | None:
        """Tell, and say when to tell again."""
        self.tell()
        return at + self._every


class AccountTopic(Topic):
    """Base of the topics about accounts: they hear of each trade once it is in the books."""

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._unbooked: dict[str, Execution] = {}

    def tell(self, event: Event) -> None:
        """Hear of a trade; with its fee it is booked."""
        match event:
            case Executed(_, execution):
                self._unbooked[execution.exec_id] = execution
            case CommissionReported(_, report):
                execution = self._unbooked.pop(report.exec_id)
                self.booked(self.world.accounts[execution.account], execution, report)

    def booked(self, account: Account, execution: Execution, report: CommissionReport) -> None:
        """Hear of a trade that is in the books of ``account``."""

    def account(self, req_id: int, name: str) -> Account:
        """Give the account of that name, or the only one there is; 321 where there is none."""
        accounts = self.world.accounts
        if not name and len(accounts) == 1:
            return next(iter(accounts.values()))
        if name not in accounts:
            text = f"Error validating request.-'Invalid account code {name}'"
            raise RequestRefused(req_id, 321, text)
        return accounts[name]

    def every(self, req_id: int, tell: Callable[[], None], every: Millis) -> None:
        """Tell something now, and again every so often until ``req_id`` is cancelled."""
        self.start(req_id, Refresh(tell, every), self.world.now + every)
        tell()


def money(value: Decimal) -> Decimal:
    """Give an amount in cents."""
    return value.quantize(_CENT)


def price(value: Decimal) -> Decimal:
    """Give a price or an average cost as IB writes it."""
    return value.quantize(_PRICE_STEP).normalize()
