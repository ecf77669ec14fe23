from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from apps.api.bootstrap import joined_desk
from apps.api.config import SETTINGS_BY_NAME
from apps.domain.errors import InvalidInput
from apps.domain.risk import RiskLimits
from tests.api.stand_ins import some_settings


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


def test_every_limit_is_a_setting() -> None:
    assert {field.name.upper() for field in fields(RiskLimits)} <= set(SETTINGS_BY_NAME)


async def test_limits_that_contradict_each_other_are_told_before_anything_is_opened(
    tmp_path: Path,
) -> None:
    settings = some_settings(desk_home=str(tmp_path / "home"), max_total_exposure="5000")
    with pytest.raises(InvalidInput, match=r"MAX_ORDER_NOTIONAL.*MAX_TOTAL_EXPOSURE"):
        async with joined_desk(settings, lambda _alert: None):
            pass
    assert is_empty(tmp_path)
