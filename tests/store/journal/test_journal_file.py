from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from apps.domain.errors import JournalLost, JournalRefused
from apps.domain.records import CommandGiven, Executed, OrderReserved, Record
from apps.store.journal import schema
from apps.store.journal.file import JournalFile
from apps.store.journal.layouts import LAYOUTS
from apps.store.journal.reading import JournalReader
from apps.store.journal.upkeep import Upkeep
from tests.store.journal.entries import (
    AT,
    CLIENT,
    ONE_OF_EACH,
    a_bracket,
    a_fill,
    an_intent,
    an_order,
    corrected,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[JournalFile]:
    with JournalFile.open(path) as opened:
        yield opened


def written(path: Path) -> list[Record]:
    with JournalReader.open(path) as reader:
        return [entry.record for entry in reader.everything()]


def test_every_kind_of_record_comes_back_as_it_was_in_the_order_of_writing(
    journal: JournalFile,
) -> None:
    for record in ONE_OF_EACH:
        journal.write(record)
    assert written(journal.path) == list(ONE_OF_EACH)
    assert {type(each) for each in ONE_OF_EACH} == set(LAYOUTS)


def test_tables_have_a_column_for_each_field(journal: JournalFile) -> None:
    with closing(sqlite3.connect(journal.path)) as db:
        for layout in LAYOUTS.values():
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({layout.table})")]
            assert columns == ["number", *layout.columns]


def test_records_go_in_all_or_none(journal: JournalFile) -> None:
    journal.write(an_intent())
    with pytest.raises(JournalLost, match="cannot be written to"):
        journal.write(an_order(205), an_intent())  # a reference is never used twice
    assert written(journal.path) == [an_intent()]
    journal.write(an_order())
    assert written(journal.path) == [an_intent(), an_order()]


def test_numbers_go_on_where_the_last_desk_stopped(path: Path) -> None:
    for text in ("first", "second"):
        with JournalFile.open(path) as journal:
            journal.write(CommandGiven(text, AT))
    assert [each.text for each in written(path) if isinstance(each, CommandGiven)] == [
        "first",
        "second",
    ]


def test_execution_that_is_told_again_stands_once_and_its_correction_beside_it(
    journal: JournalFile,
) -> None:
    fill = a_fill()
    for each in (fill, fill, corrected(fill, 2, "9")):
        journal.write(Executed.of(each))
    executed = [each for each in written(journal.path) if isinstance(each, Executed)]
    assert [(each.execution, each.revision, each.quantity) for each in executed] == [
        ("0000e0d5.00000001.01", 1, Decimal(10)),
        ("0000e0d5.00000001.01", 2, Decimal(9)),
    ]


def test_highest_order_id_is_that_of_the_client(journal: JournalFile) -> None:
    assert journal.highest_order_id(CLIENT) == 0
    journal.write(*a_bracket())
    assert journal.highest_order_id(CLIENT) == 103
    assert journal.highest_order_id(CLIENT + 1) == 0


def test_what_was_written_is_there_after_a_kill(path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from apps.domain.records import CommandGiven
from apps.store.journal.file import JournalFile
with JournalFile.open(Path({str(path)!r})) as journal:
    journal.write(CommandGiven("before the kill", None))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    assert written(path) == [CommandGiven("before the kill", None)]
    with JournalFile.open(path) as journal:
        journal.write(CommandGiven("after it", None))
    assert len(written(path)) == 2


def test_reader_beside_a_writer_sees_one_moment_and_holds_nobody_up(journal: JournalFile) -> None:
    journal.write(an_intent())
    with JournalReader.open(journal.path) as reader:
        before = list(reader.everything())
        journal.write(an_order())
        assert list(reader.everything()) == before
    assert len(written(journal.path)) == 2


def test_somebody_else_who_writes_is_an_error_at_once_and_not_for_ever(
    journal: JournalFile,
) -> None:
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalLost, match="locked"):
            journal.write(an_intent())
        other.execute("ROLLBACK")
    assert journal._db.execute("PRAGMA busy_timeout").fetchone() == (0,)
    journal.write(an_intent())
    assert written(journal.path) == [an_intent()]


def test_locked_journal_is_refused_before_anything(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JournalFile.open(path):
        pass
    monkeypatch.setattr("apps.store.journal.file._OPENING_TIMEOUT_S", 0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalRefused, match="is locked"), JournalFile.open(path):
            pass


def refuse(path: Path, words: str) -> None:
    """See that the journal is refused in these words, and left as it is."""
    before = path.read_bytes()
    with pytest.raises(JournalRefused, match=words), JournalFile.open(path):
        pass
    assert path.read_bytes() == before


def test_text_file_is_refused_as_it_is(path: Path) -> None:
    path.write_text("dear diary, today I bought ten of them" * 10)
    refuse(path, "no database")


def test_database_of_another_program_is_refused_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (a)")
    refuse(path, "another program's database")


def test_journal_of_a_newer_desk_is_refused_as_it_is(path: Path) -> None:
    with JournalFile.open(path, versions=(*schema.VERSIONS, "CREATE TABLE more (a);")):
        pass
    refuse(path, f"newer desk .version {len(schema.VERSIONS) + 1}")


def test_damaged_journal_is_refused_as_it_is(path: Path) -> None:
    with JournalFile.open(path) as journal:
        for number in range(200):
            journal.write(CommandGiven(f"wait {number}" * 20, AT))
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + bytes(len(whole) - 8192))
    refuse(path, "is damaged")


def test_journal_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(JournalRefused, match="cannot be opened"),
        JournalFile.open(tmp_path / "no" / "journal.sqlite"),
    ):
        pass


