"""What a position asks for, by kind."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.paper.books.margin_rates import MARGINS
from apps.paper.instruments.listing import Listing
from tests.paper.exchange.instruments import (
    ES,
    EURGBP,
    EURUSD,
    OPTION,
    STOCK,
    UNKNOWN_FUTURE,
)

D = Decimal


@pytest.mark.parametrize(
    ("listing", "quantity", "value", "initial", "maintenance"),
    [
        (STOCK, 100, 10_000, "2500", "2500"),
        (STOCK, -100, -10_000, "3000", "3000"),
        (ES, 2, 680_000, "48000", "43000"),
        (ES, -2, -680_000, "48000", "43000"),
        (UNKNOWN_FUTURE, 1, 50_000, "5500", "5000"),
        (EURUSD, 100_000, 116_000, "2900", "2900"),
        (EURGBP, -100_000, -88_000, "4400", "4400"),
        (OPTION, 1, 500, "500", "500"),
        (OPTION, -1, -500, "2500", "2500"),
        (STOCK, 0, 0, "0", "0"),
    ],
)
def test_margin_of_a_position(
    listing: Listing, quantity: int, value: int, initial: str, maintenance: str
) -> None:
    position = (listing, D(quantity), D(value))
    assert MARGINS.initial(*position) == D(initial)
    assert MARGINS.maintenance(*position) == D(maintenance)
