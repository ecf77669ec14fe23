"""What comes in chains: options, futures, combinations."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.domain.orders import Side
from apps.paper.instruments.catalogue import Catalogue, SecType
from apps.paper.instruments.expiries import (
    ExpiryRule,
    business_day_before,
    last_trading_day,
    third_friday,
)
from apps.paper.instruments.listing import COMBO_CON_ID, Listing, Right
from apps.paper.instruments.option_chain import OptionId, is_option_id
from apps.paper.wire.values import ComboLeg, Contract

CATALOGUE = Catalogue.load()
NOVEMBER = date(2026, 11, 20)
SPX, SPY, AAPL = 416904, 756733, 265598


def millis(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 15, tzinfo=UTC).timestamp()) * 1000


def found(day: date = NOVEMBER, **fields: Any) -> list[Listing]:
    return CATALOGUE.find(Contract(**fields), millis(day))


def the_one(day: date = NOVEMBER, **fields: Any) -> Listing:
    (listing,) = found(day, **fields)
    return listing


def spy_call(**fields: Any) -> Listing:
    wanted: dict[str, Any] = {"last_trade_date": "20261218", "strike": Decimal(670), "right": "C"}
    wanted |= fields
    return the_one(symbol="SPY", sec_type="OPT", **wanted)


def expirations(con_id: int, day: date = NOVEMBER) -> Iterator[list[str]]:
    listing = CATALOGUE.by_con_id(con_id)
    assert listing is not None
    for chain in CATALOGUE.chains_on(listing):
        yield [f"{chain.last_trade_day(friday):%Y%m%d}" for friday in chain.fridays(day)]


# options


def test_option_is_described_in_full() -> None:
    call = spy_call()
    assert (call.sec_type, call.strike, call.right) == (SecType.OPTION, Decimal(670), Right.CALL)
    assert (call.multiplier_text, call.currency, call.exchange) == ("100", "USD", "SMART")
    assert call.local_symbol == "SPY   261218C00670000"
    assert (call.trading_class, call.contract_month) == ("SPY", "202612")
    assert call.under_con_id == SPY
    assert call.min_tick == Decimal("0.01")
    rule = CATALOGUE.market_rule(call.market_rule_id)
    assert rule is call.ticks
    assert rule.increment_at(Decimal(3)) == Decimal("0.05")


@pytest.mark.parametrize(
    "fields",
    [
        {"right": "CALL"},
        {"exchange": "CBOE"},
        {"exchange": "SMART", "multiplier": "100", "currency": "USD"},
        {"trading_class": "SPY"},
    ],
)
def test_option_answers_to_more_than_it_must(fields: dict[str, Any]) -> None:
    assert spy_call(**fields) == spy_call()


def test_option_is_found_by_its_local_symbol_and_by_its_id_alone() -> None:
    call = spy_call()
    assert the_one(local_symbol="SPY   261218C00670000", sec_type="OPT") == call
    assert the_one(con_id=call.con_id) == call
    assert CATALOGUE.by_con_id(call.con_id) == call


@pytest.mark.parametrize(
    "fields",
    [
        {"strike": Decimal("670.3")},
        {"right": "X"},
        {"last_trade_date": "20261217"},
        {"last_trade_date": "20361219"},
        {"multiplier": "10"},
        {"exchange": "NYSE"},
        {"currency": "EUR"},
    ],
)
def test_option_that_does_not_exist_is_not_found(fields: dict[str, Any]) -> None:
    wanted: dict[str, Any] = {"last_trade_date": "20261218", "strike": Decimal(670), "right": "C"}
    wanted |= fields
    assert found(symbol="SPY", sec_type="OPT", **wanted) == []


def test_what_a_description_leaves_open_is_all_listed() -> None:
    both = found(symbol="SPY", sec_type="OPT", last_trade_date="20261218", strike=Decimal(670))
    assert [option.right for option in both] == [Right.CALL, Right.PUT]
    expiry = found(symbol="SPY", sec_type="OPT", last_trade_date="20261218", right="P")
    assert len(expiry) > 100
    assert {option.last_trade_date for option in expiry} == {"20261218"}
    month = found(symbol="SPY", sec_type="OPT", last_trade_date="202612", strike=Decimal(670))
    assert len({option.last_trade_date for option in month}) == 5


def test_options_are_only_found_by_who_asks_for_options() -> None:
    assert {each.sec_type for each in found(symbol="SPY")} == {SecType.STOCK}
    assert found(symbol="SPY", sec_type="STK", strike=Decimal(670)) == []


def test_stock_has_weeklies_monthlies_and_leaps() -> None:
    [days] = expirations(AAPL)
    assert days[:3] == ["20261120", "20261127", "20261204"]
    assert {"20270115", "20270219", "20280121", "20290119"} <= set(days)
    assert days == sorted(set(days))


def test_index_has_a_class_settled_at_the_open_and_one_at_the_close() -> None:
    at_open, at_close = expirations(SPX)
    assert at_open[:2] == ["20261217", "20270114"]
    assert "20261218" in at_close
    morning = the_one(
        symbol="SPX",
        sec_type="OPT",
        last_trade_date="20261217",
        strike=Decimal(6700),
        right="C",
    )
    assert (morning.trading_class, morning.expires) == ("SPX", "20261218")
    assert morning.local_symbol == "SPX   261218C06700000"
    friday: dict[str, Any] = {"last_trade_date": "20261218", "strike": Decimal(6700), "right": "C"}
    by_day = the_one(symbol="SPX", sec_type="OPT", **friday)
    assert by_day.trading_class == "SPXW"
    assert the_one(symbol="SPX", sec_type="OPT", trading_class="SPX", **friday) == morning


def test_friday_without_trading_gives_way_to_the_day_before() -> None:
    [days] = expirations(AAPL, date(2026, 6, 1))
    assert "20260618" in days  # Juneteenth is a third Friday
    assert "20260619" not in days
    assert "20260702" in days


def test_expired_option_is_known_by_its_id_and_found_no_more() -> None:
    call = spy_call()
    after = date(2026, 12, 21)
    assert found(after, con_id=call.con_id) == []
    assert CATALOGUE.by_con_id(call.con_id) == call


@settings(deadline=None, max_examples=60)
@given(
    chain=st.integers(1, 127),
    week=st.integers(0, 2047),
    steps=st.integers(0, 2047),
    right=st.sampled_from(Right),
)
def test_option_id_says_all_and_fits_thirty_one_bits(
    chain: int, week: int, steps: int, right: Right
) -> None:
    named = OptionId(chain, week, steps, right)
    assert OptionId.of(named.con_id) == named
    assert is_option_id(named.con_id)
    assert named.con_id < 2**31


@settings(deadline=None, max_examples=60)
@given(days=st.integers(0, 3000), con_id=st.sampled_from([SPX, SPY, AAPL]))
def test_expiry_once_listed_stays_listed_until_it_expires(days: int, con_id: int) -> None:
    day = date(2018, 1, 1) + timedelta(days=days)
    for today, tomorrow in zip(
        expirations(con_id, day), expirations(con_id, day + timedelta(days=1)), strict=True
    ):
        alive = {each for each in today if each > f"{day:%Y%m%d}"}
        assert alive <= set(tomorrow)


def test_same_option_has_the_same_id_in_another_catalogue() -> None:
    again = Catalogue.load().find(
        Contract(symbol="SPY", sec_type="OPT", last_trade_date="20261218", right="P"),
        millis(date(2026, 12, 1)),
    )
    assert {each.con_id for each in again} == {
        each.con_id
        for each in found(symbol="SPY", sec_type="OPT", last_trade_date="20261218", right="P")
    }


def test_strikes_stand_around_the_reference_and_are_closest_there() -> None:
    spy = CATALOGUE.by_con_id(SPY)
    assert spy is not None
    [chain] = CATALOGUE.chains_on(spy)
    assert list(chain.strikes) == sorted(set(chain.strikes))
    assert {Decimal(669), Decimal(670), Decimal(671), Decimal(500)} <= set(chain.strikes)
    assert Decimal(501) not in chain.strikes


# futures


def test_futures_are_listed_nearest_first() -> None:
    assert [each.local_symbol for each in found(symbol="ES", sec_type="FUT", exchange="CME")] == [
        "ESZ6",
        "ESH7",
        "ESM7",
        "ESU7",
        "ESZ7",
    ]
    assert len(found(symbol="CL", sec_type="FUT", exchange="NYMEX")) == 12
    assert {each.trading_class for each in found(symbol="EUR", sec_type="FUT")} == {"6E"}


def test_expired_futures_are_there_for_who_asks() -> None:
    assert found(symbol="ES", sec_type="FUT", last_trade_date="202609") == []
    september = the_one(symbol="ES", sec_type="FUT", last_trade_date="202609", include_expired=True)
    assert september.last_trade_date == "20260918"
    assert CATALOGUE.by_con_id(september.con_id) == september
    whole = found(symbol="ES", sec_type="FUT", include_expired=True)
    assert (whole[0].last_trade_date, whole[-1].last_trade_date) == ("20241220", "20271217")


def test_continuous_future_is_the_nearest() -> None:
    assert the_one(symbol="ES", sec_type="CONTFUT", exchange="CME").local_symbol == "ESZ6"
    assert the_one(date(2026, 12, 21), symbol="ES", sec_type="CONTFUT").local_symbol == "ESH7"


def test_future_is_dearer_than_the_spot_by_its_carry() -> None:
    spx = CATALOGUE.by_con_id(SPX)
    assert spx is not None
    references = [each.market.reference for each in found(symbol="ES", sec_type="FUT")]
    assert references == sorted(set(references))
    assert references[0] > spx.market.reference


def test_symbol_of_a_pair_and_of_a_future_is_ambiguous_without_its_kind() -> None:
    assert {each.sec_type for each in found(symbol="EUR")} == {SecType.FOREX, SecType.FUTURE}


@pytest.mark.parametrize(
    ("rule", "month", "expected"),
    [
        (ExpiryRule.THIRD_FRIDAY, (2026, 12), date(2026, 12, 18)),
        (ExpiryRule.THIRD_FRIDAY, (2026, 6), date(2026, 6, 18)),  # Juneteenth
        (ExpiryRule.CRUDE_OIL, (2027, 1), date(2026, 12, 21)),  # Christmas
        (ExpiryRule.CRUDE_OIL, (2027, 2), date(2027, 1, 20)),
        (ExpiryRule.CURRENCY, (2026, 12), date(2026, 12, 14)),
        (ExpiryRule.METAL, (2026, 12), date(2026, 12, 29)),
    ],
)
def test_last_trading_day_follows_the_rule(
    rule: ExpiryRule, month: tuple[int, int], expected: date
) -> None:
    assert last_trading_day(rule, *month) == expected


def test_business_days_go_back_over_weekends_and_holidays() -> None:
    assert business_day_before(date(2026, 11, 22), 0) == date(2026, 11, 20)
    assert business_day_before(date(2026, 11, 27), 1) == date(2026, 11, 25)
    assert third_friday(2026, 5) == date(2026, 5, 15)


# combinations


def spread(*legs: tuple[int, str, int]) -> Contract:
    return Contract(
        symbol="SPY",
        sec_type="BAG",
        currency="USD",
        exchange="SMART",
        combo_legs=tuple(ComboLeg(con_id, ratio, side, "SMART") for con_id, side, ratio in legs),
    )


def test_combination_has_an_id_of_its_own_that_follows_from_its_legs() -> None:
    low, high = spy_call(), spy_call(strike=Decimal(680))
    combo = CATALOGUE.combo(spread((low.con_id, "BUY", 1), (high.con_id, "SELL", 1)))
    turned = CATALOGUE.combo(spread((high.con_id, "SELL", 1), (low.con_id, "BUY", 1)))
    other = CATALOGUE.combo(spread((low.con_id, "SELL", 1), (high.con_id, "BUY", 1)))
    assert combo is not None
    assert turned is not None
    assert other is not None
    assert combo.listing.con_id == turned.listing.con_id != other.listing.con_id
    assert combo.listing.con_id >= 2**31
    assert combo.listing.wire_con_id == COMBO_CON_ID
    assert [(leg.ratio, leg.side) for leg in combo.legs] == [(1, Side.BUY), (1, Side.SELL)]
    assert combo.listing.legs == ((low.con_id, 1), (high.con_id, -1))


@pytest.mark.parametrize(
    "legs",
    [(), ((1, "BUY", 1),), ((SPY, "HOLD", 1),), ((SPY, "BUY", 0),), ((SPY, "BUY", 10**40),)],
    ids=repr,
)
def test_combination_of_nothing_that_is_known_is_none(legs: tuple[tuple[int, str, int]]) -> None:
    assert CATALOGUE.combo(spread(*legs)) is None


# the file


CHAINS = """
[market_rules]
1 = [["0", "0.01"]]

