"""The log of activities: each run of a routine, written before it begins and when it has ended.

What may trade is *reserved*: unless the beginning is written down nothing is done. Reading asks the
journal; nothing here is on the way of a bar.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from apps.domain.activities import ActivityBegan, ActivityEnded, ActivityOutcome, KeptActivity
from apps.domain.errors import DeskError
from apps.engine.chronicle import Chronicle
from apps.engine.ports import Journal
from apps.engine.prices.market_clock import MarketClock

__all__ = ["Activities"]


class Activities:
    """The activities of one desk."""

    def __init__(
        self,
        chronicle: Chronicle,
        journal: Journal,
        market_clock: MarketClock,
        trading_mode: str,
        new_id: Callable[[], str],
    ) -> None:
        self._chronicle = chronicle
        self._journal = journal
        self._market_clock = market_clock
        self._trading_mode = trading_mode
        self._new_id = new_id
        self._running: set[str] = set()

    def begin(
        self,
        routine: str,
        signature: str,
        parameters: str,
        *,
        configuration: str,
        caller: str,
        is_dry_run: bool,
        request_key: str,
        must_be_written: bool,
    ) -> str:
        """Write down that a routine begins; give the activity's id.

        Raises JournalLost where it ``must_be_written`` and cannot be.
        """
        began = ActivityBegan(
            activity_id=self._new_id(),
            routine=routine,
            signature=signature,
            parameters=parameters,
            trading_mode=self._trading_mode,
            configuration=configuration,
            caller=caller,
            is_dry_run=is_dry_run,
            request_key=request_key,
            at=self._market_clock.now,
        )
        (self._chronicle.reserve if must_be_written else self._chronicle.note)(began)
        self._running.add(began.activity_id)
        return began.activity_id

    def ended(self, activity_id: str, outcome: ActivityOutcome, answer: str) -> datetime | None:
        """Write down what a routine gave; give the market's time of that."""
        at = self._market_clock.now
        self._running.discard(activity_id)
        self._chronicle.note(ActivityEnded(activity_id, outcome, "", None, answer, at))
        return at

    def failed(self, activity_id: str, outcome: ActivityOutcome, error: BaseException) -> None:
        """Write down what a routine ended by."""
        words = error.message if isinstance(error, DeskError) else type(error).__name__
        code = error.code if isinstance(error, DeskError) else None
        self._running.discard(activity_id)
        at = self._market_clock.now
        self._chronicle.note(ActivityEnded(activity_id, outcome, words, code, "", at))

    def of_key(self, request_key: str) -> KeptActivity | None:
        """Give the newest run that was asked for under a key."""
        return self._journal.activity_of_key(request_key)

    def of_signature(self, signature: str) -> KeptActivity | None:
        """Give the newest run of exactly this request that was no dry run, nor runs now."""
        return self._journal.activity_of_signature(signature, self._running)

    def has_traded(self, label: str, since: datetime) -> bool:
        """Tell whether an order under ``label`` was reserved at ``since`` or later."""
        return self._journal.has_reserved(label, since)
