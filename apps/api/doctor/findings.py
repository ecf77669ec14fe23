"""What the doctor finds: lines, each ok, a warning or failed, and what they come to together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import Enum
from typing import Any

from apps.api.outcomes import ExitCode, exit_code_of
from apps.domain.errors import DeskError

__all__ = ["Diagnosis", "Finding", "Severity", "failed", "found_within", "ok", "warning"]


class Severity(Enum):
    """How bad a line is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"

    @property
    def rank(self) -> int:
        """Grows with how bad it is."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``remedy`` is a sentence or nothing, ``details`` lines that belong to it."""

    topic: str
    severity: Severity
    text: str
    remedy: str = ""
    details: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every line, in the order in which they are asked."""

    worst: Severity
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: list[Finding]) -> Diagnosis:
        """Put lines together."""
        worst = max((each.severity for each in findings), key=lambda each: each.rank)
        return cls(worst, tuple(findings))

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the worst line, of the first of them."""
        return next(each.exit_code for each in self.findings if each.severity is self.worst)


def ok(topic: str, text: str, details: tuple[str, ...] = ()) -> Finding:
    """Give a line without fault."""
    return Finding(topic, Severity.OK, text, details=details)


def warning(topic: str, text: str, remedy: str, details: tuple[str, ...] = ()) -> Finding:
    """Give a line that does not stop the desk."""
    return Finding(topic, Severity.WARNING, text, remedy, details, ExitCode.ERROR)


def failed(
    topic: str,
    text: str,
    remedy: str = "",
    details: tuple[str, ...] = (),
    *,
    exit_code: ExitCode = ExitCode.ERROR,
) -> Finding:
    """Give a line that stops the desk, or a part of it."""
    return Finding(topic, Severity.FAILED, text, remedy, details, exit_code)


async def found_within(
    topic: str, timeout_s: float, looking: Coroutine[Any, Any, Finding]
) -> Finding:
    """Give what ``looking`` finds; its failure, or the end of its time, is a finding too."""
    try:
        async with asyncio.timeout(timeout_s):
            return await looking
    except TimeoutError:
        text = f"no answer within {timeout_s:g} s"
        return failed(topic, text, "Ask again; see the lines above.", exit_code=ExitCode.TIMEOUT)
    except DeskError as error:
        return failed(topic, error.message, exit_code=exit_code_of(error))
