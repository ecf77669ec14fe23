"""A command at a terminal of its own beside a desk at another one, asserted on both screens."""

from __future__ import annotations

import pytest

from apps.api.beside.address import CAN_LISTEN
from tests.api.test_screen import (  # noqa: F401  fixtures
    CTRL_C,
    CTRL_D,
    ENTER,
    LIVE,
    Opened,
    live_account,
    opened,
)

pytestmark = pytest.mark.skipif(not CAN_LISTEN, reason="this system has no Unix sockets")

ORDER = ("bracket", "buy", "AAPL", "10")


@pytest.mark.parametrize("keys", ["n" + ENTER, CTRL_C, CTRL_D])
def test_question_of_a_command_beside_is_asked_at_its_own_terminal_and_enter_alone_sends(
    opened: Opened,  # noqa: F811  the fixture
    keys: str,
) -> None:
    desk = opened()
    desk.at_prompt()
    beside = opened(*ORDER)
    beside.shows("BUY 10 AAPL", "Send it? Enter = yes, n = no:")
    beside.type(keys)
    assert beside.ended() == (1 if "n" in keys else 130)
    assert "Traceback" not in beside.text
    desk.type("orders" + ENTER)
    desk.shows("No working orders.")
    desk.screen.reset()
    beside = opened(*ORDER)
    beside.shows("Send it? Enter = yes, n = no:")
    beside.type(ENTER)
    # what is sent is told at the desk
    desk.shows("FILL", "bought 10 AAPL")
    assert beside.ended() == 0
    assert "FILL" not in beside.text


def test_live_order_from_beside_is_shown_with_its_risk_and_wants_yes_in_full(
    opened: Opened,  # noqa: F811  the fixture
    live_account: dict[str, str],  # noqa: F811  the fixture
) -> None:
    desk = opened(rows=60, **live_account)
    desk.until(lambda: "anything else to leave:" in desk.current)
    desk.type(LIVE + ENTER)
    desk.at_prompt("LIVE>")
    for answer in ("", "y"):
        beside = opened(*ORDER, **live_account)
        beside.shows(f"LIVE {LIVE}, ", "USD at risk. Send it? Type yes")
        beside.type(answer + ENTER)
        beside.shows("Not sent.")
        assert beside.ended() == 1
    desk.type("orders" + ENTER)
    desk.shows("No working orders.")
