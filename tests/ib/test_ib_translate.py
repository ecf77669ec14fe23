from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.account import CurrencyCash
from apps.domain.errors import InvalidInput, NotFound
from apps.domain.instruments import InstrumentKind
from apps.domain.sessions import Span, TradingHours
from apps.domain.ticks import TickRule
from apps.ib.contracts import candidates
from apps.ib.errors import CodeKind, explain, meaning
from apps.ib.hours import time_zone, trading_hours
from apps.ib.market_data import duration
from apps.ib.translate import (
    account_summary,
    bar_from_history,
    cash_by_currency,
    exact,
    exact_or_none,
    fill_ib_order,
    instrument_from,
    tick_rule_from,
    what_if_from,
)
from tests.ib.desk_side import ENTRY, STOP_LOSS


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def shape(**fields: Any) -> Any:
    return cast("Any", SimpleNamespace(**fields))


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 10**9), st.integers(0, 6))
def test_a_price_survives_the_wire_digit_for_digit(units: int, places: int) -> None:
    price = Decimal(units).scaleb(-places)
    assert exact(float(price)) == price
    assert exact(str(float(price))) == price


@pytest.mark.parametrize(
    "unset", ["", None, 1.7976931348623157e308, "1.7976931348623157E308", float("nan"), "N/A"]
)
def test_unset_values_are_none(unset: float | str | None) -> None:
    assert exact_or_none(unset) is None


def test_hours_of_a_stock_become_utc_spans() -> None:
    hours = trading_hours(
        liquid="20261120:0930-20261120:1600;20261121:CLOSED;20261127:0930-20261127:1300",
        trading="20261120:0400-20261120:2000;20261121:CLOSED",
        zone="US/Eastern",
    )
    assert hours == TradingHours(
        regular=(Span(utc(20, 14, 30), utc(20, 21)), Span(utc(27, 14, 30), utc(27, 18))),
        extended=(Span(utc(20, 9), utc(21, 1)),),
    )


def test_hours_of_a_future_span_midnight_and_older_texts_name_the_day_once() -> None:
    hours = trading_hours(
        liquid="20261119:1700-20261120:1600", trading="20261120:0930-1130,1300-1600", zone="CST"
    )
    assert hours.regular == (Span(utc(19, 23), utc(20, 22)),)
    assert hours.extended == (
        Span(utc(20, 15, 30), utc(20, 17, 30)),
        Span(utc(20, 19), utc(20, 22)),
    )


@pytest.mark.parametrize(
    "name", ["EST (Eastern Standard Time)", "US/Eastern", "EST", "EST5EDT", "America/New_York"]
)
def test_legacy_zones_have_their_summer_time(name: str) -> None:
    july = datetime(2026, 7, 1, 9, 30, tzinfo=time_zone(name))
    assert july.astimezone(UTC).hour == 13


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(NotFound, match="Mars/Olympus"):
        time_zone("Mars/Olympus")


def details(**changes: Any) -> Any:
    contract: dict[str, Any] = {
        "conId": 495512563,
        "symbol": "ES",
        "localSymbol": "ESZ6",
        "secType": "FUT",
        "exchange": "CME",
        "primaryExchange": "",
        "currency": "USD",
        "multiplier": "50",
    }
    described = {"sizeIncrement": 1.0, "longName": "E-mini S&P 500"}
    return shape(contract=shape(**(contract | changes)), **described)


def test_a_future_is_named_by_what_finds_it_again() -> None:
    future = instrument_from(details(), TickRule.of("0.25"), TradingHours())
    assert (future.symbol, future.kind, future.exchange) == ("ESZ6", InstrumentKind.FUTURE, "CME")
    assert (future.multiplier, future.primary_exchange) == (Decimal(50), "CME")


def test_a_kind_that_the_desk_does_not_know_is_refused() -> None:
    with pytest.raises(NotFound, match="of kind OPT"):
        instrument_from(details(secType="OPT"), TickRule.of("0.01"), TradingHours())


def test_a_market_rule_becomes_bands() -> None:
    rule = tick_rule_from(
        [shape(lowEdge=0.0, increment=0.0001), shape(lowEdge=1.0, increment=0.01)]
    )
    assert rule.increment_at(Decimal("0.5")) == Decimal("0.0001")
    assert rule.increment_at(Decimal(1)) == Decimal("0.01")


def test_an_order_carries_every_field_and_exact_prices() -> None:
    order = fill_ib_order(shape(), ENTRY, account="DU1")
    assert vars(order) == {
        "action": "BUY",
        "totalQuantity": 100,
        "orderType": "LMT",
        "lmtPrice": 190.43,
        "tif": "DAY",
        "outsideRth": False,
        "orderRef": "desk-1",
        "account": "DU1",
    }
    assert isinstance(order.totalQuantity, int)
    assert fill_ib_order(shape(), STOP_LOSS, account="DU1").auxPrice == 188.15


