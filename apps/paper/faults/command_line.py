"""Faults on the command line: ``--fault``, ``--scenario`` and ``--list-faults``.

What they are read with is imported only when one of them is there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from apps.domain.errors import InvalidInput
from apps.paper.faults.fault import Fault
from apps.paper.settings import GatewaySettings

if TYPE_CHECKING:
    from apps.paper.faults.scenario import Scenario

__all__ = ["fault_from", "list_of_faults", "scenario_from", "with_faults", "with_scenario"]


def fault_from(text: str) -> Fault:
    """Read the words of a ``--fault``. Raises InvalidInput."""
    from apps.paper.faults.language import parse_fault  # noqa: PLC0415 - see above

    try:
        return parse_fault(text)
    except InvalidInput as error:
        raise InvalidInput(f"--fault: {error.message}; --list-faults shows all.") from None


def scenario_from(text: str) -> Scenario:
    """Read the file of a ``--scenario``. Raises InvalidInput."""
    from apps.paper.faults.scenario import read_scenario  # noqa: PLC0415 - see above

    try:
        return read_scenario(Path(text).expanduser())
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidInput(f"The scenario {text} cannot be read: {reason}.") from None


def list_of_faults() -> str:
    """Give the table of all faults."""
    from apps.paper.faults.registry import described  # noqa: PLC0415 - see above

    return described() + "\n"


def with_faults(there: tuple[Fault, ...], more: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Give the faults of the scenario and those of the command line."""
    return (*there, *more)


def with_scenario(settings: GatewaySettings, scenario: Scenario) -> GatewaySettings:
    """Give settings with a scenario's faults, and its seed where it has one."""
    seed = settings.fault_seed if scenario.seed is None else scenario.seed
    faults = with_faults(settings.faults, scenario.faults)
    return replace(settings, faults=faults, fault_seed=seed)
