"""The link to TWS or IB Gateway: making it, watching it, and making it again.

At home here: connecting (each failure as the sentence that helps), the link's state and its
epochs, the heartbeat, the way back after a loss. Not here: what is asked on the link and who
subscribes to what; they hear of its changes and ask anew.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from apps.domain.errors import (
    BrokerError,
    CannotConnect,
    ClientIdInUse,
    ConnectionProblem,
    DeadlineExceeded,
    DeskError,
    InvalidInput,
    NotConnected,
)
from apps.engine.ports import Clock, Link, LinkState
from apps.ib.errors import explain
from apps.ib.pacer import Pacer
from apps.ib.pacing import Lane
from apps.ib.refusals import closed_in_handshake, said_nothing, why_not_connected
from apps.ib.reports import Reporter
from apps.ib.requests import Requests, Timeouts
from apps.ib.session import Session
from apps.ib.sinks import OrderInbox

__all__ = ["Endpoint", "IBConnection", "LinkListener"]

_CLIENT_ID_IN_USE = 326
_BROKER_LOST = 1100
_BROKER_BACK = {
    1101: "IB's servers are back; subscriptions were lost",
    1102: "IB's servers are back; subscriptions were kept",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect, and as whom. ``account`` empty: the only account there is."""

    host: str
    port: int
    client_id: int
    account: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class LinkListener(Protocol):
    """Who takes part in the life of the link."""

    async def synchronise(self, session: Session, requests: Requests) -> None:
        """Ask for what must be known before the link counts as READY."""

    def on_link(self, link: Link) -> None:
        """The link changed its state."""

    def on_code(self, req_id: int, code: int, text: str) -> None:
        """IB sent a code that answers no request."""


