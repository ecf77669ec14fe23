"""How often a peer may ask."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.api.http.buckets import BURST_S, MOST_PEERS, Buckets


@settings(max_examples=80, deadline=None)
@given(
    st.floats(0.5, 200),
    st.lists(st.floats(0, 0.5), min_size=1, max_size=200),
)
def test_no_more_pass_than_a_burst_and_the_rate(per_s: float, pauses: list[float]) -> None:
    buckets, now_s, passed = Buckets(per_s), 1000.0, 0
    for pause_s in pauses:
        now_s += pause_s
        passed += buckets.take("a", now_s) == 0
    assert passed <= max(1.0, per_s * BURST_S) + (now_s - 1000.0) * per_s + 1e-6


@settings(max_examples=50, deadline=None)
@given(st.floats(0.5, 200), st.integers(1, 50))
def test_after_the_wait_that_was_told_one_passes(per_s: float, asked: int) -> None:
    buckets, now_s = Buckets(per_s), 1000.0
    for _ in range(asked + 400):
        if (wait_s := buckets.take("a", now_s)) > 0:
            assert buckets.take("a", now_s + wait_s + 1e-6) == 0
            return
    raise AssertionError("nobody had to wait")


def test_one_peer_costs_another_nothing() -> None:
    buckets = Buckets(1.0)
    while buckets.take("a", 0.0) == 0:
        pass
    assert buckets.take("b", 0.0) == 0


def test_peers_are_forgotten_before_they_are_too_many() -> None:
    buckets = Buckets(1.0)
    for number in range(MOST_PEERS * 2):
        buckets.take(str(number), 0.0)
    assert len(buckets) == MOST_PEERS
