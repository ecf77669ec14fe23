from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from apps.domain.errors import JournalRefused, NotFound
from apps.domain.orders import OrderStatus, Side
from apps.domain.records import Executed, IntentDropped, Record
from apps.store.journal import schema
from apps.store.journal.file import JournalFile
from apps.store.journal.reading import JournalReader, WrittenIntent
from tests.store.journal.entries import (
    AT,
    REF,
    a_bracket,
    a_commission,
    a_fill,
    a_status,
    an_intent,
    an_order,
    corrected,
)

OTHER = "BD-20261120-bracket-000002"
ENTRY, TARGET = a_fill(), a_fill("0000e0d5.00000002.01.01", 102, price="192.50", side=Side.SELL)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[JournalFile]:
    with JournalFile.open(tmp_path / "journal.sqlite") as opened:
        yield opened


def became(journal: JournalFile, *records: Record) -> WrittenIntent:
    """What becomes of the bracket when ``records`` follow it."""
    journal.write(*a_bracket(), *records)
    with JournalReader.open(journal.path) as reader:
        return reader.intent(REF)


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        ((), "sent, not answered"),
        ((a_status(OrderStatus.PENDING_SUBMIT),), "sent, not answered"),
        ((a_status(OrderStatus.SUBMITTED),), "working"),
        ((a_status(OrderStatus.PRE_SUBMITTED, 103),), "sent, not answered"),
        ((a_status(OrderStatus.INACTIVE),), "rejected or held"),
        ((a_status(OrderStatus.SUBMITTED), a_status(OrderStatus.CANCELLED)), "cancelled"),
        ((a_status(OrderStatus.FILLED, filled="10"),), "filled, executions missing"),
        ((IntentDropped(REF, "the link was lost", AT),), "not sent"),
        ((Executed.of(ENTRY),), "open"),
        ((a_status(OrderStatus.CANCELLED), Executed.of(ENTRY)), "open"),
        ((Executed.of(ENTRY), Executed.of(TARGET)), "closed"),
    ],
)
def test_what_became_of_an_intent_follows_from_executions_before_statuses(
    journal: JournalFile, records: tuple[Record, ...], outcome: str
) -> None:
    assert became(journal, *records).outcome == outcome


@pytest.mark.parametrize(("filled", "outcome"), [("4", "partly filled"), ("10", "filled")])
def test_order_for_the_account_is_filled_and_not_open(
    journal: JournalFile, filled: str, outcome: str
) -> None:
    ref = REF.replace("-w1-", "-alloc-")
    fill = replace(ENTRY, order_ref=ref, quantity=Decimal(filled))
    journal.write(an_intent(ref), an_order(order_ref=ref), Executed.of(fill))
    with JournalReader.open(journal.path) as reader:
        assert reader.intent(ref).outcome == outcome


def test_result_counts_executions_and_the_commission_of_each(journal: JournalFile) -> None:
    result = became(
        journal,
        Executed.of(ENTRY),
        a_commission(),
        Executed.of(TARGET),
        a_commission(TARGET.exec_id, "16.80"),
    )
    assert (result.entered, result.entry_avg_price) == (Decimal(10), Decimal("190.62"))
    assert (result.exited, result.exit_avg_price) == (Decimal(10), Decimal("192.50"))
    assert (result.commission, result.realized_pnl) == (Decimal("2.00"), Decimal("16.80"))


@pytest.mark.parametrize("is_reversed", [False, True])
def test_correction_takes_the_place_of_what_it_corrects(
    journal: JournalFile, is_reversed: bool
) -> None:
    told = [Executed.of(ENTRY), Executed.of(corrected(ENTRY, 2, "6"))]
    result = became(journal, a_commission(), *(reversed(told) if is_reversed else told))
    assert result.entered == 6
    assert result.commission == Decimal("1.00")


def test_story_has_what_is_of_the_intent_in_order(journal: JournalFile) -> None:
    journal.write(*a_bracket())
    journal.write(*a_bracket(OTHER, 201))
    journal.write(a_status(OrderStatus.SUBMITTED))
    journal.write(a_status(OrderStatus.SUBMITTED, 201, order_ref=OTHER))
    with JournalReader.open(journal.path) as reader:
        story = reader.story(REF)
        assert [entry.record for entry in story] == [
            *a_bracket(),
            a_status(OrderStatus.SUBMITTED),
        ]
        assert [entry.number for entry in story] == [1, 2, 3, 4, 9]


def test_intents_are_listed_oldest_first_and_the_last_ones_on_demand(journal: JournalFile) -> None:
    journal.write(*a_bracket())
    journal.write(*a_bracket(OTHER, 201))
    with JournalReader.open(journal.path) as reader:
        assert [each.intent.order_ref for each in reader.intents()] == [REF, OTHER]
        assert [each.intent.order_ref for each in reader.intents(last=1)] == [OTHER]


def test_intent_is_named_by_its_end_as_long_as_that_is_unique(journal: JournalFile) -> None:
    journal.write(*a_bracket())
    journal.write(*a_bracket("BD-20261120-w1-110001", 201))
    with JournalReader.open(journal.path) as reader:
        assert reader.named("000001") == REF
        assert reader.named(REF) == REF
        with pytest.raises(NotFound, match="Several intents end in '0001'"):
            reader.named("0001")
        with pytest.raises(NotFound, match="no intent 'w1'"):
            reader.named("w1")
        with pytest.raises(NotFound, match="no intent"):
            reader.story("BD-20261120-w9-000009")


def test_journal_that_is_not_there_yet_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no journal"), JournalReader.open(tmp_path / "none"):
        pass
    assert not list(tmp_path.iterdir())


def test_journal_of_another_version_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with JournalFile.open(path, versions=(*schema.VERSIONS, "CREATE TABLE more (a);")):
        pass
    with pytest.raises(JournalRefused, match="a newer desk"), JournalReader.open(path):
        pass
