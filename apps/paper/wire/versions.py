"""Protocol versions: which ones we speak, what each brought, and which one is agreed upon.

Both sides speak the version that the server answers with, and every layout is gated on it. Text
framing ends at 200, and from 177 on layouts change in ways that the older clients cannot read,
so 176 is the highest answer. 157 is the lowest that the clients in use still take.
"""

from __future__ import annotations

from typing import Final

from apps.paper.wire.errors import VersionRefused

__all__ = [
    "ADVANCED_ORDER_REJECT",
    "AUTO_CANCEL_PARENT",
    "BOND_ISSUER_ID",
    "DURATION",
    "FRACTIONAL_SIZE_SUPPORT",
    "MANUAL_ORDER_TIME",
    "MAX_SERVER_VERSION",
    "MIN_SERVER_VERSION",
    "NEVER_ANSWERED",
    "PEG_BEST_PEG_MID_OFFSETS",
    "POST_TO_ATS",
    "SIZE_RULES",
    "WSH_EVENT_DATA_FILTERS",
    "WSH_EVENT_DATA_FILTERS_DATE",
    "negotiate",
]

MIN_SERVER_VERSION: Final = 157
MAX_SERVER_VERSION: Final = 176

DURATION: Final = 158
POST_TO_ATS: Final = 160
AUTO_CANCEL_PARENT: Final = 162
FRACTIONAL_SIZE_SUPPORT: Final = 163
SIZE_RULES: Final = 164
ADVANCED_ORDER_REJECT: Final = 166
MANUAL_ORDER_TIME: Final = 169
PEG_BEST_PEG_MID_OFFSETS: Final = 170
WSH_EVENT_DATA_FILTERS: Final = 171
WSH_EVENT_DATA_FILTERS_DATE: Final = 173
BOND_ISSUER_ID: Final = 176

NEVER_ANSWERED: Final = DURATION
"""IB writes openOrder's duration from 158 on, ib_insync reads it from 159: they differ at 158."""

_TOO_NEW: Final = (503, "The TWS is out of date and must be upgraded.")
_TOO_OLD: Final = (506, "Unsupported version")


def negotiate(client_min: int, client_max: int) -> int:
    """Give the version that both sides speak from now on.

    >>> negotiate(100, 225), negotiate(100, 157), negotiate(157, 158)
    (176, 157, 157)

    Raises:
        VersionRefused: There is none.
    """
    version = min(client_max, MAX_SERVER_VERSION)
    if version == NEVER_ANSWERED:
        version -= 1
    if version < max(client_min, MIN_SERVER_VERSION):
        raise _refusal(client_min, client_max)
    return version


def _refusal(client_min: int, client_max: int) -> VersionRefused:
    if client_min > MAX_SERVER_VERSION:
        code, text = _TOO_NEW
        remedy = (
            f"set the lowest version that the client offers to {MAX_SERVER_VERSION} or less "
            "(MIN_CLIENT_VER in ibapi's server_versions.py, Client.MinClientVersion in ib_insync "
            "and ib_async)"
        )
    else:
        code, text = _TOO_OLD
        remedy = "use a newer client, one that offers one of these"
    return VersionRefused(
        f"The client speaks versions {client_min} to {client_max} of the TWS API, this gateway "
        f"{MIN_SERVER_VERSION} to {MAX_SERVER_VERSION} without {NEVER_ANSWERED}: {remedy}.",
        code=code,
        text=text,
        version=min(client_max, MAX_SERVER_VERSION),
    )
