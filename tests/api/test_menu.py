from __future__ import annotations

import asyncio
import json

import pytest

from apps.api.console import Manner
from apps.api.menu import ITEMS, Menu, expanded
from apps.api.outcomes import ExitCode
from apps.api.tree import parse
from apps.domain.errors import BrokerRejected, InvalidInput, NotConnected, NotFound
from apps.engine.alerts import Alert, AlertKind
from apps.engine.orders.cancellations import CancelOutcome
from apps.engine.orders.trade_states import TradeState
from apps.engine.requests import BracketRequest, BreakoutRequest
from tests.api.stand_ins import CTRL_C, CTRL_C_ON_A_LINE, END, OPEN, FakeDesk, a_session, a_trade

Output = pytest.CaptureFixture[str]


async def run_menu(
    desk: FakeDesk, *lines: str, interactive: bool = True, exit_on_error: bool = False
) -> ExitCode:
    session, _ = a_session(desk, *lines, interactive=interactive)
    return await Menu(session, lambda: "PAPER> ", exit_on_error=exit_on_error).run()


async def run_piped(desk: FakeDesk, *lines: str, exit_on_error: bool = False) -> ExitCode:
    return await run_menu(desk, *lines, interactive=False, exit_on_error=exit_on_error)


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


async def test_quit_ends_the_session_with_zero(desk: FakeDesk) -> None:
    assert await run_menu(desk, "quit", "positions") is ExitCode.DONE
    assert desk.asked == []


@pytest.mark.parametrize("line", ["q", "exit", "0", "quit ; positions"])
async def test_other_ways_to_quit(desk: FakeDesk, line: str) -> None:
    assert await run_menu(desk, line, "positions") is ExitCode.DONE
    assert desk.asked == []


async def test_end_of_input_ends_the_session_with_zero(desk: FakeDesk) -> None:
    assert await run_piped(desk, "positions", END) is ExitCode.DONE
    assert desk.names() == ["positions"]


async def test_several_commands_on_a_line_are_done_in_order(desk: FakeDesk) -> None:
    await run_piped(desk, "pos; orders ;account")
    assert desk.names() == ["positions", "orders", "account"]


async def test_what_follows_a_failed_command_on_its_line_is_not_done(
    desk: FakeDesk, capsys: Output
) -> None:
    desk.fail("cancel", NotFound("there is no order 12."))
    await run_piped(desk, "cancel 12; close all", "positions")
    assert desk.names() == ["cancel", "positions"]
    out, err = capsys.readouterr()
    assert err == "There is no order 12.\n"
    assert "The rest of the line was not done." in out


async def test_bug_in_one_command_is_told_and_the_session_goes_on(
    desk: FakeDesk, capsys: Output, caplog: pytest.LogCaptureFixture
) -> None:
    desk.fail("orders", ZeroDivisionError("a bug"))
    assert await run_piped(desk, "orders", "positions") is ExitCode.DONE
    assert desk.names() == ["orders", "positions"]
    assert "'orders' failed by an error of the desk's own" in capsys.readouterr().err
    assert caplog.records[0].exc_info is not None


async def test_bad_line_in_a_pipe_is_one_sentence_and_the_session_goes_on(
    desk: FakeDesk, capsys: Output
) -> None:
    assert await run_piped(desk, "positins", "quote 'A", "orders") is ExitCode.DONE
    assert desk.names() == ["orders"]
    first, second = capsys.readouterr().err.splitlines()
    assert first == "There is no command 'positins'. Did you mean positions? `help` explains."
    assert second.startswith("A quotation mark is not closed")


async def test_exit_on_error_ends_a_piped_session_with_the_code_of_the_line(
    desk: FakeDesk,
) -> None:
    desk.fail("quote", NotFound("no such symbol."))
    code = await run_piped(desk, "orders", "quote XYZ", "positions", exit_on_error=True)
    assert code is ExitCode.NOT_FOUND
    assert desk.names() == ["orders", "quote"]


async def test_exit_on_error_ends_at_a_line_that_is_no_command(desk: FakeDesk) -> None:
    assert await run_piped(desk, "nonsense", "orders", exit_on_error=True) is ExitCode.USAGE
    assert desk.asked == []


