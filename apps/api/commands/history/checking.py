"""`data verify`: what is wrong with what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import click

from apps.api.commands.history.opening import Wish, in_history
from apps.api.outcomes import ExitCode
from apps.api.replies import HistoryVerified, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

if TYPE_CHECKING:
    from apps.store.history.store import HistoryStore
    from apps.store.history.verification import Verified

__all__ = ["verify"]


@dataclass(frozen=True, slots=True)
class VerifyHistory:
    """Look through the bars of one symbol, or all."""

    symbol: str | None
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Read every file. Raises NotFound, AmbiguousSymbol, HistoryRefused, HistoryLost."""
        found = await in_history(session, self._verified)
        code = ExitCode.ERROR if found.findings else ExitCode.DONE
        return Reply(HistoryVerified(found), code)

    def _verified(self, store: HistoryStore) -> Verified:
        from apps.store.history.verification import verify  # noqa: PLC0415 - help stays light

        return verify(store, Wish(self.symbol).instrument(store) if self.symbol else None)


@command(
    "verify",
    examples=("data verify", "data verify AAPL --json"),
    short_help="Look for holes, duplicates, damage and splits in what is kept.",
)
@click.argument("symbol", required=False)
def verify(symbol: str | None) -> Command:
    """Read every bar of SYMBOL, or of all, and tell what is wrong; then the exit code is 1.

    Holes are found by the exchange's sessions, as the broker told them while loading. A damaged
    file is set aside: `data load` fetches its bars anew.
    """
    return VerifyHistory(symbol)
