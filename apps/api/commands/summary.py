"""`summary`: see `apps.engine.routines.summary`."""

from __future__ import annotations

from apps.api.routine_command import routine_command
from apps.engine.routines.summary import SUMMARY

__all__ = ["entry"]

entry = routine_command(SUMMARY)