async def test_lost_connection_is_one_sentence_and_the_menu_goes_on(
    desk: FakeDesk, capsys: Output
) -> None:
    desk.fail("arm", NotConnected("the link was lost: nothing was sent."))
    await run_menu(desk, "breakout start AAPL --level 190.5", "", "positions", "quit")
    assert "The link was lost: nothing was sent." in capsys.readouterr().out
    assert desk.names() == ["preview_breakout", "arm", "positions"]


async def test_error_of_the_broker_keeps_its_code(desk: FakeDesk, capsys: Output) -> None:
    desk.fail("send_bracket", BrokerRejected("not enough buying power", code=201))
    await run_piped(desk, "bracket buy AAPL 10")
    assert capsys.readouterr().err == "Not enough buying power (IB 201)\n"


# ---------------------------------------------------------------- Ctrl-C


async def test_first_ctrl_c_stays_and_second_quits(desk: FakeDesk, capsys: Output) -> None:
    assert await run_menu(desk, CTRL_C, CTRL_C) is ExitCode.INTERRUPTED
    assert capsys.readouterr().out.count("Ctrl-C again quits") == 1


async def test_ctrl_c_on_a_line_half_typed_is_about_the_line(
    desk: FakeDesk, capsys: Output
) -> None:
    code = await run_menu(desk, CTRL_C, CTRL_C_ON_A_LINE, CTRL_C, "quit")
    assert code is ExitCode.DONE
    assert capsys.readouterr().out.count("Ctrl-C again quits") == 2


async def test_ctrl_c_says_that_nothing_was_sent_only_where_that_is_so(
    desk: FakeDesk, capsys: Output
) -> None:
    await run_menu(desk, "bracket buy AAPL 10", CTRL_C, "quit")
    assert "Nothing was sent. Ctrl-C again quits." in capsys.readouterr().out
    session, _ = a_session(desk, "bracket buy AAPL 10", "y", "wait 30", "quit")
    running = asyncio.ensure_future(Menu(session, lambda: "> ").run())
    await desk.waiting.wait()
    session.console.interrupts.press()
    await running
    out = capsys.readouterr().out
    assert "Nothing was sent" not in out
    assert "Left; what was sent stays, see `orders`. Ctrl-C again quits." in out


async def test_any_line_between_two_ctrl_c_disarms_the_first(desk: FakeDesk) -> None:
    assert await run_menu(desk, CTRL_C, "", CTRL_C, "quit") is ExitCode.DONE


@pytest.mark.parametrize("at_confirmation", [CTRL_C, END, "n", "no", "yess", "q"])
async def test_nothing_but_enter_or_yes_arms(desk: FakeDesk, at_confirmation: str) -> None:
    await run_menu(desk, "breakout start AAPL --level 190.5", at_confirmation, "quit")
    assert "arm" not in desk.names()


@pytest.mark.parametrize("at_confirmation", [CTRL_C, END, "n"])
async def test_nothing_but_enter_or_yes_sends_a_bracket(
    desk: FakeDesk, at_confirmation: str
) -> None:
    await run_menu(desk, "bracket buy AAPL 10", at_confirmation, "quit")
    assert "send_bracket" not in desk.names()


async def test_ctrl_c_in_a_dialogue_goes_back_to_the_menu(desk: FakeDesk) -> None:
    code = await run_menu(desk, "breakout start", "AAPL", CTRL_C, "positions", "quit")
    assert code is ExitCode.DONE
    assert desk.names() == ["quote", "positions"]


async def test_signal_ends_a_running_command_and_the_menu_goes_on(desk: FakeDesk) -> None:
    session, _ = a_session(desk, "wait 30", "positions", "quit")
    running = asyncio.ensure_future(Menu(session, lambda: "> ").run())
    await desk.waiting.wait()
    session.console.interrupts.press()
    assert await running is ExitCode.DONE
    assert desk.names() == ["wait", "positions"]


async def test_signal_in_a_session_without_a_terminal_quits_at_once(desk: FakeDesk) -> None:
    session, _ = a_session(desk, "wait 30", "positions", interactive=False)
    running = asyncio.ensure_future(Menu(session, lambda: "> ").run())
    await desk.waiting.wait()
    session.console.interrupts.press()
    assert await running is ExitCode.INTERRUPTED
    assert desk.names() == ["wait"]


# ---------------------------------------------------------------- dialogues


