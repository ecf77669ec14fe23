from __future__ import annotations

import pytest

from tests.conformance.agreement import agreements, disagreements
from tests.conformance.vector_reading import AsyncioReader, read
from tests.conformance.vectors import vectors
from tests.conformance.whole_messages import CountedFields, LastFieldTest

NEXT_VALID_ID = ["9", "1", "7"]
TICK_PRICE = ["1", "6", "3", "1", "190.25", "5", "0"]


@pytest.mark.parametrize("fields", [NEXT_VALID_ID, TICK_PRICE])
async def test_message_is_whole_when_its_last_field_is_missed(fields: list[str]) -> None:
    assert LastFieldTest("ib_insync").passes(fields, 176)


async def test_field_that_is_left_over_is_noticed() -> None:
    assert not LastFieldTest("ib_insync").passes([*NEXT_VALID_ID, "8"], 176)


async def test_message_that_cannot_be_read_is_not_whole() -> None:
    assert not LastFieldTest("ib_insync").passes([*TICK_PRICE, "8"], 176)


def test_fields_that_were_asked_for_are_counted() -> None:
    fields = CountedFields((b"9", b"1", b"7"))
    for taken, _ in enumerate(fields, 1):
        assert fields.taken == taken


async def test_ib_insync_reads_every_vector_as_it_was_meant() -> None:
    made = vectors()
    found = agreements(made, read(AsyncioReader("ib_insync"), made, 176))
    assert {name: one.wrong for name, one in found.items() if one.wrong} == {}
    assert {name for name, one in found.items() if one.dropped} == {"TickPrice"}


async def test_message_of_which_a_part_is_left_unread_is_a_disagreement() -> None:
    vector = {"message": "NextValidId", "version": 176, "fields": [*NEXT_VALID_ID, "8"]}
    reading = read(AsyncioReader("ib_insync"), [vector | {"meant": {}}], 176)
    found = {"ib_insync": agreements([vector | {"meant": {}}], reading)}
    assert disagreements(found) == ["ib_insync: NextValidId.*: a part was left unread"]
