"""Where a desk is put together: the only place that knows all rooms.

Reads outside in, as it is opened: the log, the state folder and its lock, the journal, the embedded
gateway if no other is named, the link to the broker, the desk. It is closed in the opposite order,
whatever happens in between.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from apps.api.clock import SystemClock
from apps.api.config import Settings
from apps.api.halt_files import HaltFiles
from apps.api.history_folder import history_folder
from apps.api.kill_signal import on_kill_signal
from apps.api.live import Confirm, check_live
from apps.api.logs import logging_to
from apps.api.replies import LiveOpening
from apps.api.state import (
    EMBEDDED,
    JOURNAL_NAME,
    account_folder,
    check_same_account,
    hold,
    hold_link,
    state_root,
)
from apps.api.views.as_json import as_json
from apps.domain.errors import HistoryRefused, RiskRefused
from apps.domain.exits.session_end import SessionEndRule
from apps.domain.risk import RiskLimits, TradingMode, check_account
from apps.domain.trading_state import HaltCause
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.desk import Desk
from apps.engine.exits.guard import GuardSettings
from apps.engine.loop_watch import LoopWatch
from apps.engine.parts import Parts
from apps.engine.ports import Journal
from apps.engine.previews import OrderDefaults
from apps.engine.routines.runner import RoutineRunner
from apps.engine.supervisor import Restarts, Supervised, Supervisor, TaskEnd
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.patience import Patience
from apps.ib.reports import ErrorSink
from apps.ib.requests import Timeouts
from apps.store.history.store import HistoryStore
from apps.store.journal.file import JournalFile

if TYPE_CHECKING:
    from apps.paper.server import PaperGateway

__all__ = ["Joined", "joined_desk"]

_LOGGER = logging.getLogger(__name__)

_KEEPING_TIMEOUT_S = 1.0

_SETTLE_S = 0.5
"""Between two links with one client id, which IB's side frees with a delay."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A desk, what runs its routines, and the embedded gateway that it talks to, if it does."""

    desk: Desk
    gateway: PaperGateway | None
    routines: RoutineRunner


@asynccontextmanager
async def joined_desk(
    settings: Settings, alerts: AlertSink, confirm: Confirm | None = None
) -> AsyncIterator[Joined]:
    """Open everything, connected and ready; close it all at the end.

    Live, the desk is read-only without ``confirm``, which is asked before anything of it begins.
    Raises BadSetting, InvalidInput (limits that contradict each other), FolderInUse,
    JournalRefused, RiskRefused (an account of the other mode's kind, or one that was not
    confirmed), what ``confirm`` raises, and what connecting raises.
    """
    check_live(settings)
    root = state_root(settings.desk_home)
    folder_name = EMBEDDED if settings.embedded else settings.ib_account
    limits = _limits(settings)  # before anything is opened: they may contradict each other
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_to(_log_path(settings, root), settings.log_level))
        journal = None
        if folder_name:
            journal = stack.enter_context(_journal(settings, root, folder_name))
        if not settings.embedded:
            free_for_s = stack.enter_context(
                hold_link(root, settings.ib_host, settings.ib_port, settings.ib_client_id)
            )
            await _settled(free_for_s)
        gateway = await stack.enter_async_context(_embedded(settings))
        ib = await stack.enter_async_context(_linked(settings, gateway, alerts))
        if journal is None:
            # which account this is was not known before
            journal = stack.enter_context(_journal(settings, root, ib.broker.account))
        name = folder_name or ib.broker.account
        keeper = HaltFiles(account_folder(root, mode=settings.trading_mode, account=name))
        _check_account(settings, root, journal, ib.broker.account)
        await _confirmed(settings, limits, ib, journal, keeper, confirm)
        history = stack.enter_context(_history(settings, ib.broker.account, alerts))
        desk = await stack.enter_async_context(
            _desk(
                settings,
                limits,
                ib,
                journal,
                history,
                keeper,
                alerts,
                live_is_confirmed=settings.live and confirm is not None,
            )
        )
        stack.enter_context(on_kill_signal(lambda: desk.halt_now(HaltCause.SIGNAL)))
        stack.enter_context(LoopWatch(desk.on_stall))
        routines = RoutineRunner(desk, SystemClock(), encode=as_json, configuration=settings.chosen)
        yield Joined(desk, gateway, routines)


def _limits(settings: Settings) -> RiskLimits:
    """Give the limits, each of which is the setting of its name."""
    return RiskLimits(**{each.name: getattr(settings, each.name) for each in fields(RiskLimits)})