async def test_enter_arms_on_paper_and_the_preview_came_first(
    desk: FakeDesk, capsys: Output
) -> None:
    await run_menu(desk, "breakout start AAPL --level 190.5 --qty 10", "", "quit")
    assert desk.names() == ["preview_breakout", "arm"]
    out = capsys.readouterr().out
    for shown in ("Entry cap", "190.88", "192.41", "189.55", "Money at risk", "13.30"):
        assert shown in out


async def test_dialogue_asks_for_what_is_missing_with_defaults_in_brackets(
    desk: FakeDesk,
) -> None:
    session, typed = a_session(desk, "1", "", "+0.05%", "25", "", "", "", "quit")
    await Menu(session, lambda: "PAPER> ").run()
    assert typed.prompts == [
        "PAPER> ",
        "Symbol [AAPL]: ",
        "Level (a price, or ±% of last): ",
        "Shares [100]: ",
        "Take-profit % [1.0]: ",
        "Stop-loss % [0.5]: ",
        "Arm it? Enter = yes, n = no: ",
        "PAPER> ",
    ]
    assert dict(desk.asked)["preview_breakout"] == BreakoutRequest(
        "AAPL", "+0.05%", quantity="25", take_profit="1.0", stop_loss="0.5"
    )
    assert desk.names() == ["quote", "preview_breakout", "arm"]


async def test_dialogue_asks_again_after_a_bad_answer_and_keeps_the_good_ones(
    desk: FakeDesk, capsys: Output
) -> None:
    desk.fail("preview_breakout", InvalidInput("the level 'x' is not a number."))
    session, typed = a_session(
        desk, "breakout start", "MSFT", "x", "25", "", "", "", "191", *[""] * 4, "quit"
    )
    await Menu(session, lambda: "> ").run()
    assert "The level 'x' is not a number." in capsys.readouterr().out
    assert "Symbol [MSFT]: " in typed.prompts
    assert "Shares [25]: " in typed.prompts
    requests = [asked for name, asked in desk.asked if name == "preview_breakout"]
    assert requests[-1] == BreakoutRequest(
        "MSFT", "191", quantity="25", take_profit="1.0", stop_loss="0.5"
    )
    assert desk.names()[-1] == "arm"


async def test_options_of_the_line_stand_when_the_dialogue_asks_again(desk: FakeDesk) -> None:
    desk.fail("preview_breakout", InvalidInput("the level 'x' is not a number."))
    await run_menu(
        desk,
        "breakout start --bar 1m --direction long --entry limit --gap-entry",
        *("MSFT", "x", "", "", "", "MSFT", "191", "", "", "", ""),
        "quit",
    )
    requests = [asked for name, asked in desk.asked if name == "preview_breakout"]
    assert requests[-1] == BreakoutRequest(
        "MSFT",
        "191",
        direction="long",
        quantity="100",
        take_profit="1.0",
        stop_loss="0.5",
        bar="1m",
        entry="limit",
        gap_entry=True,
    )


async def test_complete_line_with_a_bad_value_is_refused_without_a_dialogue(
    desk: FakeDesk,
) -> None:
    desk.fail("preview_breakout", InvalidInput("the level 'x' is not a number."))
    session, typed = a_session(desk, "breakout start AAPL --level x", "quit")
    await Menu(session, lambda: "> ").run()
    assert typed.prompts == ["> ", "> "]


async def test_yes_on_the_line_needs_no_confirmation(desk: FakeDesk) -> None:
    await run_menu(desk, "bracket buy AAPL 10 --yes", "quit")
    assert desk.names() == ["preview_bracket", "send_bracket"]


async def test_bracket_dialogue_asks_for_side_symbol_and_quantity(desk: FakeDesk) -> None:
    session, typed = a_session(desk, "2", "sell", "msft", "", "", "", "", "quit")
    await Menu(session, lambda: "> ").run()
    assert typed.prompts[1:4] == ["Side [buy]: ", "Symbol [AAPL]: ", "Qty [100]: "]
    assert dict(desk.asked)["preview_bracket"] == BracketRequest(
        "sell", "MSFT", "100", take_profit="1.0", stop_loss="0.5"
    )


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("breakout start --level 190", "SYMBOL"),
        ("breakout start AAPL", "--level"),
        ("bracket", "SIDE"),
        ("bracket buy", "SYMBOL"),
        ("bracket buy AAPL", "QTY"),
        ("quote", "SYMBOL"),
        ("bars", "SYMBOL"),
        ("cancel", "ID"),
        ("close", "SYMBOL"),
        ("breakout stop", "ID"),
    ],
)
async def test_without_a_terminal_nothing_is_asked_and_what_is_missing_is_an_error(
    desk: FakeDesk, capsys: Output, line: str, missing: str
) -> None:
    session, typed = a_session(desk, line, interactive=False)
    await Menu(session, lambda: "").run()
    assert capsys.readouterr().err == (
        f"{missing} is missing, and there is no terminal to ask for it.\n"
    )
    assert desk.asked == []
    assert len(typed.prompts) == 2


