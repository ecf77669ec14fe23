"""Every request that an unmodified ib_insync client can send, read by our tables.

ib_insync's client is the independent encoder: what it writes at each version must be read as what
was meant, with nothing left over.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ib_insync as ibi
import pytest
from ib_insync.client import Client
from ib_insync.objects import ExecutionFilter, ScannerSubscription, SoftDollarTier, WshEventData

from apps.paper import wire
from apps.paper.wire import MalformedRequest, PlaceOrder, parse_request

VERSIONS = [157, *range(159, 177)]  # 158 is never negotiated


def sent(version: int, method: str, *arguments: object) -> list[str]:
    """Give the fields that ib_insync's ``client.method(*arguments)`` puts on the wire."""
    messages: list[str] = []
    client: Any = Client(wrapper=object())  # type: ignore[no-untyped-call] # has no annotations
    client.connState = Client.CONNECTED
    client.clientId, client.optCapab = 5, "x"
    client._serverVersion = version
    client.sendMsg = messages.append
    getattr(client, method)(*arguments)
    (message,) = messages
    assert message.endswith("\0")
    return message[:-1].split("\0")


STOCK = ibi.Contract(
    secType="STK",
    conId=265598,
    symbol="AAPL",
    lastTradeDateOrContractMonth="20261218",
    strike=1.5,
    right="C",
    multiplier="100",
    exchange="SMART",
    primaryExchange="NASDAQ",
    currency="USD",
    localSymbol="AAPL L",
    tradingClass="NMS",
)
READ_STOCK = wire.Contract(
    con_id=265598,
    symbol="AAPL",
    sec_type="STK",
    last_trade_date="20261218",
    strike=Decimal("1.5"),
    right="C",
    multiplier="100",
    exchange="SMART",
    primary_exchange="NASDAQ",
    currency="USD",
    local_symbol="AAPL L",
    trading_class="NMS",
)
OPTIONS = [ibi.TagValue("a", "1"), ibi.TagValue("b", "2")]
PAIRS = "a=1;b=2;"
SCANNER = ScannerSubscription(
    numberOfRows=10,
    instrument="STK",
    locationCode="STK.US.MAJOR",
    scanCode="TOP_PERC_GAIN",
    abovePrice=5.5,
    belowPrice=99.5,
    aboveVolume=1000,
    marketCapAbove=1e9,
    marketCapBelow=1e12,
    moodyRatingAbove="m1",
    moodyRatingBelow="m2",
    spRatingAbove="s1",
    spRatingBelow="s2",
    maturityDateAbove="20261120",
    maturityDateBelow="20271120",
    couponRateAbove=1.5,
    couponRateBelow=2.5,
    excludeConvertible=True,
    averageOptionVolumeAbove=300,
    scannerSettingPairs="Annual,true",
    stockTypeFilter="ALL",
)

