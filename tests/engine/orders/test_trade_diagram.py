"""The life of a trade, as it is drawn in ARCHITECTURE.md, is the one that the code has."""

from __future__ import annotations

from pathlib import Path

from apps.engine.orders.trade_states import TRANSITIONS, TradeState

_DOCUMENT = Path(__file__).parents[3] / "ARCHITECTURE.md"


def drawn() -> dict[TradeState, frozenset[TradeState]]:
    """Read the table: each state with what it may become."""
    text = _DOCUMENT.read_text(encoding="utf-8")
    section = text.split("## The life of a trade")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:2] == "| "]
    return {
        TradeState(state): frozenset(TradeState(each) for each in become.split(", ") if each != "–")
        for state, _, become in rows[1:]
    }


def test_table_of_the_document_is_the_table_of_the_code() -> None:
    assert drawn() == TRANSITIONS
    assert set(TRANSITIONS) == set(TradeState)
