"""Runs of routines in a journal: found by key and by what they did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from apps.domain.activities import ActivityBegan, ActivityEnded, ActivityOutcome
from apps.domain.errors import JournalLost
from apps.store.journal.file import JournalFile
from tests.store.journal.entries import AT

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
