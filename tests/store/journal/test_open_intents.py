"""What a journal gives a desk to begin with: the intents that are not known to be over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from apps.domain.orders import OrderStatus
from apps.domain.records import (
    CommissionReported,
    Executed,
    IntentDropped,
    NoticeHeard,
    OutcomeKnown,
)
from apps.store.journal.file import JournalFile
from tests.store.journal.entries import (
    AT,
    CLIENT,
    REF,
    a_fill,
    a_status,
    an_intent,
    an_order,
    corrected,
)

OTHER = "BD-20261120-w2-000002"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[JournalFile]:
    with JournalFile.open(tmp_path / "journal.sqlite") as opened:
        yield opened


def refs(journal: JournalFile, *also: str) -> list[str]:
    return [each.intent.order_ref for each in journal.open_intents(CLIENT, also)]


def test_intent_comes_with_its_orders_last_words_and_executions(journal: JournalFile) -> None:
    fill = a_fill()
    latest = corrected(fill, 2, "8")
    cost = CommissionReported(latest.exec_id, REF, Decimal("1.00"), None, AT)
    journal.write(an_intent(), an_order(101), an_order(103, "stop"))
    journal.write(a_status(OrderStatus.PENDING_SUBMIT), a_status(OrderStatus.SUBMITTED))
    journal.write(NoticeHeard(REF, CLIENT, 103, 201, "Order rejected", AT))
    journal.write(Executed.of(latest), Executed.of(fill), cost)
    (known,) = journal.open_intents(CLIENT)
    entry, stop = known.orders
    assert known.intent == an_intent()
    assert entry.seen is not None
    assert entry.seen.status is OrderStatus.SUBMITTED
    assert stop.seen is None
    assert stop.notice == (201, "Order rejected")
    assert known.fills == (replace(latest, commission=Decimal("1.00")),)
    state = entry.state("DU1234567")
    assert state is not None
    assert (state.order_id, state.order_ref, state.status) == (101, REF, OrderStatus.SUBMITTED)
    assert stop.ticket.stop_price == an_order(103, "stop").stop_price


def test_intents_that_are_over_or_were_dropped_are_left_out(journal: JournalFile) -> None:
    journal.write(an_intent(), an_order(101))
    journal.write(an_intent(OTHER), an_order(201, order_ref=OTHER))
    assert refs(journal) == [REF, OTHER]
    journal.write(OutcomeKnown(REF, "closed", True, "", AT))
    assert refs(journal) == [OTHER]
    journal.write(IntentDropped(OTHER, "the link was lost", AT))
    assert refs(journal) == []
    assert refs(journal, REF) == [REF], "asked for by name"


def test_intent_that_was_not_over_after_all_is_open_again(journal: JournalFile) -> None:
    journal.write(an_intent(), an_order(101))
    journal.write(OutcomeKnown(REF, "withdrawn", True, "", AT))
    journal.write(OutcomeKnown(REF, "filled", False, "", AT))
    assert refs(journal) == [REF]


def test_intents_of_another_client_id_are_not_ours_to_take_up(journal: JournalFile) -> None:
    journal.write(an_intent(), an_order(101))
    assert journal.open_intents(CLIENT + 1) == ()
