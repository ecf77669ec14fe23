"""The doctor, trading that is off, and delayed data, as they stand on a screen."""

from __future__ import annotations

import pytest

from tests.api.programs import paper_gateway
from tests.api.test_screen import ENTER, Opened, opened  # noqa: F401  a fixture


@pytest.mark.parametrize(
    ("term", "severity", "words"),
    [("xterm-256color", "ok", "80×60, 256"), ("dumb", "warning", "→ Set TERM")],
)
def test_doctor_tells_what_the_terminal_can_do(
    opened: Opened,  # noqa: F811  the fixture
    term: str,
    severity: str,
    words: str,
) -> None:
    terminal = opened("doctor", rows=60, PAPER_SPEED="60", TERM=term)
    terminal.ended()
    (line,) = [each for each in terminal.lines if " Terminal " in each]
    assert line.startswith(severity)
    assert words in terminal.text


def test_doctor_at_the_prompt_leaves_the_session_as_it_is(
    opened: Opened,  # noqa: F811  the fixture
) -> None:
    terminal = opened(rows=60, PAPER_SPEED="60")
    terminal.at_prompt()
    terminal.type("doctor" + ENTER)
    terminal.shows("a desk works in", "256, utf-8, a bell")
    terminal.at_prompt()
    terminal.type("quit" + ENTER)
    assert terminal.ended() == 0
    assert "Traceback" not in terminal.text


def test_trading_that_is_off_is_in_view_and_refuses_before_it_asks(
    opened: Opened,  # noqa: F811  the fixture
) -> None:
    terminal = opened(TRADING_ENABLED="off")
    terminal.at_prompt("PAPER (trading off)>")
    terminal.shows("TRADING_ENABLED is off: nothing is sent", "│ TRADING OFF ")
    terminal.type("2" + ENTER)
    terminal.shows("nothing was sent, changed or cancelled")
    terminal.at_prompt("PAPER (trading off)>")
    terminal.type("quit" + ENTER)
    assert terminal.ended() == 0


def test_delayed_price_is_marked_and_opens_nothing(
    opened: Opened,  # noqa: F811  the fixture
) -> None:
    with paper_gateway("--market-data", "permissions.symbols=AAPL") as (_, where):
        terminal = opened(rows=40, MARKET_DATA_TYPE="delayed", **where)
        terminal.at_prompt()
        terminal.shows("Market data is delayed", "│ delayed data ")
        terminal.type("quote AAPL; bracket buy AAPL 1 --yes; orders" + ENTER)
        terminal.shows("delayed\n", "MAX_PRICE_AGE_S")
        terminal.type("orders" + ENTER)
        terminal.shows("No working orders.")
        terminal.at_prompt()
        terminal.type("quit" + ENTER)
        assert terminal.ended() == 0
