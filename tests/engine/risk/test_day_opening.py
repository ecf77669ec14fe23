"""With what a desk begins the day's result, and what it writes down of it and of halts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from apps.domain.records import CarriedIn, TradingChanged
from apps.domain.risk import RiskLimits
from apps.domain.trading_state import HaltCause
from apps.engine.alerts import AlertKind
from tests.engine.conftest import Stage, Staging
from tests.engine.fakes import AAPL, OPEN, FakeMarket, a_bar, settle

TOMORROW = int(timedelta(days=1).total_seconds() / 5)
LIMITS = RiskLimits(max_daily_loss=Decimal(500))


def for_two_days(market: FakeMarket) -> None:
    (span,) = AAPL.hours.regular
    day = timedelta(days=1)
    following = replace(span, start=span.start + day, end=span.end + day)
    hours = replace(AAPL.hours, regular=(span, following))
    market.instruments["AAPL"] = replace(AAPL, hours=hours)


async def overnight(stage: Stage) -> None:
    """Hold ten shares of AAPL over the night; the last bar of the day closes at 195."""
    await stage.enter_and_fill()
    stage.market.emit(AAPL, a_bar(2000, 195.0, 195.0))


async def tomorrow(stage: Stage, price: float, number: int = 1) -> None:
    stage.market.at = OPEN + timedelta(days=1, minutes=1)
    stage.market.emit(AAPL, a_bar(TOMORROW + number, price, price))
    await settle()


async def test_restart_within_the_session_changes_nothing_of_the_days_result(
    make_stage: Staging, market: FakeMarket
) -> None:
    for_two_days(market)
    stage = make_stage(LIMITS)
    async with stage.desk:
        await overnight(stage)
        await tomorrow(stage, 193.0)
        assert stage.desk.day_pnl() == -20
    again = make_stage(LIMITS)
    again.journal.records.extend(stage.journal.records)
    async with again.desk:
        await settle()
        await tomorrow(again, 193.0, 2)
        assert again.desk.day_pnl() == -20


async def test_desk_that_was_not_there_at_the_open_counts_from_the_last_close(
    make_stage: Staging, market: FakeMarket
) -> None:
    for_two_days(market)
    stage = make_stage(LIMITS)
    async with stage.desk:
        await overnight(stage)
    again = make_stage(LIMITS)
    again.journal.records.extend(stage.journal.records)
    quote = market.quotes[AAPL.con_id]
    market.quotes[AAPL.con_id] = replace(quote, close=Decimal(194))
    market.at = OPEN + timedelta(days=1, minutes=1)
    async with again.desk:
        await settle()
        await tomorrow(again, 193.0, 2)
        assert again.desk.day_pnl() == -10
        marks = [each.mark for each in again.journal.records if isinstance(each, CarriedIn)]
        assert marks == [None, Decimal(194)]


async def test_last_close_that_is_not_to_be_had_leaves_the_result_unknown_and_is_asked_again(
    make_stage: Staging, market: FakeMarket
) -> None:
    for_two_days(market)
    stage = make_stage(LIMITS)
    async with stage.desk:
        await overnight(stage)
    again = make_stage(LIMITS)
    again.journal.records.extend(stage.journal.records)
    market.at = OPEN + timedelta(days=1, minutes=1)
    async with again.desk:
        await settle()
        await tomorrow(again, 193.0, 2)
        assert again.desk.day_pnl() is None
        assert any("last close of AAPL" in each for each in again.texts(AlertKind.WARNING))
        quote = market.quotes[AAPL.con_id]
        market.quotes[AAPL.con_id] = replace(quote, close=Decimal(194))
        await again.clock.advance(31)
        assert again.desk.day_pnl() == -10


async def test_each_halt_and_resumption_is_written_down_with_its_cause(stage: Stage) -> None:
    stage.desk.halt_now(HaltCause.SIGNAL)
    stage.desk.halt_now(HaltCause.SIGNAL)  # changes nothing
    stage.desk.resume()
    written = [each for each in stage.journal.records if isinstance(each, TradingChanged)]
    assert [(each.state, each.cause) for each in written] == [
        ("halted", "a signal"),
        ("active", ""),
    ]
    assert all(each.at is not None for each in written)
