"""Whether the desk is served over HTTP, in a line or two."""

from __future__ import annotations

from rich.text import Text

from apps.api.replies import HttpReport

__all__ = ["served"]


def served(value: HttpReport) -> Text:
    """Say where, with which token, and what is allowed there."""
    if not value.address:
        return Text("The desk is not served over HTTP; `http start` serves it.")
    words = Text("The desk is served on ").append(value.address, style="bold")
    words.append(f".\nThe token is in {value.token}.")
    words.append("\nCalls may trade." if value.trading == "yes" else "\nCalls may not trade.")
    if value.listeners:
        words.append(f"\n{value.listeners} listening to events.")
    return words
