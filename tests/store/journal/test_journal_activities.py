"""Runs of routines in a journal: found by key and by what they did."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from apps.domain.activities import ActivityBegan, ActivityEnded, ActivityOutcome
from apps.domain.errors import JournalLost
from apps.domain.records import IntentDropped
from apps.store.journal.file import JournalFile
from tests.store.journal.entries import AT, an_intent

BEGAN = ActivityBegan("a1", "allocation", "sig", "{}", "paper", "{}", "http", False, "k-1", AT)
ENDED = ActivityEnded("a1", ActivityOutcome.DONE, "", None, '{"sent": 2}', AT)


def test_a_run_is_found_by_its_key_with_what_it_gave(tmp_path: Path) -> None:
    with JournalFile.open(tmp_path / "journal.sqlite") as journal:
        assert journal.activity_of_key("k-1") is None
        journal.write(BEGAN)
        found = journal.activity_of_key("k-1")
        assert found is not None
        assert (found.began, found.ended) == (BEGAN, None)
        journal.write(ENDED)
    with JournalFile.open(tmp_path / "journal.sqlite") as journal:
        found = journal.activity_of_key("k-1")
        assert found is not None
        assert found.ended == ENDED
        assert journal.activity_of_key("k-2") is None


def test_the_newest_real_run_of_a_signature_is_found(tmp_path: Path) -> None:
    again = replace(BEGAN, activity_id="a2", request_key="")
    dry = replace(BEGAN, activity_id="a3", is_dry_run=True, request_key="")
    with JournalFile.open(tmp_path / "journal.sqlite") as journal:
        journal.write(BEGAN, ENDED, again, dry)
        found = journal.activity_of_signature("sig")
    assert found is not None
    assert (found.began.activity_id, found.ended) == ("a2", None)


def test_an_activity_begins_once(tmp_path: Path) -> None:
    with JournalFile.open(tmp_path / "journal.sqlite") as journal:
        journal.write(BEGAN)
        with pytest.raises(JournalLost, match="UNIQUE"):
            journal.write(BEGAN)


def test_runs_that_are_named_are_passed_over(tmp_path: Path) -> None:
    again = replace(BEGAN, activity_id="a2", request_key="")
    with JournalFile.open(tmp_path / "journal.sqlite") as journal:
        journal.write(BEGAN, ENDED, again)
        found = journal.activity_of_signature("sig", {"a2"})
        assert found is not None
        assert found.began == BEGAN
        assert journal.activity_of_signature("sig", {"a1", "a2"}) is None


def test_label_has_traded_since_where_an_intent_of_it_was_reserved_and_not_dropped(
    tmp_path: Path,
) -> None:
    intent = replace(an_intent(), label="alloc")
    with JournalFile.open(tmp_path / "journal.sqlite") as journal:
        assert not journal.has_reserved("alloc", AT)
        journal.write(intent)
        assert journal.has_reserved("alloc", AT)
        assert not journal.has_reserved("alloc", AT + timedelta(seconds=1))
        assert not journal.has_reserved("cash", AT)
        journal.write(IntentDropped(intent.order_ref, "the link was lost", AT))
        assert not journal.has_reserved("alloc", AT)
