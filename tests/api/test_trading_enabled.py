"""TRADING_ENABLED=off: what is refused before it connects, what is read on, what is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.api.command_line import OpenMenu
from apps.api.commands.account import ShowAccount
from apps.api.commands.bracket import SendBracket
from apps.api.commands.halt import HaltTrading
from apps.api.live import confirmation
from apps.api.situation import Situation
from apps.api.trading import check_trading, may_trade
from apps.api.views.banner import banner
from apps.domain.errors import TradingDisabled
from tests.api.programs import paper_gateway
from tests.api.stand_ins import FakeDesk, a_session, some_settings
from tests.api.test_program import assert_quiet, desk

OFF = some_settings(trading_enabled="off")
BRACKET = SendBracket("buy", "AAPL", "1", None, None, None, confirmed=True)
HALT = HaltTrading(reduce=False, flatten=False)
NOBODY = {"IB_HOST": "127.0.0.1", "IB_PORT": "1"}


def test_what_trades_is_refused_and_a_halt_is_not() -> None:
    with pytest.raises(TradingDisabled, match="TRADING_ENABLED is off: nothing was sent"):
        check_trading(BRACKET, OFF)
    for command in (HALT, ShowAccount(), OpenMenu()):
        check_trading(command, OFF)
    check_trading(BRACKET, some_settings())
    assert may_trade(HALT)


def test_live_desk_that_sends_nothing_needs_no_confirmation() -> None:
    live_off = some_settings(trading_mode="live", ib_host="127.0.0.1", trading_enabled="off")
    console = a_session(FakeDesk())[0].console
    assert confirmation(OpenMenu(), live_off, console, "", one_shot=False) is None


def test_it_is_in_view_in_banner_prompt_and_toolbar() -> None:
    words = banner("DU1234567", OFF).plain
    assert "TRADING_ENABLED is off: nothing is sent, changed or cancelled" in words
    situation, there = Situation(OFF), FakeDesk()
    situation.desk = there.as_desk()
    assert situation.prompt() == "PAPER (trading off)> "
    assert any("TRADING OFF" in text for _, text in situation.toolbar())


@pytest.mark.parametrize(
    ("kind", "words"),
    [("delayed", "10 to 15 minutes old"), ("frozen", "of its close"), ("delayed-frozen", "or of")],
)
def test_market_data_that_is_not_live_is_named_in_banner_and_toolbar(kind: str, words: str) -> None:
    settings = some_settings(market_data_type=kind)
    assert f"Market data is {kind}: " in banner("DU1234567", settings).plain
    assert words in banner("DU1234567", settings).plain
    situation, there = Situation(settings), FakeDesk()
    situation.desk = there.as_desk()
    assert any(f"{kind} data" in text for _, text in situation.toolbar())


@pytest.mark.parametrize(
    "words",
    [
        "bracket buy AAPL 1 --yes",
        "breakout start AAPL --level +1% --yes",
        "cancel all",
        "close all",
    ],
)
def test_single_command_that_trades_is_refused_before_it_connects(
    tmp_path: Path, words: str
) -> None:
    done = desk(tmp_path, *words.split(), "--json", script=b"", TRADING_ENABLED="off", **NOBODY)
    assert done.returncode == 4
    assert "TRADING_ENABLED is off" in json.loads(done.stdout)["error"]["message"]


def test_session_reads_on_wakes_no_watcher_and_sends_nothing(tmp_path: Path) -> None:
    with paper_gateway() as (_, where):
        armed = desk(tmp_path, script=b"breakout start AAPL --level +20%\n", **where)
        assert armed.returncode == 0, armed.stderr
        script = b"positions\nbracket buy AAPL 1\nclose all\nbreakout list\norders\n"
        off = desk(tmp_path, script=script, TRADING_ENABLED="off", **where)
        assert b"Not woken while TRADING_ENABLED is off: watcher w1." in off.stdout
        assert off.stderr.count(b"TRADING_ENABLED is off: nothing was sent") == 2
        assert b"No working orders." in off.stdout
        assert_quiet(off.stderr)
        on = desk(tmp_path, script=b"breakout stop all\n", **where)
    assert b"1 watcher is back: w1 AAPL." in on.stdout


def test_secret_of_the_command_line_is_not_journalled(tmp_path: Path) -> None:
    for words in (("--gateway-command", "x hunter2"), ("--gateway-command=x hunter2",)):
        assert desk(tmp_path, *words, "account").returncode == 0
    exported = desk(tmp_path, "journal", "export", "all.jsonl")
    assert exported.returncode == 0, exported.stderr
    text = (tmp_path / "all.jsonl").read_text()
    assert "hunter2" not in text
    assert text.count("(set, not shown)") == 2
