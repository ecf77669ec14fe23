"""What is shown before a live account is opened: real money, in words and in red."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from apps.api.replies import LiveOpening
from apps.api.views import market
from apps.domain.numerals import plain
from apps.domain.risk_limits import RiskLimits

__all__ = ["opening"]


def opening(value: LiveOpening) -> RenderableType:
    """Show the account, its balances, the limits that hold, and where it is."""
    title = f"LIVE: real money, account {value.account} at {value.endpoint}"
    return Group(Text(title, "bold red"), market.account(value.summary), _limits(value.limits))


def _limits(limits: RiskLimits) -> Table:
    made = Table(box=box.SIMPLE, show_header=False, show_edge=False, pad_edge=False)
    made.add_column()
    made.add_column(justify="right", no_wrap=True)
    for field in fields(limits):
        made.add_row(field.name.upper(), _words(getattr(limits, field.name)))
    return made


def _words(limit: object) -> str:
    if limit is None:
        return "none"
    if isinstance(limit, bool):
        return "on" if limit else "off"
    return plain(limit) if isinstance(limit, Decimal) else f"{limit:g}"
