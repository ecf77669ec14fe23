"""An event loop on which waiting costs nothing: where nobody can go on, time jumps.

Sockets are real and so is what runs through them; only the clock is not. The loop's time stands
still while anybody has anything to do or bytes are under way between two of its own sockets, and
then jumps to the next timer. A minute of waiting takes as long as what happens in it.

Every byte that goes through a socket of this loop is counted at both ends, so "nothing is under
way" is known and not guessed at by waiting a little: the same run gives the same story.
"""

from __future__ import annotations

import asyncio
import selectors
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["OWNER", "End", "Stalled", "Stuck", "VirtualLoop", "run_virtually"]

T = TypeVar("T")

OWNER: ContextVar[str] = ContextVar("owner", default="")
"""To whom what is started here belongs; tasks and connections remember it."""

_IN_FLIGHT_S = 0.05
"""This machine's seconds that bytes may take from one end to the other before they are lost."""

_STALLED_S = 2.0
"""This machine's seconds without a timer, a task or a byte, after which nothing ever comes."""

_STUCK_S = 20.0
"""This machine's seconds for a whole run, which needs a hundredth of it."""

_ROUND_S = 1e-9

_MOST_ROUNDS = 50_000
"""Rounds of the loop in which no time passes."""

_FAREWELL_S = 5.0


class Stalled(RuntimeError):
    """Everybody waits, and for nobody."""


class Stuck(KeyboardInterrupt):
    """The loop does not come round, or comes round for ever without time passing.

    Not an Exception: those end in whatever task they are raised in.
    """


class End(socket.socket):
    """One end of a connection. ``is_client`` is the end that dialled; ``owner`` who made it.

    ``on_send`` is told of all that is sent, before it is; False loses it, as a process that was
    killed sends nothing. ``on_sent`` is called after it was.
    """

    def __init__(self, sock: socket.socket, *, is_client: bool) -> None:
        super().__init__(fileno=sock.detach())
        self.setblocking(False)
        self.is_client = is_client
        self.owner = OWNER.get()
        self.sent = 0
        self.received = 0
        self.has_ended = False
        """The other side has hung up, and that was read here."""
        self.is_open = True
        self.peer: End | None = None
        self.transport: asyncio.Transport | None = None
        self.on_send: Callable[[bytes], bool] = _always
        self.on_sent: Callable[[], None] = _nothing

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Send, and count it."""
        if not self.on_send(bytes(data)):
            return len(data)
        count = super().send(data, flags)
        self.sent += count
        self.on_sent()
        return count

    def sendmsg(self, buffers: Any, *rest: Any) -> int:
        """Send, and count it: what the loop of Python 3.12 writes that did not go at once."""
        return self.send(b"".join(bytes(each) for each in buffers), *rest)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive, and count it."""
        try:
            received = super().recv(size, flags)
        except (BlockingIOError, InterruptedError):
            raise
        except OSError:
            self.has_ended = True
            raise
        self.received += len(received)
        self.has_ended = self.has_ended or not received
        return received

    def close(self) -> None:
        """Close, as far as the count is concerned too."""
        self.is_open = False
        super().close()

    def cut(self) -> None:
        """End the connection as the system does when a process is gone."""
        if self.transport is not None:
            self.transport.abort()

    @property
    def awaits(self) -> bool:
        """Something is on its way here that was not read yet."""
        peer = self.peer
        if peer is None:
            return self.is_client and not self.has_ended  # nobody has accepted it yet
        return peer.sent > self.received or (not peer.is_open and not self.has_ended)


def _always(_: bytes) -> bool:
    return True


def _nothing() -> None:
    pass


