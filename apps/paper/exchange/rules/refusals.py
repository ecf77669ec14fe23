"""What a turned-down order is answered with: IB's code, its text, and what stays behind."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KINSHIP_IS_FIXED", "WHAT_IF_NEEDS_TRANSMIT", "WHAT_IF_TOO_SOON", "Refusal", "rejection"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """IB's code and text. ``leaves_order`` tells that an Inactive order stays behind (201)."""

    code: int
    text: str
    leaves_order: bool = False


KINSHIP_IS_FIXED = Refusal(105, "Order being modified does not match original order.")
"""A held order was sent again with another parent or group."""
WHAT_IF_NEEDS_TRANSMIT = Refusal(413, "What-if order should have the transmit flag set to true.")
WHAT_IF_TOO_SOON = Refusal(
    322, "Error processing request.-'Too many what-if requests in the last minute'"
)
"""IB says how often a client may ask, not with which code it refuses."""


def rejection(reason: str) -> Refusal:
    """Give IB's 201, which leaves an Inactive order behind."""
    return Refusal(201, f"Order rejected - reason:{reason}", leaves_order=True)
