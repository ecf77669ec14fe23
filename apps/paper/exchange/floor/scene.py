"""What the market and the accounts look like at one moment, as conditions are judged by it.

Reads only. Which conditions there are, and how they join, stands in `condition_watch`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from apps.paper.books.ledger import Account
from apps.paper.exchange.conditions import ExecutionCondition
from apps.paper.exchange.floor.clearing import Clearing
from apps.paper.exchange.floor.triggers import Direction, PriceWatch, method_for
from apps.paper.exchange.hours import HoursCache
from apps.paper.feed.market import BarSource, MarketBar, Millis, Print, Touch
from apps.paper.instruments.listing import Listing

__all__ = ["MarketScene", "Quotes"]

_MINUTE_S = 60
_MINUTE_MS = 60_000


class Quotes(Protocol):
    """What the exchange reads of the market by itself (a `Market` will do).

    All but the first two are read for the conditions of orders alone.
    """

    def touch(self, listing: Listing, at: Millis) -> Touch:
        """Give bid and ask at ``at``."""

    def last(self, listing: Listing, at: Millis) -> Print:
        """Give the newest print at or before ``at``."""

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        """Give the close of the last regular session that ended before the one of ``at``."""

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        """Give the prints in ``(after, until]``, oldest first."""

    def bars(
        self,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,
    ) -> Sequence[MarketBar]:
        """Give the bars that start in ``[start, end)``, oldest first."""


class MarketScene:
    """The moment of a floor. ``watch`` gives what was seen of a listing's prices."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        *,
        now: Callable[[], Millis],
        quotes: Quotes,
        hours: HoursCache,
        clearing: Clearing,
        watch: Callable[[Listing], PriceWatch],
    ) -> None:
        self._accounts = accounts
        self._now = now
        self._quotes = quotes
        self._hours = hours
        self._clearing = clearing
        self._watch = watch
        self._volumes: dict[int, tuple[Millis, Millis, int]] = {}

    @property
    def now(self) -> Millis:
        """Market time."""
        return self._now()

    def reached(self, listing: Listing, method: int, direction: Direction) -> Decimal | None:
        """Give how far a listing's price has gone: in this session, or between two, ever."""
        window = self._hours.window(listing, self.now, extended=True)
        since = window.start if window.is_open else 0
        return self._watch(listing).price(method_for(listing, method), direction, since)

    def volume(self, listing: Listing) -> int:
        """Give what was traded in the session so far: whole minutes as bars, the rest as prints."""
        window = self._hours.window(listing, self.now, extended=True)
        if not window.is_open:
            return 0
        begun, counted, volume = self._volumes.get(listing.con_id, (0, 0, 0))
        if begun != window.start:
            counted, volume = window.start, 0
        minute = self.now - self.now % _MINUTE_MS
        if minute > counted:
            bars = self._quotes.bars(
                listing, BarSource.TRADES, _MINUTE_S, counted, minute, regular_only=False
            )
            counted, volume = minute, volume + sum(bar.volume for bar in bars)
            self._volumes[listing.con_id] = (window.start, counted, volume)
        newest = self._quotes.prints(listing, counted - 1, self.now)
        return volume + sum(trade.size for trade in newest)

    def change_percent(self, listing: Listing) -> Decimal:
        """Give the change of the last price since the previous close, in percent."""
        close = self._quotes.previous_close(listing, self.now)
        return (self._price(listing) - close) / close * 100

    def cushion_percent(self, account: str) -> Decimal:
        """Give excess liquidity as a share of net liquidation; 0 for an account worth nothing."""
        balances = self._accounts[account].balances(self._price)
        if balances.net_liquidation <= 0:
            return Decimal(0)
        return balances.excess_liquidity / balances.net_liquidation * 100

    def has_executed(
        self, account: str, wanted: ExecutionCondition, since: Millis, perm_id: int
    ) -> bool:
        """Tell whether a symbol has traded in an account after an order came at ``since``.

        On which exchange is the broker's choice, and is not looked at. At the very moment
        ``since`` it counts when the order that traded was the younger one.
        """
        newest = self._clearing.newest_in(account, wanted.symbol, wanted.sec_type)
        return newest is not None and (newest.at, newest.perm_id) > (since, perm_id)

    def _price(self, listing: Listing) -> Decimal:
        return self._quotes.last(listing, self.now).price
