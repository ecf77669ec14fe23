"""What the gateway lets a client do at most: IB's rules as numbers, each of which can be changed.

Values only. Who counts is not at home here: messages at the socket, lines and history requests in
the session, orders at the exchange.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["IB_LIMITS", "NO_LIMITS", "Limits", "PacingClock", "RateBreach"]


class PacingClock(Enum):
    """By which time requests for market data and history are counted."""

    MARKET = "market"
    WALL = "wall"


class RateBreach(Enum):
    """What happens to a client that sends more messages a second than it may."""

    REJECT = "reject"
    """Error 100; the third time the session ends."""
    PACE = "pace"
    """Its messages are read more slowly."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The gateway's limits; None is no limit.

    ``messages_per_second`` always counts seconds of this machine; the windows of requests for
    data count by ``pacing_clock``. Windows: ``real_time_bars`` new subscriptions and
    ``historical_requests`` of bars of 30 s and less in 600 s (BID_ASK counts twice),
    ``same_contract_requests`` of the same contract, exchange and tick type in 2 s, and no
    identical request within ``identical_request_s`` seconds. ``tick_by_tick_interval_s`` is the
    time between two tick-by-tick requests for one instrument.
    """

    clients: int = 32
    messages_per_second: int | None = 50
    rate_breach: RateBreach = RateBreach.REJECT
    pacing_clock: PacingClock = PacingClock.MARKET
    market_data_lines: int | None = 100
    depth_requests: int | None = 3
    tick_by_tick_requests: int | None = 5
    tick_by_tick_interval_s: int | None = 15
    real_time_bars: int | None = 60
    historical_requests: int | None = 60
    same_contract_requests: int | None = 6
    identical_request_s: int | None = 15
    open_historical_requests: int | None = 50
    scanner_subscriptions: int | None = 10
    account_summaries: int | None = 2
    working_orders_per_side: int | None = 15
    what_ifs_per_minute: int | None = None
    unread_bytes: int = 64 * 1024 * 1024
    """What may wait for a client that does not read; then it is cut off, as IB does."""


IB_LIMITS = Limits()
"""As IB has them; its what-if rate is advice, and not enforced unless it is set."""

NO_LIMITS = Limits(
    clients=10_000,
    messages_per_second=None,
    market_data_lines=None,
    depth_requests=None,
    tick_by_tick_requests=None,
    tick_by_tick_interval_s=None,
    real_time_bars=None,
    historical_requests=None,
    same_contract_requests=None,
    identical_request_s=None,
    open_historical_requests=None,
    scanner_subscriptions=None,
    account_summaries=None,
    working_orders_per_side=None,
    what_ifs_per_minute=None,
)
"""For load tests: nothing is held back."""