READ: dict[str, tuple[tuple[Any, ...], Any]] = {
    "startApi": ((), wire.StartApi(5, "x")),
    "reqMktData": (
        (7, STOCK, "233,236", True, False, OPTIONS),
        wire.ReqMarketData(7, READ_STOCK, ("233", "236"), True, False, "a=1;b=2;"),
    ),
    "cancelMktData": ((7,), wire.CancelMarketData(7)),
    "cancelOrder": ((7,), wire.CancelOrder(7)),
    "reqOpenOrders": ((), wire.ReqOpenOrders()),
    "reqAccountUpdates": ((True, "DU1"), wire.ReqAccountUpdates(True, "DU1")),
    "reqExecutions": (
        (7, ExecutionFilter(1, "DU1", "20261120 09:30:00", "AAPL", "STK", "SMART", "BUY")),
        wire.ReqExecutions(7, 1, "DU1", "20261120 09:30:00", "AAPL", "STK", "SMART", "BUY"),
    ),
    "reqIds": ((-1,), wire.ReqIds(-1)),
    "reqContractDetails": ((7, STOCK), wire.ReqContractDetails(7, READ_STOCK)),
    "reqNewsBulletins": ((True,), wire.ReqNewsBulletins(True)),
    "cancelNewsBulletins": ((), wire.CancelNewsBulletins()),
    "setServerLogLevel": ((2,), wire.SetServerLogLevel(2)),
    "reqAutoOpenOrders": ((True,), wire.ReqAutoOpenOrders(True)),
    "reqAllOpenOrders": ((), wire.ReqAllOpenOrders()),
    "reqManagedAccts": ((), wire.ReqManagedAccounts()),
    "reqHistoricalData": (
        (7, STOCK, "", "2 D", "1 min", "MIDPOINT", True, 2, True, OPTIONS),
        wire.ReqHistoricalData(
            7, READ_STOCK, "", "1 min", "2 D", True, "MIDPOINT", 2, True, "a=1;b=2;"
        ),
    ),
    "cancelHistoricalData": ((7,), wire.CancelHistoricalData(7)),
    "reqCurrentTime": ((), wire.ReqCurrentTime()),
    "reqRealTimeBars": (
        (7, STOCK, 5, "MIDPOINT", True, OPTIONS),
        wire.ReqRealTimeBars(7, READ_STOCK, 5, "MIDPOINT", True, "a=1;b=2;"),
    ),
    "cancelRealTimeBars": ((7,), wire.CancelRealTimeBars(7)),
    "reqGlobalCancel": ((), wire.ReqGlobalCancel()),
    "reqMarketDataType": ((3,), wire.ReqMarketDataType(3)),
    "reqPositions": ((), wire.ReqPositions()),
    "cancelPositions": ((), wire.CancelPositions()),
    "reqAccountSummary": (
        (7, "All", "NetLiquidation,$LEDGER:USD"),
        wire.ReqAccountSummary(7, "All", ("NetLiquidation", "$LEDGER:USD")),
    ),
    "cancelAccountSummary": ((7,), wire.CancelAccountSummary(7)),
    "reqAccountUpdatesMulti": (
        (7, "DU1", "M", True),
        wire.ReqAccountUpdatesMulti(7, "DU1", "M", True),
    ),
    "cancelAccountUpdatesMulti": ((7,), wire.CancelAccountUpdatesMulti(7)),
    "reqSecDefOptParams": (
        (7, "SPX", "CME", "IND", 416904),
        wire.ReqSecDefOptParams(7, "SPX", "CME", "IND", 416904),
    ),
    "reqMatchingSymbols": ((7, "intc"), wire.ReqMatchingSymbols(7, "intc")),
    "reqScannerParameters": ((), wire.ReqScannerParameters()),
    "reqHeadTimeStamp": (
        (7, STOCK, "TRADES", True, 1),
        wire.ReqHeadTimestamp(7, READ_STOCK, True, "TRADES", 1),
    ),
    "cancelHeadTimeStamp": ((7,), wire.CancelHeadTimestamp(7)),
    "reqMarketRule": ((26,), wire.ReqMarketRule(26)),
    "reqPnL": ((7, "DU1", "M"), wire.ReqPnl(7, "DU1", "M")),
    "cancelPnL": ((7,), wire.CancelPnl(7)),
    "reqPnLSingle": ((7, "DU1", "M", 265598), wire.ReqPnlSingle(7, "DU1", "M", 265598)),
    "cancelPnLSingle": ((7,), wire.CancelPnlSingle(7)),
    "reqTickByTickData": (
        (7, STOCK, "BidAsk", 10, True),
        wire.ReqTickByTick(7, READ_STOCK, "BidAsk", 10, True),
    ),
    "cancelTickByTickData": ((7,), wire.CancelTickByTick(7)),
    "reqCompletedOrders": ((True,), wire.ReqCompletedOrders(True)),
    "reqUserInfo": ((7,), wire.ReqUserInfo(7)),
    "reqMktDepth": (
        (7, STOCK, 5, True, OPTIONS),
        wire.ReqMarketDepth(7, READ_STOCK, 5, True, PAIRS),
    ),
    "cancelMktDepth": ((7, True), wire.CancelMarketDepth(7, True)),
    "reqMktDepthExchanges": ((), wire.ReqMarketDepthExchanges()),
    "reqSmartComponents": ((7, "a6"), wire.ReqSmartComponents(7, "a6")),
    "reqScannerSubscription": (
        (7, SCANNER, OPTIONS, [ibi.TagValue("c", "3")]),
        wire.ReqScannerSubscription(
            7,
            number_of_rows=10,
            instrument="STK",
            location_code="STK.US.MAJOR",
            scan_code="TOP_PERC_GAIN",
            above_price=Decimal("5.5"),
            below_price=Decimal("99.5"),
            above_volume=1000,
            market_cap_above=Decimal(10**9),
            market_cap_below=Decimal(10**12),
            moody_rating_above="m1",
            moody_rating_below="m2",
            sp_rating_above="s1",
            sp_rating_below="s2",
            maturity_date_above="20261120",
            maturity_date_below="20271120",
            coupon_rate_above=Decimal("1.5"),
            coupon_rate_below=Decimal("2.5"),
            exclude_convertible=True,
            average_option_volume_above=300,
            scanner_setting_pairs="Annual,true",
            stock_type_filter="ALL",
            filter_options="c=3;",
            options=PAIRS,
        ),
    ),
    "cancelScannerSubscription": ((7,), wire.CancelScannerSubscription(7)),
    "reqHistoricalTicks": (
        (7, STOCK, "20261120 09:30:00", "x", 10, "BID_ASK", True, False, OPTIONS),
        wire.ReqHistoricalTicks(
            7, READ_STOCK, "20261120 09:30:00", "x", 10, "BID_ASK", True, False, PAIRS
        ),
    ),
    "reqHistogramData": (
        (7, STOCK, True, "3 days"),
        wire.ReqHistogramData(7, READ_STOCK, True, "3 days"),
    ),
    "cancelHistogramData": ((7,), wire.CancelHistogramData(7)),
    "reqNewsProviders": ((), wire.ReqNewsProviders()),
    "reqNewsArticle": (
        (7, "BZ", "BZ$1", OPTIONS),
        wire.ReqNewsArticle(7, "BZ", "BZ$1", PAIRS),
    ),
    "reqHistoricalNews": (
        (7, 265598, "BZ+FLY", "a", "b", 10, OPTIONS),
        wire.ReqHistoricalNews(7, 265598, "BZ+FLY", "a", "b", 10, PAIRS),
    ),
    "calculateImpliedVolatility": (
        (7, STOCK, 1.5, 190.25, OPTIONS),
        wire.CalculateImpliedVolatility(7, READ_STOCK, Decimal("1.5"), Decimal("190.25"), PAIRS),
    ),
    "cancelCalculateImpliedVolatility": ((7,), wire.CancelCalculateImpliedVolatility(7)),
    "calculateOptionPrice": (
        (7, STOCK, 0.25, 190.25, OPTIONS),
        wire.CalculateOptionPrice(7, READ_STOCK, Decimal("0.25"), Decimal("190.25"), PAIRS),
    ),
    "cancelCalculateOptionPrice": ((7,), wire.CancelCalculateOptionPrice(7)),
    "exerciseOptions": (
        (7, STOCK, 2, 3, "DU1", 1),
        wire.ExerciseOptions(7, replace(READ_STOCK, primary_exchange=""), 2, 3, "DU1", True),
    ),
    "requestFA": ((3,), wire.RequestFA(3)),
    "replaceFA": ((7, 1, "<xml/>"), wire.ReplaceFA(1, "<xml/>", 7)),
    "reqSoftDollarTiers": ((7,), wire.ReqSoftDollarTiers(7)),
    "reqFamilyCodes": ((), wire.ReqFamilyCodes()),
    "reqPositionsMulti": ((7, "DU1", "M"), wire.ReqPositionsMulti(7, "DU1", "M")),
    "cancelPositionsMulti": ((7,), wire.CancelPositionsMulti(7)),
    "reqFundamentalData": (
        (7, STOCK, "ReportSnapshot", OPTIONS),
        wire.ReqFundamentalData(
            7,
            wire.Contract(
                con_id=265598,
                symbol="AAPL",
                sec_type="STK",
                exchange="SMART",
                primary_exchange="NASDAQ",
                currency="USD",
                local_symbol="AAPL L",
            ),
            "ReportSnapshot",
            PAIRS,
        ),
    ),
    "cancelFundamentalData": ((7,), wire.CancelFundamentalData(7)),
    "reqWshMetaData": ((7,), wire.ReqWshMetaData(7)),
    "cancelWshMetaData": ((7,), wire.CancelWshMetaData(7)),
    "cancelWshEventData": ((7,), wire.CancelWshEventData(7)),
    "queryDisplayGroups": ((7,), wire.QueryDisplayGroups(7)),
    "subscribeToGroupEvents": ((7, 3), wire.SubscribeToGroupEvents(7, 3)),
    "updateDisplayGroup": ((7, "8314@SMART"), wire.UpdateDisplayGroup(7, "8314@SMART")),
    "unsubscribeFromGroupEvents": ((7,), wire.UnsubscribeFromGroupEvents(7)),
    "verifyRequest": (("a", "1"), wire.VerifyRequest("a", "1")),
    "verifyMessage": (("a",), wire.VerifyMessage("a")),
    "verifyAndAuthRequest": (("a", "1", "b"), wire.VerifyAndAuthRequest("a", "1", "b")),
    "verifyAndAuthMessage": (("a", "b"), wire.VerifyAndAuthMessage("a", "b")),
}


