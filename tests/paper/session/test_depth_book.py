"""The book around a touch, and the messages that keep a copy of it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.feed.depth import (
    BookSide,
    DepthBook,
    Operation,
    Row,
    apply,
    book_of,
    changes,
)
from apps.paper.feed.market import Touch
from apps.paper.instruments.catalogue import Catalogue, Listing

AT = 1_795_098_600_000
VENUES = ("ISLAND", "ARCA", "BATS")
TOUCH = Touch(Decimal("190.00"), Decimal("190.02"), 500, 301)

rows = st.lists(
    st.builds(
        Row,
        st.integers(1, 4).map(Decimal),
        st.integers(1, 3),
        st.sampled_from(VENUES),
    ),
    max_size=7,
).map(tuple)
books = st.builds(DepthBook, rows, rows)


@pytest.fixture(scope="module")
def apple() -> Listing:
    found = Catalogue.load().by_con_id(265598)
    assert found is not None
    return found


@settings(deadline=None, max_examples=100)
@given(books, books)
def test_messages_turn_one_book_into_the_other_and_never_overfill_it(
    before: DepthBook, after: DepthBook
) -> None:
    messages = list(changes(before, after))
    assert apply(before, messages) == after
    book = before
    for message in messages:
        book = apply(book, [message])
        for side in BookSide:
            longer = max(len(before.side(side)), len(after.side(side)))
            assert len(book.side(side)) <= longer


@settings(deadline=None, max_examples=50)
@given(books, books)
def test_messages_are_the_fewest(before: DepthBook, after: DepthBook) -> None:
    fewest = sum(distance(before.side(side), after.side(side)) for side in BookSide)
    assert len(list(changes(before, after))) == fewest


def distance(before: tuple[Row, ...], after: tuple[Row, ...]) -> int:
    """The definition, slow and obvious."""
    if not before or not after:
        return len(before) + len(after)
    return min(
        distance(before[1:], after[1:]) + (before[0] != after[0]),
        distance(before[1:], after) + 1,
        distance(before, after[1:]) + 1,
    )


def test_first_messages_are_inserts_from_the_best_row_on(apple: Listing) -> None:
    book = book_of(apple, TOUCH, AT, 5)
    messages = list(changes(DepthBook(), book))
    assert {message.operation for message in messages} == {Operation.INSERT}
    asks = [message for message in messages if message.side is BookSide.ASK]
    assert [message.position for message in asks] == [0, 1, 2, 3, 4]
    assert asks[0].row == Row(Decimal("190.02"), 301)


def test_unchanged_book_needs_no_message(apple: Listing) -> None:
    book = book_of(apple, TOUCH, AT, 5, VENUES)
    assert list(changes(book, book)) == []


def test_rows_are_ordered_and_on_ticks(apple: Listing) -> None:
    book = book_of(apple, TOUCH, AT, 20)
    assert [row.price for row in book.bids] == sorted(
        {row.price for row in book.bids}, reverse=True
    )
    assert [row.price for row in book.asks] == sorted({row.price for row in book.asks})
    assert all(apple.ticks.is_on_tick(row.price) for row in (*book.bids, *book.asks))
    assert all(row.size > 0 for row in (*book.bids, *book.asks))


@pytest.mark.parametrize("at", range(AT, AT + 20_000, 1_000))
def test_parts_of_the_best_level_add_up_to_the_touch(apple: Listing, at: int) -> None:
    book = book_of(apple, TOUCH, at, 10, VENUES)
    assert sum(row.size for row in book.bids if row.price == TOUCH.bid) == TOUCH.bid_size
    assert sum(row.size for row in book.asks if row.price == TOUCH.ask) == TOUCH.ask_size
    assert {row.venue for row in book.bids} <= set(VENUES)


def test_levels_behind_the_touch_keep_their_size_for_a_while(apple: Listing) -> None:
    books_seen = [book_of(apple, TOUCH, AT + step * 100, 10) for step in range(100)]
    kept = sum(before.bids[1:] == after.bids[1:] for before, after in pairwise(books_seen))
    assert 30 < kept < 99


def test_touch_that_moves_away_uncovers_the_level_behind_it(apple: Listing) -> None:
    book = book_of(apple, TOUCH, AT, 10)
    second = book.bids[1]
    moved = Touch(second.price, TOUCH.ask, second.size, TOUCH.ask_size)
    assert book_of(apple, moved, AT, 9).bids == book.bids[1:]


def test_bids_end_above_zero_and_an_empty_side_has_no_rows(apple: Listing) -> None:
    low = Touch(Decimal("0.0002"), Decimal("0.0003"), 100, 0)
    book = book_of(apple, low, AT, 10)
    assert 1 <= len(book.bids) <= 2
    assert book.asks == ()


def test_below_a_dollar_the_next_level_is_on_the_finer_tick(apple: Listing) -> None:
    book = book_of(apple, Touch(Decimal("1.00"), Decimal("1.01"), 100, 100), AT, 3)
    assert Decimal("0.999") < book.bids[1].price < 1


def test_row_that_is_not_there_cannot_be_changed() -> None:
    book = DepthBook((Row(Decimal(1), 1),), ())
    [deletion] = changes(book, DepthBook())
    with pytest.raises(IndexError):
        apply(DepthBook(), [deletion])
