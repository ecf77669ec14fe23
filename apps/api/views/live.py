"""What is shown before a live account is opened: real money, in words and in red.

It has to be read as a whole before the number is typed, so it fits on a small screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from decimal import Decimal

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from apps.api.replies import LiveOpening
from apps.api.views import formats
from apps.api.views.halts import halted
from apps.domain.account import AccountSummary
from apps.domain.errors import WatcherRefused
from apps.domain.numerals import plain, priced
from apps.domain.records import WatcherSeen
from apps.domain.risk_limits import RiskLimits
from apps.domain.watching.text import terms_of

__all__ = ["opening"]

_UNITS = {"NOTIONAL": " USD", "EXPOSURE": " USD", "LOSS": " USD", "PCT": " %", "S": " s"}
"""By the last word of a limit's name."""


def opening(value: LiveOpening) -> RenderableType:
    """Show the account, its balances, what holds there, and what goes on by itself."""
    title = f"LIVE: real money, account {value.account} at {value.endpoint}"
    parts: list[RenderableType] = [Text(title, "bold red"), _balances(value.summary)]
    parts += [_limits(value.limits), *_keeping(value)]
    if not value.trading.is_active:
        parts.append(halted(value.trading))
    if value.watchers:
        parts.append(_watchers(value.watchers))
    return Group(*parts)


def _pairs(cells: Sequence[tuple[str, str]]) -> Table:
    """Set names and values beside each other, two of them a line."""
    made = Table(box=box.SIMPLE, show_header=False, show_edge=False, pad_edge=False)
    for _ in range(2):
        made.add_column(no_wrap=True)
        made.add_column(justify="right", no_wrap=True)
    half = (len(cells) + 1) // 2
    for row, left in enumerate(cells[:half]):
        made.add_row(*left, *(cells[half + row] if half + row < len(cells) else ("", "")))
    return made


def _balances(summary: AccountSummary) -> Table:
    amounts = (
        ("Net liquidation", summary.net_liquidation),
        ("Cash", summary.cash),
        ("Buying power", summary.buying_power),
        ("Available funds", summary.available_funds),
    )
    return _pairs([(name, f"{formats.money(each)} {summary.currency}") for name, each in amounts])


def _limits(limits: RiskLimits) -> Table:
    names = [(each.name.upper(), getattr(limits, each.name)) for each in fields(limits)]
    return _pairs([(name, _words(name, limit)) for name, limit in names])


def _words(name: str, limit: object) -> str:
    if limit is None:
        return "none"
    if isinstance(limit, bool):
        return "on" if limit else "off"
    amount = limit if isinstance(limit, Decimal) else Decimal(str(limit))
    return formats.quantity(amount) + _UNITS.get(name.rpartition("_")[2], "")


def _keeping(value: LiveOpening) -> Iterator[Text]:
    if not value.guard_is_on:
        yield Text("GUARD is off: a stop that is lost is not replaced.", "bold red")
    if value.session_end:
        yield Text(value.session_end)


def _watchers(watchers: Sequence[WatcherSeen]) -> Text:
    named = "; ".join(_watcher(each) for each in watchers)
    noun = "This watcher comes" if len(watchers) == 1 else f"These {len(watchers)} watchers come"
    return Text(f"{noun} back, and may enter: {named}. --fresh begins without.", "bold")


def _watcher(seen: WatcherSeen) -> str:
    try:
        terms = terms_of(seen.terms, seen.watcher_id)
    except WatcherRefused:
        return f"{seen.watcher_id} {seen.symbol}, which cannot be read"
    what = f"{terms.rule.direction.value} {plain(terms.quantity)} at {priced(terms.rule.level)}"
    return f"{seen.watcher_id} {seen.symbol} {what}, {seen.phase}"
