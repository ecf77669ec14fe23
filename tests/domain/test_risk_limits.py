from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from apps.domain.errors import InvalidInput
from apps.domain.risk_limits import RiskLimits


def limits(**money: int) -> RiskLimits:
    values: dict[str, Any] = {name: Decimal(amount) for name, amount in money.items()}
    return RiskLimits(**values)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("max_order_notional", Decimal(0)),
        ("max_open_positions", 0),
        ("max_daily_loss", Decimal(-1)),
        ("max_order_qty", Decimal("NaN")),
        ("max_total_exposure", Decimal("Infinity")),
        ("max_price_age_s", -0.5),
        ("max_orders_per_minute", -3),
    ],
)
def test_limit_that_is_not_above_zero_is_refused_by_name(name: str, limit: object) -> None:
    with pytest.raises(InvalidInput, match=f"{name.upper()}.*above zero"):
        replace(RiskLimits(), **{name: limit})  # type: ignore[arg-type]  # whatever is configured


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ("max_order_notional", "max_position_notional"),
        ("max_order_notional", "max_total_exposure"),
        ("max_position_notional", "max_total_exposure"),
    ],
)
def test_part_that_may_be_more_than_the_whole_is_a_contradiction(smaller: str, larger: str) -> None:
    with pytest.raises(InvalidInput, match=f"{smaller.upper()}.*{larger.upper()}.*contradict"):
        limits(**{smaller: 101, larger: 100})
    limits(**{smaller: 100, larger: 100})
