"""What a client is told of families of accounts, soft dollars, and advisors' allocations."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import TEXT
from apps.paper.wire.layout import Field, Record, Repeat
from apps.paper.wire.parts import REQ_ID, Message

__all__ = [
    "MESSAGES",
    "FamilyCode",
    "FamilyCodes",
    "ReplaceFAEnd",
    "SoftDollarTier",
    "SoftDollarTiers",
]


@dataclass(frozen=True, slots=True)
class SoftDollarTier:
    """One tier, as an order names it, and as a person reads it."""

    name: str
    value: str
    display_name: str


@dataclass(frozen=True, slots=True)
class SoftDollarTiers:
    """All tiers of this login, in one message; mostly none."""

    req_id: int
    tiers: tuple[SoftDollarTier, ...] = ()


@dataclass(frozen=True, slots=True)
class FamilyCode:
    """The family of one account; '' when it has none."""

    account: str
    family_code: str = ""


@dataclass(frozen=True, slots=True)
class FamilyCodes:
    """The families of all accounts, in one message."""

    codes: tuple[FamilyCode, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplaceFAEnd:
    """An advisor's configuration was replaced."""

    req_id: int
    text: str = ""


MESSAGES = (
    Message.of(
        77,
        SoftDollarTiers,
        REQ_ID,
        Repeat(
            "tiers",
            Record(
                SoftDollarTier,
                (Field("name", TEXT), Field("value", TEXT), Field("display_name", TEXT)),
            ),
        ),
    ),
    Message.of(
        78,
        FamilyCodes,
        Repeat("codes", Record(FamilyCode, (Field("account", TEXT), Field("family_code", TEXT)))),
    ),
    Message.of(103, ReplaceFAEnd, REQ_ID, Field("text", TEXT)),
)