# ---------------------------------------------------------------- replies


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("quote aapl", "190.05"),
        ("bars AAPL", "190.00"),
        ("positions", "10 at 189.17"),
        ("orders", "PreSubmitted"),
        ("executions", "▼-12.34"),
        ("account", "250,005.80"),
        ("breakout list", "No watchers."),
        ("cancel all", "cancelled"),
        ("close aapl", "closed"),
        ("wait --market 5m", "2026-11-20 14:35:00 UTC"),
        ("bracket buy AAPL 10", "protected"),
        ("help", "Breakout watchers"),
        ("quote ?", "SYMBOL"),
    ],
)
async def test_command_shows_what_it_came_to(
    desk: FakeDesk, capsys: Output, line: str, shown: str
) -> None:
    await run_piped(desk, line)
    out, err = capsys.readouterr()
    assert shown in out
    assert err == ""


@pytest.mark.parametrize("line", ["positions", "orders", "executions", "account", "quote AAPL"])
async def test_json_of_a_command_is_one_line_of_json(
    desk: FakeDesk, capsys: Output, line: str
) -> None:
    await run_piped(desk, f"{line} --json")
    (only,) = capsys.readouterr().out.splitlines()
    assert json.loads(only)


async def test_failure_with_json_is_an_error_object(desk: FakeDesk, capsys: Output) -> None:
    desk.fail("quote", NotFound("IB knows no XYZ.", code=200))
    await run_piped(desk, "quote XYZ --json")
    assert json.loads(capsys.readouterr().out) == {
        "error": {"code": "not_found", "message": "IB knows no XYZ.", "ib_code": 200}
    }


async def test_rejected_entry_and_refused_cancellation_are_failures(desk: FakeDesk) -> None:
    desk.trade = a_trade(TradeState.REJECTED, "no margin")
    assert await run_piped(desk, "bracket buy AAPL 1", exit_on_error=True) is ExitCode.REJECTED
    desk.cancelled = (CancelOutcome(3, "AAPL", ok=False, text="filled", code=10148),)
    assert await run_piped(desk, "cancel 3", exit_on_error=True) is ExitCode.REJECTED


async def test_bars_as_csv_are_whole_lines(desk: FakeDesk, capsys: Output) -> None:
    await run_piped(desk, "bars AAPL --csv")
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head == "start,open,high,low,close,volume,wap,count"
    assert first == "2026-11-20T14:30:00Z,190.0,190.1,189.9,190.0,1200.0,190.0,9"


async def test_one_shot_breakout_stays_until_its_watcher_has_ended(desk: FakeDesk) -> None:
    session, _ = a_session(desk, interactive=False, one_shot=True)
    reply = await parse(["breakout", "start", "AAPL", "--level", "190.5"]).command.run(session)
    assert desk.names() == ["preview_breakout", "arm", "watcher_ended"]
    assert reply.exit_code is ExitCode.DONE


async def test_alert_is_one_line_and_leaves_stdout_to_json(desk: FakeDesk, capsys: Output) -> None:
    alert = Alert(AlertKind.FILL, "BUY 10 AAPL at 190.12", at=OPEN, symbol="AAPL", watcher_id="w1")
    session, _ = a_session(desk)
    session.console.emit(alert)
    assert capsys.readouterr().out == "14:30:00 FILL        w1 BUY 10 AAPL at 190.12\n"
    session, _ = a_session(desk, manner=Manner.JSON)
    session.console.emit(alert)
    assert capsys.readouterr() == ("", "14:30:00 FILL        w1 BUY 10 AAPL at 190.12\n")


def test_every_menu_item_is_a_command() -> None:
    for number, item in enumerate(ITEMS, start=1):
        assert expanded([str(number), "x"]) == [*item.words, "x"]
        parse([*item.words, "--help"])
