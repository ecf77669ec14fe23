from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from apps.domain.quotes import Quote
from apps.engine.prices.last_prices import DELAY_S, LastPrices, SeenPrice
from tests.engine.fakes import AAPL, FakeClock, a_bar


def a_quote(bid: str | None, ask: str | None, last: str | None, *, delayed: bool = False) -> Quote:
    values = [None if each is None else Decimal(each) for each in (bid, ask, last)]
    return Quote(values[0], values[1], values[2], None, None, None, 990.0, delayed=delayed)


def test_bar_is_seen_when_it_comes_and_one_without_a_price_says_nothing() -> None:
    prices = LastPrices(FakeClock())
    assert prices.newest(AAPL.con_id) is None
    prices.on_bar(AAPL, a_bar(0, 190.0, 190.5))
    prices.on_bar(AAPL, a_bar(1, -1.0, -1.0))
    prices.on_bar(AAPL, a_bar(2, 1.0, float("nan")))
    assert prices.newest(AAPL.con_id) == SeenPrice(Decimal("190.5"), 1000.0)


def test_quote_counts_from_when_it_was_received_and_never_hides_a_newer_bar() -> None:
    prices = LastPrices(FakeClock())
    prices.on_quote(AAPL, a_quote("189", "191", None))
    assert prices.newest(AAPL.con_id) == SeenPrice(Decimal(190), 990.0)
    prices.on_bar(AAPL, a_bar(0, 190.0, 190.5))
    prices.on_quote(AAPL, a_quote(None, None, "180"))
    assert prices.newest(AAPL.con_id) == SeenPrice(Decimal("190.5"), 1000.0)


def test_frozen_quote_is_of_nobody_knows_when_and_is_not_seen() -> None:
    prices = LastPrices(FakeClock())
    frozen = replace(a_quote("189", "191", "190"), frozen=True)
    prices.on_quote(AAPL, frozen)
    assert prices.newest(AAPL.con_id) is None
    assert not frozen.is_live


def test_delayed_quote_is_as_old_as_what_it_tells() -> None:
    prices = LastPrices(FakeClock())
    prices.on_quote(AAPL, a_quote(None, None, "180", delayed=True))
    assert prices.newest(AAPL.con_id) == SeenPrice(Decimal(180), 990.0 - DELAY_S)
