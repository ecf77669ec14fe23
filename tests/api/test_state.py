from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from apps.api.state import (
    EMBEDDED,
    FolderInUse,
    account_folder,
    announce,
    check_same_account,
    hold,
    hold_link,
    holder_of,
    running_desk,
    state_root,
)
from apps.domain.errors import BadSetting, InvalidInput, RiskRefused

HOLDER = """
import sys
from dataclasses import replace
from pathlib import Path
from apps.api.state import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_desk_home_is_the_root(tmp_path: Path) -> None:
    assert state_root(str(tmp_path)) == tmp_path


def test_without_desk_home_the_root_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere/state")
    assert state_root("").name == "breakout-desk"


def test_each_account_and_mode_has_a_folder_of_its_own(tmp_path: Path) -> None:
    paper = account_folder(tmp_path, mode="paper", account="DU1")
    live = account_folder(tmp_path, mode="live", account="U1")
    assert paper.is_dir()
    assert live.is_dir()
    assert paper != live


def test_folder_that_cannot_be_made_is_a_bad_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(BadSetting, match="DESK_HOME"):
        account_folder(tmp_path / "file", mode="paper", account="DU1")


def test_second_desk_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse) as caught, hold(tmp_path):
            pytest.fail("two desks hold one folder")
        assert f"process {holder.pid}, since 20" in caught.value.message
        assert str(tmp_path) in caught.value.message
        holder.kill()
    # the lock died with its holder, however that ended
    with hold(tmp_path):
        assert (tmp_path / "desk.lock").read_text(encoding="utf-8") == f"{os.getpid()}\n"


def test_folder_is_free_again_after_the_block(tmp_path: Path) -> None:
    with hold(tmp_path):
        pass
    with hold(tmp_path):
        pass


def test_link_is_held_by_host_port_and_client_id(tmp_path: Path) -> None:
    root = tmp_path / "not made yet"
    with hold_link(root, "::1", 7497, 1):
        with hold_link(root, "::1", 7497, 2), hold_link(root, "::1", 4002, 1):
            pass
        with pytest.raises(FolderInUse) as caught, hold_link(root, "::1", 7497, 1):
            pytest.fail("two desks hold one client id")
    assert "is connected to ::1:7497 as client 1: give the command there" in caught.value.message
    assert caught.value.message.endswith("its own DESK_HOME and IB_CLIENT_ID.")


def test_link_knows_how_long_ago_it_was_let_go(tmp_path: Path) -> None:
    with hold_link(tmp_path, "::1", 7497, 1) as free_for_s:
        assert free_for_s is None
    lock = next(tmp_path.glob("*.lock"))
    now = lock.stat().st_mtime
    os.utime(lock, (now - 100, now - 100))
    with hold_link(tmp_path, "::1", 7497, 1) as free_for_s:
        assert free_for_s is not None
        assert free_for_s >= 99
    # a clock that was set back says nothing
    os.utime(lock, (now + 100, now + 100))
    with hold_link(tmp_path, "::1", 7497, 1) as free_for_s:
        assert free_for_s is None


def test_desk_that_listens_says_where_in_its_lock_file_and_since_when_it_runs(
    tmp_path: Path,
) -> None:
    folder = account_folder(tmp_path, mode="paper", account="DU1")
    other = account_folder(tmp_path, mode="paper", account="DU2")
    with hold(folder), hold(other):
        before = holder_of(folder)
        announce(folder, socket=folder / "a\nb.sock", endpoint="::1:7497")
        announce(other, socket=other / "desk.sock", endpoint="::1:4002")
        assert before is not None
        told = replace(before, socket=f"{folder}/a\nb.sock", endpoint="::1:7497")
        assert holder_of(folder) == told
        found = running_desk(tmp_path, mode="paper", account="", endpoint="::1:7497")
        assert found == (folder, told)
        assert running_desk(tmp_path, mode="paper", account="", endpoint="::1:9") is None
    with hold(folder):
        again = holder_of(folder)
        assert again is not None
        assert (again.socket, again.endpoint) == ("", None)


def test_refused_desk_leaves_the_holders_note_alone(tmp_path: Path) -> None:
    with hold(tmp_path):
        before = (tmp_path / "desk.lock").read_text(encoding="utf-8")
        with pytest.raises(FolderInUse), hold(tmp_path):
            pytest.fail("two desks hold one folder")
        assert (tmp_path / "desk.lock").read_text(encoding="utf-8") == before


def test_account_that_changed_since_the_last_run_is_refused_until_it_is_chosen(
    tmp_path: Path,
) -> None:
    at = "live-127.0.0.1-7496"
    check_same_account(tmp_path, at, "U1", chosen=False)
    check_same_account(tmp_path, at, "U1", chosen=False)
    check_same_account(tmp_path, "live-127.0.0.1-4001", "U2", chosen=False)
    with pytest.raises(RiskRefused, match=r"was U1 at the last run and is U2 .*IB_ACCOUNT=U2"):
        check_same_account(tmp_path, at, "U2", chosen=False)
    check_same_account(tmp_path, at, "U2", chosen=True)
    check_same_account(tmp_path, at, "U2", chosen=False)


def test_desk_that_runs_is_found_by_its_lock_and_by_nothing_that_a_dead_one_left(
    tmp_path: Path,
) -> None:
    one, other = (account_folder(tmp_path, mode="paper", account=each) for each in ("DU1", "DU2"))
    embedded = account_folder(tmp_path, mode="paper", account=EMBEDDED)
    with hold(one):
        pass
    assert holder_of(one) is None
    assert running_desk(tmp_path, mode="paper", account="") is None
    with hold(one), hold(embedded):
        found = running_desk(tmp_path, mode="paper", account="")
        assert found is not None
        assert (found[0], found[1].process) == (one, str(os.getpid()))
        with hold(other), pytest.raises(InvalidInput, match=r"DU1, DU2. Set IB_ACCOUNT"):
            running_desk(tmp_path, mode="paper", account="")
