"""How a run ends: exit codes, and which of them an error means.

The words of an error are its own; here is only its class: the exit code for a shell, and the
short name that stands in the JSON form.
"""

from __future__ import annotations

from enum import IntEnum

from apps.domain.errors import (
    ConnectionProblem,
    DeadlineExceeded,
    DeskError,
    InvalidInput,
    NotFound,
    Refused,
)

__all__ = ["ExitCode", "error_as_json", "exit_code_of"]


class ExitCode(IntEnum):
    """What a shell sees."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    NO_CONNECTION = 3
    REJECTED = 4
    NOT_FOUND = 5
    TIMEOUT = 6
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


_CLASSES: tuple[tuple[type[DeskError], ExitCode, str], ...] = (
    (InvalidInput, ExitCode.USAGE, "usage"),
    (NotFound, ExitCode.NOT_FOUND, "not_found"),
    (Refused, ExitCode.REJECTED, "rejected"),
    (ConnectionProblem, ExitCode.NO_CONNECTION, "no_connection"),
    (DeadlineExceeded, ExitCode.TIMEOUT, "timeout"),
    (DeskError, ExitCode.ERROR, "error"),
)


def exit_code_of(error: DeskError) -> ExitCode:
    """Give the exit code that ``error`` means."""
    return next(code for kind, code, _ in _CLASSES if isinstance(error, kind))


def error_as_json(error: DeskError) -> dict[str, dict[str, object]]:
    """Give the JSON form of ``error``; ``ib_code`` stands in it where IB gave one."""
    name = next(name for kind, _, name in _CLASSES if isinstance(error, kind))
    body: dict[str, object] = {"code": name, "message": error.message}
    if error.code is not None:
        body["ib_code"] = error.code
    return {"error": body}
