"""How a gateway is set up, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum

from apps.paper.exchange.policies import DEFAULT_RULES, ExchangePolicy
from apps.paper.faults.fault import Fault
from apps.paper.limits import IB_LIMITS, Limits
from apps.paper.vendor.vendor import DEFAULT_VENDOR, VendorPolicy

__all__ = ["GatewaySettings", "StatusSpeech"]


class StatusSpeech(Enum):
    """How often a client is told of an order's state."""

    AS_IB = "as-ib"
    """As IB does: PendingSubmit before the first state, and what has traded is told twice."""
    ONCE = "once"
    """Each change once."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How a gateway is set up. ``start`` None is the open of the latest regular session.

    ``speed`` is market seconds per second of this machine; ``cash`` is in USD, per account;
    ``foreign_cash`` what each has of other currencies, by name, negative where it is owed.
    ``master_client`` is the client id that hears of all clients' orders, None for nobody;
    ``status_speech`` how often they hear of each. ``policy`` is what the exchange does where IB
    leaves it open, ``vendor`` what its market data does. ``faults`` are there from the start,
    ``fault_seed`` is the luck of those with a chance.
    """

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 1
    speed: float = 1.0
    start: datetime | None = None
    accounts: tuple[str, ...] = ("DU1234567",)
    cash: Decimal = field(default=Decimal(250_000))
    foreign_cash: tuple[tuple[str, Decimal], ...] = ()
    master_client: int | None = None
    limits: Limits = IB_LIMITS
    status_speech: StatusSpeech = StatusSpeech.AS_IB
    policy: ExchangePolicy = DEFAULT_RULES
    vendor: VendorPolicy = DEFAULT_VENDOR
    faults: tuple[Fault, ...] = ()
    fault_seed: int = 1
