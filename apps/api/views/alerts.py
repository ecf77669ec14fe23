"""One line per alert: time, what kind, what it is about, what happened."""

from __future__ import annotations

from rich.text import Text

from apps.api.views.formats import moment
from apps.engine.alerts import Alert, AlertKind

__all__ = ["alert_line"]

_STYLES: dict[AlertKind, str] = {
    AlertKind.INFO: "dim",
    AlertKind.TRIGGER: "bold yellow",
    AlertKind.FALSE_BREAK: "yellow",
    AlertKind.ORDER: "blue",
    AlertKind.FILL: "bold blue",
    AlertKind.CLOSED: "bold",
    AlertKind.WARNING: "bold yellow",
    AlertKind.LINK: "yellow",
    AlertKind.ERROR: "bold red",
}


def alert_line(alert: Alert) -> Text:
    """Give the line; its time is the market's, in UTC."""
    line = Text(moment(alert.at) if alert.at else "--:--:--", style="dim")
    line.append(f" {alert.kind.value.upper():<11} ", style=_STYLES[alert.kind])
    symbol = alert.symbol if alert.symbol not in alert.text else ""
    about = " ".join(word for word in (alert.watcher_id, symbol) if word)
    if about:
        line.append(f"{about} ", style="bold")
    return line.append(alert.text)
