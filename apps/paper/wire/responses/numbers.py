"""The numbers of responses."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["Number"]

Number = Decimal | float | int
"""Any number; it goes out plainly, without exponent and without '.0'."""
