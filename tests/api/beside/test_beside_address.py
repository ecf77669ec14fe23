from __future__ import annotations

import contextlib
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from apps.api.beside.address import CAN_LISTEN, bound, peer_of, socket_path
from apps.domain.errors import DeskError

pytestmark = pytest.mark.skipif(not CAN_LISTEN, reason="this system has no Unix sockets")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "paper-DU1"
    made.mkdir(mode=0o755)
    return made


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_socket_is_its_owners_alone_and_gone_at_the_end(folder: Path) -> None:
    with bound(folder) as (_, path):
        assert path.parent == folder
        assert stat.S_ISSOCK(path.lstat().st_mode)
        assert (mode_of(path), mode_of(folder)) == (0o600, 0o700)
    assert list(folder.iterdir()) == []


def test_both_ends_know_whose_process_is_at_the_other(folder: Path) -> None:
    with bound(folder) as (listens, path), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))
        listens.setblocking(True)
        answered, _ = listens.accept()
        with answered:
            expected = os.getpid() if hasattr(socket, "SO_PEERCRED") else None
            assert peer_of(answered) == peer_of(caller) == expected


def test_other_users_process_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(socket, "SO_PEERCRED"):
        pytest.skip("this system does not tell who is at the other end")
    one, other = socket.socketpair()
    with one, other:
        mine = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
        with pytest.raises(DeskError, match="of another user"):
            peer_of(one)


def test_socket_of_a_killed_desk_is_swept(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "desk.sock"))
    with bound(folder) as (_, path), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))


def test_file_in_the_way_is_told_and_stays(folder: Path) -> None:
    (folder / "desk.sock").write_text("mine")
    with pytest.raises(DeskError, match="cannot be opened"), bound(folder):
        pass
    assert (folder / "desk.sock").read_text() == "mine"


def test_path_that_is_too_long_leads_to_a_short_one_of_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep, other = (tmp_path / ("d" * 120) / name for name in ("a", "b"))
    deep.mkdir(parents=True)
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as short,
        monkeypatch.context() as patched,
        socket.socket(socket.AF_UNIX) as caller,
        contextlib.ExitStack() as stack,
    ):
        patched.setenv("XDG_RUNTIME_DIR", short)
        _, path = stack.enter_context(bound(deep))
        assert path.parent.parent == Path(short)
        assert mode_of(path.parent) == 0o700
        assert path != socket_path(other)
        caller.connect(str(path))
    assert not path.exists()


def test_short_folder_that_others_may_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    shared = tmp_path / f"breakout-desk-{os.geteuid()}"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(DeskError, match="not a folder of this user's alone"):
        socket_path(tmp_path / ("d" * 120))


def test_no_path_that_is_short_enough_is_told_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    with pytest.raises(DeskError, match=r"too long for a socket. Set XDG_RUNTIME_DIR"):
        socket_path(deep)