def _desk(
    settings: Settings,
    limits: RiskLimits,
    ib: IBGateway,
    journal: Journal,
    history: HistoryStore | None,
    keeper: HaltFiles,
    alerts: AlertSink,
    *,
    live_is_confirmed: bool,
) -> Desk:
    return Desk(
        Parts(
            broker=ib.broker,
            market=ib.market_data,
            clock=SystemClock(),
            limits=limits,
            trading_mode=TradingMode(settings.trading_mode),
            guard=GuardSettings(settings.guard, settings.guard_patience_s),
            session_end=SessionEndRule(settings.flat_before_close, settings.overnight),
            defaults=OrderDefaults(
                quantity=settings.default_qty,
                take_profit_pct=settings.default_tp_pct,
                stop_loss_pct=settings.default_sl_pct,
            ),
            alerts=alerts,
            journal=journal,
            ref_suffix=lambda: secrets.token_hex(5),
            keeper=keeper,
            live_is_confirmed=live_is_confirmed,
            trading_enabled=settings.trading_enabled,
            history=history,
            past_bars=ib.past_bars,
        )
    )


async def _confirmed(
    settings: Settings,
    limits: RiskLimits,
    ib: IBGateway,
    journal: Journal,
    keeper: HaltFiles,
    confirm: Confirm | None,
) -> None:
    """See, live, that the account is the one that is meant."""
    account = ib.broker.account
    if settings.live and confirm is not None:
        endpoint = f"{settings.ib_host}:{settings.ib_port}, client {settings.ib_client_id}"
        summary = await ib.broker.account_summary()
        rule = SessionEndRule(settings.flat_before_close, settings.overnight)
        opening = LiveOpening(
            account,
            endpoint,
            summary,
            limits,
            guard_is_on=settings.guard,
            session_end=rule.sentence,
            watchers=[each.seen for each in journal.watchers()],
            trading=keeper.load(),
        )
        await confirm(opening)


def _check_account(settings: Settings, root: Path, journal: JournalFile, account: str) -> None:
    """Refuse an account of the wrong kind, and one that another has been traded as before."""
    check_account(TradingMode(settings.trading_mode), account)
    written = journal.last_account()
    # the simulated accounts share a folder, so there a name that was chosen is a way forward
    if written not in (None, account) and not (settings.embedded and settings.ib_account):
        way_out = f"Set IB_ACCOUNT={account} if that is meant"
        if not settings.embedded:
            way_out = "Move it away if that is meant"
        raise RiskRefused(
            f"The journal {journal.path} is of the account {written}, and the broker gives "
            f"{account}: nothing was traded. {way_out}, or set DESK_HOME to another folder."
        )
    if not settings.embedded:
        name = f"{settings.trading_mode}-{settings.ib_host}-{settings.ib_port}"
        check_same_account(root, name, account, chosen=bool(settings.ib_account))


@contextmanager
def _journal(settings: Settings, root: Path, account: str) -> Iterator[JournalFile]:
    """Hold the account's folder, and the journal in it."""
    folder = account_folder(root, mode=settings.trading_mode, account=account)
    with hold(folder):
        if settings.embedded:
            from apps.api.embedded import put_journal_aside  # noqa: PLC0415 - as for `_embedded`

            put_journal_aside(settings)
        with JournalFile.open(folder / JOURNAL_NAME) as journal:
            yield journal


@contextmanager
def _history(settings: Settings, account: str, alerts: AlertSink) -> Iterator[HistoryStore | None]:
    """Open the account's bars; a desk trades without them where they cannot be opened."""
    with ExitStack() as stack:
        store = None
        try:
            folder = history_folder(settings, account)
            store = stack.enter_context(HistoryStore.open(folder))
        except HistoryRefused as error:
            _LOGGER.warning("%s", error.message)
            alerts(Alert(AlertKind.WARNING, f"no bars are kept: {error.message}"))
        yield store


@asynccontextmanager
async def _embedded(settings: Settings) -> AsyncIterator[PaperGateway | None]:
    if not settings.embedded:
        yield None
        return
    # only a desk without a broker pays for the gateway's import, a seventh of a second
    from apps.api.embedded import embedded_gateway  # noqa: PLC0415

    async with embedded_gateway(settings) as gateway:
        yield gateway


async def _settled(free_for_s: float | None) -> None:
    """Let the broker's side get over the last link with our client id, if there was one."""
    if free_for_s is not None and free_for_s < _SETTLE_S:
        await SystemClock().sleep(_SETTLE_S - free_for_s)


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
        market_data_type=settings.market_data_type,
    ) as ib:
        await ib.connect(Patience(settings.ib_connect_attempts))
        supervisor = Supervisor(SystemClock())
        supervisor.start(
            "keep connected",
            ib.keep_connected,
            lambda task: _keeping_ended(task, tell),
            restarts=_restarts_of_keeping(tell),
        )
        try:
            yield ib
        finally:
            await supervisor.aclose(_KEEPING_TIMEOUT_S)


def _restarts_of_keeping(tell: ErrorSink) -> Restarts:
    def told(error: Exception, pause_s: float) -> None:
        tell(f"What keeps the link failed; it is begun anew in {pause_s:.0f} s.", error)

    return Restarts(told=told)


def _keeping_ended(task: Supervised, tell: ErrorSink) -> None:
    if task.end is TaskEnd.FAILED and isinstance(task.error, Exception):
        tell("The link is no longer watched; quit and start again.", task.error)


def _log_path(settings: Settings, root: Path) -> Path:
    return Path(settings.log_file).expanduser() if settings.log_file else root / "desk.log"
