"""Making the link: whom to call, the handshake with its deadline, and which account it is for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from apps.domain.errors import ConnectionProblem, InvalidInput
from apps.ib.refusals import said_nothing, why_not_connected
from apps.ib.session import Session

__all__ = ["Endpoint", "chosen_account", "shake_hands"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect, and as whom. ``account`` empty: the only account there is."""

    host: str
    port: int
    client_id: int
    account: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


async def shake_hands(
    session: Session,
    where: Endpoint,
    refused: asyncio.Future[ConnectionProblem],
    timeout_s: float,
) -> None:
    """Open the socket and greet. ``refused`` is set by what the other side says meanwhile.

    Raises CannotConnect, ClientIdInUse, and whatever else ``refused`` holds.
    """
    session.wrapper.clientId = where.client_id
    # without its own timeout, which goes on waiting after IB has said 326 and hung up
    attempt = asyncio.ensure_future(
        session.client.connectAsync(where.host, where.port, where.client_id, None)
    )
    try:
        done, _ = await asyncio.wait(
            {attempt, refused}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        attempt.cancel()
    failure = (await asyncio.gather(attempt, return_exceptions=True))[0]
    if attempt in done and failure is not None:
        raise why_not_connected(str(where), failure)
    if refused in done:
        raise refused.result()
    if attempt not in done:
        raise said_nothing(str(where), timeout_s)


def chosen_account(wanted: str, accounts: tuple[str, ...]) -> str:
    """Give the account to trade on. Raises InvalidInput where that is not clear."""
    names = ", ".join(accounts)
    if wanted and wanted not in accounts:
        raise InvalidInput(
            f"IB_ACCOUNT is {wanted}, but this login has {names}. Correct IB_ACCOUNT."
        )
    if not wanted and len(accounts) != 1:
        raise InvalidInput(f"This login has several accounts: {names}. Set IB_ACCOUNT to one.")
    return wanted or accounts[0]
