"""The first words of a session and the last ones."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from apps.api.config import Settings
from apps.api.replies import Orders, Positions
from apps.api.views import tables
from apps.api.views.halts import halted
from apps.domain.trading_state import ACTIVE, Trading
from apps.engine.desk import ShutdownReport

__all__ = ["banner", "farewell"]


def banner(
    account: str, settings: Settings, *, is_kept: bool = True, trading: Trading = ACTIVE
) -> Text:
    """Say which account this is, in which mode, and whether anything of it is real.

    ``is_kept`` tells that a simulated account goes on from one session to the next. Trading that
    is not active is a line of its own.
    """
    words = _account_words(account, settings, is_kept=is_kept)
    return words if trading.is_active else words.append("\n").append_text(halted(trading))


def _account_words(account: str, settings: Settings, *, is_kept: bool) -> Text:
    if settings.live:
        words = Text(f"LIVE account {account}, read-only: every order is refused.", "bold red")
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
    if report.working_orders:
        parts.append(Text(_orders_stay(settings)))
        parts.append(tables.orders(Orders(report.working_orders)))
    if report.unprotected:
        parts.append(Text("These positions have NO working stop:", style="bold red"))
        parts.append(tables.positions(Positions(report.unprotected)))
    parts.extend(Text(problem, style="yellow") for problem in report.problems)
    return Group(*parts)


def _orders_stay(settings: Settings) -> str:
    if settings.embedded:
        return "These orders go on working when the embedded gateway is started again:"
    return "These orders stay working at the broker:"
