"""The token: made once, for its user alone, and refused where others could have read it."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from apps.api.http.token_file import TOKEN_NAME, token_in
from apps.domain.errors import BadSetting

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the folder's list holds")


def refusal(folder: Path) -> str:
    with pytest.raises(BadSetting) as caught:
        token_in(folder)
    return caught.value.message


def test_the_first_start_makes_a_token_that_only_its_user_reads(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        token = token_in(tmp_path)
    finally:
        os.umask(before)
    assert len(token) >= 43
    assert stat.S_IMODE((tmp_path / TOKEN_NAME).stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [TOKEN_NAME]


def test_the_next_start_has_the_same_token_and_another_folder_another(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    token = token_in(tmp_path)
    assert token_in(tmp_path) == token
    assert token_in(tmp_path / "other") != token


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o601])
def test_a_token_that_others_can_touch_is_refused_with_what_to_do(
    tmp_path: Path, mode: int
) -> None:
    token_in(tmp_path)
    (tmp_path / TOKEN_NAME).chmod(mode)
    words = refusal(tmp_path)
    assert f"{mode:04o}" in words
    assert "Remove it" in words
    assert "chmod 600" in words


@pytest.mark.parametrize("written", ["", "short\n", "a b" * 20, "\x00" * 50, "x" * 600, "ü" * 40])
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, written: str) -> None:
    path = tmp_path / TOKEN_NAME
    path.write_text(written, encoding="utf-8")
    path.chmod(0o600)
    assert "is not one" in refusal(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x" * 43)
    (tmp_path / "elsewhere").chmod(0o600)
    (tmp_path / TOKEN_NAME).symlink_to(tmp_path / "elsewhere")
    assert "cannot be used" in refusal(tmp_path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / TOKEN_NAME).mkdir()
    assert "is not a file" in refusal(tmp_path)


def test_a_start_that_was_cut_off_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    (tmp_path / f"{TOKEN_NAME}.new").write_text("half")
    assert token_in(tmp_path) == token_in(tmp_path)
