"""`config.toml`: what holds always, and what holds in one trading mode only.

Settings stand at the top of the file or in ``[common]``, which is the same; ``[paper]`` and
``[live]`` go before them in that mode. The whole file is validated, the table that is not in force
too: a mistake in it would otherwise wait for the day on which the mode is changed.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.api.config.parsers import switch
from apps.api.config.setting import Setting
from apps.api.config.table import SETTINGS_BY_NAME
from apps.api.config.values import parsed
from apps.domain.errors import BadSetting

__all__ = ["Layer", "TomlFile"]

_COMMON = "common"
_MODES = ("paper", "live")

_ELSEWHERE = {"DESK_HOME": "which is found by it; set it in the environment instead"}
_ONCE = {"TRADING_MODE": "which the mode itself chooses; put it at the top of the file"}


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings of one source, by name and as text."""

    source: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TomlFile:
    """The layers of one file: those of every mode, and by mode those of that one alone."""

    common: tuple[Layer, ...] = ()
    by_mode: Mapping[str, Layer] | None = None

    @classmethod
    def read(cls, path: Path) -> TomlFile:
        """Read ``path``; without a file there are no layers. Raises BadSetting for any mistake."""
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadSetting(f"{path} cannot be read: {error}.") from error
        tables = {name: _table(path, name, content) for name in (_COMMON, *_MODES)}
        top = _layer(str(path), content)
        common = _layer(f"[{_COMMON}] in {path}", tables[_COMMON])
        for name in top.values.keys() & common.values.keys():
            raise BadSetting(
                f"{name} stands twice in {path}, at its top and in [{_COMMON}]: leave one out."
            )
        overlays = {mode: _layer(f"[{mode}] in {path}", tables[mode], _ONCE) for mode in _MODES}
        return cls((common, top), overlays)

    def layers(self, mode: str) -> tuple[Layer, ...]:
        """Give the layers of a trading mode, the first of which goes before the others."""
        return self.common if self.by_mode is None else (self.by_mode[mode], *self.common)


def _table(path: Path, name: str, content: dict[str, Any]) -> dict[str, Any]:
    """Take a table out of ``content``."""
    table = content.pop(name, {})
    if not isinstance(table, dict):
        raise BadSetting(f"{name} in {path} is a table of settings: write [{name}] above them.")
    return table


def _layer(
    source: str, content: Mapping[str, Any], elsewhere: Mapping[str, str] = _ELSEWHERE
) -> Layer:
    values: dict[str, str] = {}
    for key, value in content.items():
        setting = _known(source, key, value)
        if why := (_ELSEWHERE | dict(elsewhere)).get(setting.name):
            raise BadSetting(f"{setting.name} stands in {source}, {why}.")
        if setting.name in values:
            raise BadSetting(f"{setting.name} stands twice in {source}: leave one out.")
        text = _as_text(source, setting, value)
        parsed(setting, text, source)
        values[setting.name] = text
    return Layer(source, values)


def _known(source: str, key: str, value: object) -> Setting:
    name = key.upper()
    if name in SETTINGS_BY_NAME:
        return SETTINGS_BY_NAME[name]
    if isinstance(value, dict):
        known = f"[{_COMMON}], [{_MODES[0]}] and [{_MODES[1]}]"
        raise BadSetting(f"{source} holds the table [{key}], which is none; there are {known}.")
    near = difflib.get_close_matches(name, SETTINGS_BY_NAME, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(SETTINGS_BY_NAME)}."
    raise BadSetting(f"{source} holds {key}, which is no setting; {hint}")


def _as_text(source: str, setting: Setting, value: object) -> str:
    if isinstance(value, bool) and setting.parse is switch:
        return "on" if value else "off"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadSetting(
            f"{setting.name} in {source} is neither text nor a number; "
            f"it may hold {setting.may_hold}."
        )
    return str(value)
