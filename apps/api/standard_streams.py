"""The three standard streams of a process, as whoever started it left them."""

from __future__ import annotations

import os
import sys

__all__ = ["abandon_stdout", "occupy_standard_streams"]


def occupy_standard_streams() -> None:
    """Have something open on descriptors 0, 1 and 2.

    With one of them closed the next socket or file would get its number, and what is printed
    would go there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # it stays open as long as the process: that is what it is for
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def abandon_stdout() -> None:
    """Point stdout at nothing, so that the last flush at exit does not fail too."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
