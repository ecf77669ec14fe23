from __future__ import annotations

import io
import json
from collections.abc import Sequence
from decimal import Decimal

import pytest
from rich.console import Console as RichConsole
from rich.console import RenderableType
from rich.table import Table

from apps.api import replies
from apps.api.views import formats, tables
from apps.api.views.as_json import as_json
from apps.api.views.banner import banner, farewell
from apps.api.views.render import render
from apps.domain.breakout import Phase
from apps.domain.exits.protection import ProtectionState
from apps.domain.levels import Direction
from apps.domain.orders import Side
from apps.domain.trading_state import HaltCause, Trading, TradingState
from apps.engine.breakout_watcher import Readiness
from apps.engine.desk import ShutdownReport
from apps.engine.exits.exit_routine import CloseOutcome
from apps.engine.orders.cancellations import CancelOutcome
from apps.engine.orders.trade_states import TradeState
from apps.engine.risk.kill_switch import HaltOutcome
from tests.api.stand_ins import (
    OPEN,
    a_bar,
    a_bracket_preview,
    a_breakout_preview,
    a_fill,
    a_position,
    a_quote,
    a_trade,
    a_watcher,
    an_account,
    an_order,
    some_settings,
)

HALTED = Trading(TradingState.HALTED, HaltCause.FILE, "/state/KILL is there", OPEN)
MILLIONS = Decimal("1234567.89")

VALUES: Sequence[object] = (
    replies.Note("A sentence."),
    replies.MarketTime(OPEN),
    replies.MarketTime(None),
    replies.Bars("AAPL", 60, [a_bar(0, 123_456.7)]),
    replies.Bars("AAPL", 86_400, []),
    replies.Watchers(()),
    replies.Watchers(
        (
            a_watcher(id="w123", symbol="BRK B", level=MILLIONS, trade=a_trade()),
            a_watcher(readiness=Readiness.BLIND, last_close=None, distance_pct=None),
            a_watcher(
                direction=Direction.SHORT,
                phase=Phase.STOPPED,
                failed=True,
                readiness=Readiness.ENDED,
                end_reason="a long sentence of why it ended",
            ),
        )
    ),
    replies.Trades(()),
    replies.Trades((a_trade(), a_trade(TradeState.REJECTED, "not enough buying power, 201"))),
    replies.Positions(()),
    replies.Positions((a_position("-12345"), a_position("10", ProtectionState.NAKED))),
    replies.Orders(()),
    replies.Orders((an_order(123_456, limit_price=MILLIONS, why_held="child,trigger"),)),
    replies.Executions(()),
    replies.Executions((a_fill(price=MILLIONS, realized_pnl=-MILLIONS), a_fill(commission=None))),
    replies.CancelOutcomes(()),
    replies.CancelOutcomes((CancelOutcome(3, "AAPL", ok=False, text="is filled", code=10148),)),
    replies.CloseOutcomes(()),
    replies.CloseOutcomes(
        (
            CloseOutcome(
                "AAPL",
                ok=True,
                sold=Decimal(10),
                left=Decimal(0),
                foreign=Decimal(5),
                text="closed",
            ),
        )
    ),
    replies.Verdict(7, (replies.Check("A part", holds=True, found="it"),)),
    a_quote(),
    replies.Account(an_account()),
    replies.Account(an_account(), HALTED),
    replies.Positions((a_position(),), HALTED),
    HaltOutcome(
        HALTED,
        (CancelOutcome(1, "AAPL", ok=True, text="cancelled"),),
        (CloseOutcome("AAPL", True, Decimal(10), Decimal(0), Decimal(0), "closed 10 AAPL"),),
    ),
    a_watcher(),
    a_trade(),
)
PREVIEWS: Sequence[object] = (a_breakout_preview(), a_bracket_preview())


def shown(view: RenderableType, *, color: bool = False) -> str:
    page = io.StringIO()
    console = RichConsole(
        file=page, width=80, highlight=False, force_terminal=color, no_color=not color
    )
    console.print(view)
    return page.getvalue()


