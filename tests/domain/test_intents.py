from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.domain.intents import MAX_ORDER_REF, OrderRef, is_ours

DAY = date(2026, 11, 20)


def test_a_reference_of_ours_is_known_again() -> None:
    ref = OrderRef(DAY, "w1", "k3f9a2")
    assert str(ref) == "BD-20261120-w1-k3f9a2"
    assert OrderRef.parse(str(ref)) == ref
    assert is_ours(str(ref))


@pytest.mark.parametrize(
    "text",
    ["", "BD", "BD-20261120-w1", "XX-20261120-w1-k3f9a2", "BD-20261320-w1-k3f9a2", "my order",
     "BD-20261120-w1-k3f9a2-x", "BD-20261120-W1-k3f9a2", "BD-20261120-w1-k3f9a2\n"],
)  # fmt: skip
def test_references_of_others_are_not_ours(text: str) -> None:
    assert not is_ours(text)


@pytest.mark.parametrize(
    ("label", "suffix"),
    [("", "abcd"), ("w 1", "abcd"), ("w1", "abc"), ("w1", "é" * 5), ("w" * 13, "abcd")],
)
def test_a_reference_that_cannot_be_sent_is_refused(label: str, suffix: str) -> None:
    with pytest.raises(InvalidInput, match="order reference"):
        OrderRef(DAY, label, suffix)


@given(
    st.dates(min_value=date(2000, 1, 1)),
    st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True),
    st.from_regex(r"[a-z0-9]{4,14}", fullmatch=True),
)
@settings(deadline=None, max_examples=50)
def test_references_are_short_and_read_back(day: date, label: str, suffix: str) -> None:
    text = str(OrderRef(day, label, suffix))
    assert text.isascii()
    assert len(text) <= MAX_ORDER_REF
    assert OrderRef.parse(text) == OrderRef(day, label, suffix)
