"""A short soak: the end of a half day. The whole week is `scripts/soak`."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.soak.week import Day, Soak


def test_half_day_ends_without_a_bar_lost_or_anything_left() -> None:
    soak = Soak(
        start=datetime(2026, 11, 27, 17, 50, tzinfo=UTC),
        end=datetime(2026, 11, 27, 18, 30, tzinfo=UTC),
        symbols=4,
        crowd=8,
        traders=2,
    )
    days: list[Day] = []
    story = soak.run(days.append)
    assert story.broken == []
    assert [(day.bars, day.sockets, day.drift_s) for day in days] == [(480, 1, 0.0)]