@pytest.mark.parametrize("method", READ)
def test_a_request_is_read_as_it_was_meant_at_every_version(method: str) -> None:
    arguments, meant = READ[method]
    for version in VERSIONS:
        assert parse_request(sent(version, method, *arguments), version) == meant


def test_all_requests_of_the_client_are_covered_here() -> None:
    methods = {
        name
        for name, function in inspect.getmembers(Client, inspect.isfunction)
        if "self.send(" in inspect.getsource(function)
    }
    assert methods == READ.keys() | {"placeOrder", "reqWshEventData"}


def test_the_time_of_a_manual_cancellation_is_read_where_the_version_has_it() -> None:
    assert parse_request(sent(176, "cancelOrder", 7, "20261120"), 176) == wire.CancelOrder(
        7, "20261120"
    )
    assert parse_request(sent(168, "cancelOrder", 7, "20261120"), 168) == wire.CancelOrder(7)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fill", [(True, False, False), (False, True, False), (False, False, True)])
def test_events_of_the_calendar_are_asked_with_the_filters_of_the_version(
    version: int, fill: tuple[bool, bool, bool]
) -> None:
    asked = WshEventData(5, "f", *fill, "20261120", "20261220", 9)
    meant = wire.ReqWshEventData(7, 5, "f", *fill, "20261120", "20261220", 9)
    if version < 173:
        meant = replace(meant, start_date="", end_date="", total_limit=None)
    if version < 171:
        meant = wire.ReqWshEventData(7, 5)
    assert parse_request(sent(version, "reqWshEventData", 7, asked), version) == meant


