"""The link to TWS or IB Gateway: making it, watching it, and making it again.

At home here: connecting (each failure as the sentence that helps), and the way back after a loss.
Its states and epochs are `apps.domain.link_life`'s: everything that happens is an event there,
and what comes back is done here. Not here: what is asked on the link and who subscribes to what;
they hear of its changes and ask anew.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from apps.domain.errors import (
    CannotConnect,
    ConnectionProblem,
    DeskError,
    NotConnected,
)
from apps.domain.link import Link, LinkState, LossCause
from apps.domain.link_life import (
    Busted,
    Dialled,
    Greeted,
    LinkAction,
    LinkEvent,
    SessionEnded,
    Synchronised,
    step,
)
from apps.domain.restart_window import RestartWindow
from apps.engine.ports import Clock
from apps.ib.backoff import Backoff
from apps.ib.broker_clock import BrokerClock
from apps.ib.handshake import Endpoint, chosen_account, shake_hands
from apps.ib.heartbeat import Heartbeat
from apps.ib.link_codes import link_event
from apps.ib.pacer import Pacer
from apps.ib.pacing import Lane
from apps.ib.refusals import client_id_in_use, closed_in_handshake
from apps.ib.reports import Reporter
from apps.ib.requests import Requests, Timeouts
from apps.ib.session import Session
from apps.ib.sinks import OrderInbox

__all__ = ["Endpoint", "IBConnection", "LinkListener"]

_LOGGER = logging.getLogger(__name__)

_CLIENT_ID_IN_USE = 326


class LinkListener(Protocol):
    """Who takes part in the life of the link."""

    async def synchronise(self, session: Session, requests: Requests) -> None:
        """Ask for what must be known before the link counts as READY."""

    def on_link(self, link: Link) -> None:
        """The link changed its state, or had a loss."""

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
        restarts: Sequence[RestartWindow] = (),
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
        self._backoff = Backoff(timeouts.backoff_first_s, timeouts.backoff_cap_s, jitter)
        self._broker_clock = BrokerClock(clock, restarts)
        self._heartbeat = Heartbeat(
            self.broker_time, timeouts.heartbeat_every_s, timeouts.heartbeat_answer_s
        )
        self._link = Link(LinkState.DISCONNECTED, epoch=0, reason="not connected yet")
        self._current: tuple[Session, Requests] | None = None
        self._remains: Session | None = None
        self._refused: asyncio.Future[ConnectionProblem] | None = None
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

    def keep_ids_above(self, order_id: int) -> None:
        """Have every id, of this link and those to come, be above ``order_id``."""
        self._lowest_id = max(self._lowest_id, order_id + 1)
        if self._current is not None:
            self._current[0].client.updateReqId(self._lowest_id)

    def ready_session(self, *, opens: bool = False) -> Session:
        """Give the session, for orders. Raises NotConnected unless the link takes them.

        An order that ``opens`` also needs market data that no known loss has cut off.
        """
        link = self._link
        if not (link.takes_openings if opens else link.takes_orders):
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
        self._broker_clock.observe(at)
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
            except BaseException as error:
                self._drop(f"{error}" or "given up")
                await self._bury()
                if isinstance(error, NotConnected):
                    raise CannotConnect(
                        f"{self.endpoint} hung up while orders and positions were read. {error}"
                    ) from None
                raise

    async def _attempt(self) -> None:
        self._apply(Dialled())
        self._lost.clear()
        self._refused = asyncio.get_running_loop().create_future()
        self._reporter.watch_decoder()
        session = Session(self, self._orders, self._reporter)
        requests = Requests(session, self._pacer, self._timeouts)
        self._current = session, requests
        await shake_hands(session, self.endpoint, self._refused, self._timeouts.connect_s)
        session.client.updateReqId(self._lowest_id)
        self.server_version = int(session.client.serverVersion())
        self.accounts = tuple(session.client.getAccounts())
        self.account = chosen_account(self.endpoint.account, self.accounts)
        self._apply(Greeted())
        await self._listener.synchronise(session, requests)
        session.require_usable()
        self._apply(Synchronised())
        _LOGGER.info("Synchronised")

    # ------------------------------------------------------------------- keeping the link

    async def keep_connected(self) -> None:
        """Watch the link, and make it again whenever it is lost, until `disconnect`.

        With the same client id, for only that one may change our own orders; after a pause
        that doubles up to a cap, with jitter. Listeners hear of every change; subscriptions
        are not renewed here.
        """
        while not self._is_closed():
            try:
                await self.connect()
                began = self._clock.monotonic()
                await self._watch()
                self._backoff.lasted(self._clock.monotonic() - began)
            except DeskError:
                pass  # told as the reason of the link's state
            if not self._is_closed():
                is_restarting = self._broker_clock.restart_expected_until() is not None
                await self._clock.sleep(self._backoff.next_pause_s(patiently=is_restarting))

    def _is_closed(self) -> bool:
        return self._closed

    async def _watch(self) -> None:
        """Return when the link is lost, which this may find out by itself."""
        if self._current is None:
            return
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(self._beat(self._current[0]))
            await self._lost.wait()
            beating.cancel()

    async def _beat(self, session: Session) -> None:
        try:
            if self._broker_clock.is_stale and await self._heartbeat.is_silent(session):
                self._lose_silent(session)
            await self._heartbeat.until_silent(session)
            self._lose_silent(session)
        except NotConnected:
            return  # its end is known already

    def _lose_silent(self, session: Session) -> None:
        silent_s = self._timeouts.heartbeat_answer_s
        reason = f"{self.endpoint} was silent for {silent_s:g} s when it was asked the time"
        self._lose(session, reason, LossCause.SILENCE)

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
            had_one = self._link.epoch > 0
            self._refuse(
                client_id_in_use(str(self.endpoint), self.endpoint.client_id, text, is_ours=had_one)
            )
        elif (event := link_event(code, text)) is not None:
            self._apply(event)
        self._listener.on_code(req_id, code, text)

    def on_bust(self, session: Session) -> None:
        """Count the end of a subscription as the loss that it is."""
        if self._is_current(session) and self._link.state is not LinkState.CONNECTING:
            self._apply(Busted())

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

    # ----------------------------------------------------------------------- ending it

    def _lose(self, session: Session, reason: str, cause: LossCause = LossCause.SOCKET) -> None:
        if self._is_current(session) and self._link.state is not LinkState.CONNECTING:
            self._drop(reason, cause)

    def _drop(self, reason: str, cause: LossCause = LossCause.SOCKET) -> None:
        if self._link.state is not LinkState.DISCONNECTED:
            self._apply(SessionEnded(reason, cause))
            self._lost.set()

    def _let_go(self) -> None:
        """Let go of the session at once; its socket is buried by whoever may wait."""
        if self._current is not None:
            session, _ = self._current
            self._current, self._remains = None, session
            self._lowest_id = max(self._lowest_id, session.last_id + 1)
            session.end()
        self._pacer.drop_all()

    async def _bury(self) -> None:
        session, self._remains = self._remains, None
        if session is not None:
            await session.close(self._timeouts.disconnect_s)

    def _apply(self, event: LinkEvent) -> None:
        link, actions = step(self._link, event)
        self._link = replace(link, expected_until=self._broker_clock.restart_expected_until())
        for action in actions:
            self._act(action)

    def _act(self, action: LinkAction) -> None:
        match action:
            case LinkAction.DROP_SESSION:
                self._let_go()
            case LinkAction.DROP_OPENINGS:
                self._pacer.drop_openings()
            case LinkAction.TELL:
                self._listener.on_link(self._link)
