"""Fixtures of the edge's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.api.cli import run
from apps.api.command_line import request_of
from apps.api.config import SETTINGS
from tests.api.in_process import Program


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program; gives its exit code, stdout and stderr."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("DESK_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    async def run_program(line: str) -> tuple[int, str, str]:
        code = await run(request_of(line.split()))
        return code, *capsys.readouterr()

    return run_program
