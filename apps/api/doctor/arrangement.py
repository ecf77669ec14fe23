"""What the trader has arranged: the settings and where each came from, and the state folder."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields
from pathlib import Path

from apps.api.config import Settings
from apps.api.doctor.findings import Finding, failed, ok, warning
from apps.api.live import check_live
from apps.api.outcomes import ExitCode
from apps.api.state import EMBEDDED, running_desk, state_root
from apps.domain.errors import DeskError
from apps.domain.market_data_type import MarketDataType
from apps.domain.risk import RiskLimits

__all__ = ["configuration", "state_folder"]

_LEAST_FREE_BYTES = 200_000_000


def configuration(settings: Settings) -> Finding:
    """Tell the mode, and every setting that is not at its default with where it came from."""
    details = tuple(
        f"{name}={settings.shown[name]} (from {source})"
        for name, source in settings.sources.items()
        if source != "the default"
    )
    others = len(settings.sources) - len(details)
    whom = "the embedded gateway" if settings.embedded else f"{settings.ib_host}:{settings.ib_port}"
    text = f"{settings.trading_mode}, {whom}; {others} settings at their defaults"
    try:
        check_live(settings)
        RiskLimits(**{each.name: getattr(settings, each.name) for each in fields(RiskLimits)})
    except DeskError as error:
        return failed("Configuration", error.message, "", details, exit_code=ExitCode.USAGE)
    if unusual := _unusual(settings):
        remedy = "Change it if that is not meant; .env.example explains each setting."
        return warning("Configuration", f"{text}; {', '.join(unusual)}", remedy, details)
    return ok("Configuration", text, details)


def _unusual(settings: Settings) -> list[str]:
    said = []
    if not settings.trading_enabled:
        said.append("TRADING_ENABLED is off: nothing is sent")
    elif not settings.guard:
        said.append("GUARD is off: lost stops are not replaced")
    if settings.market_data_type is not MarketDataType.LIVE:
        said.append(f"MARKET_DATA_TYPE is {settings.market_data_type.value}")
    return said


def state_folder(settings: Settings) -> Finding:
    """Tell where the state is, whether it can be written, and which desk works there."""
    root = state_root(settings.desk_home)
    there = next(each for each in (root, *root.parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        text = f"{root} cannot be written to"
        return failed("State folder", text, "Set DESK_HOME to a folder that can be.")
    free = shutil.disk_usage(there).free
    text = f"{root}, {free / 1e9:,.1f} GB free" + ("" if root.exists() else ", not made yet")
    if free < _LEAST_FREE_BYTES:
        remedy = "Make room: what cannot be journalled is not sent."
        return failed("State folder", text, remedy)
    return ok("State folder", f"{text}; {_holder(settings, root)}")


def _holder(settings: Settings, root: Path) -> str:
    account = EMBEDDED if settings.embedded else settings.ib_account
    try:
        found = running_desk(root, mode=settings.trading_mode, account=account)
    except DeskError as error:
        return error.message
    if found is None:
        return "no desk works there"
    folder, holder = found
    return f"a desk works in {folder.name} ({holder})"
