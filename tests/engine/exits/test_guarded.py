"""What the guard is told of the market."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.quotes import Quote
from apps.engine.exits.guarded import guard_view
from tests.engine.fakes import AAPL

QUOTE = Quote(Decimal("190.00"), Decimal("190.02"), None, None, None, None, 1.0)


def touch_of(quote: Quote, held: int) -> Decimal | None:
    return guard_view(
        AAPL, (), account_position=Decimal(held), at=None, now_s=1.0, quote=quote
    ).touch


@pytest.mark.parametrize(("held", "touch"), [(10, "190.00"), (-10, "190.02")])
def test_market_is_where_the_position_could_be_left(held: int, touch: str) -> None:
    assert touch_of(QUOTE, held) == Decimal(touch)


@pytest.mark.parametrize("late", [replace(QUOTE, delayed=True), replace(QUOTE, frozen=True)])
def test_quote_that_is_not_of_now_says_nothing_of_the_market(late: Quote) -> None:
    assert touch_of(late, 10) is None