def test_an_event_request_without_a_contract_has_none() -> None:
    request = parse_request(sent(176, "reqWshEventData", 7, WshEventData(filter="{}")), 176)
    assert request == wire.ReqWshEventData(7, None, "{}")


def test_a_scan_without_filters_has_none() -> None:
    scan = ScannerSubscription(instrument="STK")
    request = parse_request(sent(176, "reqScannerSubscription", 7, scan, [], []), 176)
    assert request == wire.ReqScannerSubscription(7, -1, "STK")


@pytest.mark.parametrize("method", ["calculateImpliedVolatility", "calculateOptionPrice"])
@pytest.mark.parametrize("options", ["", "a=1;"])
def test_an_option_calculation_is_read_without_the_count_of_its_options_too(
    method: str, options: str
) -> None:
    # the newest official client writes the options alone
    fields = sent(176, method, 7, STOCK, 1.5, 190.25, [])
    assert fields[-2:] == ["0", ""]
    shorter = parse_request([*fields[:-2], options], 176)
    longer = parse_request([*fields[:-1], options], 176)
    assert shorter == longer
    assert getattr(shorter, "options", None) == options


def test_contract_details_by_security_id_carry_it() -> None:
    contract = ibi.Contract(
        secIdType="ISIN", secId="US0378331005", issuerId="e1", includeExpired=True
    )
    meant = wire.Contract(
        sec_id_type="ISIN", sec_id="US0378331005", issuer_id="e1", include_expired=True
    )
    fields = sent(176, "reqContractDetails", 7, contract)
    assert parse_request(fields, 176) == wire.ReqContractDetails(7, meant)


