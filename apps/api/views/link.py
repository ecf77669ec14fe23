"""The link to the broker, in a few lines: its state, what that allows, its last loss."""

from __future__ import annotations

from rich.text import Text

from apps.api.replies import LinkReport

__all__ = ["report"]


def report(value: LinkReport) -> Text:
    """Say how the link stands."""
    style = "green" if value.takes_openings else "yellow" if value.takes_orders else "bold red"
    words = Text("The link to the broker is ").append(value.state, style=style)
    words.append(f": {value.reason.rstrip('.')}." if value.reason else ".")
    if value.farms_down:
        words.append(f"\nDown: {', '.join(value.farms_down)}.")
    words.append(f"\n{_allowed(value)}")
    words.append(f"\n{_losses(value)}")
    if value.restart_until is not None:
        words.append(
            f"\nThe broker's nightly restart is expected until {value.restart_until:%H:%M} UTC."
        )
    if value.bar_age_s is not None:
        words.append(f"\nThe newest bar came {value.bar_age_s:.0f} s ago.")
    if value.stalls:
        times = "once" if value.stalls == 1 else f"{value.stalls} times"
        late = f"The desk itself was held up {times}, at worst for {value.worst_stall}."
        words.append(f"\n{late}", style="yellow")
    return words


def _allowed(value: LinkReport) -> str:
    if value.takes_openings:
        return "Orders are sent."
    if value.takes_orders:
        return "Orders that protect or reduce are sent, those that open are not."
    return "No order is sent until it is ready again."


def _losses(value: LinkReport) -> str:
    if value.cause is None:
        return "It was not lost in this session."
    times = "once" if value.epoch == 1 else f"{value.epoch} times"
    last = f"It was lost {times} in this session; the last time: {value.cause.value}"
    return f"{last} (lost: {', '.join(value.lost)})."
