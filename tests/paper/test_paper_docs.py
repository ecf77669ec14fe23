"""The gateway's page says what the program says."""

from __future__ import annotations

import pytest

from tests.paper.paper_docs import PAGE, generated, section

HINT = "write it anew: python tests/paper/paper_docs.py"


@pytest.mark.parametrize(("name", "text"), generated().items())
def test_generated_section_of_the_page_is_as_the_program_is_now(name: str, text: str) -> None:
    assert section(PAGE.read_text(encoding="utf-8"), name) == text, HINT
