"""The second confirmation of live trading: the trader names the account, or nothing is opened.

The first is the configuration. At a terminal the account's number is typed after the account, its
balances, the limits and the endpoint were shown; where nobody is there to type, an option names it,
which stands on the command line alone, so that no file can give both confirmations. What cannot
send an order needs neither, and cannot send one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from apps.api.commands.halt import HaltTrading
from apps.api.commands.resume import ResumeTrading
from apps.api.config import Settings
from apps.api.console import Console
from apps.api.interrupts import Interrupted
from apps.api.replies import LiveOpening
from apps.api.trading import may_trade
from apps.domain.errors import BadSetting, InvalidInput, RiskRefused
from apps.domain.trading_mode import check_confirmation

__all__ = ["Confirm", "check_live", "confirm_beside", "confirmation"]


Confirm = Callable[[LiveOpening], Awaitable[None]]
"""Returns once the account is confirmed; raises RiskRefused or Interrupted where it is not."""


def check_live(settings: Settings) -> None:
    """Raise BadSetting for live on the embedded gateway."""
    if settings.live and settings.embedded:
        raise BadSetting(
            "TRADING_MODE is 'live' and IB_HOST is empty: the embedded gateway is a simulation. "
            "Set IB_HOST to where TWS or IB Gateway listens, or TRADING_MODE=paper."
        )


def confirmation(
    command: object,
    settings: Settings,
    console: Console,
    named: str,
    *,
    one_shot: bool,
    fresh: bool = False,
) -> Confirm | None:
    """Give who is to confirm before ``command`` is run; None for a desk that sends nothing live.

    ``named`` is what ``--confirm-live`` gave; ``fresh`` begins without the last session's
    watchers, as a single command does. Raises InvalidInput where somebody has to confirm
    and nobody can, and for a confirmation of what is not live.
    """
    _check_named(named, settings)
    check_live(settings)
    if not (settings.live and settings.trading_enabled):
        return None
    if one_shot and not may_trade(command):
        return None
    if named:
        return lambda opening: _compared(opening, named)
    if console.interactive:
        wakes = not (one_shot or fresh)
        return lambda opening: _asked(console, opening, wakes_watchers=wakes)
    if isinstance(command, HaltTrading):
        return None  # the halt is kept all the same: nothing is entered at the next start
    raise InvalidInput(
        "TRADING_MODE=live, and there is no terminal to confirm the account at: name it by "
        "--confirm-live ACCOUNT. Commands that only show need no confirmation."
    )


def confirm_beside(
    command: object, settings: Settings, account: str, named: str, *, interactive: bool
) -> None:
    """See that a command from beside may be done in a live desk, which is confirmed already.

    Where nobody is there to be asked, what may trade, or lets others, has to name the account by
    ``named``. A halt never has to. Raises InvalidInput, and RiskRefused for another account.
    """
    _check_named(named, settings)
    if named:
        check_confirmation(account, named)
    elif settings.live and not interactive and _is_named_beside(command):
        raise InvalidInput(
            "TRADING_MODE=live, and there is no terminal to ask at: name the account by "
            "--confirm-live ACCOUNT. Commands that only show need no confirmation."
        )


def _is_named_beside(command: object) -> bool:
    lets_trade = may_trade(command) or isinstance(command, ResumeTrading)
    return lets_trade and not isinstance(command, HaltTrading)


def _check_named(named: str, settings: Settings) -> None:
    if named and not settings.live:
        raise InvalidInput(
            f"--confirm-live names {named}, but TRADING_MODE is paper: set TRADING_MODE=live, or "
            "leave the option out."
        )


async def _compared(opening: LiveOpening, named: str) -> None:
    check_confirmation(opening.account, named)


async def _asked(console: Console, opening: LiveOpening, *, wakes_watchers: bool) -> None:
    console.preview(opening if wakes_watchers else replace(opening, watchers=()))
    question = f"LIVE, real money. Type {opening.account} to trade on it, anything else to leave: "
    try:
        typed = await console.interrupts.foreground(console.answer(question))
    except EOFError:
        raise RiskRefused("Not opened: the input ended. Nothing was sent.") from None
    except Interrupted:
        console.say("Not opened. Nothing was sent.")
        raise
    check_confirmation(opening.account, typed)
