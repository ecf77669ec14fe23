"""Several processes at one store, and processes that are killed in the middle of their work."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.domain.bars import Bar
from apps.domain.sessions import Span
from apps.store.history.store import HistoryStore
from tests.store.history.bar_samples import DAY, OPEN, bar, bars, series

ROOT = Path(__file__).parents[3]
# eventkit installs its own tests as a package named ``tests``: ours is put in its place
_PROGRAM = """
import sys, types
package = types.ModuleType("tests")
package.__path__ = [sys.argv[1] + "/tests"]
sys.modules["tests"] = package
from tests.store.history.history_process import main
main(sys.argv[2:])
"""

EVER = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))


def begun(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(ROOT), *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def everything(folder: Path) -> tuple[Bar, ...]:
    with HistoryStore.open(folder) as store:
        assert store.set_aside() == ()
        found = store.bars(series(), *EVER)
        assert store.set_aside() == ()
        return found


def test_two_processes_write_the_same_new_day_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    writers = [begun("write", folder, first, 2, 25) for first in (0, 1)]
    assert [writer.communicate()[0] for writer in writers] == ["", ""]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert everything(folder) == tuple(bar(OPEN + timedelta(minutes=nth)) for nth in range(50))
    with HistoryStore.open(folder) as store:
        assert store.covered(series()) == (Span(OPEN, OPEN + timedelta(minutes=50)),)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_step_the_store_is_what_it_said_it_kept(tmp_path: Path, seed: int) -> None:
    with begun("die", tmp_path / "history", seed, 15) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert len(lines) == 15
    assert {line.partition(" ")[2] for line in lines} <= {"told", "one more"}
    assert len({line.partition(" ")[0] for line in lines}) > 2, "they died at many moments"


def test_disk_without_room_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    with begun("fill", folder, 9_000) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    assert "cannot be written to" in said
    assert "Nothing was changed" in said
    assert everything(folder) == bars(OPEN, 100)
    with HistoryStore.open(folder) as store:
        assert store.covered(series()) == (DAY,)
        assert len(list(folder.rglob("*.parquet"))) == 1
