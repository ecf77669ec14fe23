"""Every error that the desk raises on purpose, as one tree.

    DeskError
    ├── InvalidInput          what was asked for cannot be; nothing was sent
    │   ├── BadSetting        a configuration value
    │   └── NotTradableYet    an instrument kind whose order rules do not stand yet
    ├── NotFound              an unknown symbol, order, watcher or position
    │   └── AmbiguousSymbol   several instruments answer to it
    ├── Refused               an order that may not be sent, or that the broker turned down
    │   ├── RiskRefused       by our own limits
    │   │   └── TradingHalted by the kill switch
    │   └── BrokerRejected    by the broker, with its code
    ├── ConnectionProblem
    │   ├── CannotConnect     nobody there, or nobody who speaks the protocol
    │   ├── ClientIdInUse     IB's 326
    │   └── NotConnected      an act that needs a live link, without one
    ├── DeadlineExceeded      the broker did not answer in time; the outcome is not known
    ├── BrokerError           a request that the broker ended, with its code
    ├── JournalProblem        the desk's journal
    │   ├── JournalRefused    one that cannot be begun from: damaged, foreign, newer, locked
    │   ├── WatcherRefused    a watcher in it that cannot be brought back
    │   └── JournalLost       what is about to happen could not be written down
    └── IllegalTransition     a state machine was asked for what its table forbids: a bug

A message is one sentence or two: what happened, then what to do next.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousSymbol",
    "BadSetting",
    "BrokerError",
    "BrokerRejected",
    "CannotConnect",
    "ClientIdInUse",
    "ConnectionProblem",
    "DeadlineExceeded",
    "DeskError",
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


class BrokerError(DeskError):
    """A request that the broker ended; ``code`` is IB's."""


class JournalProblem(DeskError):
    """The journal cannot be used as it is."""


class JournalRefused(JournalProblem):
    """A journal that no desk can begin from; it is as it was."""


class WatcherRefused(JournalProblem):
    """A watcher of the journal that cannot be brought back; the message names it."""


class JournalLost(JournalProblem):
    """Something could not be written down; what needs to be written first was not done."""


class IllegalTransition(DeskError):
    """A state machine was asked for what its table forbids. The state is as it was."""
