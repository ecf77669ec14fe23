"""Asking the broker: paced, with a deadline, and with errors of our own.

ib_insync's requests have no deadline. Those that it keys by an id can run side by side; those
that it keys by a name ("openOrders") cannot, for the second would take the first one's place
and the first never end. Such a request waits for the one before it, even for one whose caller
has given up: its late answer would else be taken for the new one's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from apps.domain.errors import BrokerError, DeadlineExceeded, DeskError, NotConnected
from apps.ib.errors import explain
from apps.ib.pacer import Pacer
from apps.ib.pacing import Lane
from apps.ib.session import Session

__all__ = ["Requests", "Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long we wait for the other side, in seconds."""

    connect_s: float = 5.0
    """For the socket and the handshake."""
    request_s: float = 10.0
    """For the answer to one request, its turn in the pacing included."""
    history_s: float = 30.0
    load_s: float = 120.0
    """For bars that a load asks for: IB takes its time with many at once."""
    heartbeat_every_s: float = 4.0
    """After so long without a byte the other side is asked the time."""
    heartbeat_answer_s: float = 4.0
    """After so long without an answer, or anything else, its socket is taken for dead."""
    refusal_s: float = 0.3
    """How long a new subscription is watched for a refusal before it counts as accepted."""
    disconnect_s: float = 1.0
    backoff_first_s: float = 1.0
    backoff_cap_s: float = 30.0

    @classmethod
    def with_silence(cls, silence_s: float) -> Timeouts:
        """Give the defaults, with a silent socket taken for dead after ``silence_s``."""
        return cls(heartbeat_every_s=silence_s / 2, heartbeat_answer_s=silence_s / 2)


_ABANDONED_AFTER_S = 60.0
"""After this long an answer is taken for lost, and no longer waited for by the next to ask."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that is known by name: its answer, and how long others wait for that."""

    answer: asyncio.Future[Any]
    until: float


class Requests:
    """The requests of one session."""

    def __init__(self, session: Session, pacer: Pacer, timeouts: Timeouts) -> None:
        self._session = session
        self._pacer = pacer
        self._timeouts = timeouts
        self._in_flight: dict[str, _Asked] = {}

    async def by_id(
        self,
        what: str,
        send: Callable[[int], None],
        *,
        timeout_s: float | None = None,
        container: list[Any] | None = None,
        on_deadline: Callable[[int], None] | None = None,
    ) -> Any:
        """Send a request under a new id and give its answer.

        ``what`` names it in errors ("the contract of AAPL"); ``on_deadline`` takes it back when
        nobody waits any more. Raises DeadlineExceeded, BrokerError with IB's code, NotConnected.
        """
        async with _deadline(what, timeout_s or self._timeouts.request_s):
            await self._pacer.acquire()
            req_id = self._session.next_id()
            answer = self._session.wrapper.startReq(req_id, container=container)
            send(req_id)
            try:
                return await _translated(what, answer)
            except asyncio.CancelledError:
                if on_deadline is not None:
                    self.end(lambda: on_deadline(req_id))
                raise

    def end(self, send: Callable[[], None]) -> None:
        """Send one message that ends something at the broker's, in its turn.

        It counts like any other: unpaced, those who ask for balances in a row went beyond IB's 50
        messages a second. Nothing is sent where the session is over by then: that ended all.
        """

        def while_usable() -> None:
            if self._session.is_usable:
                send()

        if self._session.is_usable:
            self._pacer.submit_control(while_usable)

    async def by_name(
        self,
        name: str,
        what: str,
        send: Callable[[], asyncio.Future[Any]],
        *,
        share: bool = False,
        lane: Lane = Lane.REQUEST,
        timeout_s: float | None = None,
    ) -> Any:
        """Send a request that ib_insync knows by ``name`` only, after the one before it.

        With ``share``, an answer that is on its way already serves: right for what a moment
        does not change, such as a clock. Raises as `by_id`.
        """
        deadline_s = timeout_s or self._timeouts.request_s
        async with _deadline(what, deadline_s):
            while (earlier := self._outstanding(name)) is not None:
                if share:
                    return await _translated(what, asyncio.shield(earlier.answer))
                await asyncio.wait({earlier.answer}, timeout=earlier.until - _now())
            answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_note_exception)
            patience_s = deadline_s if share else _ABANDONED_AFTER_S
            self._in_flight[name] = _Asked(answer, until=_now() + patience_s)
            try:
                await self._pacer.acquire(lane)
                self._session.require_usable()
                send().add_done_callback(lambda raw: _copy(raw, answer))
            except BaseException:
                answer.set_exception(NotConnected(f"The request for {what} was not sent."))
                raise
            return await _translated(what, asyncio.shield(answer))

    def _outstanding(self, name: str) -> _Asked | None:
        asked = self._in_flight.get(name)
        return asked if asked and not asked.answer.done() and _now() < asked.until else None


@asynccontextmanager
async def _deadline(what: str, timeout_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise DeadlineExceeded(
            f"The broker did not answer within {timeout_s:g} s when asked for {what}. "
            "Ask again; if that goes on, look at TWS or IB Gateway."
        ) from None


async def _translated(what: str, answer: asyncio.Future[Any]) -> Any:
    try:
        return await answer
    except ConnectionError:
        raise NotConnected(f"The link was lost while {what} was asked for.") from None
    except Exception as error:
        code = getattr(error, "code", None)
        if isinstance(error, DeskError) or not isinstance(code, int):
            raise
        text = str(getattr(error, "message", error))
        raise BrokerError(explain(code, text), code=code) from None


def _note_exception(answer: asyncio.Future[Any]) -> None:
    # it may be that nobody waits any more; asyncio would complain of an exception never seen
    if not answer.cancelled():
        answer.exception()


def _copy(raw: asyncio.Future[Any], answer: asyncio.Future[Any]) -> None:
    if answer.done():
        return
    if raw.cancelled():
        answer.cancel()
    elif (error := raw.exception()) is not None:
        answer.set_exception(error)
    else:
        answer.set_result(raw.result())


def _now() -> float:
    return asyncio.get_running_loop().time()