def name(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize("value", [*VALUES, *PREVIEWS], ids=name)
def test_view_fits_80_columns_and_seven_of_its_own(value: object) -> None:
    view = render(value)
    assert all(len(line) <= 80 for line in shown(view).splitlines())
    if isinstance(view, Table):
        assert len(view.columns) <= 7


@pytest.mark.parametrize("value", VALUES, ids=name)
def test_every_reply_has_a_json_form(value: object) -> None:
    assert json.loads(json.dumps(as_json(value))) is not None


def test_value_without_a_form_is_told_and_not_guessed() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        as_json(object())
    with pytest.raises(TypeError, match="object has no view"):
        render(object())


def test_json_keeps_digits_times_and_enums() -> None:
    fill = as_json(a_fill(price=Decimal("190.10")))
    assert isinstance(fill, dict)
    assert fill["price"] == "190.10"
    assert fill["at"] == "2026-11-20T14:30:00Z"
    assert fill["side"] == "SELL"
    assert as_json(float("nan")) is None
    assert as_json(Decimal("1E+3")) == "1000"


@pytest.mark.parametrize(
    ("amount", "text", "style"),
    [("5.8", "▲+5.80", "green"), ("-1234.5", "▼-1,234.50", "red"), ("0.001", "0.00", "")],
)
def test_gain_and_loss_have_sign_arrow_and_colour(amount: str, text: str, style: str) -> None:
    made = formats.change(Decimal(amount))
    assert (made.plain, str(made.style)) == (text, style)


def test_sides_are_not_coloured_like_gain_and_loss() -> None:
    assert {str(formats.side(side).style) for side in Side}.isdisjoint({"green", "red"})


def test_position_without_a_stop_is_marked() -> None:
    naked = shown(tables.positions(replies.Positions((a_position("10", ProtectionState.NAKED),))))
    assert "no stop ⚠" in naked
    assert "10 at 189.17" in shown(tables.positions(replies.Positions((a_position(),))))


def test_order_belongs_to_its_watcher_or_to_another_program() -> None:
    assert "w1" in shown(tables.orders(replies.Orders((an_order(),))))
    assert "another program" in shown(tables.orders(replies.Orders((an_order(order_ref=""),))))


def test_numbers_are_right_aligned() -> None:
    view = tables.executions(replies.Executions((a_fill(),)))
    assert isinstance(view, Table)
    aligned = {str(column.header): column.justify for column in view.columns}
    assert {aligned[head] for head in ("Qty", "Price", "Fee", "P&L")} == {"right"}


def test_banner_says_what_is_simulated_and_what_is_live() -> None:
    paper = banner("DU1", some_settings(paper_seed="7")).plain
    assert "PAPER account DU1" in paper
    assert "simulated" in paper
    assert "seed 7" in paper
    settings = some_settings(ib_host="10.0.0.1", trading_mode="live")
    live = banner("U1", settings)
    assert "LIVE account U1, REAL MONEY" in live.plain
    assert "simulated" not in live.plain
    assert live.style == "bold red"
    assert "read-only" in banner("U1", settings, is_read_only=True).plain
    assert "guard" not in live.plain
    assert "The guard is OFF" in banner("U1", some_settings(guard="off")).plain


def test_halted_trading_is_red_in_banner_account_and_positions() -> None:
    for view in (
        banner("DU1", some_settings(), trading=HALTED),
        render(replies.Account(an_account(), HALTED)),
        render(replies.Positions((a_position(),), HALTED)),
    ):
        line = next(each for each in shown(view, color=True).splitlines() if "halted" in each)
        assert line.startswith("\x1b[1;31m")
    assert "active" not in shown(render(replies.Account(an_account())))
    assert as_json(replies.Account(an_account(), HALTED))["trading"] == "halted"  # type: ignore[call-overload, index]  # an object


def test_farewell_names_what_stays_and_what_is_unprotected() -> None:
    report = ShutdownReport(
        watchers_stopped=("w1", "w2"),
        working_orders=(an_order(),),
        unprotected=(a_position("10", ProtectionState.NAKED),),
        problems=("The orders could not be read.",),
    )
    words = shown(farewell(report, some_settings(ib_host="10.0.0.1")))
    assert "Watchers stopped: w1, w2." in words
    assert "These orders stay working at the broker:" in words
    assert "NO working stop" in words
    assert "The orders could not be read." in words
