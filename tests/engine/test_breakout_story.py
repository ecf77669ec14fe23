"""From a level to a closed trade, through the whole desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.domain.breakout import Phase
from apps.domain.errors import BrokerError
from apps.domain.orders import OrderType, Side, TimeInForce
from apps.domain.sessions import Span, TradingHours
from apps.engine.alerts import AlertKind
from apps.engine.breakout_watcher import Readiness
from apps.engine.orders.trade_states import TradeState
from apps.engine.ports import LinkState
from tests.engine.conftest import Stage
from tests.engine.fakes import AAPL, CLOSE, MSFT, OPEN, a_bar, an_instrument, settle


async def test_break_that_is_confirmed_is_entered_filled_and_closed_with_its_profit(
    stage: Stage,
) -> None:
    armed = await stage.arm()
    assert (armed.id, armed.phase, armed.level) == ("w1", Phase.ARMED, Decimal("190.50"))
    assert stage.desk.watcher("w1").readiness is Readiness.READY
    stage.bars(190.40, 190.55)
    assert stage.desk.watcher("w1").phase is Phase.CONFIRMING
    assert stage.broker.brackets == []
    stage.market.set_quote(AAPL, "190.60", "190.62")
    stage.market.emit(AAPL, a_bar(2, 190.55, 190.60))
    assert len(stage.broker.brackets) == 1, "sent within the call that brought the bar"
    entry, target, stop = 101, 102, 103
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "10", "190.62")
    await settle()
    assert stage.desk.trades()[0].state is TradeState.PROTECTED
    stage.broker.fill(target, "10", "192.53")
    stage.broker.end(stop)
    await settle()
    ended = await stage.desk.watcher_ended("w1")
    assert (ended.readiness, ended.failed, ended.end_reason) == (
        Readiness.ENDED,
        False,
        "entered, closed",
    )
    trade = stage.desk.trades()[0]
    assert trade.state is TradeState.CLOSED
    assert trade.realized_pnl == Decimal("19.10") - 2
    assert stage.texts(AlertKind.FILL) == [
        "bought 10 AAPL @ 190.62 (entry)",
        "sold 10 AAPL @ 192.53 (take-profit)",
    ]
    assert "P&L +17.10" in stage.texts(AlertKind.CLOSED)[0]
    assert stage.market.bar_listeners[AAPL.con_id] == []


async def test_bracket_takes_its_prices_from_the_fresh_ask(stage: Stage) -> None:
    await stage.arm()
    stage.bars(190.40, 190.55)
    stage.market.set_quote(AAPL, "190.68", "190.70")
    stage.market.emit(AAPL, a_bar(2, 190.55, 190.60))
    bracket = stage.broker.brackets[0]
    assert bracket.take_profit is not None
    assert bracket.stop_loss is not None
    entry = bracket.entry
    assert (entry.side, entry.quantity, entry.order_type) == (
        Side.BUY,
        Decimal(10),
        OrderType.LIMIT,
    )
    assert entry.limit_price == Decimal("191.08")
    assert bracket.take_profit.limit_price == Decimal("192.61")
    assert bracket.stop_loss.stop_price == Decimal("189.75")
    assert entry.time_in_force is TimeInForce.DAY
    assert bracket.stop_loss.time_in_force is TimeInForce.GTC
    assert entry.order_ref == "BD-20261119-w1-000001"


@pytest.mark.parametrize(
    ("entry", "order_type", "limit", "stop"),
    [
        ("limit", OrderType.LIMIT, "190.61", None),
        ("mkt", OrderType.MARKET, None, None),
        ("stop", OrderType.STOP_LIMIT, "191.02", "190.64"),
    ],
)
async def test_entry_of_another_style_is_sent_as_typed_and_withdrawn_in_time(
    stage: Stage, entry: str, order_type: OrderType, limit: str | None, stop: str | None
) -> None:
    await stage.arm(entry=entry)
    stage.bars(190.40, 190.55)
    stage.market.set_quote(AAPL, "190.59", "190.61")
    stage.market.emit(AAPL, replace(a_bar(2, 190.55, 190.60), high=190.63))
    sent = stage.broker.brackets[0].entry
    assert sent.order_type is order_type
    assert sent.limit_price == (None if limit is None else Decimal(limit))
    assert sent.stop_price == (None if stop is None else Decimal(stop))
    assert sent.time_in_force is TimeInForce.DAY
    stage.broker.accept(101, 102, 103)
    await stage.clock.advance(10.1)
    assert stage.broker.sent[-1] == "cancel 101"


async def test_gap_entry_lets_a_break_count_that_was_not_seen(stage: Stage) -> None:
    await stage.arm(gap_entry=True)
    stage.bars(190.60, 190.62, 190.64)
    assert len(stage.broker.brackets) == 1


@pytest.mark.parametrize("replayed", [False, True])
async def test_no_quote_outlives_the_wait_that_it_was_for(stage: Stage, replayed: bool) -> None:
    await stage.arm()
    stage.bars(190.40, 190.55)
    if replayed:
        stage.broker.set_link(LinkState.DISCONNECTED, "the socket closed", epoch=1)
        assert [each.is_closed for each in stage.market.quote_streams] == [True]
        stage.broker.set_link(LinkState.READY)
        await settle()
        assert [each.is_closed for each in stage.market.quote_streams] == [True, False]
        stage.bars(190.60, 190.62, start=20)
    else:
        await stage.desk.stop_watcher("w1")
    assert all(stream.is_closed for stream in stage.market.quote_streams)
    assert stage.broker.brackets == []


@pytest.mark.parametrize("close", [-1.0, float("nan"), float("inf")])
async def test_bar_without_a_price_neither_confirms_nor_breaks_the_list(
    stage: Stage, close: float
) -> None:
    await stage.arm()
    stage.bars(190.40, 190.55)
    stage.market.emit(AAPL, replace(a_bar(2, 190.55, 190.60), close=close))
    stage.market.emit(AAPL, a_bar(3, 190.60, 190.60, count=0))
    (view,) = stage.desk.watchers()
    assert view.phase is Phase.CONFIRMING
    assert stage.broker.brackets == []
    stage.market.emit(AAPL, a_bar(4, 190.60, 190.62))
    assert len(stage.broker.brackets) == 1


async def test_stale_quote_gives_way_to_the_close_of_the_deciding_bar(stage: Stage) -> None:
    await stage.arm()
    stage.bars(190.40, 190.55)
    stage.market.set_quote(AAPL, "195.00", "195.02")
    await stage.clock.advance(5.0)
    stage.market.emit(AAPL, a_bar(2, 190.55, 190.60))
    assert stage.broker.brackets[0].entry.limit_price == Decimal("190.98")


async def test_quote_is_subscribed_by_the_trigger_and_closed_by_the_entry(stage: Stage) -> None:
    await stage.arm()
    stage.bars(190.40)
    assert stage.market.quote_streams == []
    stage.market.emit(AAPL, a_bar(1, 190.40, 190.55))
    assert [stream.is_closed for stream in stage.market.quote_streams] == [False]
    stage.market.emit(AAPL, a_bar(2, 190.55, 190.60))
    assert [stream.is_closed for stream in stage.market.quote_streams] == [True]


async def test_short_break_is_sold(stage: Stage) -> None:
    await stage.arm(level="190.30")
    stage.bars(190.40, 190.25, 190.20)
    assert stage.broker.brackets[0].entry.side is Side.SELL


async def test_one_minute_bars_trigger_only_when_the_minute_is_complete(stage: Stage) -> None:
    await stage.arm(bar="1m")
    stage.bars(*[190.40] * 6, *[190.60] * 5)
    assert stage.desk.watcher("w1").phase is Phase.ARMED
    stage.market.emit(AAPL, a_bar(11, 190.60, 190.60))
    assert stage.desk.watcher("w1").phase is Phase.CONFIRMING
    stage.market.emit(AAPL, a_bar(12, 190.60, 190.61))
    assert len(stage.broker.brackets) == 1


async def test_false_break_rearms_and_closes_its_quote(stage: Stage) -> None:
    await stage.arm()
    stage.bars(190.40, 190.55, 190.45)
    assert stage.desk.watcher("w1").phase is Phase.ARMED
    assert stage.market.quote_streams[0].is_closed
    assert len(stage.texts(AlertKind.FALSE_BREAK)) == 1
    stage.bars(190.45, 190.56, 190.57, start=3)
    assert len(stage.broker.brackets) == 1


async def test_false_break_stops_where_so_configured(stage: Stage) -> None:
    await stage.arm(on_false_break="stop")
    stage.bars(190.40, 190.55, 190.45)
    ended = await stage.desk.watcher_ended("w1")
    assert (ended.phase, ended.end_reason) == (Phase.STOPPED, "stopped after a false break")
    assert stage.broker.brackets == []


async def test_link_loss_blinds_watchers_at_once_and_they_watch_again_after_it(
    stage: Stage,
) -> None:
    await stage.arm()
    stage.bars(190.40)
    stage.broker.set_link(LinkState.DISCONNECTED, "the socket closed", epoch=1)
    assert stage.desk.watcher("w1").readiness is Readiness.BLIND
    assert "the socket closed" in stage.texts(AlertKind.LINK)[0]
    stage.broker.set_link(LinkState.READY)
    await settle()
    assert stage.desk.watcher("w1").readiness is Readiness.READY
    stage.bars(190.60, 190.62, 190.64, start=20)
    await settle()
    assert stage.broker.brackets == [], "the break was not seen to happen"
    assert "already above 190.5" in stage.texts(AlertKind.WARNING)[-1]
    stage.bars(190.40, 190.55, 190.60, start=30)
    assert len(stage.broker.brackets) == 1


async def test_confirmation_while_the_link_is_not_ready_sends_nothing_and_says_so(
    stage: Stage,
) -> None:
    await stage.arm()
    stage.bars(190.40, 190.55)
    stage.broker.link = type(stage.broker.link)(LinkState.BROKER_LOST, 0, "1100")
    stage.market.emit(AAPL, a_bar(2, 190.55, 190.60))
    view = stage.desk.watcher("w1")
    assert (view.phase, view.failed, view.end_reason) == (Phase.BEYOND, False, "")
    assert "nothing was sent" in stage.texts(AlertKind.ERROR)[-1]
    assert stage.broker.brackets == []
    stage.broker.link = type(stage.broker.link)(LinkState.READY, 0)
    stage.bars(190.60, 190.61, start=3)
    assert stage.broker.brackets == [], "it does not run after the price"
    stage.bars(190.40, 190.55, 190.60, start=5)
    assert len(stage.broker.brackets) == 1


async def test_bucket_torn_by_a_gap_neither_triggers_nor_counts(stage: Stage) -> None:
    await stage.arm(bar="1m")
    stage.bars(*[190.40] * 3)
    stage.broker.set_link(LinkState.DISCONNECTED, "the socket closed", epoch=1)
    stage.broker.set_link(LinkState.READY)
    await settle()
    stage.market.history_error = BrokerError("pacing violation", code=162)
    stage.bars(190.40, start=6)
    await settle()
    (missing,) = stage.texts(AlertKind.WARNING)
    assert "14:30:15–14:30:30 UTC are missing: pacing violation" in missing
    stage.bars(*[190.40] * 2, 190.60, 190.60, 190.60, start=7)
    assert stage.desk.watcher("w1").phase is Phase.ARMED
    stage.bars(*[190.60] * 12, start=12)
    assert stage.desk.watcher("w1").phase is Phase.CONFIRMING


async def test_bars_of_a_gap_complete_a_bucket_but_neither_trigger_nor_confirm(
    stage: Stage,
) -> None:
    await stage.arm()
    stage.bars(190.40, 190.55)
    assert stage.desk.watcher("w1").phase is Phase.CONFIRMING
    stage.broker.set_link(LinkState.DISCONNECTED, "the socket closed", epoch=1)
    stage.bars(190.60, 190.62, start=2)
    stage.broker.set_link(LinkState.READY)
    await settle()
    stage.bars(190.64, 190.66, start=4)
    await settle()
    assert stage.broker.brackets == []
    missed, skipped = stage.texts(AlertKind.WARNING)
    assert "would have entered at 190.50 at 14:30:10 UTC" in missed
    assert "the first bar after a gap" in skipped
    stage.bars(190.40, 190.55, 190.60, start=6)
    assert len(stage.broker.brackets) == 1


async def test_minute_that_is_completed_from_history_is_whole(stage: Stage) -> None:
    await stage.arm(bar="1m")
    stage.bars(*[190.40] * 3)
    stage.broker.set_link(LinkState.DISCONNECTED, "the socket closed", epoch=1)
    stage.bars(*[190.40] * 3, start=3)
    stage.broker.set_link(LinkState.READY)
    await settle()
    stage.bars(190.40, start=6)
    await settle()
    stage.bars(*[190.40] * 4, 190.60, start=7)
    assert stage.desk.watcher("w1").phase is Phase.CONFIRMING


async def test_bar_of_a_halted_symbol_does_not_confirm(stage: Stage) -> None:
    await stage.arm()
    stage.bars(190.40, 190.55)
    quote = stage.market.quotes[AAPL.con_id]
    stage.market.quotes[AAPL.con_id] = replace(quote, halted=True)
    stage.market.emit(AAPL, a_bar(2, 190.55, 190.60))
    assert stage.broker.brackets == []
    stage.market.quotes[AAPL.con_id] = quote
    stage.market.emit(AAPL, a_bar(3, 190.60, 190.61))
    assert len(stage.broker.brackets) == 1


async def test_session_that_opens_beyond_the_level_is_skipped(stage: Stage) -> None:
    day = timedelta(days=1)
    sessions = (Span(OPEN, CLOSE), Span(OPEN + day, CLOSE + day))
    two_days = replace(AAPL, hours=TradingHours(sessions, sessions))
    stage.market.instruments["AAPL"] = two_days
    await stage.arm(bar="1m")
    stage.bars(*[190.40] * 12, start=4668)
    for index in range(24):
        bar = a_bar(index, 190.60, 190.60)
        stage.market.emit(AAPL, replace(bar, start=bar.start + day))
    assert "the first bar of the session" in stage.texts(AlertKind.WARNING)[0]
    assert stage.broker.brackets == []


async def test_refused_entry_ends_a_watcher_that_a_false_break_would_have_ended(
    stage: Stage,
) -> None:
    await stage.arm(on_false_break="stop")
    stage.bars(190.40, 190.55)
    stage.broker.link = type(stage.broker.link)(LinkState.BROKER_LOST, 0, "1100")
    stage.market.emit(AAPL, a_bar(2, 190.55, 190.60))
    ended = await stage.desk.watcher_ended("w1")
    assert (ended.phase, ended.failed) == (Phase.STOPPED, False)
    assert ended.end_reason == "stopped after an entry that was refused"
    stage.broker.link = type(stage.broker.link)(LinkState.READY, 0)


async def test_stopped_watcher_leaves_its_feed_and_enters_nothing(stage: Stage) -> None:
    await stage.arm()
    await stage.arm("MSFT", "411")
    (stopped,) = await stage.desk.stop_watcher("w1")
    assert (stopped.readiness, stopped.phase) == (Readiness.ENDED, Phase.STOPPED)
    assert stage.market.bar_listeners[AAPL.con_id] == []
    stage.bars(190.40, 190.55, 190.60)
    assert stage.broker.brackets == []
    await stage.desk.stop_watcher("all")
    assert stage.market.bar_listeners[MSFT.con_id] == []


async def test_stopping_a_watcher_that_has_entered_leaves_its_trade_followed(
    stage: Stage,
) -> None:
    entry, target, stop = await stage.enter()
    await stage.desk.stop_watcher("w1")
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "10", "190.62")
    stage.broker.fill(stop, "10", "189.60")
    stage.broker.end(target)
    await settle()
    assert stage.desk.trades()[0].state is TradeState.CLOSED
    assert len(stage.texts(AlertKind.CLOSED)) == 1


async def test_five_hundred_watchers_on_sixty_feeds_all_get_their_bars(stage: Stage) -> None:
    instruments = [an_instrument(f"S{n}", 1000 + n) for n in range(60)]
    for instrument in instruments:
        stage.market.instruments[instrument.symbol] = instrument
        stage.market.set_quote(instrument, "190.39", "190.41", "190.40")
    for number in range(500):
        await stage.arm(f"S{number % 60}", level="200")
    for instrument in instruments:
        stage.bars(190.40, 190.41, instrument=instrument)
    assert {view.last_close for view in stage.desk.watchers()} == {Decimal("190.41")}
    assert len(stage.market.subscriptions) == 60
    for instrument in instruments[:1]:
        stage.bars(190.40, 200.10, 200.20, start=2, instrument=instrument)
    assert len(stage.broker.brackets) == 9
