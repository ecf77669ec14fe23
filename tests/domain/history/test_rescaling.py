"""What looks like a split, and what does not."""

from __future__ import annotations

import pytest

from apps.domain.history.rescaling import rescaled_by, split_ratio, split_words


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(400.0, 101.5, "4:1"), (10.0, 100.0, "1:10"), (90.0, 60.5, "3:2"), (1200.0, 60.0, "20:1")],
)
def test_night_that_moves_by_a_usual_ratio_looks_like_a_split(
    before: float, after: float, words: str
) -> None:
    ratio = split_ratio(before, after)
    assert ratio is not None
    assert split_words(ratio) == words


@pytest.mark.parametrize(
    ("before", "after"),
    [(400.0, 390.0), (100.0, 75.0), (100.0, 57.0), (100.0, 130.0), (0.0, 10.0), (5.0, -5.0)],
)
def test_other_nights_do_not(before: float, after: float) -> None:
    assert split_ratio(before, after) is None


def test_bars_told_anew_are_rescaled_when_all_agree() -> None:
    before = [400.0, 404.0, 398.0]
    assert rescaled_by(before, [each / 4 for each in before]) == 4.0
    assert rescaled_by(before, [each / 1.5 for each in before]) == 1.5
    assert rescaled_by(before, before) is None
    assert rescaled_by(before, [100.0, 101.0, 199.0]) is None
    assert rescaled_by([], []) is None
