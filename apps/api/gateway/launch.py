"""Having a gateway up: start what is configured, and wait until it takes clients.

Waited for is what a client needs: the port, the greeting, and the next order id, which TWS gives
when somebody has logged in. What is missing is said every few seconds. A gateway that is up already
is left alone, and one that is up and not logged in is waited for, not started a second time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import monotonic

from apps.api.config import Settings
from apps.api.gateway.command import GatewayCommand
from apps.api.state import state_root
from apps.domain.errors import CannotConnect, DeadlineExceeded, InvalidInput
from apps.ib.probe import Found, Probe, probe

__all__ = ["GatewayUp", "bring_up", "look"]

Say = Callable[[str], None]

_PROBE_S = 3.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0
_SAY_EVERY_S = 5.0

_PROBING_IDS = range(1_900_000_000, 2_000_000_000)
"""Client ids that nobody gives to a program of his own."""

_WAITING_FOR = {
    Found.CLOSED: "the port is closed; the gateway is starting",
    Found.SILENT: "the port is open and there is no handshake; login or second factor pending",
    Found.HUNG_UP: "the port is open and hangs up; the gateway is starting, or does not trust this "
    "machine's address",
    Found.GREETED: "the gateway answers and is not logged in; login or second factor pending",
}


@dataclass(frozen=True, slots=True)
class GatewayUp:
    """How a gateway stands that was looked for, or started.

    ``process`` is the number of the process that was started, None where none was; ``waited_s``
    how long it took to take clients.
    """

    host: str
    port: int
    found: Found
    server_version: int = 0
    accounts: tuple[str, ...] = ()
    detail: str = ""
    process: int | None = None
    waited_s: float = 0.0

    @property
    def is_up(self) -> bool:
        """Clients are taken."""
        return self.found in _READY


_READY = frozenset({Found.READY, Found.ID_IN_USE})


async def look(settings: Settings) -> GatewayUp:
    """Look how the gateway stands. Raises InvalidInput for the embedded one."""
    _check_configured(settings)
    return _up(settings, await _probed(settings))


async def bring_up(settings: Settings, say: Say) -> GatewayUp:
    """Have the gateway up, started if it is not there; tell ``say`` what is waited for.

    Raises InvalidInput where nothing is configured, CannotConnect for a command that failed, a
    foreign port or an unknown host, DeadlineExceeded after `GATEWAY_WAIT_S`.
    """
    _check_configured(settings)
    seen = await _probed(settings)
    _check_possible(settings, seen)
    if seen.found in _READY:
        return _up(settings, seen)
    began = monotonic()
    async with AsyncExitStack() as stack:
        command = None
        if seen.found is Found.CLOSED:
            words = _words(settings)
            root = state_root(settings.desk_home)
            command = await stack.enter_async_context(GatewayCommand.started(words, root))
            if command.process:
                say(f"Started {words[0]} as process {command.process}; its output: {command.log}")
        waiting = _Waiting(settings, say, began, seen)
        return await waiting.run(command)


class _Waiting:
    """One wait for a gateway: what was seen last, and when that was said."""

    def __init__(self, settings: Settings, say: Say, began: float, seen: Probe) -> None:
        self._settings = settings
        self._say = say
        self._began = began
        self._seen = seen
        self._said_at_s = began
        self._said: Found | None = None

    async def run(self, command: GatewayCommand | None) -> GatewayUp:
        pause_s = _FIRST_PAUSE_S
        ended = asyncio.ensure_future(command.ended()) if command is not None else None
        try:
            while True:
                self._check_deadline(command)
                self._seen = await _probed(self._settings)
                if self._seen.found in _READY:
                    break
                _check_possible(self._settings, self._seen)
                if command is not None and command.exit_code:
                    raise CannotConnect(_ended_words(command))
                self._tell()
                pause_s = await self._pause(pause_s, ended)
        finally:
            if ended is not None:
                ended.cancel()
        waited_s = monotonic() - self._began
        process = command.process if command is not None else None
        return _up(self._settings, self._seen, process=process, waited_s=waited_s)

    async def _pause(self, pause_s: float, ended: asyncio.Future[int] | None) -> float:
        """Rest, but not through the end of the command; give the next pause."""
        if ended is None or ended.done():
            await asyncio.sleep(pause_s)
        else:
            await asyncio.wait({ended}, timeout=pause_s)
        return min(pause_s * 1.6, _LONGEST_PAUSE_S)

    def _tell(self) -> None:
        found, now = self._seen.found, monotonic()
        if found is self._said and now - self._said_at_s < _SAY_EVERY_S:
            return
        self._said, self._said_at_s = found, now
        waited_s = now - self._began
        self._say(f"{_where(self._settings)}: {_WAITING_FOR[found]} ({waited_s:.0f} s).")

    def _check_deadline(self, command: GatewayCommand | None) -> None:
        waited_s = monotonic() - self._began
        if waited_s < self._settings.gateway_wait_s:
            return
        words = (
            f"{_where(self._settings)} takes no clients after {waited_s:.0f} s "
            f"(GATEWAY_WAIT_S): {_WAITING_FOR[self._seen.found]}. "
        )
        if command is None:
            raise DeadlineExceeded(words + "Look at its window, and log in there.")
        raise DeadlineExceeded(
            words
            + f"Process {command.process} goes on; look at its window and at {command.log}."
            + _tail(command)
        )


async def _probed(settings: Settings) -> Probe:
    # an id that is nobody's: the look takes part in nothing
    client_id = random.choice(_PROBING_IDS)  # noqa: S311 - it is no secret
    return await probe(settings.ib_host, settings.ib_port, client_id, timeout_s=_PROBE_S)


def _check_configured(settings: Settings) -> None:
    if settings.embedded:
        raise InvalidInput(
            "IB_HOST is empty: the desk brings its own paper gateway along, and needs no other. "
            "Set IB_HOST=127.0.0.1 and IB_PORT for TWS or IB Gateway."
        )


def _words(settings: Settings) -> tuple[str, ...]:
    if not settings.gateway_command:
        raise InvalidInput(
            f"Nobody listens at {_where(settings)}, and GATEWAY_COMMAND is empty: set it to what "
            "starts your gateway, such as a script of IBC's. docs/real-gateway.md has recipes."
        )
    return settings.gateway_command


def _check_possible(settings: Settings, seen: Probe) -> None:
    if seen.found in {Found.FOREIGN, Found.UNKNOWN_HOST}:
        raise CannotConnect(
            f"{_where(settings)}: {seen.found.words} ({seen.detail}). Check IB_HOST and IB_PORT."
        )


def _ended_words(command: GatewayCommand) -> str:
    began = f"{command.words[0]} ended at once" if command.process else command.words[0]
    words = f"{began} with exit code {command.exit_code}; see GATEWAY_COMMAND and {command.log}."
    if not command.process:
        words = f"{began} cannot be run; see GATEWAY_COMMAND."
    return words + _tail(command)


def _tail(command: GatewayCommand) -> str:
    lines = command.last_lines()
    return f" Its last lines:\n{lines}" if lines else " It wrote nothing."


def _where(settings: Settings) -> str:
    return f"{settings.ib_host}:{settings.ib_port}"


def _up(
    settings: Settings, seen: Probe, *, process: int | None = None, waited_s: float = 0.0
) -> GatewayUp:
    return GatewayUp(
        settings.ib_host,
        settings.ib_port,
        seen.found,
        seen.server_version,
        seen.accounts,
        seen.detail,
        process,
        round(waited_s, 1),
    )
