"""From the text of a setting to its value, or to the sentence that says what is wrong with it."""

from __future__ import annotations

from decimal import InvalidOperation

from apps.api.config.setting import Setting
from apps.domain.errors import BadSetting

__all__ = ["parsed"]


def parsed(setting: Setting, text: str, source: str) -> object:
    """Give the value. Raises BadSetting with the name, what it held and what it may hold."""
    try:
        return setting.parse(text.strip())
    except (ValueError, InvalidOperation):
        held = setting.shown(text) if setting.secret else repr(text)
        raise BadSetting(
            f"{setting.name} is {held} (from {source}); it may hold {setting.may_hold}."
        ) from None