def test_a_what_if_without_a_single_commission_takes_the_top_of_its_range() -> None:
    unset = 1.7976931348623157e308
    what_if = what_if_from(
        shape(
            initMarginChange="9521.5",
            maintMarginChange=str(unset),
            commission=unset,
            maxCommission=1.25,
            warningText="",
        )
    )
    assert what_if.initial_margin_change == Decimal("9521.5")
    assert what_if.maintenance_margin_change is None
    assert what_if.commission == Decimal("1.25")


def test_balances_are_those_of_the_base_currency() -> None:
    summary = account_summary(
        "DU1",
        {
            ("NetLiquidation", "EUR"): "250000.50",
            ("TotalCashValue", "EUR"): "100000",
            ("UnrealizedPnL", "EUR"): "1.5",
            ("UnrealizedPnL", "USD"): "7",
            ("UnrealizedPnL", "BASE"): "8.25",
            ("BuyingPower", "EUR"): "",
        },
    )
    assert (summary.currency, summary.net_liquidation) == ("EUR", Decimal("250000.5"))
    assert (summary.cash, summary.buying_power) == (Decimal(100_000), None)
    assert (summary.unrealized_pnl, summary.realized_pnl) == (Decimal("8.25"), None)


def test_cash_is_told_by_currency_with_its_rate() -> None:
    cash = cash_by_currency(
        {
            ("CashBalance", "USD"): "100.5",
            ("CashBalance", "EUR"): "-20.25",
            ("CashBalance", "JPY"): "7",
            ("CashBalance", "BASE"): "80",
            ("ExchangeRate", "USD"): "1.00",
            ("ExchangeRate", "EUR"): "1.0999",
            ("ExchangeRate", "JPY"): "0",
            ("NetLiquidation", "USD"): "1",
        }
    )
    assert cash == (
        CurrencyCash("EUR", Decimal("-20.25"), Decimal("1.0999")),
        CurrencyCash("JPY", Decimal(7), None),
        CurrencyCash("USD", Decimal("100.5"), Decimal(1)),
    )


def test_bars_of_history_start_in_utc() -> None:
    values = {
        "open": 1.0,
        "high": 2.0,
        "low": 0.5,
        "close": 1.5,
        "volume": 10.0,
        "average": 1.25,
        "barCount": 3,
    }
    intraday = bar_from_history(shape(date=utc(20, 14, 30), **values), 60)
    assert (intraday.start, intraday.end) == (utc(20, 14, 30), utc(20, 14, 31))
    assert (intraday.wap, intraday.count) == (1.25, 3)
    assert bar_from_history(shape(date=date(2026, 11, 20), **values), 86_400).start == utc(20, 0)


@pytest.mark.parametrize("text", ["", "A$PL", "AAPL@", "AAPL@NAS DAQ", "A B C", "@NASDAQ"])
def test_what_cannot_be_a_symbol_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a symbol"):
        candidates(text)


def test_symbols_name_the_kinds_that_they_may_mean() -> None:
    (pair,) = candidates("EUR.USD")
    assert pair == {
        "secType": "CASH",
        "symbol": "EUR",
        "currency": "USD",
        "exchange": "IDEALPRO",
    }
    (listed,) = candidates("aapl@nasdaq")
    assert (listed["symbol"], listed["primaryExchange"]) == ("AAPL", "NASDAQ")
    assert next(candidates("BRK.B"))["symbol"] == "BRK B"
    assert next(candidates("ABCDEF"))["secType"] == "STK"


@pytest.mark.parametrize("seconds", [0, 7, 90])
def test_bar_sizes_that_ib_does_not_have_are_refused(seconds: int) -> None:
    with pytest.raises(InvalidInput, match="no bars of"):
        duration(seconds, 600)


def test_codes_that_leave_an_order_working_are_warnings() -> None:
    for code in (10349, 104, 105, 161, 329, 399, 404, 2109, 2199):
        assert meaning(code).kind is CodeKind.WARNING
    assert meaning(201).kind is CodeKind.ORDER_REJECTED
    assert meaning(99_999).kind is CodeKind.REQUEST_ENDED


def test_a_code_is_explained_in_one_piece() -> None:
    assert explain(99_999, " Something\n odd ") == "IB 99999: Something odd."
    assert explain(354, "Not subscribed.").startswith("IB 354: Not subscribed. Subscribe to")
    assert explain(1, "") == "IB 1: no text was given."
