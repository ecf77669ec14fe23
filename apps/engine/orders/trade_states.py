"""Where a trade can stand, and what may follow what.

How a trade gets from one to the next is `apps.engine.orders.trades`'s.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["ENDED", "FILLED_SOMEHOW", "TRANSITIONS", "TradeState"]


class TradeState(Enum):
    """Where a trade stands; the value is shown."""

    SENT = "sent"
    """Handed to the socket; the broker has not answered."""
    WORKING = "working"
    """The entry is accepted, nothing is filled."""
    PARTLY_FILLED = "partly filled"
    """Some of the entry is filled, the rest still works."""
    FILLED = "filled"
    """The entry is over with something filled; its stop is not (or no longer) seen working."""
    PROTECTED = "protected"
    """The entry is over with something filled, and its stop works."""
    EXITING = "exiting"
    """An exit is partly filled."""
    CLOSED = "closed"
    """What was entered has been exited."""
    REJECTED = "rejected"
    """The broker turned the entry down; nothing is filled."""
    WITHDRAWN = "withdrawn"
    """The entry was cancelled; nothing is filled."""
    UNKNOWN = "unknown"
    """The link was lost before the broker answered: it may or may not have the order."""
    NEVER_ACCEPTED = "never accepted"
    """The broker was asked twice, and never had the entry."""
    GONE = "gone"
    """Nothing of it is left, and how it ended was not told: by the account, or by the trader."""


_S = TradeState

FILLED_SOMEHOW = frozenset({_S.PARTLY_FILLED, _S.FILLED, _S.PROTECTED, _S.EXITING, _S.CLOSED})
"""Something was entered."""

_ENDED_UNFILLED = frozenset({_S.REJECTED, _S.WITHDRAWN, _S.NEVER_ACCEPTED})

ENDED = _ENDED_UNFILLED | {_S.CLOSED, _S.GONE}
"""Nothing more is expected."""

TRANSITIONS: dict[TradeState, frozenset[TradeState]] = {
    _S.SENT: FILLED_SOMEHOW | _ENDED_UNFILLED | {_S.WORKING, _S.UNKNOWN, _S.GONE},
    _S.UNKNOWN: FILLED_SOMEHOW | _ENDED_UNFILLED | {_S.WORKING, _S.GONE},
    _S.WORKING: FILLED_SOMEHOW | {_S.REJECTED, _S.WITHDRAWN, _S.GONE},
    _S.PARTLY_FILLED: (FILLED_SOMEHOW | {_S.GONE}) - {_S.PARTLY_FILLED},
    _S.FILLED: frozenset({_S.PROTECTED, _S.EXITING, _S.CLOSED, _S.GONE}),
    _S.PROTECTED: frozenset({_S.FILLED, _S.EXITING, _S.CLOSED, _S.GONE}),
    # an execution may be corrected, or busted, as long as the trade goes on
    _S.EXITING: (FILLED_SOMEHOW | {_S.GONE}) - {_S.EXITING},
    # an execution may still arrive after the status that ended its order, and such a status may
    # be false: ib_insync shows a live order as cancelled on many a warning (10349, 104, 161)
    _S.REJECTED: FILLED_SOMEHOW | {_S.WORKING, _S.WITHDRAWN},
    _S.WITHDRAWN: FILLED_SOMEHOW | {_S.WORKING, _S.REJECTED},
    # what was looked for in vain may still turn up: then it is followed again
    _S.NEVER_ACCEPTED: FILLED_SOMEHOW | {_S.WORKING, _S.REJECTED, _S.WITHDRAWN},
    _S.GONE: FILLED_SOMEHOW | {_S.WORKING},
    # more of an entry may still be told when all that was known of it has been exited
    _S.CLOSED: FILLED_SOMEHOW - {_S.CLOSED},
}
"""What may follow what; everything else raises IllegalTransition."""
