"""The settings: one table, of which validation, `.env.example` and the options are made.

`table` has a module for each topic; `loading` says which of several layers goes before which, and
`toml_file` what may stand where in `config.toml`. Nothing here knows what a setting does.
"""

from __future__ import annotations

from apps.api.config.example import example
from apps.api.config.loading import default_settings, load_settings
from apps.api.config.setting import Setting
from apps.api.config.settings import Settings
from apps.api.config.table import SETTINGS, SETTINGS_BY_NAME

__all__ = [
    "SETTINGS",
    "SETTINGS_BY_NAME",
    "Setting",
    "Settings",
    "default_settings",
    "example",
    "load_settings",
]
