"""A fault that was put into a gateway: what came of it, and how to wait for that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import Enum

from apps.domain.errors import DeadlineExceeded
from apps.paper.faults.fault import Fault
from apps.paper.feed.market import Millis

__all__ = ["Firing", "Injection"]


@dataclass(frozen=True, slots=True)
class Firing:
    """A fault that happened: to which client and message, where there was one."""

    number: int
    firing: int
    fault: Fault
    at: Millis
    client_id: int | None = None
    message: str = ""

    def as_record(self) -> dict[str, object]:
        """Give it as a transcript has it: names, numbers and texts only."""
        return {
            "fault": self.fault.label,
            "effect": self.fault.effect.NAME,
            "number": self.number,
            "firing": self.firing,
            "at": self.at,
            "client": self.client_id,
            "message": self.message,
            "parameters": {
                field.name: _plain(getattr(self.fault.effect, field.name))
                for field in fields(self.fault.effect)  # type: ignore[arg-type]  # all are dataclasses
            },
        }


@dataclass(eq=False, slots=True)
class Injection:
    """A fault that was put in. ``firings`` are the latest of its firings, oldest first."""

    number: int
    fault: Fault
    _remove: Callable[[int], None]
    count: int = 0
    """How often it has fired."""
    firings: deque[Firing] = field(default_factory=lambda: deque(maxlen=100))
    _waiting: list[tuple[int, asyncio.Future[Firing]]] = field(default_factory=list)

    def remove(self) -> None:
        """Take it out; what of it stands ends now."""
        self._remove(self.number)

    async def fired(self, times: int = 1, *, timeout_s: float = 10.0) -> Firing:
        """Wait until it has fired so often; give the latest firing.

        Raises:
            DeadlineExceeded: It has not, within ``timeout_s`` seconds of this machine.
        """
        if self.count >= times:
            return self.firings[-1]
        waiter: asyncio.Future[Firing] = asyncio.get_running_loop().create_future()
        self._waiting.append((times, waiter))
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter
        except TimeoutError:
            raise DeadlineExceeded(
                f"The fault '{self.fault.label}' fired {self.count} of {times} times within "
                f"{timeout_s:g} s; see whether what sets it off came by."
            ) from None
        finally:
            self._waiting.remove((times, waiter))

    def happened(self, firing: Firing) -> None:
        """Take note of a firing."""
        self.count += 1
        self.firings.append(firing)
        for times, waiter in self._waiting:
            if self.count >= times and not waiter.done():
                waiter.set_result(firing)


def _plain(value: object) -> object:
    """Give a parameter as JSON has it."""
    match value:
        case Enum():
            return value.value
        case Decimal():
            return str(value)
        case tuple():
            return [_plain(each) for each in value]
        case _:
            return value