[like.stock]
sec_type = "STK"
currency = "USD"
exchange = "SMART"
valid_exchanges = "SMART,NYSE"
market_rule = 1
calendar = "XNYS"
time_zone = "US/Eastern"

[like.option]
market_rule = 1
valid_exchanges = "SMART"

[like.future]
sec_type = "FUT"
currency = "USD"
exchange = "CME"
primary_exchange = "CME"
valid_exchanges = "CME"
market_rule = 1
calendar = "CMES"
time_zone = "US/Central"

[[listing]]
like = "stock"
con_id = 1
symbol = "AAA"
long_name = "AAA INC"
primary_exchange = "NYSE"
market = { reference = 10.00, volatility = 0.3, volume = 1000, trade_size = 10, since = 2020-01-02 }

[[option_chain]]
like = "option"
number = 1
underlying = 1
strike_step = 1

[[future_chain]]
like = "future"
number = 1
symbol = "XX"
long_name = "XX"
months = [12]
expiry = "third friday"
listed = 2
market = { reference = 10.00, volatility = 0.3, volume = 1000, trade_size = 10, since = 2020-01-02 }
"""


def loaded(tmp_path: Path, text: str) -> Catalogue:
    path = tmp_path / "chains.toml"
    path.write_text(text)
    return Catalogue.load(path)


def test_chains_of_a_small_file_are_read(tmp_path: Path) -> None:
    catalogue = loaded(tmp_path, CHAINS)
    at = millis(NOVEMBER)
    assert len(catalogue.find(Contract(symbol="XX", sec_type="FUT"), at)) == 2
    assert catalogue.find(Contract(symbol="AAA", sec_type="OPT", strike=Decimal(10)), at)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("underlying = 1\n", "underlying = 2\n", r"option chain 1 \(2\): nothing is said of 2"),
        ("strike_step = 1\n", "strike_step = 0.001\n", "more steps than an id can hold"),
        ("strike_step = 1\n", "strike_step = 1\nweekly = true\n", "unknown field weekly"),
        ('expiry = "third friday"', 'expiry = "never"', r"future chain 1 \(XX\).*never"),
        ("months = [12]", "months = []", "months"),
        ("number = 1\nunderlying", "number = 200\nunderlying", "number is 1 to 127"),
    ],
)
def test_wrong_chain_is_refused_by_its_name(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    assert before in CHAINS
    with pytest.raises(InvalidInput, match=complaint):
        loaded(tmp_path, CHAINS.replace(before, after))


def test_two_chains_of_one_number_are_refused(tmp_path: Path) -> None:
    start = CHAINS.index("[[option_chain]]")
    entry = CHAINS[start : CHAINS.index("[[future_chain]]")]
    with pytest.raises(InvalidInput, match="two chains share the number 1"):
        loaded(tmp_path, CHAINS + entry)
