"""How a gateway stands, in a sentence or two."""

from __future__ import annotations

from rich.text import Text

from apps.api.gateway.launch import GatewayUp

__all__ = ["gateway"]


def gateway(value: GatewayUp) -> Text:
    """Say how it stands, and what was done for it."""
    words = Text(f"{value.host}:{value.port}: ")
    words.append(f"{value.found.words}.", style="green" if value.is_up else "bold red")
    if value.is_up:
        words.append(f" Server version {value.server_version}")
        words.append(f", {_accounts(value.accounts)}." if value.accounts else ".")
    elif value.detail:
        words.append(f" ({value.detail})")
    if value.process is not None:
        words.append(f" Process {value.process} took {value.waited_s:.0f} s to be ready.")
    elif value.is_up and not value.waited_s:
        words.append(" Nothing was started.")
    return words


def _accounts(names: tuple[str, ...]) -> str:
    return f"account {names[0]}" if len(names) == 1 else f"accounts {', '.join(names)}"
