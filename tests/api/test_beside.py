"""Single commands beside a desk that runs, and an account that is another one than before."""

from __future__ import annotations

import json
from pathlib import Path

from apps.api.halt_files import KILL_NAME
from apps.api.state import EMBEDDED, account_folder
from apps.domain.records import DeskOpened
from apps.store.journal.file import JournalFile
from tests.api.programs import paper_gateway
from tests.api.test_program import (  # noqa: F401  a fixture
    Start,
    desk,
    finish,
    read_until,
    running_desk,
    type_in,
)


def message(out: bytes) -> str:
    return str(json.loads(out)["error"]["message"])


def test_halt_reaches_the_desk_that_runs_and_only_that_one_resumes(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    process = running_desk()
    read_until(process, b"simulated")
    kill = account_folder(tmp_path, mode="paper", account=EMBEDDED) / KILL_NAME
    halted = desk(tmp_path, "halt", "--reduce")
    assert halted.returncode == 0, halted.stderr
    assert f"process {process.pid}, since" in halted.stdout.decode()
    assert "reducing now" in halted.stdout.decode()
    flattened = desk(tmp_path, "halt", "--flatten")
    assert "halted now, and closes what is ours" in flattened.stdout.decode()
    assert kill.read_text() == "flatten"
    refused = desk(tmp_path, "resume", "--json")
    assert refused.returncode == 4
    assert f"remove {kill}, then type `resume`" in message(refused.stdout)
    kill.unlink()
    type_in(process, b"wait 1\nresume\nquit\n")
    code, out, _ = finish(process)
    assert code == 0
    assert b"Trading is active" in out
    assert desk(tmp_path, "positions", "--json").stdout == b"[]\n"


def test_account_that_is_not_the_last_runs_is_refused_until_it_is_named(tmp_path: Path) -> None:
    with paper_gateway("--account", "DU1111111") as (_, where):
        (tmp_path / f"paper-127.0.0.1-{where['IB_PORT']}.account").write_text("DU2222222")
        refused = desk(tmp_path, "positions", "--json", script=b"", **where)
        assert refused.returncode == 4
        assert "was DU2222222 at the last run and is DU1111111" in message(refused.stdout)
        named = where | {"IB_ACCOUNT": "DU1111111"}
        assert desk(tmp_path, "positions", script=b"", **named).returncode == 0
        assert desk(tmp_path, "positions", script=b"", **where).returncode == 0


def test_journal_of_another_account_is_refused(tmp_path: Path) -> None:
    folder = account_folder(tmp_path, mode="paper", account=EMBEDDED)
    with JournalFile.open(folder / "journal.sqlite") as journal:
        journal.write(DeskOpened("DU9999999", 1, "paper", None))
    refused = desk(tmp_path, "positions", "--json")
    assert refused.returncode == 4
    assert "is of the account DU9999999, and the broker gives" in message(refused.stdout)
    assert desk(tmp_path, "positions", IB_ACCOUNT="DU1234567").returncode == 0
    assert desk(tmp_path, "positions").returncode == 0
    with paper_gateway("--account", "DU1111111") as (_, where):
        mine = account_folder(tmp_path, mode="paper", account="DU1111111")
        with JournalFile.open(mine / "journal.sqlite") as journal:
            journal.write(DeskOpened("DU9999999", 1, "paper", None))
        moved = desk(tmp_path, "positions", "--json", script=b"", IB_ACCOUNT="DU1111111", **where)
    assert moved.returncode == 4
    assert "Move it away" in message(moved.stdout)
