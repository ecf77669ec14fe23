"""The examination: which questions are asked in which order, and how long they may take together.

What needs TWS is asked as far as TWS lets it come; every question has its own time, and all of
them together less than fifteen seconds. Where the desk brings its gateway along, one is started on
a folder that is thrown away, so that nothing of the trader's is touched.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from apps.api.config import Settings
from apps.api.doctor import arrangement, broker, kept, link, surroundings
from apps.api.doctor.findings import Diagnosis, Finding, failed, found_within, ok
from apps.api.outcomes import ExitCode, exit_code_of
from apps.domain.errors import DeskError
from apps.domain.instruments import Instrument
from apps.ib.gateway import IBGateway

__all__ = ["examine"]

LIMIT_S = 12.0
"""For what a gateway is asked; the disk has `_DISK_S` after that."""
_ANSWER_S = 3.5
_BARS_S = 8.0
_DISK_S = 2.5

_OF_THE_BROKER = ("Event loop", "Account", "Clock", "Market data", "Bars", "Order path")


async def examine(settings: Settings) -> Diagnosis:
    """Ask everything; nothing is changed, at the broker or on the disk."""
    findings = [
        surroundings.python(),
        surroundings.libraries(),
        arrangement.configuration(settings),
        arrangement.state_folder(settings),
    ]
    names: list[str] = []
    with _silent_log():
        try:
            async with asyncio.timeout(LIMIT_S), _endpoint(settings, findings) as where:
                if where is not None:
                    is_own = settings.embedded
                    await _ask_the_gateway(where, findings, names, simulated=is_own)
        except TimeoutError:
            text = f"not everything was answered within {LIMIT_S:g} s"
            remedy = "Restart TWS or IB Gateway if that stays so."
            findings.append(failed("Time", text, remedy, exit_code=ExitCode.TIMEOUT))
    if not any(each.topic == "Event loop" for each in findings):
        findings.append(await surroundings.event_loop())
    account = names[0] if names else ""
    findings += await asyncio.gather(
        found_within("Journal", _DISK_S, kept.journal(settings, account)),
        found_within("History", _DISK_S, kept.history(settings, account)),
    )
    findings.append(surroundings.terminal())
    return Diagnosis.of(findings)


async def _ask_the_gateway(
    settings: Settings, findings: list[Finding], names: list[str], *, simulated: bool
) -> None:
    finding, is_tws = await link.port(settings)
    findings.append(finding)
    if not is_tws:
        return
    finding, takes_clients = await link.client_id(settings)
    findings.append(finding)
    if not takes_clients:
        return
    try:
        async with link.visited(settings) as visit:
            findings.append(visit.finding)
            if visit.ib is not None:
                names.append(visit.ib.broker.account)
                asked = _Round(settings, visit.ib)
                try:
                    await asked.ask(simulated=simulated)
                finally:
                    findings += asked.answers()
    except DeskError as error:
        findings.append(failed("Client", error.message, exit_code=exit_code_of(error)))


class _Round:
    """Questions that are asked at the same time, and the answers as far as they have come."""

    def __init__(self, settings: Settings, ib: IBGateway) -> None:
        self._settings = settings
        self._ib = ib
        self._answers: dict[str, Finding] = {}

    async def ask(self, *, simulated: bool) -> None:
        settings, ib = self._settings, self._ib
        await asyncio.gather(
            self._keep(surroundings.event_loop()),
            self._keep(found_within("Account", _ANSWER_S, broker.account(settings, ib))),
            self._keep(found_within("Clock", _ANSWER_S, broker.clock(ib, simulated=simulated))),
            self._ask_the_market(),
        )

    def answers(self) -> list[Finding]:
        """Give them in the order in which they are shown."""
        return [self._answers[topic] for topic in _OF_THE_BROKER if topic in self._answers]

    async def _ask_the_market(self) -> None:
        found: list[Instrument] = []

        async def look_up() -> Finding:
            instrument = await broker.default_instrument(self._settings, self._ib)
            if isinstance(instrument, Finding):
                return instrument
            found.append(instrument)
            return ok("Market data", instrument.symbol)

        looked = await found_within("Market data", _ANSWER_S, look_up())
        if not found:
            self._answers[looked.topic] = looked
            return
        bars = broker.bars(self._settings, self._ib, found[0])
        await asyncio.gather(
            self._ask_for_prices(found[0]), self._keep(found_within("Bars", _BARS_S, bars))
        )

    async def _ask_for_prices(self, instrument: Instrument) -> None:
        """Ask for a quote, and with its price for a what-if."""
        seen = None

        async def ask() -> Finding:
            nonlocal seen
            finding, seen = await broker.quote(self._ib, instrument)
            return finding

        await self._keep(found_within("Market data", _ANSWER_S, ask()))
        what_if = broker.order_path(self._ib, instrument, seen)
        await self._keep(found_within("Order path", _ANSWER_S, what_if))

    async def _keep(self, looking: Coroutine[Any, Any, Finding]) -> None:
        finding = await looking
        self._answers[finding.topic] = finding


@asynccontextmanager
async def _endpoint(settings: Settings, findings: list[Finding]) -> AsyncIterator[Settings | None]:
    """Give settings that lead to a gateway: the configured one, or one of the doctor's own."""
    if not settings.embedded:
        yield settings
        return
    from apps.api.embedded import embedded_gateway  # noqa: PLC0415 - it brings the gateway along

    with tempfile.TemporaryDirectory(prefix="desk-doctor-") as home:
        throwaway = replace(settings, desk_home=home)
        try:
            async with embedded_gateway(throwaway) as gateway:
                text = "starts, on a folder that is thrown away; TWS is asked with IB_HOST set"
                findings.append(ok("Embedded gateway", text))
                yield replace(throwaway, ib_host=gateway.host, ib_port=gateway.port)
        except DeskError as error:
            findings.append(failed("Embedded gateway", error.message))


@contextmanager
def _silent_log() -> Iterator[None]:
    """Keep what libraries log off the screen where there is no log: each is a line here."""
    root, nowhere = logging.getLogger(), logging.NullHandler()
    root.addHandler(nowhere)
    try:
        yield
    finally:
        root.removeHandler(nowhere)
