"""Instruments, scanners, bulletins and calculations, as one session is told of them."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from apps.paper import wire
from apps.paper.bulletins import BulletinKind
from apps.paper.exchange.rules.venues import supported_order_types
from apps.paper.session.instruments.contracts import contract_of
from apps.paper.session.instruments.scan import FILTERS, LOCATIONS, SCANS
from tests.paper.session.asking import MINUTE, Asking, codes
from tests.paper.session.hub_side import AAPL, an_order, joined, of_kind, told

CALL = wire.Contract(
    symbol="SPY",
    sec_type="OPT",
    last_trade_date="20261218",
    strike=Decimal(700),
    right="C",
    exchange="SMART",
)


@pytest.fixture
def asking() -> Asking:
    return Asking()


# contract details


def test_details_of_an_option_name_its_underlying(asking: Asking) -> None:
    [call] = asking.details(CALL)
    contract = call.contract
    assert (contract.strike, contract.right, contract.multiplier) == (Decimal(700), "C", "100")
    assert (call.under_con_id, call.under_symbol, call.under_sec_type) == (756733, "SPY", "STK")
    assert (call.contract_month, call.real_expiration_date) == ("202612", "20261218")
    assert call.min_tick == Decimal("0.01")
    assert "SMART" in call.valid_exchanges
    assert len(call.market_rule_ids) == len(call.valid_exchanges)


def test_details_of_every_kind_list_what_the_exchange_takes(asking: Asking) -> None:
    wanted = [AAPL, CALL, wire.Contract(symbol="ES", sec_type="FUT", exchange="CME")]
    wanted += [wire.Contract(symbol="EUR", sec_type="CASH"), wire.Contract(symbol="SPX")]
    for contract in wanted:
        for details in asking.details(contract):
            listing = asking.hub.catalogue.by_con_id(details.contract.con_id)
            assert listing is not None
            assert details.order_types == supported_order_types(listing)
            for rule in set(details.market_rule_ids):
                [answer] = asking.ask(wire.ReqMarketRule(rule))
                assert answer.market_rule_id == rule


def test_whole_expiry_is_told_a_piece_at_a_time_and_ends(asking: Asking) -> None:
    contract = wire.Contract(symbol="SPX", sec_type="OPT", last_trade_date="20261217")
    asking.session.handle(wire.ReqContractDetails(1, contract))
    assert told(asking.session) == []
    assert asking.hub.work()
    piece = told(asking.session)
    rest = asking.heard()
    assert 0 < len(piece) < len(rest)
    assert isinstance(rest[-1], wire.ContractDetailsEnd)
    strikes = [each.contract.strike for each in (*piece, *rest[:-1])]
    assert len(strikes) == 2 * len(set(strikes)) > 400


def test_continuous_future_is_told_as_such(asking: Asking) -> None:
    [front] = asking.details(wire.Contract(symbol="ES", sec_type="CONTFUT", exchange="CME"))
    assert (front.contract.sec_type, front.contract.local_symbol) == ("CONTFUT", "ESZ6")
    anew = wire.Contract(con_id=front.contract.con_id, sec_type="CONTFUT", exchange="CME")
    assert asking.details(anew) == [front]


@pytest.mark.parametrize(
    ("contract", "code"),
    [
        (wire.Contract(symbol="XXX", sec_type="STK"), 200),
        (wire.Contract(symbol="BTC", sec_type="CRYPTO", exchange="PAXOS"), 200),
        (wire.Contract(symbol="AAPL", sec_type="CFD"), 200),
        (wire.Contract(symbol="912828C57", sec_type="BOND"), 200),
        (wire.Contract(symbol="SPY", sec_type="BAG"), 200),
        (wire.Contract(symbol="AAPL", sec_type="SHARE"), 321),
        (wire.Contract(sec_type="STK"), 321),
        (wire.Contract(con_id=4391, symbol="INTC"), 478),
        (wire.Contract(con_id=4391, sec_type="FUT"), 478),
        (wire.Contract(con_id=4391, currency="EUR"), 478),
        (wire.Contract(con_id=4391, exchange="IDEALPRO"), 200),
        (wire.Contract(con_id=12345), 200),
    ],
)
def test_contract_that_names_nothing_gets_ibs_code(
    asking: Asking, contract: wire.Contract, code: int
) -> None:
    assert codes(asking.ask(wire.ReqContractDetails(1, contract))) == [code]


def test_contradiction_is_told_in_ibs_words(asking: Asking) -> None:
    [error] = asking.ask(wire.ReqMarketData(1, wire.Contract(con_id=4391, symbol="INTC")))
    assert error.message == (
        "Parameters in request conflicts with contract parameters received by contract id: "
        "requested symbol INTC, in contract AMD;"
    )


# option parameters, symbols, families


def test_option_parameters_come_for_each_exchange_and_class(asking: Asking) -> None:
    *chains, end = asking.ask(wire.ReqSecDefOptParams(3, "SPX", "", "IND", 416904))
    assert end == wire.SecDefOptParamsEnd(3)
    assert {(each.exchange, each.trading_class) for each in chains} >= {
        ("SMART", "SPX"),
        ("SMART", "SPXW"),
        ("CBOE", "SPX"),
    }
    smart = next(each for each in chains if each.exchange == "SMART")
    assert (smart.multiplier, smart.under_con_id) == ("100", 416904)
    spot = float(asking.hub.mark(asking.hub.catalogue.by_con_id(416904)))  # type: ignore[arg-type]  # it is in the catalogue
    assert any(abs(float(strike) - spot) <= 20 for strike in smart.strikes)


@pytest.mark.parametrize(("symbol", "con_id"), [("SPX", 1), ("AAPL", 416904)])
def test_option_parameters_of_another_contract_are_refused(
    asking: Asking, symbol: str, con_id: int
) -> None:
    assert codes(asking.ask(wire.ReqSecDefOptParams(3, symbol, "", "IND", con_id))) == [321]


def test_what_has_no_options_has_no_parameters(asking: Asking) -> None:
    vix = wire.ReqSecDefOptParams(3, "VIX", "", "IND", 13455763)
    assert asking.ask(vix) == [wire.SecDefOptParamsEnd(3)]
    of_futures = wire.ReqSecDefOptParams(3, "SPX", "CME", "IND", 416904)
    assert asking.ask(of_futures) == [wire.SecDefOptParamsEnd(3)]


def test_matching_symbols_tell_what_rests_on_them(asking: Asking) -> None:
    [answer] = asking.ask(wire.ReqMatchingSymbols(1, "intc"))
    assert [each.derivative_sec_types for each in answer.samples] == [("OPT", "BAG")]
    [euro] = asking.ask(wire.ReqMatchingSymbols(1, "monetary"))
    assert [each.derivative_sec_types for each in euro.samples] == [()]


def test_families_and_tiers_are_empty_and_told(asking: Asking) -> None:
    assert asking.ask(wire.ReqFamilyCodes()) == [wire.FamilyCodes((wire.FamilyCode("DU1234567"),))]
    assert asking.ask(wire.ReqSoftDollarTiers(5)) == [wire.SoftDollarTiers(5)]


# options


def numbers(computed: wire.TickOptionComputation) -> dict[str, float]:
    return {name: float(value) for name, value in asdict(computed).items()}


def test_quote_of_an_option_comes_with_its_computations(asking: Asking) -> None:
    said = asking.ask(wire.ReqMarketData(4, CALL))
    computed = {each.tick_type: each for each in of_kind(said, wire.TickOptionComputation)}
    assert computed.keys() == {10, 11, 12, 13}
    bid, model, ask = (numbers(computed[tick_type]) for tick_type in (10, 13, 11))
    assert bid["implied_volatility"] < model["implied_volatility"] < ask["implied_volatility"]
    assert bid["option_price"] < model["option_price"] < ask["option_price"]
    assert 0 < model["delta"] < 1
    assert model["theta"] < 0 < model["gamma"]
    assert {each.tick_type for each in of_kind(said, wire.TickPrice)} >= {1, 2}
    later = asking.wait(5_000)
    assert 13 in {each.tick_type for each in of_kind(later, wire.TickOptionComputation)}


def test_snapshot_of_an_option_has_the_model_too(asking: Asking) -> None:
    said = asking.ask(wire.ReqMarketData(4, CALL, snapshot=True))
    assert 13 in {each.tick_type for each in of_kind(said, wire.TickOptionComputation)}
    assert isinstance(said[-1], wire.TickSnapshotEnd)


def test_price_and_volatility_are_each_others_answers(asking: Asking) -> None:
    price, spot = Decimal("0.25"), Decimal(700)
    [priced] = asking.ask(wire.CalculateOptionPrice(5, CALL, price, spot))
    assert (priced.tick_type, priced.implied_volatility) == (53, price)
    [implied] = asking.ask(wire.CalculateImpliedVolatility(6, CALL, priced.option_price, spot))
    assert float(implied.implied_volatility) == pytest.approx(0.25, abs=1e-5)
    assert implied.under_price == spot


def test_volatility_of_an_impossible_price_is_not_computed(asking: Asking) -> None:
    [answer] = asking.ask(wire.CalculateImpliedVolatility(6, CALL, Decimal(1), Decimal(800)))
    assert answer.implied_volatility is None
    assert answer.option_price == 1


@pytest.mark.parametrize("figure", ["0", "-1", "1e300", "1e-300"])
def test_calculation_with_what_is_no_price_is_refused(asking: Asking, figure: str) -> None:
    one, other = Decimal(figure), Decimal(1)
    for pair in ((one, other), (other, one)):
        for kind in (wire.CalculateOptionPrice, wire.CalculateImpliedVolatility):
            assert codes(asking.ask(kind(5, CALL, *pair))) == [321]


def test_calculation_on_a_stock_is_refused(asking: Asking) -> None:
    request = wire.CalculateOptionPrice(5, AAPL, Decimal("0.2"), Decimal(270))
    assert codes(asking.ask(request)) == [321]


def test_order_in_an_option_fills_and_is_held_with_strike_and_right(asking: Asking) -> None:
    order = an_order(1, CALL, order_type="MKT", limit_price=None, total_quantity=Decimal(2))
    said = asking.ask(order) + asking.wait(MINUTE)
    executions = of_kind(said, wire.ExecutionDetails)
    assert sum(each.shares for each in executions) == 2
    for contract in [each.contract for each in executions] + [
        each.contract for each in of_kind(said, wire.OpenOrder)
    ]:
        assert (contract.strike, contract.right, contract.multiplier) == (Decimal(700), "C", "100")
    [position] = of_kind(asking.ask(wire.ReqPositions()), wire.Position)
    assert (position.contract.strike, position.position) == (Decimal(700), 2)
    assert position.avg_cost > 100 * executions[0].price


def test_bars_of_an_option_are_quotes(asking: Asking) -> None:
    def history(what: str) -> list[Any]:
        request = wire.ReqHistoricalData(
            9, CALL, bar_size="1 min", duration="3600 S", what_to_show=what, use_rth=True
        )
        return asking.ask(request)

    [answer] = of_kind(history("MIDPOINT"), wire.HistoricalData)
    assert len(answer.bars) > 10
    assert codes(history("TRADES")) == [162]


# scanners


def scan(asking: Asking, req_id: int = 8, **fields: Any) -> list[Any]:
    wanted = {
        "instrument": "STK",
        "location_code": "STK.US.MAJOR",
        "scan_code": "TOP_PERC_GAIN",
        **fields,
    }
    return asking.ask(wire.ReqScannerSubscription(req_id, **wanted))


def symbols(said: list[Any]) -> list[str]:
    [results] = of_kind(said, wire.ScannerResults)
    return [row.contract.symbol for row in results.rows]


def change(asking: Asking, symbol: str) -> float:
    listing = next(each for each in asking.hub.catalogue if each.symbol == symbol)
    before = asking.hub.market.previous_close(listing, asking.hub.now)
    return float(asking.hub.mark(listing) / before) - 1


def test_gainers_are_ranked_by_what_they_gained(asking: Asking) -> None:
    said = scan(asking)
    notice, results = said
    assert (notice.code, notice.req_id) == (165, 8)
    assert notice.message.endswith(f"{len(results.rows)} items retrieved")
    changes = [change(asking, symbol) for symbol in symbols(said)]
    assert changes == sorted(changes, reverse=True)
    assert min(changes) > 0
    assert [row.rank for row in results.rows] == list(range(len(results.rows)))


def test_losers_are_not_gainers(asking: Asking) -> None:
    gainers = set(symbols(scan(asking)))
    losers = set(symbols(scan(asking, 9, scan_code="TOP_PERC_LOSE")))
    assert losers
    assert not gainers & losers


@pytest.mark.parametrize("code", SCANS)
def test_every_scan_gives_rows(asking: Asking, code: str) -> None:
    asking.wait(5 * MINUTE)
    assert symbols(scan(asking, scan_code=code))


@pytest.mark.parametrize("place", LOCATIONS)
def test_every_location_can_be_scanned(asking: Asking, place: str) -> None:
    said = scan(
        asking,
        instrument=LOCATIONS[place].instrument,
        location_code=place,
        scan_code="LOW_OPT_IMP_VOLAT",
    )
    [results] = of_kind(said, wire.ScannerResults)
    assert len(results.rows) <= 50
    assert results.rows or place == "STK.AMEX"


def test_scan_is_at_most_fifty_rows_and_as_many_as_asked(asking: Asking) -> None:
    assert len(symbols(scan(asking, scan_code="MOST_ACTIVE"))) == 50
    assert len(symbols(scan(asking, 9, scan_code="MOST_ACTIVE", number_of_rows=3))) == 3


def test_bounds_narrow_a_scan(asking: Asking) -> None:
    whole = symbols(scan(asking, scan_code="MOST_ACTIVE"))
    fields = scan(asking, 9, scan_code="MOST_ACTIVE", above_price=Decimal(100))
    options = scan(asking, 10, scan_code="MOST_ACTIVE", filter_options="priceAbove=100;")
    assert 0 < len(symbols(fields)) < len(whole)
    assert symbols(fields) == symbols(options)
    funds = scan(asking, 11, scan_code="MOST_ACTIVE", stock_type_filter="ETF")
    assert "SPY" in symbols(funds)
    assert "AAPL" not in symbols(funds)


def test_scan_that_nothing_passes_is_empty_and_says_so(asking: Asking) -> None:
    said = scan(asking, filter_options="changePercAbove=1000;somethingElse=3;")
    assert said[0].message.endswith("no items retrieved")
    assert symbols(said) == []


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"scan_code": "NO_SUCH"}, 162, "Scanner type with code NO_SUCH is disabled"),
        ({"location_code": "STK.MOON"}, 162, "not configured for one of the chosen locations"),
        ({"instrument": "BOND"}, 162, "not configured"),
        ({"filter_options": "priceAbove=cheap;"}, 321, "priceAbove"),
    ],
)
def test_scan_that_cannot_be_gets_ibs_code(
    asking: Asking, fields: dict[str, Any], code: int, words: str
) -> None:
    [error] = scan(asking, **fields)
    assert error.code == code
    assert words in error.message


def test_scan_is_told_again_until_it_is_cancelled(asking: Asking) -> None:
    scan(asking)
    again = asking.wait(60_000)
    assert len(of_kind(again, wire.ScannerResults)) == 2
    assert codes(again) == []
    [echo] = asking.ask(wire.CancelScannerSubscription(8))
    assert echo.code == 162
    assert echo.message.endswith("API scanner subscription cancelled: 8")
    assert asking.wait(60_000) == []
    assert codes(asking.ask(wire.CancelScannerSubscription(8))) == [365]


def test_scan_cancelled_before_it_was_computed_tells_nothing(asking: Asking) -> None:
    request = wire.ReqScannerSubscription(8, 5, "STK", "STK.US", "MOST_ACTIVE")
    asking.session.handle(request)
    asking.session.handle(wire.CancelScannerSubscription(8))
    assert [each.code for each in asking.heard()] == [162]


def test_eleventh_scan_is_refused(asking: Asking) -> None:
    for req_id in range(1, 11):
        scan(asking, req_id)
    assert codes(scan(asking, 11)) == [162]


def test_parameters_describe_what_can_be_asked(asking: Asking) -> None:
    [answer] = asking.ask(wire.ReqScannerParameters())
    tree = fromstring(answer.xml)  # noqa: S314 - our own document
    assert [each.text for each in tree.findall(".//AbstractField/code")] == list(FILTERS)
    assert [each.text for each in tree.findall(".//scanCode")] == list(SCANS)
    places = {each.text for each in tree.findall(".//locationCode")}
    assert set(LOCATIONS) <= places
    assert {"STK", "FUT.US"} <= {each.text for each in tree.findall(".//Instrument/type")}
    assert answer.xml.isascii()


# news


def test_bulletin_reaches_those_who_read(asking: Asking) -> None:
    other = joined(asking.hub, 2)
    assert asking.ask(wire.ReqNewsBulletins()) == []
    asking.hub.bulletin("The exchange is down.", BulletinKind.EXCHANGE_UNAVAILABLE, "NYSE")
    assert asking.heard() == [wire.NewsBulletin(1, 2, "The exchange is down.", "NYSE")]
    assert told(other) == []
    asking.session.handle(wire.CancelNewsBulletins())
    asking.hub.bulletin("It is up again.", BulletinKind.EXCHANGE_AVAILABLE, "NYSE")
    assert asking.heard() == []


def test_who_comes_later_can_have_the_bulletins_of_the_day(asking: Asking) -> None:
    asking.hub.bulletin("Good morning.")
    asking.wait(MINUTE)
    assert asking.ask(wire.ReqNewsBulletins(all_messages=True)) == [
        wire.NewsBulletin(1, 1, "Good morning.")
    ]
    asking.wait(24 * 60 * MINUTE)
    late = joined(asking.hub, 2)
    late.handle(wire.ReqNewsBulletins(all_messages=True))
    assert of_kind(told(late), wire.NewsBulletin) == []


def test_client_that_left_reads_no_bulletins(asking: Asking) -> None:
    asking.ask(wire.ReqNewsBulletins())
    asking.hub.close_session(asking.session)
    asking.hub.bulletin("Nobody hears.")
    assert asking.hub.bulletins.readers == []


def test_login_without_news_services_has_none(asking: Asking) -> None:
    assert asking.ask(wire.ReqNewsProviders()) == [wire.NewsProviders()]
    assert asking.ask(wire.ReqHistoricalNews(3, 265598, "BZ")) == [wire.HistoricalNewsEnd(3)]


# combinations


def test_combination_is_quoted_from_its_legs_and_named_as_ib_names_it(asking: Asking) -> None:
    [low] = asking.details(CALL)
    high_strike = wire.Contract(
        symbol="SPY", sec_type="OPT", last_trade_date="20261218", strike=Decimal(710), right="C"
    )
    [high] = asking.details(high_strike)
    bag = wire.Contract(
        symbol="SPY",
        sec_type="BAG",
        currency="USD",
        exchange="SMART",
        combo_legs=(
            wire.ComboLeg(low.contract.con_id, 1, "BUY", "SMART"),
            wire.ComboLeg(high.contract.con_id, 1, "SELL", "SMART"),
        ),
    )
    prices = {
        each.tick_type: each.price
        for each in of_kind(asking.ask(wire.ReqMarketData(4, bag)), wire.TickPrice)
    }
    assert 0 < prices[1] < prices[2] < 10
    combo = asking.hub.catalogue.combo(bag)
    assert combo is not None
    assert contract_of(combo.listing).con_id == 28812380
