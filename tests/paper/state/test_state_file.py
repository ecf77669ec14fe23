from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from apps.paper.state import schema
from apps.paper.state.errors import StateInUse, StateLost, StateRefused
from apps.paper.state.file import StateFile, clear
from apps.paper.state.opening import Kept
from tests.paper.exchange.bench import OPEN
from tests.paper.state.kept_bench import after_a_kill, kept, restored_from

HOLDER = """
import sys
from pathlib import Path
from apps.paper.state.file import StateFile
with StateFile.open(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.state"


def some_state(path: Path) -> None:
    with kept(path) as bench:
        bench.bracket()
        bench.keep()


def contents(path: Path) -> dict[str, bytes]:
    return {
        each.name: each.read_bytes()
        for each in path.parent.iterdir()
        if each.name.startswith(path.name) and not each.name.endswith(".lock")
    }


# ---------------------------------------------------------------- what is there


def test_new_file_has_nothing_to_say(path: Path) -> None:
    with StateFile.open(path) as file:
        assert file.kept() == Kept()
        assert file.restored() is None


def test_empty_file_becomes_a_state_file(path: Path) -> None:
    path.touch()
    some_state(path)
    assert restored_from(path) is not None


def test_file_remembers_accounts_and_cash_before_anything_happens(path: Path) -> None:
    with StateFile.open(path) as file:
        file.settle(accounts=("DU2", "DU1"), cash=Decimal("1000.50"))
    with StateFile.open(path) as file:
        assert file.kept() == Kept(None, Decimal("1000.50"), ("DU2", "DU1"))


def test_account_that_is_new_is_added_and_the_cash_stays(path: Path) -> None:
    with StateFile.open(path) as file:
        file.settle(accounts=("DU1",), cash=Decimal(1000))
    with StateFile.open(path) as file:
        file.settle(accounts=("DU3", "DU1"), cash=Decimal(7))
        assert file.kept() == Kept(None, Decimal(1000), ("DU1", "DU3"))


def test_account_of_the_file_that_is_not_asked_for_is_named(path: Path) -> None:
    with StateFile.open(path) as file:
        file.settle(accounts=("DU1", "DU2", "DU3"), cash=Decimal(1000))
    with (
        StateFile.open(path) as file,
        pytest.raises(StateRefused, match=r"accounts DU1, DU3, which this gateway was not given"),
    ):
        file.settle(accounts=("DU2", "DU4"), cash=Decimal(1000))


def test_time_that_was_leased_is_taken_back_by_an_orderly_end(path: Path) -> None:
    with StateFile.open(path, lease_ms=60_000) as file:
        file.settle(accounts=("DU1",), cash=Decimal(1000))
        file.keep(None, OPEN)
        file.keep(None, OPEN + 2_000)
        assert file.kept().market_time == OPEN + 60_000
    with StateFile.open(path) as file:
        assert file.kept().market_time == OPEN + 2_000


def test_time_without_changes_is_written_once_a_lease(path: Path) -> None:
    written: list[str] = []
    with StateFile.open(path, lease_ms=1_000) as file:
        file.settle(accounts=("DU1",), cash=Decimal(1000))
        file._db.set_trace_callback(written.append)
        for passed in range(0, 2_000, 10):
            file.keep(None, OPEN + passed)
        file._db.set_trace_callback(None)
    times = [each.split()[-1] for each in written if each.startswith("UPDATE")]
    assert times == [str(OPEN + 1_000), str(OPEN + 2_010)]


# ---------------------------------------------------------------- what is refused, as it was


def foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE songs (title TEXT)")
    db.close()


def text(path: Path) -> None:
    path.write_text("shopping: milk, eggs\n" * 100, encoding="utf-8")


def short_text(path: Path) -> None:
    path.write_text("milk", encoding="utf-8")


def newer(path: Path) -> None:
    some_state(path)
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    db.close()


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (foreign_database, "is not a state file of this gateway but another program's database"),
        (text, "is not a state file of this gateway but something else"),
        (short_text, "is not a state file of this gateway but something else"),
        (newer, "was written by a newer gateway"),
        (folder, "cannot be read"),
    ],
)
def test_what_is_no_state_file_is_refused_in_one_sentence_and_left_alone(
    path: Path, make: Callable[[Path], None], words: str
) -> None:
    make(path)
    before = contents(path) if path.is_file() else None
    with pytest.raises(StateRefused, match=words) as caught, StateFile.open(path):
        pytest.fail("opened")
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    if before is not None:
        assert contents(path) == before


@pytest.mark.parametrize("make", [foreign_database, text, folder])
def test_beside_somebody_elses_file_no_lock_is_left(
    path: Path, make: Callable[[Path], None]
) -> None:
    make(path)
    with pytest.raises(StateRefused), StateFile.open(path):
        pytest.fail("opened")
    with pytest.raises(StateRefused):
        clear(path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("place", [0.3, 0.6, 0.99])
def test_damaged_file_is_refused_and_left_as_it_is(path: Path, place: float) -> None:
    some_state(path)
    whole = path.read_bytes()
    at = int(len(whole) * place) // 4096 * 4096
    path.write_bytes(whole[:at] + b"\xff" * 4096 + whole[at + 4096 :])
    damaged = path.read_bytes()
    with pytest.raises(StateRefused, match="damaged") as caught:
        restored_from(path)
    assert "left as it is" in caught.value.message
    assert "\n" not in caught.value.message
    assert path.read_bytes() == damaged


def test_file_that_was_cut_off_is_refused(path: Path) -> None:
    some_state(path)
    path.write_bytes(path.read_bytes()[: 5 * 4096])
    with pytest.raises(StateRefused, match="damaged"):
        restored_from(path)


def test_row_that_no_gateway_wrote_is_named(path: Path) -> None:
    some_state(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE orders SET snapshot = replace(snapshot, 'BUY', 'HOLD')")
    db.close()
    with pytest.raises(StateRefused, match="HOLD"):
        restored_from(path)


def test_file_that_may_only_be_read_is_refused_before_a_gateway_begins(path: Path) -> None:
    some_state(path)
    with StateFile.open(path) as file:
        file._db.execute("PRAGMA query_only = ON")  # as SQLite takes a file without the right
        with pytest.raises(StateRefused, match="see that it can be written to"):
            file.settle(accounts=("DU1",), cash=Decimal(1000))


def test_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateRefused, match="No such file or directory"):
        restored_from(tmp_path / "nowhere" / "gateway.state")


# ---------------------------------------------------------------- one at a time


def test_second_gateway_is_told_which_process_has_the_file(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StateInUse, match=f"another gateway .process {holder.pid}."):
            restored_from(path)
        with pytest.raises(StateInUse):
            clear(path)
        holder.kill()
    # the lock died with its holder
    assert restored_from(path) is None


def test_same_file_by_another_name_is_held_too(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    with StateFile.open(path):
        link.symlink_to(path)
        with pytest.raises(StateInUse):
            restored_from(link)


# ---------------------------------------------------------------- a file that fails, or is cleared


def test_what_cannot_be_written_is_lost_for_good_and_nothing_of_it_is_kept(path: Path) -> None:
    with kept(path) as bench:
        bench.bracket()
        bench.keep()
        bench.file._db.execute("PRAGMA query_only = ON")
        bench.market("100.00", "100.02", "100.00")
        bench.place(9, "BUY", 1, "MKT")
        with pytest.raises(StateLost, match="cannot be written to"):
            bench.keep()
        bench.file._db.execute("PRAGMA query_only = OFF")
        with pytest.raises(StateLost):
            bench.keep()
    record = restored_from(path)
    assert record is not None
    assert {order.order.order_id for order in record.orders} == {1, 2, 3}


def test_cleared_file_is_a_new_one(path: Path) -> None:
    some_state(path)
    assert clear(path)
    assert contents(path) == {}
    assert not clear(path)
    assert restored_from(path) is None


def test_clearing_leaves_what_is_somebody_elses(path: Path) -> None:
    foreign_database(path)
    with pytest.raises(StateRefused):
        clear(path)
    assert path.exists()


def test_clearing_forgets_what_a_kill_left_in_the_log(path: Path, tmp_path: Path) -> None:
    with kept(path) as bench:
        bench.bracket()
        bench.keep()
        killed = after_a_kill(path, tmp_path / "killed")
    assert killed.with_name(killed.name + "-wal").exists()
    assert clear(killed)
    assert contents(killed) == {}
    assert restored_from(killed) is None


def test_log_is_brought_in_by_another_thread(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.paper.state.upkeep._COMMITS", 3)
    with kept(path) as bench:
        for number in range(1, 10):
            bench.place(number, "BUY", 1, "LMT", limit="90")
            bench.keep()
        running = bench.file._upkeep._running
        assert running is not None
        running.result()
        alone = tmp_path / "without its log"
        shutil.copyfile(path, alone)
    record = restored_from(alone)
    assert record is not None
    assert len(record.orders) >= 3


def test_log_is_left_to_its_thread(path: Path, tmp_path: Path) -> None:
    with kept(path) as bench:
        bench.bracket()
        bench.keep()
        alone = tmp_path / "without its log"
        shutil.copyfile(path, alone)
    assert restored_from(alone) is None
