"""The vendor of market data behind a gateway: what it hands out, how often, to whom, how exactly.

One a gateway, shared by all its clients as IB's is by all sessions of a user. Pure counters and
policies; the policies may be exchanged while it runs. Who asks is not at home here (the topics of
`apps.paper.session`).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum

from apps.paper.feed.thinned import HistoryPolicy
from apps.paper.limits import IB_LIMITS, Limits
from apps.paper.vendor.lines import Lines
from apps.paper.vendor.pacing import Pacing
from apps.paper.vendor.permissions import ALL_PERMITTED, Permissions

__all__ = ["DEFAULT_VENDOR", "ClosedQuotes", "StepRule", "Vendor", "VendorPolicy"]


class ClosedQuotes(Enum):
    """What live market data shows of bid and ask while a market is closed."""

    LAST_KNOWN = "last-known"
    """Those of the last close, as frozen data shows them: a quote is always there."""
    NONE = "none"
    """−1 with size 0, IB's way to say that there is none; frozen data still shows the last."""


class StepRule(Enum):
    """Which bar sizes a duration may be asked for in."""

    SMALLEST = "smallest"
    """None smaller than IB's table has for the unit. Larger ones are answered, as IB answers the
    much used ``1 M`` of ``1 day``, which its own table does not have."""
    AS_PRINTED = "as-printed"
    """None outside the table."""


@dataclass(frozen=True, slots=True)
class VendorPolicy:
    """What a vendor does where IB leaves it open, or where a user's subscriptions decide."""

    permissions: Permissions = ALL_PERMITTED
    history: HistoryPolicy = HistoryPolicy.EXACT
    closed_quotes: ClosedQuotes = ClosedQuotes.LAST_KNOWN
    steps: StepRule = StepRule.SMALLEST


DEFAULT_VENDOR = VendorPolicy()
"""All subscriptions, exact history, and a quote that is always there."""


class Vendor:
    """Counters by ``limits``, and the policies, each of which may be exchanged by itself."""

    def __init__(self, limits: Limits = IB_LIMITS, policy: VendorPolicy = DEFAULT_VENDOR) -> None:
        self.limits = limits
        self.lines = Lines(limits.market_data_lines)
        self.depth = Lines(limits.depth_requests)
        self.tick_by_tick = Lines(limits.tick_by_tick_requests)
        self.open_history = Lines(limits.open_historical_requests)
        self.pacing = Pacing(limits)
        self.permissions = policy.permissions
        self.history_policy = policy.history
        self.closed_quotes = policy.closed_quotes
        self.step_rule = policy.steps

    def let_go(self, holder: Hashable) -> None:
        """Take back every line that ``holder`` has."""
        for lines in (self.lines, self.depth, self.tick_by_tick, self.open_history):
            lines.let_go(holder)
