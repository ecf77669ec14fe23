"""What is said between desk and gateway, for those who judge, and as lines for those who read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from apps.paper.faults.kinds import kind_of
from apps.paper.feed.market import Millis
from apps.paper.wire import ClientHello, Request, Response

__all__ = ["Wiretap"]

_DULL = frozenset(
    {
        "updateAccountValue",
        "updatePortfolio",
        "updateAccountTime",
        "accountSummary",
        "accountUpdateMulti",
        "tickPrice",
        "tickSize",
        "tickString",
        "tickGeneric",
        "marketDataType",
        "tickReqParams",
        "contractDetails",
    }
)


class Wiretap:
    """A tap of the gateway's; ``lines`` is the story so far where ``keeps`` is set."""

    def __init__(self, now_s: Callable[[], float], *, keeps: bool) -> None:
        self.lines: list[str] = []
        self.on_request: Callable[[Request], None] = lambda _request: None
        self.on_response: Callable[[Response], None] = lambda _response: None
        self._now_s = now_s
        self._keeps = keeps

    def say(self, line: str) -> None:
        """Add a line of somebody else's to the story."""
        if self._keeps:
            self.lines.append(f"{self._now_s():8.3f}  {line}")

    # -- the gateway's calls ---------------------------------------------------------------------

    def started(self, market_now: Callable[[], Millis], wall_s: Callable[[], float]) -> None:
        """Begin."""

    def opened(self, connection_no: int) -> None:
        """Note a connection."""
        self.say(f"connection {connection_no} opened")

    def greeted(self, connection_no: int, hello: ClientHello, version: int | None) -> None:
        """Note a version."""

    def received(
        self, connection_no: int, client_id: int | None, request: Request, raw: Sequence[str]
    ) -> None:
        """Pass a request on."""
        if self._keeps:
            self.say(f"→ {kind_of(request)} {_short(raw)}")
        self.on_request(request)

    def sent(
        self, connection_no: int, client_id: int | None, response: Response, raw: Sequence[str]
    ) -> None:
        """Pass a response on."""
        if self._keeps and (kind := kind_of(response)) not in _DULL:
            self.say(f"← {kind} {_short(raw)}")
        self.on_response(response)

    def hung_up(self, connection_no: int, client_id: int | None) -> None:
        """Note who ended it."""
        self.say(f"connection {connection_no} hung up by the gateway")

    def closed(self, connection_no: int, client_id: int | None) -> None:
        """Note an end."""
        self.say(f"connection {connection_no} closed")

    def fault(self, what: Mapping[str, object]) -> None:
        """Note a fault."""
        self.say(f"! {what}")


def _short(raw: Sequence[str]) -> str:
    return " ".join(each for each in raw[1:] if each not in {"", "0", "1.7976931348623157E308"})[
        :220
    ]
