"""The way to the broker: the port, our client id, and a client of the doctor's own.

That client takes an id that is nobody's, asks what a desk asks when it connects, and is gone
afterwards: a desk that runs is not disturbed by it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from apps.api.clock import SystemClock
from apps.api.config import Settings
from apps.api.doctor.findings import Finding, Severity, failed, ok, warning
from apps.api.outcomes import ExitCode, exit_code_of
from apps.api.state import link_holder, state_root
from apps.domain.errors import ClientIdInUse, DeskError
from apps.domain.link import Link, LinkState
from apps.domain.orders import Fill, OrderState
from apps.engine.ports import BrokerNotice
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.probe import Found, Probe, probe
from apps.ib.requests import Timeouts

__all__ = ["Visit", "client_id", "port", "visited"]

_PROBE_S = 2.0
_CONNECT_S = 5.0
_ANSWER_S = 3.0
_TRIES = 3

# nobody gives such an id to a program of his own
_IDS = range(1_900_000_000, 2_000_000_000)

READ_ONLY_REMEDY = (
    "Untick Read-Only API in Configuration → API → Settings (with IBC: ReadOnlyApi=no)."
)

_REMEDIES = {
    Found.UNKNOWN_HOST: "Check IB_HOST.",
    Found.CLOSED: "Start TWS or IB Gateway (`gateway start`), enable its API socket, and check "
    "IB_PORT: TWS 7497 paper, 7496 live; Gateway 4002 paper, 4001 live.",
    Found.SILENT: "Look at the gateway's window: a login, a second factor or a question may be "
    "waiting there. If it is not TWS that listens there, check IB_PORT.",
    Found.FOREIGN: "Check IB_PORT: TWS 7497 paper, 7496 live; Gateway 4002 paper, 4001 live.",
    Found.HUNG_UP: "Add this machine to the trusted addresses of TWS's API settings, or allow "
    "connections from localhost.",
    Found.GREETED: "Log in at the gateway's window, second factor included.",
}


async def port(settings: Settings) -> tuple[Finding, bool]:
    """Tell who listens, and whether that is TWS."""
    where = f"{settings.ib_host}:{settings.ib_port}"
    seen = await probe(settings.ib_host, settings.ib_port, timeout_s=_PROBE_S)
    if seen.found.is_tws:
        took = f"{(seen.greeted_s or 0) * 1000:.0f} ms"
        text = f"{where} answers in {took}: server version {seen.server_version}"
        return ok("Port", f"{text}, its time {seen.connection_time}"), True
    return _not_there("Port", where, seen), False


async def client_id(settings: Settings) -> tuple[Finding, bool]:
    """Tell whether our client id is free, or our own desk's, and whether clients are taken."""
    number = settings.ib_client_id
    root = state_root(settings.desk_home)
    holder = link_holder(root, settings.ib_host, settings.ib_port, number)
    if holder is not None:
        return ok("Client id", f"{number} is in use by a desk of yours ({holder})"), True
    seen = await probe(settings.ib_host, settings.ib_port, number, timeout_s=_PROBE_S)
    if seen.found is Found.READY:
        return ok("Client id", f"{number} is free"), True
    if seen.found is Found.ID_IN_USE:
        text = f"{number} is in use by another program (IB 326)"
        remedy = "Set IB_CLIENT_ID to another number, or end the program that holds it."
        return failed("Client id", text, remedy, exit_code=ExitCode.NO_CONNECTION), True
    return _not_there("Client id", f"{settings.ib_host}:{settings.ib_port}", seen), False


def _not_there(topic: str, where: str, seen: Probe) -> Finding:
    text = f"{where}: {seen.found.words}" + (f" ({seen.detail})" if seen.detail else "")
    remedy = _REMEDIES.get(seen.found, "")
    return failed(topic, text, remedy, exit_code=ExitCode.NO_CONNECTION)


@dataclass
class _Heard:
    """A listener that keeps what the broker has to say."""

    notices: list[BrokerNotice] = field(default_factory=list)

    def on_order(self, order: OrderState) -> None:
        pass

    def on_fill(self, fill: Fill) -> None:
        pass

    def on_notice(self, notice: BrokerNotice) -> None:
        self.notices.append(notice)

    def on_link(self, link: Link) -> None:
        pass

    @property
    def read_only(self) -> str:
        """What says that the API is read-only, if anything does."""
        return next(
            (f"IB {each.code}: {each.text}" for each in self.notices if is_read_only(each.text)),
            "",
        )


def is_read_only(text: str) -> bool:
    """Tell whether a text of IB's says that the API only reads."""
    return "read-only" in text.lower()


@dataclass(frozen=True, slots=True)
class Visit:
    """A client of the doctor's own; ``ib`` is None where it was not taken."""

    finding: Finding
    ib: IBGateway | None


@asynccontextmanager
async def visited(settings: Settings) -> AsyncIterator[Visit]:
    """Connect as a client that is nobody's, for as long as the block runs."""
    for tries_left in reversed(range(_TRIES)):
        heard, said = _Heard(), list[str]()
        number = random.choice(_IDS)  # noqa: S311 - it is no secret
        ib = IBGateway(
            Endpoint(settings.ib_host, settings.ib_port, number, settings.ib_account),
            clock=SystemClock(),
            on_error=lambda text, _, said=said: said.append(text),  # type: ignore[misc]
            timeouts=Timeouts(
                connect_s=_PROBE_S,
                request_s=_ANSWER_S,
                history_s=_ANSWER_S,
                disconnect_s=0.5,
            ),
            market_data_type=settings.market_data_type,
        )
        ib.broker.listen(heard)
        async with ib:
            try:
                finding = await _connected(ib, heard, said)
            except ClientIdInUse:
                if tries_left:
                    continue
                raise
            yield Visit(finding, None if finding.severity is Severity.FAILED else ib)
            return


async def _connected(ib: IBGateway, heard: _Heard, said: list[str]) -> Finding:
    topic, began = "Client", monotonic()
    try:
        async with asyncio.timeout(_CONNECT_S):
            await ib.connect()
    except (TimeoutError, DeskError) as error:
        if isinstance(error, ClientIdInUse):
            raise
        if heard.read_only:
            text = f"the API is read-only: {heard.read_only}"
            return failed(topic, text, READ_ONLY_REMEDY, exit_code=ExitCode.REJECTED)
        return _not_synchronised(topic, error)
    took = f"{monotonic() - began:.2f} s"
    accounts = ", ".join(ib.accounts)
    text = f"connected and synchronised in {took}; server version {ib.server_version}, {accounts}"
    link = ib.broker.link
    if link.state is not LinkState.READY:
        remedy = "Look at TWS: it has lost IB's servers, or one of its data farms."
        return warning(topic, f"{text}; {link.state.value}", remedy)
    if said:
        remedy = "It heals with the next connection, or does not matter to the desk."
        return warning(topic, f"{text}; {said[0]}", remedy)
    return ok(topic, text)


def _not_synchronised(topic: str, error: Exception) -> Finding:
    if isinstance(error, DeskError):
        remedy = "Restart TWS or IB Gateway if it answers some requests and not others."
        code = exit_code_of(error)
        return failed(
            topic, error.message, "" if code is ExitCode.USAGE else remedy, exit_code=code
        )
    text = f"not synchronised within {_CONNECT_S:g} s: it answers the handshake, and little else"
    return failed(topic, text, "Restart TWS or IB Gateway.", exit_code=ExitCode.TIMEOUT)