class _Selector(selectors.BaseSelector):
    """The system's selector, asked without waiting; where nothing is ready the loop jumps."""

    def __init__(self) -> None:
        self._system = selectors.DefaultSelector()
        self.loop: VirtualLoop | None = None
        self._rounds = 0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._system.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._system.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._system.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._system.get_map()

    def close(self) -> None:
        self._system.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._system.select(0)
        if self.loop is not None:
            self.loop.tick()
        self._rounds += 1
        if self._rounds > _MOST_ROUNDS:
            self._rounds = 0
            raise Stuck("the loop goes round and round, and no time passes")
        if ready or self.loop is None or (timeout is not None and timeout <= 0):
            return ready
        if self.loop.has_bytes_under_way(self._system.get_map()):
            ready = self._system.select(_IN_FLIGHT_S)
            if ready:
                return ready
        if timeout is None:
            return self._for_ever()
        self._rounds = 0
        self.loop.jump(timeout)
        return []

    def _for_ever(self) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._system.select(_STALLED_S)  # a thread may yet speak up
        if not ready:
            raise Stalled("no timer is set, no task can go on, and no byte is under way")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. ``on_jump`` is told how many seconds nothing will happen, before they pass."""

    def __init__(self) -> None:
        self._now_s = 1_000.0
        self.on_jump: Callable[[float], None] = lambda _seconds: None
        self.on_connect: Callable[[End], None] = lambda _end: None
        self.complaints: list[dict[str, Any]] = []
        """What nobody caught: exceptions of callbacks and of tasks that nobody looked at."""
        self.tasks: WeakKeyDictionary[asyncio.Task[Any], str] = WeakKeyDictionary()
        """Every task, and whose it is."""
        self.ends: list[End] = []
        selector = _Selector()
        super().__init__(selector)
        selector.loop = self
        self.set_task_factory(self._new_task)  # type: ignore[arg-type]  # typeshed wants Future
        self.set_exception_handler(lambda _loop, context: self.complaints.append(context))

    def time(self) -> float:
        """Give the seconds; they pass when nothing else can happen."""
        return self._now_s

    def jump(self, seconds: float) -> None:
        """Let ``seconds`` pass in which nothing happens."""
        self.on_jump(seconds)
        self._now_s += seconds

    def tick(self) -> None:
        """Let a round of the loop take its nanosecond.

        A timer may fire by as much too early, and whoever then waits for the rest would wait for
        ever on a clock that stands.
        """
        self._now_s += _ROUND_S

    def open_ends(self, owner: str) -> list[End]:
        """Give the ends of connections that ``owner`` has open."""
        return [end for end in self.ends if end.is_open and end.owner == owner]

    def open_tasks(self, owner: str) -> list[asyncio.Task[Any]]:
        """Give the tasks of ``owner``'s that have not ended."""
        return [task for task, whose in self.tasks.items() if whose == owner and not task.done()]

    def has_bytes_under_way(self, watched: Mapping[Any, selectors.SelectorKey]) -> bool:
        """Tell whether something was sent that somebody is about to read."""
        self.ends = [end for end in self.ends if end.is_open]
        reading = {key.fd for key in watched.values() if key.events & selectors.EVENT_READ}
        if any(end.awaits for end in self.ends if end.fileno() in reading):
            return True
        known = {end.fileno() for end in self.ends}
        dialling = (key.fd for key in watched.values() if key.events & selectors.EVENT_WRITE)
        return any(fd not in known for fd in dialling)

    def _new_task(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], **more: Any
    ) -> asyncio.Task[T]:
        task = asyncio.Task(work, loop=loop, **more)
        context = more.get("context")
        self.tasks[task] = OWNER.get() if context is None else context.get(OWNER, "")
        return task

    # every connection of this loop's, of either side, passes here
    def _make_socket_transport(
        self, sock: socket.socket, *rest: Any, server: Any = None, **more: Any
    ) -> Any:
        end = End(sock, is_client=server is None)
        mine, other = end.getsockname(), None
        try:
            other = end.getpeername()
        except OSError:
            end.has_ended = True  # gone before it was looked at
        for each in self.ends:
            if each.is_open and other is not None and each.getsockname() == other:
                peer_of = _peername(each)
                if peer_of in (None, mine):
                    end.peer, each.peer = each, end
        self.ends.append(end)
        self.on_connect(end)
        make: Any = super()._make_socket_transport  # type: ignore[misc]  # not public
        end.transport = make(end, *rest, server=server, **more)
        return end.transport


def _peername(end: End) -> object:
    try:
        return end.getpeername()
    except OSError:
        return None


def run_virtually(
    work: Callable[[VirtualLoop], Coroutine[Any, Any, T]], *, within_s: float = _STUCK_S
) -> T:
    """Run ``work`` on a loop of its own, to its end; whatever it left running is cancelled.

    It may take ``within_s`` of this machine's seconds.
    """
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        with _watchdog(within_s):
            return loop.run_until_complete(work(loop))
    finally:
        try:
            _wind_up(loop)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


@contextmanager
def _watchdog(within_s: float) -> Iterator[None]:
    """Raise Stuck in whatever has blocked the loop for too long."""

    def bark(_number: int, frame: FrameType | None) -> None:
        where = "" if frame is None else f" in {frame.f_code.co_qualname}, line {frame.f_lineno}"
        raise Stuck(f"the loop is blocked{where}")

    before = signal.signal(signal.SIGALRM, bark)
    others = signal.setitimer(signal.ITIMER_REAL, within_s)  # a test's own deadline, put back below
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *others)
        signal.signal(signal.SIGALRM, before)


def _wind_up(loop: VirtualLoop) -> None:
    left = [task for task in asyncio.all_tasks(loop) if not task.done()]
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=_FAREWELL_S))
    loop.run_until_complete(loop.shutdown_asyncgens())
