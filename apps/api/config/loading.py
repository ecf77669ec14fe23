"""The settings in force, from the layers in which they may stand.

A value comes from the first of: command line, environment, `.env`, `config.toml` in the desk's
home (the table of the trading mode, then what is common to both), default. Everything is text until
its row's parser has made a value of it, so a bad one is told in the same words wherever it stood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.api.config.setting import Setting
from apps.api.config.settings import DEFAULT_SOURCE, Settings
from apps.api.config.table import SETTINGS, SETTINGS_BY_NAME
from apps.api.config.toml_file import Layer, TomlFile
from apps.api.config.values import parsed
from apps.api.state import state_root
from apps.domain.errors import BadSetting

__all__ = ["default_settings", "load_settings"]

TOML_NAME = "config.toml"
ENV_NAME = ".env"


def load_settings(
    command_line: Mapping[str, str],
    environment: Mapping[str, str],
    *,
    working_folder: Path,
    project_root: Path | None = None,
) -> Settings:
    """Give the settings in force. Raises BadSetting with one clear sentence.

    ``.env`` is read from the working folder, or else from ``project_root``.
    """
    outer = [
        Layer("the command line", command_line),
        Layer("the environment", environment),
        *_env_file(working_folder, project_root),
    ]
    home, _ = _look_up(SETTINGS_BY_NAME["DESK_HOME"], outer)
    file = TomlFile.read(state_root(home) / TOML_NAME)
    mode = SETTINGS_BY_NAME["TRADING_MODE"]
    in_force = str(parsed(mode, *_look_up(mode, [*outer, *file.common])))
    return _settled([*outer, *file.layers(in_force)])


def default_settings() -> Settings:
    """Give every setting at its default, whatever was configured."""
    return _settled([])


def _settled(layers: Sequence[Layer]) -> Settings:
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    shown: dict[str, str] = {}
    for setting in SETTINGS:
        text, source = _look_up(setting, layers)
        values[setting.field] = parsed(setting, text, source)
        sources[setting.name] = source
        shown[setting.name] = setting.shown(text.strip())
    return Settings(**values, sources=sources, shown=shown)


def _look_up(setting: Setting, layers: Sequence[Layer]) -> tuple[str, str]:
    for layer in layers:
        if setting.name in layer.values:
            return layer.values[setting.name], layer.source
    return setting.default, DEFAULT_SOURCE


def _env_file(working_folder: Path, project_root: Path | None) -> Iterator[Layer]:
    from dotenv import dotenv_values  # noqa: PLC0415 - kept out of --help

    for folder in (working_folder, project_root):
        path = folder / ENV_NAME if folder else None
        if path is None or not path.is_file():
            continue
        try:
            values = dotenv_values(path, interpolate=False)
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(f"{path} cannot be read: {error}.") from error
        held = {name: value for name, value in values.items() if value is not None}
        yield Layer(str(path), held)
        return
