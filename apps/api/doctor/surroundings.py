"""What the desk runs in: the Python, the libraries against their pins, the terminal, the loop."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from time import perf_counter

from apps.api.doctor.findings import Finding, failed, ok, warning

__all__ = ["event_loop", "libraries", "python", "terminal"]

_OLDEST, _FIRST_UNTRIED = (3, 11), (3, 14)
_LOCK = Path(__file__).parents[3] / "requirements.lock"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", re.MULTILINE)

NEEDED = (
    "aioconsole",
    "click",
    "eventkit",
    "ib-insync",
    "numpy",
    "pandas",
    "platformdirs",
    "prompt-toolkit",
    "pyarrow",
    "python-dotenv",
    "rich",
    "tzdata",
)

_LAG_FOR_S, _LAG_STEP_S = 0.3, 0.01
_LAG_IS_BAD_S = 0.1

_LEAST_COLUMNS, _LEAST_ROWS = 80, 24


def python() -> Finding:
    """Tell which Python this is."""
    version = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if _OLDEST <= sys.version_info[:2] < _FIRST_UNTRIED:
        return ok("Python", version)
    remedy = "Use Python 3.11, 3.12 or 3.13: PYTHON=/path/to/it scripts/run."
    return failed("Python", version, remedy)


def libraries(lock: Path = _LOCK) -> Finding:
    """Hold the installed versions against the lock file's."""
    there = {name: _installed(name) for name in NEEDED}
    missing = [name for name, version in there.items() if version is None]
    versions = tuple(f"{name} {version}" for name, version in there.items() if version)
    remedy = "scripts/run makes .venv from requirements.lock; remove .venv to have it made anew."
    if missing:
        return failed("Libraries", f"not installed: {', '.join(missing)}", remedy, versions)
    pins = _pins(lock)
    if not pins:
        text = f"{len(versions)} are there; there is no requirements.lock to hold them against"
        return ok("Libraries", text, versions)
    other = [
        f"{name} {version}, pinned {' or '.join(pins[name])}"
        for name, version in there.items()
        if name in pins and version not in pins[name]
    ]
    if other:
        return warning("Libraries", f"not as pinned: {'; '.join(other)}", remedy, versions)
    return ok("Libraries", f"all {len(versions)} as pinned", versions)


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _pins(lock: Path) -> Mapping[str, list[str]]:
    """Give the pinned versions by name; for some there is one for each Python."""
    try:
        text = lock.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    pins: dict[str, list[str]] = {}
    for name, version in _PIN.findall(text):
        pins.setdefault(re.sub(r"[-_.]+", "-", name).lower(), []).append(version)
    return pins


async def event_loop() -> Finding:
    """Measure for a moment by how much the loop is late."""
    loop = asyncio.get_running_loop()
    name = f"{type(loop).__module__}.{type(loop).__name__}"
    worst_s, until = 0.0, perf_counter() + _LAG_FOR_S
    while (began := perf_counter()) < until:
        await asyncio.sleep(_LAG_STEP_S)
        worst_s = max(worst_s, perf_counter() - began - _LAG_STEP_S)
    text = f"{name}, running; at most {worst_s * 1000:.0f} ms late in {_LAG_FOR_S:g} s"
    if worst_s < _LAG_IS_BAD_S:
        return ok("Event loop", text)
    remedy = "This machine is busy, or swaps: bars and fills would be late by as much."
    return warning("Event loop", text, remedy)


def terminal(environment: Mapping[str, str] = os.environ) -> Finding:
    """Tell what the terminal can do."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return ok("Terminal", "none: input or output is a pipe or a file, so nothing is asked")
    from rich.console import Console  # noqa: PLC0415 - help stays light

    columns, rows = shutil.get_terminal_size()
    term, encoding = environment.get("TERM", ""), sys.stdout.encoding or "unknown"
    colours = Console().color_system or "no colours"
    text = f"{term or 'no TERM'}, {columns}×{rows}, {colours}, {encoding}, a bell"
    if sys.platform != "win32" and term in {"", "dumb", "unknown"}:
        remedy = "Set TERM, such as TERM=xterm-256color: no editing, no toolbar and no bell now."
        return warning("Terminal", text, remedy)
    if not encoding.lower().startswith("utf"):
        return warning("Terminal", text, "Set LANG to a UTF-8 locale: signs are lost now.")
    if columns < _LEAST_COLUMNS or rows < _LEAST_ROWS:
        remedy = f"Make it {_LEAST_COLUMNS}×{_LEAST_ROWS} or larger: tables are cut now."
        return warning("Terminal", text, remedy)
    return ok("Terminal", text)