def test_migration_keeps_a_copy_and_what_was_written(path: Path) -> None:
    with JournalFile.open(path) as journal:
        journal.write(*a_bracket())
    newer = (*schema.VERSIONS, "ALTER TABLE desks ADD COLUMN host TEXT;")
    with JournalFile.open(path, versions=newer) as journal:
        assert journal.highest_order_id(CLIENT) == 103
    copy = schema.copy_of(path, len(schema.VERSIONS))
    assert written(copy) == list(a_bracket())
    assert not path.with_name(path.name + ".new").exists()
    with closing(sqlite3.connect(path)) as db:
        assert schema.version_of(db) == len(newer)


def test_order_ids_are_found_again_without_their_index(path: Path) -> None:
    layout, order = LAYOUTS[OrderReserved], an_order(103)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        schema.migrate(path, db, schema.VERSIONS[:4])
        db.execute(layout.insert, (1, *layout.cells(order)))
    with JournalFile.open(path) as journal:
        assert journal.highest_order_id(CLIENT) == 103
        assert journal.highest_order_id(CLIENT + 1) == 0
    with closing(sqlite3.connect(path)) as db:
        indexes = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        assert "orders_of_client" not in indexes
        assert "orders_of_intent" in indexes


def test_migration_that_fails_leaves_the_journal_as_it_was(path: Path) -> None:
    with JournalFile.open(path) as journal:
        journal.write(*a_bracket())
    broken = (*schema.VERSIONS, "CREATE TABLE more (a); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(JournalRefused), JournalFile.open(path, versions=broken):
        pass
    assert written(path) == list(a_bracket())
    with closing(sqlite3.connect(path)) as db:
        assert schema.version_of(db) == len(schema.VERSIONS)


class Spy:
    """A lock that notes which log there was before and after it was held, and who held it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.threads = list[str]()
        self.logs = list[bytes]()

    def __enter__(self) -> None:
        self.threads.append(threading.current_thread().name)
        self.logs.append(log_of(self._path))

    def __exit__(self, *_: object) -> None:
        self.logs.append(log_of(self._path))


def log_of(path: Path) -> bytes:
    """Give the salt of a journal's log: another one for each time it is begun."""
    return path.with_name(path.name + "-wal").read_bytes()[16:24]


def bring_in(path: Path, beginning_anew: object) -> None:
    upkeep = Upkeep(path, every=2, quiet_s=0)
    vars(upkeep)["beginning_anew"] = beginning_anew
    for _ in range(2):
        upkeep.committed()
    upkeep.close()


def test_log_is_brought_in_and_begun_anew_by_a_thread_while_nobody_may_write(path: Path) -> None:
    spy = Spy(path)
    with JournalFile.open(path) as journal:
        for number in range(20):
            journal.write(CommandGiven(f"wait {number} " * 1000, AT))
        size, log = path.stat().st_size, log_of(path)
        bring_in(path, spy)
        assert path.stat().st_size > size
        (thread,), (before, after) = spy.threads, spy.logs
        assert thread.startswith("journal")
        assert before == log != after
        journal.write(CommandGiven("buy", AT))
        assert log_of(path) == after
    assert len(written(path)) == 21


def test_log_that_somebody_reads_is_brought_in_and_goes_on(path: Path) -> None:
    spy = Spy(path)
    with JournalFile.open(path) as journal, closing(sqlite3.connect(path)) as reader:
        journal.write(CommandGiven("wait", AT))
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM commands").fetchall()
        journal.write(CommandGiven("buy", AT))
        bring_in(path, spy)
        assert spy.threads == []
        reader.execute("COMMIT")
        bring_in(path, spy)
        assert len(spy.threads) == 1
    assert len(written(path)) == 2


def test_checkpoint_that_waits_for_a_pause_does_not_hold_up_the_end(path: Path) -> None:
    with JournalFile.open(path) as journal:
        journal.write(CommandGiven("wait", AT))
        size = path.stat().st_size
        upkeep = Upkeep(path, every=1, quiet_s=3600)
        upkeep.committed()
        upkeep.close()
        assert path.stat().st_size == size