# ---- orders

COMBO = ibi.Contract(
    secType="BAG",
    symbol="AAPL",
    exchange="SMART",
    currency="USD",
    comboLegs=[
        ibi.ComboLeg(1, 2, "BUY", "SMART", 1, 2, "XX", 3),
        ibi.ComboLeg(4, 5, "SELL", "ARCA", 0, 0, "", -1),
    ],
    deltaNeutralContract=ibi.DeltaNeutralContract(8, 0.5, 190.25),
)
READ_COMBO = wire.Contract(
    symbol="AAPL",
    sec_type="BAG",
    exchange="SMART",
    currency="USD",
    combo_legs=(
        wire.ComboLeg(1, 2, "BUY", "SMART", 1, 2, "XX", 3),
        wire.ComboLeg(4, 5, "SELL", "ARCA", 0, 0, "", -1),
    ),
    delta_neutral=wire.DeltaNeutralContract(8, Decimal("0.5"), Decimal("190.25")),
)
CONDITIONS = [
    ibi.PriceCondition(1, "o", False, 190.5, 265598, "SMART", 2),
    ibi.TimeCondition(3, "a", True, "20261120 12:00:00"),
    ibi.MarginCondition(4, "a", False, 30),
    ibi.ExecutionCondition(5, "o", "STK", "SMART", "AAPL"),
    ibi.VolumeCondition(6, "a", True, 1000, 265598, "SMART"),
    ibi.PercentChangeCondition(7, "a", True, 2.5, 265598, "SMART"),
]
READ_CONDITIONS = (
    wire.PriceCondition("o", False, Decimal("190.5"), 265598, "SMART", 2),
    wire.TimeCondition("a", True, "20261120 12:00:00"),
    wire.MarginCondition("a", False, Decimal(30)),
    wire.ExecutionCondition("o", "STK", "SMART", "AAPL"),
    wire.VolumeCondition("a", True, 1000, 265598, "SMART"),
    wire.PercentChangeCondition("a", True, Decimal("2.5"), 265598, "SMART"),
)
CAMEL = {
    "limit_price": "lmtPrice",
    "stop_price": "auxPrice",
    "time_in_force": "tif",
    "limit_price_offset": "lmtPriceOffset",
    "discretionary_amount": "discretionaryAmt",
    "rule_80a": "rule80A",
    "misc_options": "orderMiscOptions",
}
APART = {  # what is not a plain value of the same name
    "algo_params",
    "combo_leg_prices",
    "compete_against_best_offset",
    "conditions",
    "order_type",
    "smart_combo_routing_params",
    "soft_dollar_tier_name",
    "soft_dollar_tier_value",
    "misc_options",
}
SINCE = {
    "duration": 158,
    "post_to_ats": 160,
    "auto_cancel_parent": 162,
    "advanced_error_override": 166,
    "manual_order_time": 169,
    "min_trade_qty": 170,
}
EVERY_FIELD = [(version, 0) for version in VERSIONS] + [(176, bit) for bit in range(1, 8)]
"""Versions, each with the bit by which flags are told apart; at the newest with all of them."""
PEGGED_ONLY = {"min_compete_size", "mid_offset_at_whole", "mid_offset_at_half"}


