from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from apps.domain.errors import InvalidInput
from apps.paper.instruments.catalogue import Catalogue, Listing, SecType
from apps.paper.wire.values import Contract

CATALOGUE = Catalogue.load()
NOW = int(datetime(2026, 11, 20, 15, tzinfo=UTC).timestamp()) * 1000

# contract ids and listing exchanges as published in open examples of the API
PUBLISHED = {
    265598: ("AAPL", "NASDAQ"),
    272093: ("MSFT", "NASDAQ"),
    756733: ("SPY", "ARCA"),
    320227571: ("QQQ", "NASDAQ"),
    76792991: ("TSLA", "NASDAQ"),
    4815747: ("NVDA", "NASDAQ"),
    3691937: ("AMZN", "NASDAQ"),
    208813719: ("GOOGL", "NASDAQ"),
    107113386: ("META", "NASDAQ"),
    4391: ("AMD", "NASDAQ"),
    8314: ("IBM", "NYSE"),
    270639: ("INTC", "NASDAQ"),
    498843743: ("GE", "NYSE"),
    9599491: ("F", "NYSE"),
    10098: ("BAC", "NYSE"),
    208813720: ("GOOG", "NASDAQ"),
    8894: ("KO", "NYSE"),
    6459: ("DIS", "NYSE"),
    15124833: ("NFLX", "NASDAQ"),
    9579970: ("IWM", "ARCA"),
    1520593: ("JPM", "NYSE"),
    13824: ("WMT", "NYSE"),
    895178251: ("XOM", "NYSE"),
    4627828: ("GS", "NYSE"),
    12087792: ("EUR", "IDEALPRO"),
    12087797: ("GBP", "IDEALPRO"),
    12087820: ("USD", "IDEALPRO"),
    15016059: ("USD", "IDEALPRO"),
    15016062: ("USD", "IDEALPRO"),
    14433401: ("AUD", "IDEALPRO"),
    416904: ("SPX", "CBOE"),
    13455763: ("VIX", "CBOE"),
}


def found(**fields: object) -> list[Listing]:
    return CATALOGUE.find(Contract(**fields), NOW)  # type: ignore[arg-type]  # fields by name


def the_one(**fields: object) -> Listing:
    (listing,) = found(**fields)
    return listing


@pytest.mark.parametrize(("con_id", "expected"), PUBLISHED.items())
def test_published_contract_id_leads_to_its_listing(con_id: int, expected: tuple[str, str]) -> None:
    listing = CATALOGUE.by_con_id(con_id)
    assert listing is not None
    assert (listing.symbol, listing.primary_exchange) == expected


def test_ids_that_are_not_published_are_marked_as_made_up() -> None:
    assert all(each.con_id in PUBLISHED or each.con_id >= 900_000_000 for each in CATALOGUE)


def test_there_are_sixty_us_stocks_to_load_a_desk_with() -> None:
    by_kind = Counter((each.sec_type, each.currency) for each in CATALOGUE)
    assert by_kind[SecType.STOCK, "USD"] >= 60


def test_apple_is_described_as_ib_describes_it() -> None:
    apple = the_one(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
    assert (apple.local_symbol, apple.trading_class, apple.market_name) == ("AAPL", "NMS", "NMS")
    assert (apple.min_tick, apple.time_zone, apple.stock_type) == (
        Decimal("0.01"),
        "US/Eastern",
        "COMMON",
    )
    assert apple.min_size == apple.size_increment == 1
    assert apple.suggested_size_increment == 100
    assert (apple.isin, apple.long_name) == ("US0378331005", "APPLE INC")
    assert apple.multiplier_text == ""
    assert len(apple.valid_exchanges) == len(apple.market_rule_ids) == 25
    assert set(apple.market_rule_ids) == {26}


def test_every_listing_can_be_sent_as_contract_details() -> None:
    for listing in CATALOGUE:
        assert len(listing.valid_exchanges) == len(listing.market_rule_ids) > 0
        assert listing.exchange in listing.valid_exchanges
        assert CATALOGUE.market_rule(listing.market_rule_id) is listing.ticks
        assert listing.long_name.isascii()


@pytest.mark.parametrize("isin", sorted({each.isin for each in CATALOGUE} - {""}))
def test_isin_ends_with_its_check_digit(isin: str) -> None:
    assert _luhn("".join(str(int(letter, 36)) for letter in isin))


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10 == 0


def test_symbol_listed_twice_is_ambiguous_until_currency_or_exchange_is_said() -> None:
    assert {each.currency for each in found(symbol="AMD", sec_type="STK")} == {"USD", "EUR"}
    assert the_one(symbol="AMD", sec_type="STK", currency="USD").con_id == 4391
    assert the_one(symbol="AMD", exchange="IBIS").currency == "EUR"
    assert the_one(symbol="AMD", exchange="SMART", primary_exchange="NASDAQ").con_id == 4391


def test_nasdaq_and_island_are_one_exchange() -> None:
    for name in ("NASDAQ", "ISLAND"):
        assert the_one(symbol="AAPL", exchange=name).con_id == 265598
        assert the_one(symbol="AAPL", exchange="SMART", primary_exchange=name).con_id == 265598
    assert found(symbol="IBM", primary_exchange="ISLAND") == []


def test_contract_id_with_a_field_that_contradicts_it_finds_nothing() -> None:
    assert the_one(con_id=4391).symbol == "AMD"
    assert the_one(con_id=4391, exchange="SMART").symbol == "AMD"
    assert found(con_id=4391, symbol="INTC") == []
    assert found(con_id=1) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"symbol": "XXX", "sec_type": "STK"},
        {"symbol": "AAPL", "sec_type": "OPT", "strike": Decimal("200.1"), "right": "C"},
        {"symbol": "AAPL", "sec_type": "CRYPTO"},
        {"symbol": "AAPL", "strike": Decimal(200)},
        {"symbol": "AAPL", "exchange": "IDEALPRO"},
        {"symbol": "AAPL", "trading_class": "AAPL"},
    ],
)
def test_contract_that_nothing_answers_to_finds_nothing(fields: dict[str, object]) -> None:
    assert found(**fields) == []


