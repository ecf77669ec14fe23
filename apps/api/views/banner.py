"""The first words of a session and the last ones."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from apps.api.config import Settings
from apps.api.replies import Orders, Positions
from apps.api.views import tables
from apps.api.views.halts import halted
from apps.domain.market_data_type import MarketDataType
from apps.domain.trading_state import ACTIVE, Trading
from apps.engine.desk import ShutdownReport
from apps.engine.watching.views import WatcherView

__all__ = ["banner", "farewell", "watchers_back", "watchers_forgotten", "watchers_rest"]


_OFF = (
    "TRADING_ENABLED is off: nothing is sent, changed or cancelled, and no stop that is lost is "
    "replaced."
)

_NOT_SUBSCRIBED = "where live data is not subscribed to, prices are 10 to 15 minutes old"
_MARKET_DATA = {
    MarketDataType.FROZEN: "quotes of a closed market are of its close, and open nothing.",
    MarketDataType.DELAYED: f"{_NOT_SUBSCRIBED}, open nothing, and watchers get no bars.",
    MarketDataType.DELAYED_FROZEN: f"{_NOT_SUBSCRIBED} or of the close, open nothing, and watchers "
    "get no bars.",
}


def banner(
    account: str,
    settings: Settings,
    *,
    is_kept: bool = True,
    trading: Trading = ACTIVE,
    is_read_only: bool = False,
) -> Text:
    """Say which account this is, in which mode, and whether anything of it is real.

    ``is_kept`` tells that a simulated account goes on from one session to the next. Trading that is
    off or not active, a guard that is off, and data that is not live have a line of their own.
    """
    words = _account_words(account, settings, is_kept=is_kept, is_read_only=is_read_only)
    if not settings.trading_enabled:
        words.append(f"\n{_OFF}", style="bold red")
    if (kind := settings.market_data_type) is not MarketDataType.LIVE:
        words.append(f"\nMarket data is {kind.value}: {_MARKET_DATA[kind]}", style="bold yellow")
    if settings.trading_enabled and not settings.guard:
        words.append("\nThe guard is OFF: a stop that is lost is not replaced.", style="bold red")
    return words if trading.is_active else words.append("\n").append_text(halted(trading))


def _account_words(account: str, settings: Settings, *, is_kept: bool, is_read_only: bool) -> Text:
    if settings.live:
        what = "read-only: every order is refused" if is_read_only else "REAL MONEY"
        words = Text(f"LIVE account {account}, {what}.", "bold red")
    else:
        words = Text(f"PAPER account {account}.", "bold green")
    if settings.embedded:
        return words.append(
            " Prices are simulated by the embedded gateway "
            f"(seed {settings.paper_seed}, speed {settings.paper_speed:g})"
            + ("; its account is kept until `paper reset`." if is_kept else "."),
            style="yellow",
        )
    return words.append(f" Connected to {settings.ib_host}:{settings.ib_port}.", style="default")


def farewell(report: ShutdownReport, settings: Settings) -> RenderableType:
    """Say what was stopped and what is left behind at the broker."""
    parts: list[RenderableType] = []
    if report.watchers_stopped:
        parts.append(Text(f"Watchers stopped: {', '.join(report.watchers_stopped)}."))
    if report.watchers_kept:
        parts.append(Text(_watchers_stay(report.watchers_kept)))
    if report.working_orders:
        parts.append(Text(_orders_stay(settings)))
        parts.append(tables.orders(Orders(report.working_orders)))
    if report.unprotected:
        parts.append(Text("These positions have NO working stop:", style="bold red"))
        parts.append(tables.positions(Positions(report.unprotected)))
    parts.extend(Text(problem, style="yellow") for problem in report.problems)
    return Group(*parts)


def _watchers_stay(ids: tuple[str, ...]) -> str:
    named = f"{ids[0]} comes" if len(ids) == 1 else f"{', '.join(ids)} come"
    noun = "Watcher" if len(ids) == 1 else "Watchers"
    return f"{noun} {named} back at the next start; --fresh starts without."


def watchers_back(rows: Sequence[WatcherView]) -> Text:
    """Say which watchers an earlier session left, each with its symbol."""
    named = ", ".join(f"{row.id} {row.symbol}" for row in rows)
    words = "1 watcher is back" if len(rows) == 1 else f"{len(rows)} watchers are back"
    return Text(f"{words}: {named}.")


def watchers_rest(ids: Sequence[str]) -> Text:
    """Say which watchers of an earlier session are not woken while nothing may be sent."""
    noun = "watcher" if len(ids) == 1 else "watchers"
    return Text(f"Not woken while TRADING_ENABLED is off: {noun} {', '.join(ids)}.")


def watchers_forgotten(ids: Sequence[str]) -> Text:
    """Say which watchers of an earlier session this one begins without."""
    return Text(f"Begun without the watchers of the last session: {', '.join(ids)}.")


def _orders_stay(settings: Settings) -> str:
    if settings.embedded:
        return "These orders go on working when the embedded gateway is started again:"
    return "These orders stay working at the broker:"