def distinct(kind: str, number: int, bit: int) -> Any:
    """Give a value of ``kind`` that tells the field of this number from any other.

    Two flags differ at one ``bit`` of their numbers at least.
    """
    match kind.removesuffix(" | None"):
        case "bool":
            return bool(number >> bit & 1)
        case "str":
            return f"t{number}"
        case "int":
            return number
    return number + Decimal("0.25")


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return CAMEL.get(name, first + "".join(word.capitalize() for word in rest))


def full_orders(order_type: str, bit: int) -> tuple[ibi.Order, wire.Order]:
    """Give an order with every field set, each to a value of its own, as sent and as meant."""
    order = ibi.Order(
        orderType=order_type,
        algoParams=OPTIONS,
        smartComboRoutingParams=OPTIONS,
        orderMiscOptions=OPTIONS,
        orderComboLegs=[ibi.OrderComboLeg(1.25), ibi.OrderComboLeg()],
        conditions=CONDITIONS,
        softDollarTier=SoftDollarTier("tier", "value", ""),
    )
    meant: dict[str, Any] = {}
    pairs = (wire.TagValue("a", "1"), wire.TagValue("b", "2"))
    for number, field in enumerate(dataclass_fields(wire.Order), start=11):
        if field.name in APART:
            continue
        assert hasattr(order, camel(field.name)), field.name
        value = distinct(str(field.type), number, bit)
        meant[field.name] = value
        setattr(order, camel(field.name), float(value) if isinstance(value, Decimal) else value)
    return order, wire.Order(
        order_type=order_type,
        algo_params=pairs,
        smart_combo_routing_params=pairs,
        misc_options="a=1;b=2;",
        combo_leg_prices=(Decimal("1.25"), None),
        conditions=READ_CONDITIONS,
        soft_dollar_tier_name="tier",
        soft_dollar_tier_value="value",
        **meant,
    )


def as_seen(order: wire.Order, version: int, *absent: str) -> wire.Order:
    """Give ``order`` without what its version, and ``absent``, do not have on the wire."""
    gone = {name for name, since in SINCE.items() if version < since} | set(absent)
    kept = {
        field.name: getattr(order, field.name)
        for field in dataclass_fields(order)
        if field.name not in gone
    }
    return wire.Order(**kept)


BENCHMARK_ONLY = {
    "reference_contract_id",
    "is_pegged_change_amount_decrease",
    "pegged_change_amount",
    "reference_change_amount",
    "reference_exchange_id",
}


@pytest.mark.parametrize(("version", "bit"), EVERY_FIELD)
def test_an_order_with_every_field_and_block_is_read_whole(version: int, bit: int) -> None:
    order, meant = full_orders("PEG BENCH", bit)
    request = parse_request(sent(version, "placeOrder", 7, COMBO, order), version)
    assert request == PlaceOrder(
        7, READ_COMBO, as_seen(meant, version, "min_trade_qty", *PEGGED_ONLY)
    )


@pytest.mark.parametrize(("version", "bit"), EVERY_FIELD)
def test_an_order_without_its_optional_blocks_is_read_whole(version: int, bit: int) -> None:
    order, meant = full_orders("LMT", bit)
    order.conditions, order.algoStrategy, order.hedgeType = [], "", ""
    order.deltaNeutralOrderType = ""
    order.scalePriceIncrement = ibi.util.UNSET_DOUBLE
    request = parse_request(sent(version, "placeOrder", 7, STOCK, order), version)
    absent = {
        field.name
        for field in dataclass_fields(wire.Order)
        if field.name.startswith(("delta_neutral_", "conditions", "algo_", "hedge_", "combo_"))
        or (field.name.startswith("scale_") and field.name not in SCALE_ALWAYS)
    }
    absent -= {"delta_neutral_aux_price", "algo_id"}
    absent |= {"smart_combo_routing_params", "min_trade_qty", *BENCHMARK_ONLY, *PEGGED_ONLY}
    assert request == PlaceOrder(7, READ_STOCK, as_seen(meant, version, *absent))


