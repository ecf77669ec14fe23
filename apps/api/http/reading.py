"""What can be looked at: the same values that the commands of these names show.

Each is what ``COMMAND --json`` gives. What is asked of the broker is asked once for all who ask at
the same time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apps.api.commands.account import ShowAccount
from apps.api.commands.breakout import ListBreakouts
from apps.api.commands.executions import ShowExecutions
from apps.api.commands.journal import ListIntents, TellIntent
from apps.api.commands.orders import ShowOrders
from apps.api.commands.positions import ShowPositions
from apps.api.commands.quote import ShowQuote
from apps.api.http.operations import Call, Operation, Outcome
from apps.api.http.problems import ProblemError
from apps.api.session import Command, Session
from apps.domain.account import AccountSummary
from apps.domain.link import LinkState
from apps.domain.orders import Fill, OrderState
from apps.engine.breakout_watcher import WatcherView
from apps.engine.portfolio import PositionView, QuoteView
from apps.engine.routines.parameters import parameter, parameters_of, parsed, text, whole
from apps.store.journal.reading import WrittenIntent

__all__ = ["Readiness", "reading_operations"]

_MOST_INTENTS = 10_000


@dataclass(frozen=True, slots=True)
class _Nothing:
    """Nothing has to be said."""


@dataclass(frozen=True, slots=True)
class _Symbol:
    symbol: str = parameter("A symbol.", text("a symbol such as AAPL", "SYMBOL", most=40))


@dataclass(frozen=True, slots=True)
class _Intent:
    intent: str = parameter(
        "An order reference, or the end of one.", text("a reference such as k3f9a2", most=60)
    )


@dataclass(frozen=True, slots=True)
class _Last:
    last: int = parameter("How many.", whole(1, _MOST_INTENTS), default=20)


@dataclass(frozen=True, slots=True)
class Health:
    """The process and its loop are alive."""

    status: str = "alive"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the desk can do its work; ``trading`` may be halted, and it is ready all the same.

    A halt is the trader's wish, holds entries back, and says so by itself wherever one is refused.
    """

    status: str
    link: str
    journal: str
    trading: str


def reading_operations(session: Session) -> tuple[Operation, ...]:
    """Give the operations that read."""

    def show(command: Command) -> Callable[[Call], Awaitable[Outcome]]:
        return _shown(session, _Nothing, lambda _: command)

    return (
        Operation(
            "GET",
            "/account",
            "get_account",
            "Balances, margin and P&L of the account.",
            "Asked of the broker; `trading` says whether entries are let through.",
            show(ShowAccount()),
            is_shared=True,
            answers=AccountSummary,
            also=(504,),
        ),
        Operation(
            "GET",
            "/positions",
            "list_positions",
            "Holdings, each with what protects it.",
            "Asked of the broker. `ours` is how much of it is the desk's own, signed.",
            show(ShowPositions()),
            is_shared=True,
            answers=tuple[PositionView, ...],
            also=(504,),
        ),
        Operation(
            "GET",
            "/orders",
            "list_orders",
            "Working orders of the account, those of others too.",
            "Asked of the broker.",
            show(ShowOrders()),
            is_shared=True,
            answers=tuple[OrderState, ...],
            also=(504,),
        ),
        Operation(
            "GET",
            "/executions",
            "list_executions",
            "The day's executions, oldest first.",
            "Asked of the broker; commissions as far as it has told them.",
            show(ShowExecutions()),
            is_shared=True,
            answers=tuple[Fill, ...],
            also=(504,),
        ),
        Operation(
            "GET",
            "/watchers",
            "list_watchers",
            "Every breakout watcher of the session, those that have ended too.",
            "Asks nothing of the broker.",
            show(ListBreakouts()),
            is_shared=True,
            answers=tuple[WatcherView, ...],
        ),
        Operation(
            "GET",
            "/journal",
            "list_journal",
            "The last intents, each with what became of it.",
            "Read from the account's journal.",
            _shown(session, _Last, lambda asked: ListIntents(asked.last)),
            parameters=parameters_of(_Last),
            answers=tuple[WrittenIntent, ...],
        ),
        Operation(
            "GET",
            "/journal/{intent}",
            "get_journal",
            "Everything that was written down of one intent, in order.",
            "Read from the account's journal.",
            _shown(session, _Intent, lambda asked: TellIntent(asked.intent)),
            parameters=parameters_of(_Intent),
        ),
        Operation(
            "GET",
            "/quotes/{symbol}",
            "get_quote",
            "Bid, ask and last of a symbol, and how old they are.",
            "Asked of the broker. `EUR.USD` is a currency pair, `AAPL@NASDAQ` names the listing.",
            _shown(session, _Symbol, lambda asked: ShowQuote(asked.symbol)),
            parameters=parameters_of(_Symbol),
            is_shared=True,
            answers=QuoteView,
            also=(502, 504),
        ),
        Operation(
            "GET",
            "/health",
            "get_health",
            "The process and its loop are alive.",
            "Asks nobody.",
            _health,
            answers=Health,
        ),
        Operation(
            "GET",
            "/ready",
            "get_ready",
            "Whether the desk can do its work: the link is up, the journal is written.",
            "503 where it cannot, with what is wrong. Asks nobody.",
            _ready(session),
            answers=Readiness,
        ),
    )


def _shown(
    session: Session, request: type, command: Callable[..., Command]
) -> Callable[[Call], Awaitable[Outcome]]:
    async def act(call: Call) -> Outcome:
        reply = await command(parsed(request, call.values)).run(session)
        return Outcome(reply.value)

    return act


async def _health(call: Call) -> Outcome:
    parsed(_Nothing, call.values)
    return Outcome(Health())


def _ready(session: Session) -> Callable[[Call], Awaitable[Outcome]]:
    async def act(call: Call) -> Outcome:
        parsed(_Nothing, call.values)
        desk = session.desk
        link, journal = desk.link.state, "written" if desk.is_written else "behind"
        wrong = {} if link is LinkState.READY else {"link": link.value}
        wrong |= {} if desk.is_written else {"journal": journal}
        if wrong:
            raise ProblemError.not_ready(wrong)
        return Outcome(Readiness("ready", link.value, journal, desk.trading.state.value))

    return act
