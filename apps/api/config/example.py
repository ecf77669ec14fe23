"""The text of `.env.example`, made of the table."""

from __future__ import annotations

from apps.api.config.table import SETTINGS

__all__ = ["example"]

_HEAD = """\
# Copy to .env and change what you need. The command line and the environment come first, then
# this file, then config.toml in the desk's home (same names; [paper] and [live] there hold what
# is for that trading mode only), then the defaults, as they stand here."""


def example() -> str:
    """Give the text of `.env.example`: every setting with its meaning and default."""
    blocks = [_HEAD]
    blocks.extend(
        f"# {setting.meaning}\n# May hold {setting.may_hold}.\n{setting.name}={setting.default}"
        for setting in SETTINGS
    )
    return "\n\n".join(blocks) + "\n"