SCALE_ALWAYS = {"scale_init_level_size", "scale_subs_level_size", "scale_table"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("order_type", "offset", "seen"),
    [
        ("PEG BEST", 0.5, {"min_compete_size": 3, "compete_against_best_offset": Decimal("0.5")}),
        (
            "PEG BEST",
            math.inf,
            {
                "min_compete_size": 3,
                "compete_against_best_offset": Decimal("Infinity"),
                "mid_offset_at_whole": Decimal("0.25"),
                "mid_offset_at_half": Decimal("0.75"),
            },
        ),
        (
            "PEG MID",
            ibi.util.UNSET_DOUBLE,
            {"mid_offset_at_whole": Decimal("0.25"), "mid_offset_at_half": Decimal("0.75")},
        ),
    ],
)
def test_pegged_orders_carry_their_offsets_from_170_on(
    version: int, order_type: str, offset: float, seen: dict[str, Any]
) -> None:
    contract = ibi.Contract(secType="STK", symbol="AAPL", exchange="IBKRATS", currency="USD")
    order = ibi.Order(
        action="BUY",
        totalQuantity=1,
        orderType=order_type,
        minTradeQty=2,
        minCompeteSize=3,
        competeAgainstBestOffset=offset,
        midOffsetAtWhole=0.25,
        midOffsetAtHalf=0.75,
    )
    request = parse_request(sent(version, "placeOrder", 7, contract, order), version)
    assert isinstance(request, PlaceOrder)
    names = {"min_trade_qty", "compete_against_best_offset", *PEGGED_ONLY}
    expected: dict[str, Any] = dict.fromkeys(names)
    if version >= 170:
        expected |= {"min_trade_qty": 2, **seen}
    assert {name: getattr(request.order, name) for name in names} == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_a_bracket_is_read_as_it_was_made(version: int) -> None:
    legs = [
        ibi.LimitOrder("BUY", 10, 190.38, transmit=False, tif="DAY", orderRef="w1"),
        ibi.LimitOrder("SELL", 10, 193.8, parentId=7, transmit=False, tif="GTC"),
        ibi.StopOrder("SELL", 10, 188.1, parentId=7, transmit=True, tif="GTC"),
    ]
    read = [parse_request(sent(version, "placeOrder", 7, STOCK, leg), version) for leg in legs]
    orders = [request.order for request in read if isinstance(request, PlaceOrder)]
    assert [(order.limit_price, order.stop_price) for order in orders] == [
        (Decimal("190.38"), None),
        (Decimal("193.8"), None),
        (None, Decimal("188.1")),
    ]
    assert [(order.parent_id, order.transmit) for order in orders] == [
        (0, False),
        (7, False),
        (7, True),
    ]
    assert orders[0] == wire.Order(
        action="BUY",
        total_quantity=Decimal(10),
        order_type="LMT",
        limit_price=Decimal("190.38"),
        time_in_force="DAY",
        open_close="O",
        transmit=False,
        order_ref="w1",
        use_price_mgmt_algo=False,
    )


def test_the_literals_that_other_clients_write_for_unset_mean_the_same() -> None:
    fields = sent(176, "placeOrder", 7, STOCK, ibi.MarketOrder("BUY", 1))
    meant = parse_request(fields, 176)
    unset = {19: "1.7976931348623157e+308", 20: "1.7976931348623157E308", 51: "2147483647"}
    for position, text in unset.items():
        assert fields[position] == ""
        fields[position] = text
    assert parse_request(fields, 176) == meant


def test_an_order_of_a_size_that_is_no_number_is_malformed() -> None:
    fields = sent(176, "placeOrder", 7, STOCK, ibi.MarketOrder("BUY", math.nan))
    request = parse_request(fields, 176)
    assert isinstance(request, MalformedRequest)
    assert request.request_id == 7
    assert "total_quantity" in request.reason
