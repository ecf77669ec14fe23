"""A short soak: over a half day's close and a weekend into the next session."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.soak.week import Soak


def test_half_day_and_weekend_pass_without_a_bar_lost_or_anything_left() -> None:
    soak = Soak(
        start=datetime(2026, 11, 27, 17, 50, tzinfo=UTC),
        end=datetime(2026, 11, 28, 18, 30, tzinfo=UTC),
        symbols=4,
        crowd=8,
        traders=2,
    )
    story = soak.run(print)
    assert story.broken == []
