"""The gateway that the desk brings along, and what it remembers from one start to the next.

Its state is one file in the desk's folder for it. Market time goes on from there, but not through
nights in which nobody looks: a desk that is started finds an open market. Whoever resets it from
within a running desk does so for the next start, for this one's books are in use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from apps.api.config import Settings
from apps.api.state import EMBEDDED, JOURNAL_NAME, account_folder, hold, state_root
from apps.domain.errors import CannotConnect, JournalRefused
from apps.paper.clock import default_start, millis_of, next_open_market, time_at
from apps.paper.feed.market import Millis
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.state.errors import StateInUse, StateRefused
from apps.paper.state.file import StateFile, clear
from apps.paper.state.opening import opening_on
from apps.store.journal.upkeep import set_aside

__all__ = [
    "embedded_gateway",
    "forget",
    "forget_at_next_start",
    "put_journal_aside",
    "start_of_market",
]

_STATE = "gateway.state"
_FORGET = "gateway.forget"
"""While this file is there, the next start begins afresh."""


@asynccontextmanager
async def embedded_gateway(settings: Settings) -> AsyncIterator[PaperGateway]:
    """Serve while the block runs, on what was kept at the last time. The folder must be held.

    Raises CannotConnect, and StateRefused for a state that no gateway can begin from.
    """
    folder = _folder(settings)
    _forget_if_asked(folder)
    async with AsyncExitStack() as stack:
        try:
            lease_ms = StateFile.lease_for(settings.paper_speed)
            file = stack.enter_context(StateFile.open(folder / _STATE, lease_ms=lease_ms))
            wanted = _begun(file, settings)
            gateway = await stack.enter_async_context(PaperGateway.open(wanted, store=file))
        except OSError as error:
            raise CannotConnect(f"The embedded gateway cannot listen: {error}.") from error
        except StateInUse:
            raise
        except StateRefused as error:
            raise StateRefused(
                f"{error.message} `paper reset` forgets what the embedded gateway holds."
            ) from error
        yield gateway


def forget(settings: Settings) -> bool:
    """Forget all that the embedded gateway holds; tell whether there was anything.

    Raises FolderInUse while a desk works with it, StateInUse while another gateway does.
    """
    folder = _folder(settings)
    with hold(folder):
        (folder / _FORGET).unlink(missing_ok=True)
        had_any = clear(folder / _STATE)
        _set_journal_aside(folder)
        return had_any


def forget_at_next_start(settings: Settings) -> None:
    """Have the next start begin afresh, whatever happens until then."""
    (_folder(settings) / _FORGET).touch()


def put_journal_aside(settings: Settings) -> None:
    """Put the journal aside where the next start begins afresh; the folder must be held.

    It tells of orders that the new account never had, and whose ids and executions come again.
    """
    folder = _folder(settings)
    if (folder / _FORGET).exists():
        _set_journal_aside(folder)


def _set_journal_aside(folder: Path) -> None:
    try:
        set_aside(folder / JOURNAL_NAME)
    except OSError as error:
        raise JournalRefused(
            f"The journal in {folder} cannot be put aside ({error}). Move it away yourself."
        ) from error


def _folder(settings: Settings) -> Path:
    root = state_root(settings.desk_home)
    return account_folder(root, mode=settings.trading_mode, account=EMBEDDED)


def _forget_if_asked(folder: Path) -> None:
    wish = folder / _FORGET
    if wish.exists():
        clear(folder / _STATE)
        wish.unlink()


def _begun(file: StateFile, settings: Settings) -> GatewaySettings:
    kept = file.kept()
    asked = (settings.ib_account,) if settings.ib_account else ()
    accounts = dict.fromkeys((*kept.accounts, *asked)) or GatewaySettings().accounts
    wanted = GatewaySettings(
        seed=settings.paper_seed,
        speed=settings.paper_speed,
        start=start_of_market(kept.market_time, datetime.now(UTC)),
        accounts=tuple(accounts),
    )
    opening = opening_on(kept, wanted)
    file.settle(accounts=opening.settings.accounts, cash=opening.settings.cash)
    return opening.settings


def start_of_market(kept: Millis | None, wall_now: datetime) -> datetime:
    """Give the market time to begin at where it was ``kept`` last.

    It is where the market was, or the open of the latest session where that is later; a market
    that would be closed then is taken to its next open.
    """
    latest = default_start(millis_of(wall_now))
    return time_at(next_open_market(latest if kept is None else max(latest, kept)))
