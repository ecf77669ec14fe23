"""How a gateway is set up, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from apps.paper.limits import IB_LIMITS, Limits

__all__ = ["GatewaySettings"]


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How a gateway is set up. ``start`` None is the open of the latest regular session.

    ``speed`` is market seconds per second of this machine; ``cash`` is in USD, per account.
    ``master_client`` is the client id that hears of all clients' orders, None for nobody.
    """

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 1
    speed: float = 1.0
    start: datetime | None = None
    accounts: tuple[str, ...] = ("DU1234567",)
    cash: Decimal = field(default=Decimal(250_000))
    master_client: int | None = None
    limits: Limits = IB_LIMITS
