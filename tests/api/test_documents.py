"""What the documents point at is there: tests that show a promise, files, settings, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apps.api.config import SETTINGS_BY_NAME

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TESTS = {path.name for path in (ROOT / "tests").rglob("test_*.py")}

_TEST = re.compile(r"`(?P<path>(?:tests/[\w/]+/)?(?:test_\w+\.py)?)(?:::\w+)?`")
_LINK = re.compile(r"\]\((?!https?://)([^)#]+)[^)]*\)")
_SETTING = re.compile(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`")


def test_every_test_that_shows_a_promise_exists() -> None:
    named = {each["path"] for each in _TEST.finditer(text_of(ROOT / "ARCHITECTURE.md"))} - {""}
    missing = {
        each for each in named if not ((ROOT / each).exists() if "/" in each else each in TESTS)
    }
    assert len(named) > 15
    assert missing == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_linked_exists(document: Path) -> None:
    linked = _LINK.findall(text_of(document))
    assert [each for each in linked if not (document.parent / each).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "docs/commands.md", "ARCHITECTURE.md"])
def test_every_setting_that_is_named_is_one(name: str) -> None:
    assert set(_SETTING.findall(text_of(ROOT / name))) - set(SETTINGS_BY_NAME) == set()


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")
