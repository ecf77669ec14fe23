"""Where a desk is put together: the only place that knows all rooms.

Reads outside in, as it is opened: the log, the state folder and its lock, the journal, the embedded
gateway if no other is named, the link to the broker, the desk. It is closed in the opposite order,
whatever happens in between.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from apps.api.clock import SystemClock
from apps.api.config import Settings
from apps.api.halt_files import HaltFiles
from apps.api.kill_signal import on_kill_signal
from apps.api.logs import logging_to
from apps.api.state import EMBEDDED, JOURNAL_NAME, account_folder, hold, hold_link, state_root
from apps.domain.risk import RiskLimits, TradingMode
from apps.domain.trading_state import HaltCause
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.desk import Desk
from apps.engine.ports import Journal
from apps.engine.previews import OrderDefaults
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.reports import ErrorSink
from apps.ib.requests import Timeouts
from apps.store.journal.file import JournalFile

if TYPE_CHECKING:
    from apps.paper.server import PaperGateway

__all__ = ["Joined", "joined_desk"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Joined:
    """A desk, and the embedded gateway that it talks to, if it does."""

    desk: Desk
    gateway: PaperGateway | None


@asynccontextmanager
async def joined_desk(settings: Settings, alerts: AlertSink) -> AsyncIterator[Joined]:
    """Open everything, connected and ready; close it all at the end.

    Raises BadSetting, InvalidInput (limits that contradict each other), FolderInUse,
    JournalRefused, RiskRefused (a paper desk on an account that is not), and what connecting
    raises.
    """
    root = state_root(settings.desk_home)
    folder_name = EMBEDDED if settings.embedded else settings.ib_account
    limits = _limits(settings)  # before anything is opened: they may contradict each other
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_to(_log_path(settings, root), settings.log_level))
        journal = None
        if folder_name:
            journal = stack.enter_context(_journal(settings, root, folder_name))
        if not settings.embedded:
            stack.enter_context(
                hold_link(root, settings.ib_host, settings.ib_port, settings.ib_client_id)
            )
        gateway = await stack.enter_async_context(_embedded(settings))
        ib = await stack.enter_async_context(_linked(settings, gateway, alerts))
        if journal is None:
            # which account this is was not known before
            journal = stack.enter_context(_journal(settings, root, ib.broker.account))
        name = folder_name or ib.broker.account
        keeper = HaltFiles(account_folder(root, mode=settings.trading_mode, account=name))
        desk = await stack.enter_async_context(_desk(settings, limits, ib, journal, keeper, alerts))
        stack.enter_context(on_kill_signal(lambda: desk.halt_now(HaltCause.SIGNAL)))
        yield Joined(desk, gateway)


def _limits(settings: Settings) -> RiskLimits:
    """Give the limits, each of which is the setting of its name."""
    return RiskLimits(**{each.name: getattr(settings, each.name) for each in fields(RiskLimits)})


def _desk(
    settings: Settings,
    limits: RiskLimits,
    ib: IBGateway,
    journal: Journal,
    keeper: HaltFiles,
    alerts: AlertSink,
) -> Desk:
    return Desk(
        broker=ib.broker,
        market=ib.market_data,
        clock=SystemClock(),
        limits=limits,
        trading_mode=TradingMode(settings.trading_mode),
        defaults=OrderDefaults(
            quantity=settings.default_qty,
            take_profit_pct=settings.default_tp_pct,
            stop_loss_pct=settings.default_sl_pct,
        ),
        alerts=alerts,
        journal=journal,
        ref_suffix=lambda: secrets.token_hex(5),
        keeper=keeper,
    )


@contextmanager
def _journal(settings: Settings, root: Path, account: str) -> Iterator[Journal]:
    """Hold the account's folder, and the journal in it."""
    folder = account_folder(root, mode=settings.trading_mode, account=account)
    with hold(folder), JournalFile.open(folder / JOURNAL_NAME) as journal:
        yield journal


@asynccontextmanager
async def _embedded(settings: Settings) -> AsyncIterator[PaperGateway | None]:
    if not settings.embedded:
        yield None
        return
    # only a desk without a broker pays for the gateway's import, a seventh of a second
    from apps.api.embedded import embedded_gateway  # noqa: PLC0415

    async with embedded_gateway(settings) as gateway:
        yield gateway


def _endpoint(settings: Settings, gateway: PaperGateway | None) -> Endpoint:
    host, port = (gateway.host, gateway.port) if gateway else (settings.ib_host, settings.ib_port)
    return Endpoint(host, port, settings.ib_client_id, settings.ib_account)


@asynccontextmanager
async def _linked(
    settings: Settings, gateway: PaperGateway | None, alerts: AlertSink
) -> AsyncIterator[IBGateway]:
    """Connect, and keep the link for as long as the block runs."""

    def tell(text: str, error: Exception | None) -> None:
        _LOGGER.warning("%s", text, exc_info=error)
        alerts(Alert(AlertKind.WARNING, text))

    async with IBGateway(
        _endpoint(settings, gateway),
        clock=SystemClock(),
        on_error=tell,
        timeouts=Timeouts.with_silence(settings.ib_silence_s),
        restarts=settings.ib_restart_windows,
    ) as ib:
        await ib.connect()
        keeping = asyncio.create_task(ib.keep_connected(), name="keep connected")
        keeping.add_done_callback(lambda task: _keeping_ended(task, tell))
        try:
            yield ib
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})


def _keeping_ended(task: asyncio.Task[None], tell: ErrorSink) -> None:
    if not task.cancelled() and isinstance(error := task.exception(), Exception):
        tell("The link is no longer watched; quit and start again.", error)


def _log_path(settings: Settings, root: Path) -> Path:
    return Path(settings.log_file).expanduser() if settings.log_file else root / "desk.log"
