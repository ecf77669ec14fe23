"""Who a session talks to: the client's id, and the outbox in which its responses wait."""

from __future__ import annotations

from collections import deque

from apps.paper.vendor.permissions import MarketDataKind
from apps.paper.wire import ErrorMessage, Response

__all__ = ["Client"]


class Client:
    """One connected client. ``outbox`` fills with what it is to be told, in order."""

    def __init__(self, client_id: int) -> None:
        self.client_id = client_id
        self.market_data_kind = MarketDataKind.LIVE
        self.outbox: deque[Response] = deque()

    def send(self, response: Response) -> None:
        """Put a response into the outbox."""
        self.outbox.append(response)

    def refuse(self, req_id: int, code: int, text: str) -> None:
        """Answer a request with IB's error."""
        self.send(ErrorMessage(req_id, code, text))
