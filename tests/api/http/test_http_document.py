"""The OpenAPI document against the desk, by others: schemathesis asks what the document allows.

And what it forbids. Every answer has to be one that the document tells of, of the shape that it
tells; nothing may be a server's error. The same requests are made each time. That whatever the
document allows is taken is not asked: it cannot say that dates are in order.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.api.programs import ROOT, ended_with_the_test

EXAMPLES = 4

STREAM = "/events"
"""It does not end by itself: see test_http_stream.py."""


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """An address, and the token: a desk of its own, on the embedded gateway."""
    home = tmp_path_factory.mktemp("home")
    process = subprocess.Popen(
        [sys.executable, "-m", "apps.api.http", "--http-port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={
            "DESK_HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "HTTP_REQUESTS_PER_S": "100000",
            "PAPER_SPEED": "20",
        },
        cwd=home,
    )
    with ended_with_the_test(process):
        assert process.stderr is not None
        for line in process.stderr:
            if b"is served on " in line:
                break
        (token,) = home.glob("*/http.token")
        yield line.decode().split("is served on ")[1].strip().rstrip("."), token.read_text().strip()


def operations(at: tuple[str, str]) -> Iterator[tuple[Any, dict[str, str]]]:
    address, token = at
    headers = {"Authorization": f"Bearer {token}"}
    document = schemathesis.openapi.from_url(f"{address}/openapi.json", headers=headers)
    for each in document.get_all_operations():
        assert isinstance(each, Ok)
        yield each.ok(), headers


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_does_what_its_document_says(
    at: tuple[str, str], mode: GenerationMode
) -> None:
    asked = sum(
        asked_of(operation, headers, mode)
        for operation, headers in operations(at)
        if operation.path != STREAM
    )
    assert asked > 50


def asked_of(operation: Any, headers: dict[str, str], mode: GenerationMode) -> int:
    """Ask for what one operation takes, or does not; give how often."""
    asked = 0

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answers(case: Any) -> None:
        nonlocal asked
        answer = case.call(headers=headers, timeout=30)
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])
        asked += 1

    with suppress(Unsatisfiable):  # there is nothing that may not be said
        answers()
    return asked


def test_every_operation_has_a_name_of_its_own(at: tuple[str, str]) -> None:
    names = [operation.definition.raw["operationId"] for operation, _ in operations(at)]
    assert len(names) >= 20
    assert len(set(names)) == len(names)