def test_forex_pair_is_found_by_its_two_currencies() -> None:
    euro = the_one(symbol="EUR", sec_type="CASH", currency="USD", exchange="IDEALPRO")
    assert (euro.local_symbol, euro.min_tick) == ("EUR.USD", Decimal("0.00005"))


def test_future_is_found_by_month_by_day_and_by_local_symbol() -> None:
    front = the_one(symbol="ES", sec_type="FUT", exchange="CME", last_trade_date="202612")
    assert (front.last_trade_date, front.multiplier_text) == ("20261218", "50")
    assert front.multiplier == 50
    assert the_one(symbol="ES", last_trade_date="20261218") == front
    assert the_one(local_symbol="ESZ6") == front
    assert the_one(symbol="CL", last_trade_date="202701").last_trade_date == "20261221"


def test_security_id_finds_its_listings() -> None:
    assert the_one(sec_id_type="ISIN", sec_id="US5949181045").symbol == "MSFT"
    assert found(sec_id_type="CUSIP", sec_id="US5949181045") == []
    assert the_one(sec_id_type="CUSIP", sec_id="594918104").symbol == "MSFT"
    assert found(sec_id_type="SEDOL", sec_id="2588173") == []


def test_search_puts_the_symbol_before_its_likes() -> None:
    assert [each.symbol for each in CATALOGUE.search("intc")] == ["INTC"]
    assert [each.symbol for each in CATALOGUE.search("GOOG")] == ["GOOG", "GOOGL"]
    assert "AMZN" in [each.symbol for each in CATALOGUE.search("amazon")]
    assert CATALOGUE.search("F")[0].symbol == "F"
    assert len(CATALOGUE.search("C")) <= 16
    assert CATALOGUE.search("  ") == []


def test_market_rule_of_us_stocks_has_finer_ticks_below_one_dollar() -> None:
    rule = CATALOGUE.market_rule(26)
    assert rule is not None
    assert rule.increment_at(Decimal("0.99")) == Decimal("0.0001")
    assert rule.increment_at(Decimal(1)) == Decimal("0.01")
    assert CATALOGUE.market_rule(999) is None


SMALL = """
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

[[listing]]
like = "stock"
con_id = 1
symbol = "AAA"
long_name = "AAA INC"
primary_exchange = "NYSE"
market = { reference = 10.00, volatility = 0.3, volume = 1000, trade_size = 10, since = 2020-01-02 }
"""


def loaded(tmp_path: Path, text: str) -> Catalogue:
    path = tmp_path / "small.toml"
    path.write_text(text)
    return Catalogue.load(path)


def test_entry_takes_what_it_does_not_say_from_its_like(tmp_path: Path) -> None:
    (listing,) = loaded(tmp_path, SMALL)
    assert (listing.currency, listing.local_symbol, listing.market_name) == ("USD", "AAA", "AAA")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('like = "stock"', 'like = "bond"', "nothing is said of 'bond'"),
        ("con_id = 1\n", "", "nothing is said of 'con_id'|con_id"),
        ("con_id = 1\n", 'con_id = "1"\n', "con_id must be int"),
        ("reference = 10.00", "reference = 10.005", "not on a tick"),
        ("volatility = 0.3", "volatility = 3", "volatility"),
        ("trade_size = 10", "trade_size = 0", "trade_size"),
        ("volume = 1000", "volumes = 1000", "unknown field volumes"),
        ('long_name = "AAA INC"', 'long_name = "ÄAA INC"', "ASCII"),
        ('symbol = "AAA"', 'symbol = "AAA"\ncolour = "red"', "unknown field colour"),
        ('symbol = "AAA"', 'symbol = "AAA"\nexchange = "IBIS"', "IBIS"),
        ('symbol = "AAA"', 'symbol = "AAA"\nlast_trade_date = "20261218"', "futures"),
        ('symbol = "AAA"', 'symbol = "AAA"\nsec_type = "OPT"', "options"),
        ('symbol = "AAA"', 'symbol = "AAA"\nmin_size = "few"', "listing 1"),
    ],
)
def test_wrong_entry_is_refused_by_its_name(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    assert before in SMALL
    with pytest.raises(InvalidInput, match=complaint) as refused:
        loaded(tmp_path, SMALL.replace(before, after))
    assert "listing 1 (AAA)" in refused.value.message


def test_wrong_market_rule_is_refused_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="market rule 1"):
        loaded(tmp_path, SMALL.replace('["0", "0.01"]', '["1", "0.01"]'))


def test_contract_id_given_twice_is_refused(tmp_path: Path) -> None:
    entry = SMALL[SMALL.index("[[listing]]") :]
    with pytest.raises(InvalidInput, match="AAA and AAA share the contract id 1"):
        loaded(tmp_path, SMALL + entry)


def test_file_that_is_not_toml_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"small\.toml is not TOML"):
        loaded(tmp_path, "[[listing")
