"""Weights from files: what is read, and what is said of a file that cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from apps.api.routine_command import RunRoutine
from apps.api.tree import parse
from apps.api.weight_files import weights_from
from apps.domain.errors import BadRequest, InvalidInput
from apps.engine.routines.allocation import ALLOCATION, AllocationRequest

D = Decimal

SAME = {"AAPL": D("0.4"), "MSFT": D("0.30")}


def in_file(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plan.csv", "symbol,weight\nAAPL,0.4\n\nMSFT, 0.30\n"),
        ("plan.csv", "AAPL,0.4\nMSFT,0.30\n"),
        ("PLAN.CSV", "\ufeffSymbol,Weight\r\nAAPL,0.4\r\nMSFT,0.30\r\n"),
        ("plan.toml", "[weights]\nAAPL = 0.4\nMSFT = 0.30\n"),
        ("plan.toml", 'AAPL = "0.4"\nMSFT = 0.30\n'),
        ("plan.json", '{"AAPL": 0.4, "MSFT": 0.30}'),
        ("plan.json", '{"weights": {"AAPL": "0.4", "MSFT": 0.30}}'),
    ],
)
def test_each_form_gives_the_same_weights(tmp_path: Path, name: str, text: str) -> None:
    found = weights_from(in_file(tmp_path, name, text))
    request = ALLOCATION.asked({"weights": found})
    assert isinstance(request, AllocationRequest)
    assert isinstance(request.weights, Mapping)
    assert dict(request.weights) == SAME


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("plan.csv", "AAPL,0.4\nAAPL,0.3\n", "named twice"),
        ("plan.csv", "AAPL;0.4\n", "not a symbol and a weight"),
        ("plan.csv", "symbol,weight\n", "holds no weights"),
        ("plan.toml", "AAPL = = 1", "does not hold weights"),
        ("plan.json", "[0.4]", "does not hold weights"),
        ("plan.json", '{"AAPL": 0.4, "AAPL": 0.5}', "named twice"),
        ("plan.json", "{", "does not hold weights"),
        ("plan.txt", "AAPL 0.4", "ends in .csv, .toml or .json"),
    ],
)
def test_file_that_cannot_be_says_why(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        weights_from(in_file(tmp_path, name, text))


def test_file_that_is_missing_binary_or_too_large_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        weights_from(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00A")
    with pytest.raises(InvalidInput, match="does not hold weights"):
        weights_from(tmp_path / "binary.csv")
    (tmp_path / "large.csv").write_bytes(b"A,0\n" * 300_000)
    with pytest.raises(InvalidInput, match="larger"):
        weights_from(tmp_path / "large.csv")


def made(*words: str) -> RunRoutine:
    found = parse(("allocation", *words)).command
    assert isinstance(found, RunRoutine)
    return found


def test_command_takes_weights_from_a_file_or_from_what_is_typed_not_both(tmp_path: Path) -> None:
    path = in_file(tmp_path, "plan.csv", "AAPL,0.4\nMSFT,0.30\n")
    request = ALLOCATION.asked(made("--file", str(path)).values)
    assert isinstance(request, AllocationRequest)
    assert dict(request.weights or {}) == SAME
    with pytest.raises(InvalidInput, match="give one of them"):
        made("AAPL=0.4", "--file", str(path))
    with pytest.raises(BadRequest, match="are missing"):
        made()


def test_words_for_a_desk_in_another_folder_hold_the_weights_and_not_the_file(
    tmp_path: Path,
) -> None:
    path = in_file(tmp_path, "plan.csv", "AAPL,0.4\nBRK B,0.30\n")
    for given in (("--file", str(path)), (f"--file={path}",)):
        parsed = parse(("allocation", *given, "--min-trade", "500"))
        assert parsed.words == (
            "allocation",
            "--min-trade",
            "500",
            "AAPL=0.4",
            "BRK.B=0.30",
        )
        request = ALLOCATION.asked(made(*parsed.words[1:]).values)
        assert isinstance(request, AllocationRequest)
        assert dict(request.weights or {}) == {"AAPL": D("0.4"), "BRK.B": D("0.3")}


def test_no_request_of_a_routine_names_a_file() -> None:
    assert "file" not in {each.name for each in ALLOCATION.parameters}
    with pytest.raises(BadRequest, match="file is not known"):
        ALLOCATION.asked({"weights": {"AAPL": "0.4"}, "file": "/etc/passwd"})
