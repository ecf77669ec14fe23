"""The limits where orders are gated: what an entry is judged by is what the desk knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.domain.errors import RiskRefused
from apps.domain.risk import RiskLimits
from apps.engine.desk import Desk
from apps.engine.requests import BracketRequest
from tests.engine.conftest import Stage, Staging
from tests.engine.fakes import AAPL, CLOSE, MSFT, a_bar, settle

BUY = BracketRequest("buy", "AAPL", "10")
RESTING = replace(BUY, limit="190.00")


async def send(desk: Desk, request: BracketRequest = BUY) -> None:
    await desk.send_bracket(await desk.preview_bracket(request))


async def fill_entry(stage: Stage, price: str) -> None:
    entry = max(stage.broker.orders) - 2
    stage.broker.accept(entry, entry + 1, entry + 2)
    stage.broker.fill(entry, "10", price)
    await settle()


async def test_orders_of_a_minute_are_counted_by_this_machines_clock(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_orders_per_minute=2))
    async with stage.desk:
        await send(stage.desk)
        await stage.clock.advance(59)
        await send(stage.desk, replace(BUY, symbol="MSFT"))
        with pytest.raises(RiskRefused, match="MAX_ORDERS_PER_MINUTE"):
            await send(stage.desk, RESTING)
        await stage.clock.advance(1)
        await send(stage.desk, RESTING)


async def test_price_that_was_shown_grows_old_while_the_trader_thinks(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_price_age_s=20.0))
    async with stage.desk:
        preview = await stage.desk.preview_bracket(RESTING)
        await stage.clock.advance(21)
        with pytest.raises(RiskRefused, match=r"newest is 21 s old.*MAX_PRICE_AGE_S"):
            await stage.desk.send_bracket(preview)


async def test_price_far_from_the_market_is_refused(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_price_distance_pct=Decimal(5)))
    async with stage.desk:
        await send(stage.desk, replace(BUY, limit="185.00"))
        with pytest.raises(RiskRefused, match="MAX_PRICE_DISTANCE_PCT"):
            await send(stage.desk, replace(BUY, limit="19.00"))


async def test_second_bracket_of_a_symbol_waits_for_the_end_of_the_first(
    make_stage: Staging,
) -> None:
    stage = make_stage(RiskLimits(one_intent_per_symbol=True))
    async with stage.desk:
        await send(stage.desk)
        await fill_entry(stage, "190.41")
        with pytest.raises(RiskRefused, match="ONE_INTENT_PER_SYMBOL"):
            await send(stage.desk, RESTING)
        stage.broker.fill(max(stage.broker.orders), "10", "189.00")
        await settle()
        await send(stage.desk, RESTING)


async def test_exposure_counts_what_is_filled_and_what_is_under_way(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_total_exposure=Decimal(5900)))
    async with stage.desk:
        await send(stage.desk)
        await fill_entry(stage, "190.41")
        await send(stage.desk, replace(BUY, quantity="15"))
        with pytest.raises(RiskRefused, match="MAX_TOTAL_EXPOSURE"):
            await send(stage.desk, replace(BUY, symbol="MSFT", quantity="3"))
        await send(stage.desk, replace(BUY, symbol="MSFT", quantity="2"))


async def test_entry_outside_the_regular_session_is_refused(make_stage: Staging) -> None:
    limits = RiskLimits(regular_hours_only=True)
    stage = make_stage(limits)
    tomorrow = tuple(
        replace(span, start=span.start + timedelta(days=1), end=span.end + timedelta(days=1))
        for span in AAPL.hours.regular
    )
    hours = replace(AAPL.hours, regular=(*AAPL.hours.regular, *tomorrow))
    stage.market.instruments["AAPL"] = replace(AAPL, hours=hours)
    async with stage.desk:
        await send(stage.desk, RESTING)
        stage.market.at = CLOSE
        with pytest.raises(RiskRefused, match="REGULAR_HOURS_ONLY"):
            await send(stage.desk)


async def test_day_is_counted_anew_from_the_first_bar_of_a_session(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_daily_loss=Decimal(50)))
    tomorrow = int(timedelta(days=1).total_seconds() / 5)
    span = AAPL.hours.regular[0]
    next_span = replace(
        span, start=span.start + timedelta(days=1), end=span.end + timedelta(days=1)
    )
    hours = replace(AAPL.hours, regular=(span, next_span))
    stage.market.instruments["AAPL"] = replace(AAPL, hours=hours)
    async with stage.desk:
        await send(stage.desk)
        await fill_entry(stage, "190.41")
        stage.market.emit(AAPL, a_bar(9, 186.0, 184.41))
        assert stage.desk.day_pnl() == Decimal("-61.00")  # a fee of 1 with it
        with pytest.raises(RiskRefused, match="MAX_DAILY_LOSS"):
            await send(stage.desk, replace(BUY, symbol="MSFT"))
        # the night's gap is the new day's
        stage.market.emit(AAPL, a_bar(tomorrow, 183.41, 183.41))
        assert stage.desk.day_pnl() == Decimal("-10.00")
        await send(stage.desk, replace(BUY, symbol="MSFT"))
        assert len(stage.broker.brackets) == 2
        assert stage.broker.brackets[-1].instrument == MSFT
