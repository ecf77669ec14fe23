"""One row of bars as it is asked for and kept: of which instrument, of what, how long each.

Bars of regular hours and bars of all hours are two series: the broker aggregates them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from apps.domain.errors import InvalidInput
from apps.domain.instruments import Instrument, InstrumentKind

__all__ = ["Series", "What"]


class What(Enum):
    """What the prices of a bar are; the value is IB's whatToShow."""

    TRADES = "TRADES"
    MIDPOINT = "MIDPOINT"
    BID = "BID"
    ASK = "ASK"

    @classmethod
    def usual_of(cls, kind: InstrumentKind) -> What:
        """Give what bars of an instrument are made of if nobody says: there are no forex trades."""
        return cls.MIDPOINT if kind is InstrumentKind.FOREX else cls.TRADES


@dataclass(frozen=True, slots=True)
class Series:
    """A row of bars. Equality and hash go by all but the names, which may change over the years.

    ``bar_seconds`` is the length of a bar (86,400 a day), ``regular_hours`` leaves out what trades
    before and after. ``symbol``, ``kind``, ``primary_exchange`` and ``currency`` are those of the
    instrument with ``con_id``.
    """

    con_id: int
    symbol: str = field(compare=False)
    kind: InstrumentKind = field(compare=False)
    primary_exchange: str = field(compare=False)
    currency: str = field(compare=False)
    what: What
    bar_seconds: int
    regular_hours: bool = True

    def __post_init__(self) -> None:
        if self.bar_seconds < 1:
            raise InvalidInput(f"A bar of {self.bar_seconds} s cannot be: it lasts 1 s or longer.")

    @classmethod
    def of(
        cls,
        instrument: Instrument,
        bar_seconds: int,
        *,
        what: What | None = None,
        regular_hours: bool = True,
    ) -> Series:
        """Give a series of ``instrument``, of its usual prices if ``what`` is None."""
        return cls(
            con_id=instrument.con_id,
            symbol=instrument.symbol,
            kind=instrument.kind,
            primary_exchange=instrument.primary_exchange,
            currency=instrument.currency,
            what=What.usual_of(instrument.kind) if what is None else what,
            bar_seconds=bar_seconds,
            regular_hours=regular_hours,
        )

    def __str__(self) -> str:
        hours = "" if self.regular_hours else ", all hours"
        return f"{self.symbol}, {self.bar_seconds} s, {self.what.value}{hours}"
