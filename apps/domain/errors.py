"""Every error that the desk raises on purpose, as one tree.

    DeskError
    ├── InvalidInput          what was asked for cannot be; nothing was sent
    │   ├── BadSetting        a configuration value
    │   ├── BadRequest        parameters of a routine, each with why not
    │   └── NotTradableYet    an instrument kind whose order rules do not stand yet
    ├── NotFound              an unknown symbol, order, watcher or position
    │   └── AmbiguousSymbol   several instruments answer to it
    ├── Refused               an order that may not be sent, or that the broker turned down
    │   ├── RiskRefused       by our own limits
    │   │   ├── TradingHalted by the kill switch
    │   │   └── TradingDisabled  by TRADING_ENABLED, whatever it was
    │   ├── AlreadyDone       what may be done once at a time, or once, and was or is
    │   └── BrokerRejected    by the broker, with its code
    ├── ConnectionProblem
    │   ├── CannotConnect     nobody there, or nobody who speaks the protocol
    │   ├── ClientIdInUse     IB's 326
    │   └── NotConnected      an act that needs a live link, without one
    ├── FailedBefore          a request that failed under the same key; nothing was done again
    ├── DeadlineExceeded      the broker did not answer in time; the outcome is not known
    ├── BrokerError           a request that the broker ended, with its code
    │   └── AskedTooOften     its pacing takes no more of this kind for now
    ├── JournalProblem        the desk's journal
    │   ├── JournalRefused    one that cannot be begun from: damaged, foreign, newer, locked
    │   ├── WatcherRefused    a watcher in it that cannot be brought back
    │   └── JournalLost       what is about to happen could not be written down
    ├── HistoryProblem        the bars on disk
    │   ├── HistoryRefused    a store that cannot be used: damaged, foreign, newer
    │   └── HistoryLost       something could not be kept or removed; all is as it was
    └── IllegalTransition     a state machine was asked for what its table forbids: a bug

A message is one sentence or two: what happened, then what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "AlreadyDone",
    "AmbiguousSymbol",
    "AskedTooOften",
    "BadRequest",
    "BadSetting",
    "BrokerError",
    "BrokerRejected",
    "CannotConnect",
    "ClientIdInUse",
    "ConnectionProblem",
    "DeadlineExceeded",
    "DeskError",
    "FailedBefore",
    "HistoryLost",
    "HistoryProblem",
    "HistoryRefused",
    "IllegalTransition",
    "InvalidInput",
    "JournalLost",
    "JournalProblem",
    "JournalRefused",
    "NotConnected",
    "NotFound",
    "NotTradableYet",
    "Refused",
    "RiskRefused",
    "TradingDisabled",
    "TradingHalted",
    "WatcherRefused",
]


class DeskError(Exception):
    """Base of all errors whose message is meant for the trader.

    ``code`` is IB's error code where IB gave one.
    """

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class InvalidInput(DeskError):
    """What was asked for cannot be; nothing was sent."""


class BadSetting(InvalidInput):
    """A configuration value that cannot be: names it, what it held, what it may hold."""


class BadRequest(InvalidInput):
    """Parameters that cannot be: ``problems`` tells for each name why."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(sorted(problems.items()))
        told = (f"{name} {why.rstrip('.')}." for name, why in self.problems.items())
        super().__init__(f"{' '.join(told)} Nothing was done.")


class NotTradableYet(InvalidInput):
    """An instrument kind whose multiplier, currency and lot rules have no tests yet."""


class NotFound(DeskError):
    """An unknown symbol, order, watcher or position."""


class AmbiguousSymbol(NotFound):
    """Several instruments answer to the symbol; the message lists them."""


class Refused(DeskError):
    """An order that may not be sent, or that the broker turned down."""


class RiskRefused(Refused):
    """An order that our own limits hold back; the message names the limit."""


class TradingHalted(RiskRefused):
    """An opening order while trading is halted, only reduces, or ends for the day.

    Whoever wanted it may stay.
    """


class TradingDisabled(RiskRefused):
    """Anything that would be sent, changed or cancelled while TRADING_ENABLED is off."""


class AlreadyDone(Refused):
    """What may be done once, or once at a time, was done or is being done; nothing was sent."""


class BrokerRejected(Refused):
    """An order that the broker turned down; ``code`` is IB's."""


class ConnectionProblem(DeskError):
    """The link to the broker is missing or was lost."""


class CannotConnect(ConnectionProblem):
    """Nobody listens there, or nobody who speaks the TWS protocol."""


class ClientIdInUse(ConnectionProblem):
    """Another program holds our client id (IB's 326)."""


class NotConnected(ConnectionProblem):
    """An act that needs a live link, without one; nothing was sent."""


class DeadlineExceeded(DeskError):
    """The broker did not answer in time; what became of the request is not known."""


class FailedBefore(DeskError):
    """The first answer to a request that is repeated under its key; nothing was done again."""


class BrokerError(DeskError):
    """A request that the broker ended; ``code`` is IB's."""


class AskedTooOften(BrokerError):
    """The broker's pacing takes no more questions of this kind for now; a later one it may."""


class JournalProblem(DeskError):
    """The journal cannot be used as it is."""


class JournalRefused(JournalProblem):
    """A journal that no desk can begin from; it is as it was."""


class WatcherRefused(JournalProblem):
    """A watcher of the journal that cannot be brought back; the message names it."""


class JournalLost(JournalProblem):
    """Something could not be written down; what needs to be written first was not done."""


class HistoryProblem(DeskError):
    """The bars on disk cannot be used as they are."""


class HistoryRefused(HistoryProblem):
    """A store that is damaged, foreign or of a newer version; it is as it was."""


class HistoryLost(HistoryProblem):
    """Something could not be kept or removed; all is as it was before."""


class IllegalTransition(DeskError):
    """A state machine was asked for what its table forbids. The state is as it was."""