class IBConnection:
    """One link at a time, made by `connect` and kept by `keep_connected`.

    ``async with`` disconnects at its end; `connect` is called within it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        listener: LinkListener,
        *,
        clock: Clock,
        pacer: Pacer,
        orders: OrderInbox,
        reporter: Reporter,
        timeouts: Timeouts,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.endpoint = endpoint
        self.account = endpoint.account
        self.accounts: tuple[str, ...] = ()
        self.server_version = 0
        self._listener = listener
        self._clock = clock
        self._pacer = pacer
        self._orders = orders
        self._reporter = reporter
        self._timeouts = timeouts
        self._jitter = jitter
        self._link = Link(LinkState.DISCONNECTED, epoch=0, reason="not connected yet")
        self._current: tuple[Session, Requests] | None = None
        self._remains: Session | None = None
        self._refused: asyncio.Future[ConnectionProblem] | None = None
        self._broker_lost = False
        self._lost = asyncio.Event()
        self._connecting = asyncio.Lock()
        self._lowest_id = 0
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.disconnect()

    # ----------------------------------------------------------------------- what it gives

    @property
    def link(self) -> Link:
        """The link's state now."""
        return self._link

    @property
    def session(self) -> Session:
        """The session, for requests. Raises NotConnected when there is none."""
        return self._usable()[0]

    @property
    def requests(self) -> Requests:
        """The requests of the session. Raises NotConnected when there is none."""
        return self._usable()[1]

    def ready_session(self) -> Session:
        """Give the session, for orders. Raises NotConnected unless the link is READY."""
        if self._link.state is not LinkState.READY:
            raise NotConnected(
                f"The link to the broker is not ready ({self._link.state.value}"
                f"{': ' + self._link.reason if self._link.reason else ''}); nothing was sent. "
                "Wait until it is back."
            )
        return self._usable()[0]

    async def broker_time(self, timeout_s: float | None = None) -> datetime:
        """Ask the broker's clock; callers at the same moment share one request."""
        session, requests = self._usable()

        def ask() -> asyncio.Future[datetime]:
            answer: asyncio.Future[datetime] = session.wrapper.startReq("currentTime")
            session.client.reqCurrentTime()
            return answer

        at: datetime = await requests.by_name(
            "currentTime", "the time", ask, share=True, lane=Lane.CONTROL, timeout_s=timeout_s
        )
        return at

    def _usable(self) -> tuple[Session, Requests]:
        if self._current is None or not self._current[0].is_usable:
            raise NotConnected(
                f"There is no link to the broker at {self.endpoint}; nothing was sent. "
                "Wait until it is back."
            )
        return self._current

    # -------------------------------------------------------------------- making the link

    async def connect(self) -> None:
        """Connect, choose the account, and read orders, executions and positions.

        One attempt; does nothing when the link is up. Raises CannotConnect, ClientIdInUse,
        InvalidInput (two accounts and none chosen), DeadlineExceeded.
        """
        async with self._connecting:
            if self._current is not None and self._current[0].is_usable:
                return
            self._closed = False
            await self._bury()
            try:
                await self._attempt()
            except (DeskError, asyncio.CancelledError) as error:
                self._drop(f"{error}" or "given up")
                await self._bury()
                if isinstance(error, NotConnected):
                    raise CannotConnect(
                        f"{self.endpoint} hung up while orders and positions were read. {error}"
                    ) from None
                raise

    async def _attempt(self) -> None:
        self._set(LinkState.CONNECTING)
        self._lost.clear()
        self._broker_lost = False
        self._refused = asyncio.get_running_loop().create_future()
        self._reporter.watch_decoder()
        session = Session(self, self._orders, self._reporter)
        requests = Requests(session, self._pacer, self._timeouts)
        self._current = session, requests
        await self._shake_hands(session, self._refused)
        session.client.updateReqId(self._lowest_id)
        self.server_version = int(session.client.serverVersion())
        self.accounts = tuple(session.client.getAccounts())
        self.account = _chosen(self.endpoint.account, self.accounts)
        self._set(LinkState.SYNCHRONISING)
        await self._listener.synchronise(session, requests)
        session.require_usable()
        self._set(LinkState.BROKER_LOST if self._broker_lost else LinkState.READY)

    async def _shake_hands(
        self, session: Session, refused: asyncio.Future[ConnectionProblem]
    ) -> None:
        where = self.endpoint
        session.wrapper.clientId = where.client_id
        # without its own timeout, which goes on waiting after IB has said 326 and hung up
        attempt = asyncio.ensure_future(
            session.client.connectAsync(where.host, where.port, where.client_id, None)
        )
        try:
            done, _ = await asyncio.wait(
                {attempt, refused},
                timeout=self._timeouts.connect_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            attempt.cancel()
        failure = (await asyncio.gather(attempt, return_exceptions=True))[0]
        if attempt in done and failure is not None:
            raise why_not_connected(str(where), failure)
        if refused in done:
            raise refused.result()
        if attempt not in done:
            raise said_nothing(str(where), self._timeouts.connect_s)

    # ------------------------------------------------------------------- keeping the link

    async def keep_connected(self) -> None:
        """Watch the link, and make it again whenever it is lost, until `disconnect`.

        With the same client id, for only that one may change our own orders; after a pause
        that doubles up to a cap, with jitter. Listeners hear of every change; subscriptions
        are not renewed here.
        """
        failures = 0
        while not self._is_closed():
            try:
                await self.connect()
                began = self._clock.monotonic()
                await self._watch()
                # a link that does not last is no success: no storm of attempts
                if self._clock.monotonic() - began >= self._timeouts.backoff_cap_s:
                    failures = 0
            except DeskError:
                pass  # told as the reason of the link's state
            if not self._is_closed():
                await self._clock.sleep(self._pause_s(failures))
                failures += 1

    def _is_closed(self) -> bool:
        return self._closed

    def _pause_s(self, failures: int) -> float:
        doubled = self._timeouts.backoff_first_s * 2.0 ** min(failures, 16)
        longest = min(self._timeouts.backoff_cap_s, doubled)
        return longest * (0.5 + 0.5 * self._jitter())

    async def _watch(self) -> None:
        while not self._lost.is_set():
            try:
                async with asyncio.timeout(self._timeouts.heartbeat_every_s):
                    await self._lost.wait()
            except TimeoutError:
                await self._beat()

    async def _beat(self) -> None:
        """Ask the time; no answer, and not a byte since, is a half-open socket."""
        if self._current is None:
            return
        session = self._current[0]
        seen, deadline_s = session.bytes_seen, self._timeouts.heartbeat_answer_s
        try:
            await self.broker_time(deadline_s)
        except DeadlineExceeded:
            if session.bytes_seen == seen:
                self._lose(session, f"{self.endpoint} has been silent for {deadline_s:g} s")
        except (BrokerError, NotConnected):
            return  # it answered, or its end is already known

    async def disconnect(self) -> None:
        """End the link and whatever runs on it, within a bounded time; again does nothing."""
        self._closed = True
        self._refuse(CannotConnect("The desk is disconnecting."))
        self._drop("disconnected")
        await self._bury()
        self._reporter.unwatch_decoder()

    # ---------------------------------------------------- what the session tells its owner

    def on_code(self, session: Session, req_id: int, code: int, text: str) -> None:
        """Take the codes that speak of the link; pass all of them on."""
        if not self._is_current(session):
            return
        if code == _CLIENT_ID_IN_USE:
            self._refuse(
                ClientIdInUse(
                    f"Client id {self.endpoint.client_id} is in use at {self.endpoint}. "
                    f"{explain(code, text)}",
                    code=code,
                )
            )
        elif code == _BROKER_LOST:
            self._on_broker_lost(text)
        elif code in _BROKER_BACK:
            self._on_broker_back(code)
        self._listener.on_code(req_id, code, text)

    def on_closed(self, session: Session, reason: str) -> None:
        """Take the end of the link, or the refusal to make it."""
        if not self._is_current(session):
            return
        self._refuse(closed_in_handshake(str(self.endpoint), reason))
        self._lose(session, reason)

    def _refuse(self, problem: ConnectionProblem) -> None:
        """End the attempt to connect, if one is under way; the first reason is the true one."""
        if self._refused is not None and not self._refused.done():
            self._refused.set_result(problem)

    def _is_current(self, session: Session) -> bool:
        return self._current is not None and self._current[0] is session and not session.ended

    def _on_broker_lost(self, text: str) -> None:
        self._broker_lost = True
        if self._link.state is LinkState.READY:
            self._set(LinkState.BROKER_LOST, explain(_BROKER_LOST, text), loss=True)

    def _on_broker_back(self, code: int) -> None:
        self._broker_lost = False
        if self._link.state is LinkState.READY:
            # its beginning was not told; that something was lost is told all the same
            self._set(LinkState.BROKER_LOST, "IB's servers were lost for a moment", loss=True)
        if self._link.state is LinkState.BROKER_LOST:
            self._set(LinkState.READY, _BROKER_BACK[code])

    # ----------------------------------------------------------------------- ending it

    def _lose(self, session: Session, reason: str) -> None:
        if self._is_current(session) and self._link.state is not LinkState.CONNECTING:
            self._drop(reason)

    def _drop(self, reason: str) -> None:
        """Let go of the session at once; its socket is buried by whoever may wait."""
        if self._current is None:
            return
        session, _ = self._current
        self._current, self._remains = None, session
        self._lowest_id = max(self._lowest_id, session.last_id + 1)
        session.end()
        self._pacer.drop_all()
        was_up = self._link.state in (LinkState.READY, LinkState.BROKER_LOST)
        self._set(LinkState.DISCONNECTED, reason, loss=was_up)
        self._lost.set()

    async def _bury(self) -> None:
        session, self._remains = self._remains, None
        if session is not None:
            await session.close(self._timeouts.disconnect_s)

    def _set(self, state: LinkState, reason: str = "", *, loss: bool = False) -> None:
        self._link = Link(state, self._link.epoch + loss, reason)
        self._listener.on_link(self._link)


def _chosen(wanted: str, accounts: tuple[str, ...]) -> str:
    names = ", ".join(accounts)
    if wanted and wanted not in accounts:
        raise InvalidInput(
            f"IB_ACCOUNT is {wanted}, but this login has {names}. Correct IB_ACCOUNT."
        )
    if not wanted and len(accounts) != 1:
        raise InvalidInput(f"This login has several accounts: {names}. Set IB_ACCOUNT to one.")
    return wanted or accounts[0]
