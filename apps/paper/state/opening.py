"""How a gateway begins on a state file: which accounts, which cash, at which market time.

Pure: what the file holds and what was asked for come in, settings and words for a person go out.
Market time never goes back; accounts are never lost; cash is what the file began with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from apps.paper.clock import time_at
from apps.paper.feed.market import Millis
from apps.paper.settings import GatewaySettings

__all__ = ["Kept", "Opening", "opening_on"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a state file says before a world is made of it; a new one has nothing to say."""

    market_time: Millis | None = None
    cash: Decimal | None = None
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """The settings to begin with, and what of the wish was not followed, a sentence each."""

    settings: GatewaySettings
    notices: tuple[str, ...] = ()


def opening_on(
    kept: Kept,
    wanted: GatewaySettings,
    *,
    names_accounts: bool = True,
    names_cash: bool = False,
) -> Opening:
    """Give how to begin on ``kept`` where ``wanted`` was asked for.

    Without a start the market goes on where it was. ``names_accounts`` and ``names_cash`` tell
    that they were asked for, and are not just the defaults: those give way to the file.
    """
    settings, notices = wanted, []
    if kept.accounts and not names_accounts:
        settings = replace(settings, accounts=kept.accounts)
    if kept.cash is not None and kept.cash != wanted.cash:
        settings = replace(settings, cash=kept.cash)
        if names_cash:
            notices.append(
                f"the state file's accounts began with {kept.cash:f}, and so does every account of "
                f"it; {wanted.cash:f} counts for a new file only"
            )
    if kept.market_time is not None:
        saved = time_at(kept.market_time)
        if wanted.start is not None and wanted.start < saved:
            notices.append(
                f"the state file's market time is {saved:%Y-%m-%d %H:%M:%S} UTC, and never goes "
                f"back: it goes on from there, not from {wanted.start:%Y-%m-%d %H:%M:%S}"
            )
        settings = replace(settings, start=max(saved, wanted.start or saved))
    return Opening(settings, tuple(notices))
