"""Why a link could not be made, as the sentence that helps: what was tried, what to check."""

from __future__ import annotations

import socket

from apps.domain.errors import CannotConnect, ClientIdInUse
from apps.ib.errors import explain

__all__ = ["client_id_in_use", "closed_in_handshake", "said_nothing", "why_not_connected"]

_CLIENT_ID_IN_USE = 326

_PORTS = "TWS listens on 7496 (live) or 7497 (paper), IB Gateway on 4001 (live) or 4002 (paper)"


def why_not_connected(where: str, failure: BaseException) -> CannotConnect:
    """Give the sentence for what the socket said."""
    if isinstance(failure, ConnectionRefusedError):
        return CannotConnect(
            f"Nobody listens at {where}. Start TWS or IB Gateway with its API socket enabled, and "
            f"check IB_HOST and IB_PORT: {_PORTS}."
        )
    if isinstance(failure, socket.gaierror):
        return CannotConnect(f"The host of {where} is not known. Check IB_HOST.")
    return CannotConnect(
        f"Cannot connect to {where}: {type(failure).__name__} {failure}. "
        f"Check IB_HOST and IB_PORT: {_PORTS}."
    )


def said_nothing(where: str, waited_s: float) -> CannotConnect:
    """Give the sentence for a port that accepts and does not answer."""
    return CannotConnect(
        f"{where} did not complete the TWS handshake within {waited_s:g} s. Check that it is the "
        f"API port ({_PORTS}), and that TWS is not waiting for you to log in or to accept the "
        "connection."
    )


def closed_in_handshake(where: str, reason: str) -> CannotConnect:
    """Give the sentence for a peer that hangs up before the link is made."""
    return CannotConnect(
        f"{where} hung up during the handshake ({reason.rstrip('.')}). Check that this machine is "
        "among the trusted addresses of TWS's API settings, that no other program uses the "
        "same IB_CLIENT_ID, and that TWS is up to date."
    )


def client_id_in_use(where: str, client_id: int, text: str, *, is_ours: bool) -> ClientIdInUse:
    """Give the sentence for 326; ``is_ours``: a link of ours with this id was lost before.

    Then most likely IB has not noticed yet that our last socket is gone, and another id would be
    wrong: only the same one may change our orders.
    """
    code = _CLIENT_ID_IN_USE
    if not is_ours:
        return ClientIdInUse(
            f"Client id {client_id} is in use at {where}. {explain(code, text)}", code=code
        )
    return ClientIdInUse(
        f"{where} still holds client id {client_id}, most likely for the connection that was lost "
        f"(IB {code}); it is tried again, with the same id, until that is let go. If that goes "
        "on, end the program that holds it.",
        code=code,
    )
