"""`close-all`: see `apps.engine.routines.close_all`."""

from __future__ import annotations

from apps.api.routine_command import routine_command
from apps.engine.routines.close_all import CLOSE_ALL

__all__ = ["entry"]

entry = routine_command(CLOSE_ALL)
