"""What a TWS client asks for: one module for each part of the table, in the table's order."""

from __future__ import annotations

from tests.conformance.checks.accounts import ACCOUNT
from tests.conformance.checks.bars import BARS
from tests.conformance.checks.brackets import BRACKETS
from tests.conformance.checks.connection import CONNECTION
from tests.conformance.checks.instruments import INSTRUMENTS
from tests.conformance.checks.notebooks import NOTEBOOKS
from tests.conformance.checks.options import OPTIONS
from tests.conformance.checks.order_types import ORDER_TYPES
from tests.conformance.checks.orders import ORDERS
from tests.conformance.checks.quotes import MARKET_DATA
from tests.conformance.checks.research import RESEARCH
from tests.conformance.checks.several import AGAIN, SEVERAL
from tests.conformance.features import Feature

__all__ = ["PARTS", "features"]

PARTS = (
    CONNECTION,
    INSTRUMENTS,
    MARKET_DATA,
    OPTIONS,
    BARS,
    ACCOUNT,
    RESEARCH,
    ORDERS,
    ORDER_TYPES,
    BRACKETS,
    SEVERAL,
    AGAIN,
    NOTEBOOKS,
)


def features() -> tuple[Feature, ...]:
    """Give all features, part by part, in the order in which they are written."""
    return tuple(row for part in PARTS for row in part.features)
