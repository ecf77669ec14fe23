"""The limits that an entry is held to, as they are configured.

At home here: what each limit may be, and which of them cannot stand beside each other. What an
entry is judged by, and the judging itself, is `apps.domain.risk`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal

from apps.domain.errors import InvalidInput

__all__ = ["RiskLimits"]


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The limits; None is no limit. Money in the account's currency. Raises InvalidInput.

    The names are those of the settings. ``max_order_qty`` is in shares, ``max_position_notional``
    the worth of what is held and being entered in one symbol, ``max_total_exposure`` that of all
    that is the desk's own. ``max_open_positions`` counts symbols. A daily loss is a positive
    number: 500 stops entries from −500 on. ``max_open_intents`` counts brackets that are not over,
    ``max_price_distance_pct`` is how far from the market's last price an entry may fill, in
    percent, and ``max_price_age_s`` how old that price may be, in seconds of this machine.
    ``max_margin_pct`` is how much of the account's funds entries may take, in percent.
    """

    max_order_notional: Decimal | None = None
    max_open_positions: int | None = None
    max_daily_loss: Decimal | None = None
    max_order_qty: Decimal | None = None
    max_position_notional: Decimal | None = None
    max_total_exposure: Decimal | None = None
    max_orders_per_minute: int | None = None
    max_open_intents: int | None = None
    max_price_distance_pct: Decimal | None = None
    max_price_age_s: float | None = None
    max_margin_pct: Decimal | None = None
    regular_hours_only: bool = False
    one_intent_per_symbol: bool = False
    refuse_duplicates: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            limit = getattr(self, field.name)
            if limit is None or isinstance(limit, bool):
                continue
            if not (Decimal(limit).is_finite() and limit > 0):
                name = field.name.upper()
                raise InvalidInput(f"{name} is {limit}: it is a number above zero, or empty.")
        for smaller, larger in _NESTED:
            self._require_room(smaller, larger)

    @property
    def needs_running_prices(self) -> bool:
        """A limit is held by what is owned, which has to be valued all the time."""
        return self.max_daily_loss is not None or self.max_total_exposure is not None

    def _require_room(self, smaller: str, larger: str) -> None:
        part, whole = getattr(self, smaller), getattr(self, larger)
        if part is not None and whole is not None and part > whole:
            raise InvalidInput(
                f"{smaller.upper()} ({part}) and {larger.upper()} ({whole}) contradict each other: "
                f"what the first allows, the second refuses. Lower {smaller.upper()} or raise "
                f"{larger.upper()}."
            )


_NESTED = (
    ("max_order_notional", "max_position_notional"),
    ("max_order_notional", "max_total_exposure"),
    ("max_position_notional", "max_total_exposure"),
)
"""Limits of which the first is of a part of what the second is of."""
