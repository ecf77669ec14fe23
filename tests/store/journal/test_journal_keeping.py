"""What a journal keeps for the next desk: watchers, their numbers, and what was heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from apps.domain.records import BarsHeard, IntentDropped, KeptWatcher, WatcherSeen
from apps.store.journal.file import JournalFile
from tests.store.journal.entries import AT, an_intent

ARMED = WatcherSeen("w2", "AAPL", "armed", "[1,{}]", "[1,{}]", False, "", AT)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[JournalFile]:
    with JournalFile.open(tmp_path / "journal.sqlite") as opened:
        yield opened


def test_last_word_on_each_watcher_counts_and_those_that_have_ended_are_gone(
    journal: JournalFile,
) -> None:
    beyond = replace(ARMED, watcher_id="w10", phase="beyond")
    journal.write(ARMED, replace(beyond, phase="armed"), replace(ARMED, watcher_id="w3"), beyond)
    journal.write(replace(ARMED, watcher_id="w3", has_ended=True, reason="stopped"))
    assert journal.watchers() == (KeptWatcher(ARMED, ""), KeptWatcher(beyond, ""))


def test_intent_in_a_watchers_name_is_its_own_unless_it_was_dropped(journal: JournalFile) -> None:
    sent, dropped = "BD-20261120-w2-000001", "BD-20261120-w2-000002"
    first, second = (replace(an_intent(each), label="w2") for each in (sent, dropped))
    journal.write(ARMED, first, second, IntentDropped(dropped, "no link", AT))
    assert journal.watchers() == (KeptWatcher(ARMED, sent),)


def test_highest_number_is_that_of_all_that_ever_were(journal: JournalFile) -> None:
    assert journal.highest_watcher() == 0
    journal.write(ARMED, replace(ARMED, watcher_id="w11", has_ended=True))
    journal.write(replace(ARMED, watcher_id="w9"), an_intent())
    assert journal.highest_watcher() == 11
    journal.write(replace(an_intent("BD-20261120-w12-000001"), label="w12"))
    journal.write(replace(an_intent("BD-20261120-bracket-000001"), label="bracket"))
    assert journal.highest_watcher() == 12


def test_newest_bars_of_each_contract_are_what_was_heard(journal: JournalFile) -> None:
    apple = BarsHeard(265598, "AAPL", Decimal("190.55"), AT)
    later = replace(apple, at=AT + timedelta(minutes=10))
    other = replace(apple, con_id=272093, symbol="MSFT")
    journal.write(apple, other, later)
    assert set(journal.bars_heard()) == {later, other}
