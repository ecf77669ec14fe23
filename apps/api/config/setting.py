"""One row of the table of settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Setting"]

_HIDDEN = "(set, not shown)"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: ``parse`` raises ValueError for what ``may_hold`` does not allow.

    What a ``secret`` holds may be a password, so it is told nowhere.
    """

    name: str
    default: str
    parse: Callable[[str], object]
    meaning: str
    may_hold: str
    secret: bool = False

    @property
    def field(self) -> str:
        """Name of the attribute of `Settings`."""
        return self.name.lower()

    @property
    def option(self) -> str:
        """Name on the command line."""
        return "--" + self.field.replace("_", "-")

    def shown(self, text: str) -> str:
        """Give ``text`` as it may be shown, logged and kept."""
        return _HIDDEN if self.secret and text else text
