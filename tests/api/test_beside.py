"""Single commands beside a desk that runs, and an account that is another one than before."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from apps.api.halt_files import KILL_NAME
from apps.api.state import EMBEDDED, account_folder, holder_of
from apps.domain.records import CommandGiven, DeskOpened
from apps.store.journal.file import JournalFile
from apps.store.journal.reading import JournalReader
from tests.api.programs import paper_gateway
from tests.api.test_program import (  # noqa: F401  a fixture
    TIME_LIMIT_S,
    Start,
    assert_quiet,
    desk,
    environment,
    finish,
    read_until,
    running_desk,
    type_in,
)


def message(out: bytes) -> str:
    return str(json.loads(out)["error"]["message"])


def folder_of(home: Path) -> Path:
    return account_folder(home, mode="paper", account=EMBEDDED)


def opened(process: subprocess.Popen[bytes], home: Path) -> None:
    """Wait until the desk listens."""
    read_until(process, b"simulated")
    type_in(process, b"account\n")
    read_until(process, b"Realised")
    holder = holder_of(folder_of(home))
    assert holder is not None
    assert holder.process == str(process.pid)
    assert holder.socket


def commands_of(home: Path) -> list[str]:
    with JournalReader.open(folder_of(home) / "journal.sqlite") as journal:
        records = [entry.record for entry in journal.everything()]
    return [record.text for record in records if isinstance(record, CommandGiven)]


# ---------------------------------------------------------------- through its socket


def test_single_command_beside_a_desk_that_runs_is_done_there_and_written_down(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    process = running_desk()
    opened(process, tmp_path)
    sent = desk(tmp_path, "bracket", "buy", "AAPL", "10", "--yes")
    assert sent.returncode == 0, sent.stderr
    assert b"AAPL" in sent.stdout
    held = json.loads(desk(tmp_path, "pos", "--json").stdout)
    assert [each["position"]["symbol"] for each in held] == ["AAPL"]
    assert desk(tmp_path, "cancel", "999").returncode == 5
    refused = desk(tmp_path, "quote", "NOPE", "--json")
    assert refused.returncode == 5
    assert "NOPE" in message(refused.stdout)
    type_in(process, b"quit\n")
    code, out, err = finish(process)
    assert code == 0
    assert_quiet(out + err)
    # its alerts are told at the desk, and nowhere else
    assert b"FILL" in out
    assert b"FILL" not in sent.stdout + sent.stderr
    written = commands_of(tmp_path)
    assert written[1].endswith(") bracket buy AAPL 10 --yes")
    assert all(each.startswith("(beside") for each in written[1:-1])
    assert not (folder_of(tmp_path) / "desk.sock").exists()


def test_settings_that_contradict_the_desk_that_runs_are_told(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    process = running_desk(MAX_ORDER_QTY="500")
    opened(process, tmp_path)
    refused = desk(tmp_path, "--max-order-qty", "9", "positions", "--json", MAX_ORDER_QTY="500")
    assert refused.returncode == 2
    assert "MAX_ORDER_QTY is '9' for this command (from the command line) and '500'" in message(
        refused.stdout
    )
    assert desk(tmp_path, "positions", MAX_ORDER_QTY="500", BELL="off").returncode == 0


def test_watcher_armed_from_beside_is_the_desks_and_outlives_the_command(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    process = running_desk()
    opened(process, tmp_path)
    armed = desk(tmp_path, "breakout", "start", "AAPL", "--level", "+5%")
    assert armed.returncode == 0
    assert b"w1 stays with the desk that runs" in armed.stderr
    assert json.loads(desk(tmp_path, "breakout", "list", "--json").stdout)[0]["id"] == "w1"


def test_ctrl_c_ends_a_command_beside_and_the_desk_goes_on(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    process = running_desk()
    opened(process, tmp_path)
    for seconds, number, code in (("60", signal.SIGINT, 130), ("61", signal.SIGTERM, 143)):
        waiting = running_desk("wait", seconds)
        while not any(f"wait {seconds}" in each for each in commands_of(tmp_path)):
            assert waiting.poll() is None
        waiting.send_signal(number)
        assert finish(waiting)[0] == code
    type_in(process, b"account\nquit\n")
    code, out, err = finish(process)
    assert code == 0
    assert_quiet(out + err)


def test_command_whose_desk_quits_or_is_killed_says_that_it_was_not_done(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    for end, told in ((b"quit\n", "is quitting"), (b"", "has ended before the command was done")):
        process = running_desk()
        opened(process, tmp_path)
        waiting = running_desk("wait", "60", "--json")
        while sum("wait 60" in each for each in commands_of(tmp_path)) < 1 + (not end):
            assert waiting.poll() is None
        if end:
            type_in(process, end)
        else:
            process.kill()
        code, out, _ = finish(waiting)
        assert code == 3
        assert told in message(out)
        process.wait(TIME_LIMIT_S)
    # the killed desk left its socket, and the next one sweeps it
    assert (folder_of(tmp_path) / "desk.sock").exists()
    assert desk(tmp_path, "positions").returncode == 0
    process = running_desk()
    opened(process, tmp_path)
    assert desk(tmp_path, "positions").returncode == 0


def test_menu_beside_a_desk_that_runs_is_refused(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    process = running_desk()
    opened(process, tmp_path)
    refused = desk(tmp_path, script=b"positions\n")
    assert refused.returncode == 1
    assert f"process {process.pid}, since 20" in refused.stderr.decode()
    assert desk(tmp_path, "paper", "reset").returncode == 1


def test_desk_in_a_folder_too_deep_for_a_socket_is_found_all_the_same(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    home = tmp_path / ("d" * 110)
    home.mkdir()
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        process = running_desk(home=home, TMPDIR=short)
        opened(process, home)
        assert desk(home, "positions", "--json", TMPDIR=short).stdout == b"[]\n"
        type_in(process, b"quit\n")
        assert finish(process)[0] == 0


def test_talking_to_a_desk_that_runs_loads_nothing_of_a_desk(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    process = running_desk()
    opened(process, tmp_path)
    asked = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "apps.api.cli", "positions", "--json"],
        capture_output=True,
        env=environment(tmp_path, {}),
        cwd=tmp_path,
        timeout=TIME_LIMIT_S,
        check=True,
    )
    assert asked.stdout == b"[]\n"
    loaded = {line.rpartition("|")[2].strip() for line in asked.stderr.decode().splitlines()}
    heavy = (
        "ib_insync",
        "rich",
        "prompt_toolkit",
        "aioconsole",
        "sqlite3",
        "pandas",
        "apps.engine",
    )
    assert [name for name in loaded if name.startswith(heavy)] == []


# ---------------------------------------------------------------- halts


def test_halt_and_resume_go_through_the_desk_that_runs(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    process = running_desk()
    opened(process, tmp_path)
    # a limit that is another one here does not keep a halt away
    halted = desk(tmp_path, "halt", "--reduce", MAX_ORDER_QTY="3")
    assert halted.returncode == 0, halted.stderr
    assert b"by the halt command" in halted.stdout
    assert not (folder_of(tmp_path) / KILL_NAME).exists()
    resumed = desk(tmp_path, "resume")
    assert resumed.returncode == 0, resumed.stderr
    assert b"Trading is active" in resumed.stdout
    (folder_of(tmp_path) / KILL_NAME).touch()
    refused = desk(tmp_path, "resume", "--json")
    assert refused.returncode == 4
    assert KILL_NAME in message(refused.stdout)


def test_halt_reaches_a_desk_that_does_not_listen_by_the_kill_file_and_resume_is_refused(
    tmp_path: Path,
    running_desk: Start,  # noqa: F811  the fixture
) -> None:
    folder = folder_of(tmp_path)
    (folder / "desk.sock").write_text("in the way")
    process = running_desk()
    read_until(process, b"simulated")
    kill = folder / KILL_NAME
    halted = desk(tmp_path, "halt", "--reduce")
    assert halted.returncode == 0, halted.stderr
    assert f"process {process.pid}, since" in halted.stdout.decode()
    assert "reducing now" in halted.stdout.decode()
    flattened = desk(tmp_path, "halt", "--flatten")
    assert "halted now, and closes what is ours" in flattened.stdout.decode()
    assert kill.read_text() == "flatten"
    refused = desk(tmp_path, "resume", "--json")
    assert refused.returncode == 4
    assert "type `resume` at its prompt" in message(refused.stdout)
    kill.unlink()
    type_in(process, b"wait 1\nresume\nquit\n")
    code, out, _ = finish(process)
    assert code == 0
    assert b"Commands beside this desk are refused." in out
    assert b"Trading is active" in out
    assert desk(tmp_path, "positions", "--json").stdout == b"[]\n"


# ---------------------------------------------------------------- another account than before


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
