"""The table of settings, by topic, in the order in which they are listed."""

from __future__ import annotations

from collections.abc import Mapping

from apps.api.config.setting import Setting
from apps.api.config.table import broker, http, limits, program, trading

__all__ = ["SETTINGS", "SETTINGS_BY_NAME"]

SETTINGS: tuple[Setting, ...] = (
    *broker.SETTINGS,
    *trading.SETTINGS,
    *limits.SETTINGS,
    *http.SETTINGS,
    *program.SETTINGS,
)

SETTINGS_BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}
