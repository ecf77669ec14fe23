from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.brackets import EntryStyle
from apps.domain.breakout import OnFalseBreak
from apps.domain.errors import InvalidInput, NotFound
from apps.domain.levels import Direction
from apps.engine.requests import BreakoutRequest
from tests.engine.conftest import Stage
from tests.engine.fakes import AAPL

ARM = BreakoutRequest("aapl", "+0.05%", quantity="10")


async def test_level_by_percentage_is_resolved_from_the_last_price(stage: Stage) -> None:
    preview = await stage.desk.preview_breakout(ARM)
    assert preview.last == Decimal("190.40")
    assert (preview.level, preview.direction) == (Decimal("190.50"), Direction.LONG)
    assert preview.entry_cap == Decimal("190.88")
    assert preview.take_profit == Decimal("192.41")
    assert preview.stop_loss == Decimal("189.55")
    assert preview.money_at_risk == Decimal("13.30")
    assert preview.notional == Decimal("1908.80")


async def test_what_was_not_typed_comes_from_the_defaults(stage: Stage) -> None:
    preview = await stage.desk.preview_breakout(BreakoutRequest("AAPL", "191"))
    assert (preview.quantity, preview.bar_seconds) == (Decimal(100), 5)
    assert preview.on_false_break is OnFalseBreak.REARM


@pytest.mark.parametrize(
    ("entry", "worst", "at_risk"),
    [
        ("capped", "190.88", "13.30"),
        ("limit", "190.50", "9.50"),
        ("mkt", "190.50", "9.50"),
        ("stop", "190.89", "13.30"),
    ],
)
async def test_risk_is_shown_for_the_style_of_the_entry(
    stage: Stage, entry: str, worst: str, at_risk: str
) -> None:
    preview = await stage.desk.preview_breakout(replace(ARM, entry=entry))
    assert preview.entry is EntryStyle(entry)
    assert (preview.entry_cap, preview.money_at_risk) == (Decimal(worst), Decimal(at_risk))


async def test_gap_entry_reaches_the_rule(stage: Stage) -> None:
    preview = await stage.desk.preview_breakout(replace(ARM, gap_entry=True))
    assert preview.gap_entry
    assert preview.spec.rule.gap_entry
    assert not (await stage.desk.preview_breakout(ARM)).gap_entry


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (replace(ARM, entry="moc"), "none of capped, limit, mkt and stop"),
        (replace(ARM, level="abc"), "not a number"),
        (replace(ARM, level="190.00", direction="long"), "already above"),
        (replace(ARM, direction="up"), "neither long nor short"),
        (replace(ARM, quantity="-1"), "negative"),
        (replace(ARM, take_profit="0"), "0%"),
        (replace(ARM, bar="7s"), "bars of"),
        (replace(ARM, on_false_break="wait"), "rearm or stop"),
        (replace(ARM, symbol="SPX"), "stocks"),
    ],
)
async def test_bad_request_is_refused_in_a_sentence(
    stage: Stage, request_: BreakoutRequest, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await stage.desk.preview_breakout(request_)


async def test_unknown_symbol_is_not_found(stage: Stage) -> None:
    with pytest.raises(NotFound):
        await stage.desk.preview_breakout(replace(ARM, symbol="NOPE"))


async def test_without_a_last_trade_the_middle_of_the_market_is_taken(stage: Stage) -> None:
    quote = stage.market.quotes[AAPL.con_id]
    stage.market.quotes[AAPL.con_id] = replace(quote, last=None)
    assert (await stage.desk.preview_breakout(ARM)).last == Decimal("190.40")


async def test_without_any_price_there_is_no_preview(stage: Stage) -> None:
    quote = stage.market.quotes[AAPL.con_id]
    stage.market.quotes[AAPL.con_id] = replace(quote, last=None, bid=None, ask=None)
    with pytest.raises(NotFound, match="no price"):
        await stage.desk.preview_breakout(ARM)


async def test_watchers_have_short_ids_and_unknown_ones_are_named(stage: Stage) -> None:
    await stage.arm()
    await stage.arm()
    assert [view.id for view in stage.desk.watchers()] == ["w1", "w2"]
    with pytest.raises(NotFound, match="w1, w2"):
        await stage.desk.stop_watcher("w9")
