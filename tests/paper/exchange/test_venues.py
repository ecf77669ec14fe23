"""Order types, times in force and hours by venue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.paper.exchange.behaviour import BEHAVIOURS
from apps.paper.exchange.rules.venues import rules_of, supported_order_types
from apps.paper.instruments.listing import Listing
from tests.paper.exchange.bench import Bench, codes, new_york, story
from tests.paper.exchange.instruments import ES, EURUSD, INDEX, OPTION, SAP, STOCK

RATES = {"EUR": Decimal("1.16")}
EVERY = [STOCK, SAP, EURUSD, ES, OPTION]


def bench(**more: object) -> Bench:
    return Bench(cash=10_000_000, rates=RATES, **more)  # type: ignore[arg-type]  # a test's words


def prices(kind: str) -> dict[str, object]:
    """Give the prices that an order of this type needs, far from the market."""
    needs: dict[str, object] = {}
    if kind in {"LMT", "STP LMT", "LIT", "LOC"}:
        needs["limit"] = "90"
    if kind in {"STP", "STP LMT", "MIT", "LIT"}:
        needs["stop"] = "110"
    if kind.startswith("TRAIL"):
        needs["stop"] = "1"
    if kind == "TRAIL LIMIT":
        needs["limit_price_offset"] = Decimal("0.5")
    return needs


@pytest.mark.parametrize("kind", sorted(BEHAVIOURS))
@pytest.mark.parametrize("listing", EVERY, ids=lambda each: each.sec_type)
def test_order_type_is_taken_where_contract_details_list_it(listing: Listing, kind: str) -> None:
    words = {
        "STP LMT": "STPLMT",
        "TRAIL LIMIT": "TRAILLMT",
        "MIDPRICE": "MIDPX",
        "PEG MID": "PEGMID",
    }
    is_listed = words.get(kind, kind) in supported_order_types(listing)
    events = bench().place(1, "BUY", 100_000, kind, listing=listing, **prices(kind))
    assert (codes(events)[:1] != [387]) is is_listed


def test_contract_details_list_words_in_order_and_no_word_twice() -> None:
    listed = supported_order_types(STOCK)
    assert list(listed) == sorted(set(listed))
    assert {"MKT", "STPLMT", "TRAILLMT", "MIDPX", "OPG", "GTD", "WHATIF"} <= set(listed)
    assert {"MOC", "LOC", "REL", "MIDPX", "OPG"}.isdisjoint(supported_order_types(EURUSD))


def test_index_cannot_be_traded_at_all() -> None:
    assert supported_order_types(INDEX) == ()
    assert codes(bench().place(1, "BUY", 1, "MKT", listing=INDEX)) == [460]


def test_every_listed_type_is_one_that_the_exchange_can_carry_out() -> None:
    for listing in EVERY:
        assert rules_of(listing).order_types <= set(BEHAVIOURS)


@pytest.mark.parametrize(
    ("code", "kind", "tif"),
    [
        (113, "MOC", "GTC"),
        (113, "LOC", "IOC"),
        (111, "STP", "FOK"),
        (111, "TRAIL", "IOC"),
        (111, "STP", "OPG"),
        (111, "MIDPRICE", "IOC"),
        (111, "LMT", "GTX"),
        (334, "LMT", "GTD"),
    ],
)
def test_time_in_force_that_cannot_go_with_the_type_is_refused(
    code: int, kind: str, tif: str
) -> None:
    events = bench().place(1, "BUY", 100, kind, time_in_force=tif, **prices(kind))
    assert codes(events) == [code]


@pytest.mark.parametrize("tif", ["DAY", "GTC", "IOC", "FOK", "OPG"])
@pytest.mark.parametrize("kind", ["MKT", "LMT"])
def test_plain_types_take_every_time_in_force(kind: str, tif: str) -> None:
    events = bench().place(1, "BUY", 100, kind, time_in_force=tif, **prices(kind))
    assert story(events)[0].startswith("new 1")


def test_opening_auction_is_for_stocks_only() -> None:
    events = bench().place(1, "BUY", 30_000, "MKT", listing=EURUSD, time_in_force="OPG")
    assert codes(events) == [111]


def test_good_till_date_must_lie_ahead() -> None:
    till = {"time_in_force": "GTD", "limit": "90"}
    past, ahead = new_york("2026-11-18 09:59"), new_york("2026-11-18 11:00")
    assert codes(bench().place(1, "BUY", 1, "LMT", good_till=past, **till)) == [334]
    assert codes(bench().place(1, "BUY", 1, "LMT", good_till=ahead, **till)) == []


@pytest.mark.parametrize(
    ("listing", "kind", "tif"),
    [(SAP, "LMT", "DAY"), (STOCK, "MOC", "DAY"), (STOCK, "LMT", "OPG"), (OPTION, "LMT", "DAY")],
)
def test_outside_rth_is_refused_where_there_are_no_other_hours(
    listing: Listing, kind: str, tif: str
) -> None:
    order = {"listing": listing, "time_in_force": tif, "outside_rth": True, **prices(kind)}
    assert codes(bench().place(1, "BUY", 100, kind, **order)) == [411]


@pytest.mark.parametrize(("listing", "kind"), [(EURUSD, "LMT"), (STOCK, "MKT"), (STOCK, "MIT")])
def test_outside_rth_that_means_nothing_is_ignored_with_2109(listing: Listing, kind: str) -> None:
    order = {"listing": listing, "outside_rth": True, **prices(kind)}
    assert 2109 in codes(bench().place(1, "BUY", 100_000, kind, **order))


def test_outside_rth_counts_for_a_limit_order_in_stocks() -> None:
    assert codes(bench().place(1, "BUY", 1, "LMT", limit="90", outside_rth=True)) == []
