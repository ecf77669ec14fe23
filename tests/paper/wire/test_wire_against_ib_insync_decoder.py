"""Every response, read by ib_insync's own decoder: field by field, and nothing left over.

ib_insync does not notice fields that are left over at the end, so each message is also given to it
without its last field, which must then be missed: what comes out is not the same any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ib_insync as ibi
import pytest
from ib_insync.decoder import Decoder
from ib_insync.objects import TickAttribBidAsk, TickAttribLast
from ib_insync.util import UNSET_DOUBLE, UNSET_INTEGER

from apps.paper import wire
from apps.paper.wire import encode, response_fields
from apps.paper.wire.framing import FrameDecoder
from apps.paper.wire.responses.encode import RESPONSE_MESSAGES
from tests.paper.wire.samples import bare_responses, sample_responses

VERSIONS = [157, *range(159, 177)]  # 158 is never negotiated
Calls = list[tuple[str, tuple[Any, ...]]]


class RecordingWrapper:
    """Keeps what the decoder calls, with all values taken apart so that they compare."""

    def __init__(self) -> None:
        self.calls: Calls = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, tuple(map(plain, arguments))))


class ErrorLog(logging.Handler):
    """Keeps the errors that the decoder swallows and logs."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}")


def plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclass_fields(value)}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def decoded(fields: list[str], version: int) -> tuple[Calls, list[str]]:
    wrapper, errors = RecordingWrapper(), ErrorLog()
    decoder: Any = Decoder(wrapper, version)  # type: ignore[arg-type] # the recorder's place
    logger = logging.getLogger("ib_insync.Decoder")
    logger.addHandler(errors)
    logger.propagate = False
    try:
        decoder.interpret(list(fields))
    finally:
        logger.removeHandler(errors)
        logger.propagate = True
    return wrapper.calls, errors.messages


def assert_read(response: Any, version: int, *meant: tuple[str, tuple[Any, ...]]) -> None:
    (fields,) = FrameDecoder().feed(encode(response, version))
    calls, errors = decoded(fields, version)
    assert errors == []
    assert calls == [(name, tuple(map(plain, arguments))) for name, arguments in meant]
    if len(fields) > 2:  # beyond the ids of message and version, which nobody reads
        assert decoded(fields[:-1], version) != (calls, errors), "its last field was left over"


STOCK = wire.Contract(
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
WITHOUT_PRIMARY: dict[str, Any] = {
    "secType": "STK",
    "conId": 265598,
    "symbol": "AAPL",
    "lastTradeDateOrContractMonth": "20261218",
    "strike": 1.5,
    "right": "C",
    "multiplier": "100",
    "exchange": "SMART",
    "currency": "USD",
    "localSymbol": "AAPL L",
    "tradingClass": "NMS",
}
WITHOUT_EXCHANGE: dict[str, Any] = {
    **{name: value for name, value in WITHOUT_PRIMARY.items() if name != "exchange"},
    "primaryExchange": "NASDAQ",
}
SCANNED: dict[str, Any] = {
    name: value for name, value in WITHOUT_PRIMARY.items() if name != "multiplier"
}
WHEN = datetime.fromtimestamp(1795185000, UTC)
BAR = wire.HistoricalBar(
    "20261120", Decimal("1.25"), 4.5, 1, Decimal("2.50"), 1200.0, Decimal("2.125"), 7
)
READ_BAR = ibi.BarData("20261120", 1.25, 4.5, 1.0, 2.5, 1200.0, 2.125, 7)  # type: ignore[arg-type] # the decoder leaves it a text

MEANT: list[tuple[Any, list[tuple[str, tuple[Any, ...]]]]] = [
    (wire.NextValidId(7), [("nextValidId", (7,))]),
    (wire.ManagedAccounts(("DU1", "DU2")), [("managedAccounts", ("DU1,DU2",))]),
    (wire.CurrentTime(1795185000), [("currentTime", (1795185000,))]),
    (wire.UserInfo(7, "brand"), [("userInfo", (7, "brand"))]),
    (
        wire.Position("DU1", STOCK, Decimal(-10), 190.25),
        [("position", ("DU1", ibi.Contract(**WITHOUT_PRIMARY), -10.0, 190.25))],
    ),
    (wire.PositionEnd(), [("positionEnd", ())]),
    (
        wire.AccountValue("NetLiquidation", "1000.50", "USD", "DU1"),
        [("updateAccountValue", ("NetLiquidation", "1000.50", "USD", "DU1"))],
    ),
    (
        wire.PortfolioValue(STOCK, 10, 190.5, 1905, Decimal("190.25"), 2.5, Decimal("-3.5"), "DU1"),
        [
            (
                "updatePortfolio",
                (
                    ibi.Contract(**WITHOUT_EXCHANGE),
                    *(10.0, 190.5, 1905.0, 190.25, 2.5, -3.5),
                    "DU1",
                ),
            )
        ],
    ),
    (wire.AccountTime("09:30"), [("updateAccountTime", ("09:30",))]),
    (wire.AccountDownloadEnd("DU1"), [("accountDownloadEnd", ("DU1",))]),
    (
        wire.AccountUpdateMulti(7, "DU1", "M", "Cash", "5", "USD"),
        [("accountUpdateMulti", (7, "DU1", "M", "Cash", "5", "USD"))],
    ),
    (wire.AccountUpdateMultiEnd(7), [("accountUpdateMultiEnd", (7,))]),
    (
        wire.AccountSummary(7, "DU1", "NetLiquidation", "5", "USD"),
        [("accountSummary", (7, "DU1", "NetLiquidation", "5", "USD"))],
    ),
    (wire.AccountSummaryEnd(7), [("accountSummaryEnd", (7,))]),
    (wire.Pnl(7, 1.5, Decimal(-2), None), [("pnl", (7, 1.5, -2.0, UNSET_DOUBLE))]),
    (
        wire.PnlSingle(7, 10, 1.5, None, Decimal("0.25"), 1905),
        [("pnlSingle", (7, 10.0, 1.5, UNSET_DOUBLE, 0.25, 1905.0))],
    ),
    (
        wire.RealTimeBar(7, 1795185000, 1.25, 4.5, Decimal(1), 2.5, 1200.0, Decimal("2.125"), 9),
        [("realtimeBar", (7, 1795185000, 1.25, 4.5, 1.0, 2.5, 1200.0, 2.125, 9))],
    ),
    (
        wire.HistoricalData(7, "20261119  00:00:00", "20261120  00:00:00", (BAR, BAR)),
        [
            ("historicalData", (7, READ_BAR)),
            ("historicalData", (7, READ_BAR)),
            ("historicalDataEnd", (7, "20261119  00:00:00", "20261120  00:00:00")),
        ],
    ),
    (wire.HistoricalData(7, "a", "b"), [("historicalDataEnd", (7, "a", "b"))]),
    (wire.HistoricalDataUpdate(7, BAR), [("historicalDataUpdate", (7, READ_BAR))]),
    (
        wire.HeadTimestamp(7, "20001122-14:30:00"),
        [("headTimestamp", (7, "20001122-14:30:00"))],
    ),
    (wire.ContractDetailsEnd(7), [("contractDetailsEnd", (7,))]),
    (
        wire.MarketRule(
            26, (wire.PriceIncrement(0, Decimal("0.0001")), wire.PriceIncrement(1, 0.01))
        ),
        [("marketRule", (26, [ibi.PriceIncrement(0.0, 0.0001), ibi.PriceIncrement(1.0, 0.01)]))],
    ),
    (
        wire.SecDefOptParams(
            7, "SMART", 416904, "SPX", "100", ("20261218", "20270115"), (5000, 5050.5)
        ),
        [
            (
                "securityDefinitionOptionParameter",
                (7, "SMART", "416904", "SPX", "100", ["20261218", "20270115"], [5000.0, 5050.5]),
            )
        ],
    ),
    (wire.SecDefOptParamsEnd(7), [("securityDefinitionOptionParameterEnd", (7,))]),
    (wire.MarketDataType(7, 3), [("marketDataType", (7, 3))]),
    (wire.TickReqParams(7, 0.01, "9c0001", 3), [("tickReqParams", (7, 0.01, "9c0001", 3))]),
    (wire.TickPrice(7, 1, Decimal("190.25"), 300, 1), [("priceSizeTick", (7, 1, 190.25, 300.0))]),
    (wire.TickSize(7, 8, Decimal(1200)), [("tickSize", (7, 8, 1200.0))]),
    (wire.TickGeneric(7, 49, 1), [("tickGeneric", (7, 49, 1.0))]),
    (wire.TickString(7, 45, "1795185000"), [("tickString", (7, 45, "1795185000"))]),
    (wire.TickSnapshotEnd(7), [("tickSnapshotEnd", (7,))]),
    (
        wire.TickTrade(7, 2, 1795185000, 190.25, 100, 2, "ARCA", "F"),
        [
            (
                "tickByTickAllLast",
                (
                    *(7, 2, 1795185000, 190.25, 100.0),
                    TickAttribLast(unreported=True),
                    *("ARCA", "F"),
                ),
            )
        ],
    ),
    (
        wire.TickBidAsk(7, 1795185000, 190.25, 190.27, 100, 200, 1),
        [
            (
                "tickByTickBidAsk",
                (
                    *(7, 1795185000, 190.25, 190.27, 100.0, 200.0),
                    TickAttribBidAsk(bidPastLow=True),
                ),
            )
        ],
    ),
    (wire.TickMidPoint(7, 1795185000, 190.26), [("tickByTickMidPoint", (7, 1795185000, 190.26))]),
    (wire.ScannerParameters("<xml/>"), [("scannerParameters", ("<xml/>",))]),
    (
        wire.ScannerResults(
            7,
            (
                wire.ScannerRow(0, STOCK, "NMS", "d", "b", "p", "l"),
                wire.ScannerRow(1, wire.Contract(con_id=8)),
            ),
        ),
        [
            (
                "scannerData",
                (
                    *(7, 0),
                    ibi.ContractDetails(contract=ibi.Contract(**SCANNED), marketName="NMS"),
                    *("d", "b", "p", "l"),
                ),
            ),
            (
                "scannerData",
                (7, 1, ibi.ContractDetails(contract=ibi.Contract(conId=8)), "", "", "", ""),
            ),
            ("scannerDataEnd", (7,)),
        ],
    ),
    (wire.ScannerResults(7), [("scannerDataEnd", (7,))]),
    (
        wire.PositionMulti(7, "DU1", STOCK, Decimal(-10), 190.25, "M"),
        [
            (
                "positionMulti",
                (7, "DU1", "M", ibi.Contract(**WITHOUT_PRIMARY), -10.0, 190.25),
            )
        ],
    ),
    (wire.PositionMultiEnd(7), [("positionMultiEnd", (7,))]),
    (
        wire.SoftDollarTiers(7, (wire.SoftDollarTier("n", "v", "d"),)),
        [("softDollarTiers", (7, [ibi.SoftDollarTier("n", "v", "d")]))],
    ),
    (wire.SoftDollarTiers(7), [("softDollarTiers", (7, []))]),
    (
        wire.FamilyCodes((wire.FamilyCode("DU1", "F1"), wire.FamilyCode("DU2", "F2"))),
        [("familyCodes", ([ibi.FamilyCode("DU1", "F1"), ibi.FamilyCode("DU2", "F2")],))],
    ),
    (wire.ReplaceFAEnd(7, "done"), [("replaceFAEnd", (7, "done"))]),
    (
        wire.MarketDepth(7, 2, 1, 0, Decimal("190.25"), 300),
        [("updateMktDepth", (7, 2, 1, 0, 190.25, 300.0))],
    ),
    (
        wire.MarketDepthL2(7, 2, "ARCA", 0, 1, 190.25, 300, True),
        [("updateMktDepthL2", (7, 2, "ARCA", 0, 1, 190.25, 300.0, True))],
    ),
    (
        wire.MarketDepthExchanges(
            (
                wire.MarketDepthExchange("ISLAND", "STK", "NASDAQ", "Deep2", 3),
                wire.MarketDepthExchange("ARCA", "STK"),
            )
        ),
        [
            (
                "mktDepthExchanges",
                (
                    [
                        ibi.DepthMktDataDescription("ISLAND", "STK", "NASDAQ", "Deep2", 3),
                        ibi.DepthMktDataDescription("ARCA", "STK", "", "Deep", 1),
                    ],
                ),
            )
        ],
    ),
    (
        wire.SmartComponents(7, (wire.SmartComponent(0, "AMEX", "A"),)),
        [("smartComponents", (7, [ibi.SmartComponent(0, "AMEX", "A")]))],
    ),
    (
        wire.HistoricalTicks(7, (wire.HistoricalTick(1795185000, 190.25, 4),), done=True),
        [("historicalTicks", (7, [ibi.HistoricalTick(WHEN, 190.25, 4.0)], True))],
    ),
    (
        wire.HistoricalTicksBidAsk(
            7, (wire.HistoricalTickBidAsk(1795185000, 190.25, 190.5, 3, 4, 1),), done=True
        ),
        [
            (
                "historicalTicksBidAsk",
                (
                    7,
                    [
                        ibi.HistoricalTickBidAsk(
                            WHEN, TickAttribBidAsk(askPastHigh=True), 190.25, 190.5, 3.0, 4.0
                        )
                    ],
                    True,
                ),
            )
        ],
    ),
    (
        wire.HistoricalTicksTrades(
            7, (wire.HistoricalTickTrade(1795185000, 190.25, 4, 2, "ARCA", "F"),), done=True
        ),
        [
            (
                "historicalTicksLast",
                (
                    7,
                    [
                        ibi.HistoricalTickLast(
                            WHEN, TickAttribLast(unreported=True), 190.25, 4.0, "ARCA", "F"
                        )
                    ],
                    True,
                ),
            )
        ],
    ),
    (wire.HistoricalTicksTrades(7, (), done=False), [("historicalTicksLast", (7, [], False))]),
    (
        wire.HistogramData(7, (wire.HistogramBucket(190.25, 4), wire.HistogramBucket(190.5, 5))),
        [("histogramData", (7, [ibi.HistogramData(190.25, 4), ibi.HistogramData(190.5, 5)]))],
    ),
    (
        wire.HistoricalSchedule(
            7, "a", "b", "US/Eastern", (wire.HistoricalSession("c", "d", "20261120"),)
        ),
        [
            (
                "historicalSchedule",
                (7, "a", "b", "US/Eastern", [ibi.HistoricalSession("c", "d", "20261120")]),
            )
        ],
    ),
    (
        wire.NewsBulletin(7, 2, "ARCA is down", "ARCA"),
        [("updateNewsBulletin", (7, 2, "ARCA is down", "ARCA"))],
    ),
    (
        wire.NewsProviders((wire.NewsProvider("BZ", "Benzinga"), wire.NewsProvider("FLY", "Fly"))),
        [
            (
                "newsProviders",
                ([ibi.NewsProvider("BZ", "Benzinga"), ibi.NewsProvider("FLY", "Fly")],),
            )
        ],
    ),
    (wire.NewsArticle(7, 1, "text"), [("newsArticle", (7, 1, "text"))]),
    (
        wire.HistoricalNews(7, "2026-11-20 14:30:00.0", "BZ", "BZ$1", "up"),
        [("historicalNews", (7, "2026-11-20 14:30:00.0", "BZ", "BZ$1", "up"))],
    ),
    (wire.HistoricalNewsEnd(7, has_more=True), [("historicalNewsEnd", (7, True))]),
    (
        wire.TickNews(7, 1795185000000, "BZ", "BZ$1", "up", "extra"),
        [("tickNews", (7, 1795185000000, "BZ", "BZ$1", "up", "extra"))],
    ),
    (
        wire.TickOptionComputation(7, 13, 1, 0.25, 0.5, 1.5, 2.5, 3.5, 4.5, Decimal("-5.5"), 190),
        [("tickOptionComputation", (7, 13, 1, 0.25, 0.5, 1.5, 2.5, 3.5, 4.5, -5.5, 190.0))],
    ),
    (
        wire.TickOptionComputation(7, 10, delta=-1),
        [
            (
                "tickOptionComputation",
                (7, 10, 0, -1.0, -1.0, -1.0, -1.0, -2.0, -2.0, -2.0, -1.0),
            )
        ],
    ),
    (
        wire.DeltaNeutralValidation(7, wire.DeltaNeutralContract(8, Decimal("0.5"), Decimal(190))),
        [("deltaNeutralValidation", (7, ibi.DeltaNeutralContract(8, 0.5, 190.0)))],
    ),
    (wire.OrderBound(99, 3, 7), [("orderBound", (99, 3, 7))]),
    (wire.OpenOrderEnd(), [("openOrderEnd", ())]),
    (wire.CompletedOrdersEnd(), [("completedOrdersEnd", ())]),
    (
        wire.OrderStatus(7, "Submitted", 4, 6, 190.25, 99, 5, Decimal("190.5"), 3, "locate", 191),
        [("orderStatus", (7, "Submitted", 4.0, 6.0, 190.25, 99, 5, 190.5, 3, "locate", 191.0))],
    ),
    (
        wire.ExecutionDetails(
            req_id=7,
            order_id=5,
            contract=STOCK,
            exec_id="0001.01",
            time="20261120 09:30:05 US/Eastern",
            account="DU1",
            exchange="ARCA",
            side="BOT",
            shares=4,
            price=Decimal("190.25"),
            perm_id=99,
            client_id=3,
            liquidation=1,
            cum_qty=8,
            avg_price=190.5,
            order_ref="ref",
            ev_rule="rule",
            ev_multiplier=2.5,
            model_code="M",
            last_liquidity=2,
        ),
        [
            (
                "execDetails",
                (
                    7,
                    ibi.Contract(**WITHOUT_PRIMARY),
                    ibi.Execution(
                        execId="0001.01",
                        time=datetime(2026, 11, 20, 14, 30, 5, tzinfo=UTC),
                        acctNumber="DU1",
                        exchange="ARCA",
                        side="BOT",
                        shares=4.0,
                        price=190.25,
                        permId=99,
                        clientId=3,
                        orderId=5,
                        liquidation=1,
                        cumQty=8.0,
                        avgPrice=190.5,
                        orderRef="ref",
                        evRule="rule",
                        evMultiplier=2.5,
                        modelCode="M",
                        lastLiquidity=2,
                    ),
                ),
            )
        ],
    ),
    (wire.ExecutionDetailsEnd(7), [("execDetailsEnd", (7,))]),
    (
        wire.CommissionReport("0001.01", Decimal("1.05"), "USD", -2.5, Decimal("0.5"), 20261120),
        [
            (
                "commissionReport",
                (ibi.CommissionReport("0001.01", 1.05, "USD", -2.5, 0.5, 20261120),),
            )
        ],
    ),
]
BY_VERSION = {  # those whose meaning depends on the version have tests of their own, below
    wire.CompletedOrder,
    wire.ContractDetails,
    wire.ErrorMessage,
    wire.OpenOrder,
    wire.SymbolSamples,
}


@pytest.mark.parametrize(
    ("response", "meant"), MEANT, ids=lambda value: getattr(type(value), "__name__", "")
)
def test_a_response_is_read_as_it_was_meant_at_every_version(
    response: Any, meant: list[tuple[str, tuple[Any, ...]]]
) -> None:
    for version in VERSIONS:
        assert_read(response, version, *meant)


def test_all_responses_are_covered_here() -> None:
    assert {type(response) for response, _ in MEANT} | BY_VERSION == RESPONSE_MESSAGES.keys()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_sample_is_read_to_its_end(version: int) -> None:
    for response in [*sample_responses(version), *bare_responses(version)]:
        fields = response_fields(response, version)
        calls, errors = decoded(fields, version)
        assert errors == []
        assert calls
        count_only = isinstance(response, wire.SecDefOptParams) and not response.strikes
        if len(fields) > 2 and not count_only:  # ib_insync skips that count unread
            assert decoded(fields[:-1], version) != (calls, errors), response


@pytest.mark.parametrize("version", VERSIONS)
def test_an_error_carries_its_json_where_the_version_has_it(version: int) -> None:
    json = "{}" if version >= 166 else ""
    assert_read(wire.ErrorMessage(7, 201, "no", "{}"), version, ("error", (7, 201, "no", json)))


@pytest.mark.parametrize("version", VERSIONS)
def test_symbol_samples_carry_description_and_issuer_from_176_on(version: int) -> None:
    samples = (
        wire.SymbolSample(265598, "AAPL", "STK", "NASDAQ", "USD", ("OPT", "CFD"), "APPLE", "e1"),
        wire.SymbolSample(1, "AAP", "STK", "NYSE", "USD", (), "ADVANCE", "e2"),
    )
    texts = [("APPLE", "e1"), ("ADVANCE", "e2")] if version >= 176 else [("", "")] * 2
    described = [
        ibi.ContractDescription(
            ibi.Contract(
                conId=sample.con_id,
                symbol=sample.symbol,
                secType="STK",
                primaryExchange=sample.primary_exchange,
                currency="USD",
                description=description,
                issuerId=issuer,
            ),
            list(sample.derivative_sec_types),
        )
        for sample, (description, issuer) in zip(samples, texts, strict=True)
    ]
    assert_read(wire.SymbolSamples(7, samples), version, ("symbolSamples", (7, described)))


@pytest.mark.parametrize("version", VERSIONS)
def test_contract_details_are_read_whole(version: int) -> None:
    details = wire.ContractDetails(
        req_id=7,
        contract=STOCK,
        market_name="NMS",
        min_tick=Decimal("0.01"),
        order_types=("LMT", "MKT"),
        valid_exchanges=("SMART", "ARCA"),
        price_magnifier=2,
        under_con_id=3,
        long_name="NESTLÉ \\ CO",
        contract_month="202612",
        industry="Technology",
        category="Computers",
        subcategory="Phones",
        time_zone_id="US/Eastern",
        trading_hours="20261120:0400-20261120:2000",
        liquid_hours="20261120:0930-20261120:1600",
        ev_rule="rule",
        ev_multiplier=4,
        sec_ids=(wire.TagValue("ISIN", "US0378331005"), wire.TagValue("X", "1")),
        agg_group=5,
        under_symbol="U",
        under_sec_type="STK",
        market_rule_ids=(26, 27),
        real_expiration_date="20261219",
        stock_type="COMMON",
        min_size=Decimal(1),
        size_increment=Decimal("0.5"),
        suggested_size_increment=100,
    )
    sizes: dict[str, Any] = {}
    if version == 163:  # IB's sizeMinTick, which ib_insync takes for something else
        sizes = {"suggestedSizeIncrement": 0.5}
    if version >= 164:
        sizes = {"minSize": 1.0, "sizeIncrement": 0.5, "suggestedSizeIncrement": 100.0}
    meant = ibi.ContractDetails(
        contract=ibi.Contract(**WITHOUT_PRIMARY, primaryExchange="NASDAQ"),
        marketName="NMS",
        minTick=0.01,
        orderTypes="LMT,MKT",
        validExchanges="SMART,ARCA",
        priceMagnifier=2,
        underConId=3,
        longName="NESTLÉ \\ CO",
        contractMonth="202612",
        industry="Technology",
        category="Computers",
        subcategory="Phones",
        timeZoneId="US/Eastern",
        tradingHours="20261120:0400-20261120:2000",
        liquidHours="20261120:0930-20261120:1600",
        evRule="rule",
        evMultiplier=4,
        secIdList=[ibi.TagValue("ISIN", "US0378331005"), ibi.TagValue("X", "1")],
        aggGroup=5,
        underSymbol="U",
        underSecType="STK",
        marketRuleIds="26,27",
        realExpirationDate="20261219",
        stockType="COMMON",
        **sizes,
    )
    assert_read(details, version, ("contractDetails", (7, meant)))


# ---- orders

CAMEL = {
    "limit_price": "lmtPrice",
    "stop_price": "auxPrice",
    "time_in_force": "tif",
    "limit_price_offset": "lmtPriceOffset",
    "discretionary_amount": "discretionaryAmt",
    "rule_80a": "rule80A",
}
NEVER_TOLD = {  # what a client may write, but is not told
    "active_start_time",
    "active_stop_time",
    "algo_id",
    "scale_table",
    "override_percentage_constraints",
    "transmit",
    "misc_options",
    "ext_operator",
    "mifid2_decision_maker",
    "mifid2_decision_algo",
    "mifid2_execution_trader",
    "mifid2_execution_algo",
    "advanced_error_override",
    "manual_order_time",
}
APART = {
    "algo_params",
    "combo_leg_prices",
    "conditions",
    "order_type",
    "smart_combo_routing_params",
    "soft_dollar_tier_name",
    "soft_dollar_tier_value",
}
PEGGED = {
    "min_trade_qty",
    "min_compete_size",
    "compete_against_best_offset",
    "mid_offset_at_whole",
    "mid_offset_at_half",
}
SINCE = {"duration": 159, "post_to_ats": 160, "auto_cancel_parent": 162}
NOT_OF_COMPLETED = {
    "auction_strategy",
    "block_order",
    "e_trade_only",
    "firm_quote_only",
    "nbbo_price_cap",
    "parent_id",
    "delta_neutral_settling_firm",
    "delta_neutral_clearing_account",
    "delta_neutral_clearing_intent",
    "delta_neutral_open_close",
    "opt_out_smart_routing",
    "what_if",
    "adjusted_order_type",
    "trigger_price",
    "adjusted_stop_price",
    "adjusted_stop_limit_price",
    "adjusted_trailing_amount",
    "adjustable_trailing_unit",
    "discretionary_up_to_limit_price",
    "use_price_mgmt_algo",
    "duration",
    "post_to_ats",
}
EVERY_FIELD = [(version, 0) for version in VERSIONS] + [(176, bit) for bit in range(1, 8)]
"""Versions, each with the bit by which flags are told apart; at the newest with all of them."""


def distinct(kind: str, number: int, bit: int = 0) -> Any:
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


FEES = ("commission", "min_commission", "max_commission")
PAIRS = (wire.TagValue("a", "1"), wire.TagValue("b", "2"))
CONDITIONS = (
    wire.PriceCondition("o", False, Decimal("190.5"), 265598, "SMART", 2),
    wire.TimeCondition("a", True, "20261120 12:00:00"),
    wire.MarginCondition("a", False, Decimal(30)),
    wire.ExecutionCondition("o", "STK", "SMART", "AAPL"),
    wire.VolumeCondition("a", True, 1000, 265598, "SMART"),
    wire.PercentChangeCondition("a", True, Decimal("2.5"), 265598, "SMART"),
)
READ_CONDITIONS = [
    ibi.PriceCondition(1, "o", False, 190.5, 265598, "SMART", 2),
    ibi.TimeCondition(3, "a", True, "20261120 12:00:00"),
    ibi.MarginCondition(4, "a", False, 30),
    ibi.ExecutionCondition(5, "o", "STK", "SMART", "AAPL"),
    ibi.VolumeCondition(6, "a", True, 1000, 265598, "SMART"),
    ibi.PercentChangeCondition(7, "a", True, 2.5, 265598, "SMART"),
]
LEGS = (wire.ComboLeg(1, 2, "BUY", "SMART", 1, 2, "XX", 3), wire.ComboLeg(4, 5, "SELL", "ARCA"))
COMBO = replace(
    STOCK,
    combo_legs_description="legs",
    combo_legs=LEGS,
    delta_neutral=wire.DeltaNeutralContract(8, Decimal("0.5"), Decimal("190.25")),
)
READ_COMBO = ibi.Contract(
    **WITHOUT_PRIMARY,
    comboLegsDescrip="legs",
    comboLegs=[
        ibi.ComboLeg(1, 2, "BUY", "SMART", 1, 2, "XX", 3),
        ibi.ComboLeg(4, 5, "SELL", "ARCA", 0, 0, "", -1),
    ],
    deltaNeutralContract=ibi.DeltaNeutralContract(8, 0.5, 190.25),
)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return CAMEL.get(name, first + "".join(word.capitalize() for word in rest))


def full_order(absent: set[str], bit: int) -> tuple[wire.Order, ibi.Order]:
    """Give an order with every field set, and what is read of it when ``absent`` is not told."""
    values: dict[str, Any] = {
        field.name: distinct(str(field.type), number, bit)
        for number, field in enumerate(dataclass_fields(wire.Order), start=11)
        if field.name not in APART
    }
    order = wire.Order(
        order_type="PEG BENCH",
        algo_params=PAIRS,
        smart_combo_routing_params=PAIRS,
        combo_leg_prices=(Decimal("1.25"), None),
        conditions=CONDITIONS,
        soft_dollar_tier_name="tier",
        soft_dollar_tier_value="value",
        **values,
    )
    told = ibi.Order(
        orderType="PEG BENCH",
        algoParams=[ibi.TagValue("a", "1"), ibi.TagValue("b", "2")],
        smartComboRoutingParams=[ibi.TagValue("a", "1"), ibi.TagValue("b", "2")],
        orderComboLegs=[ibi.OrderComboLeg(1.25), ibi.OrderComboLeg()],
        conditions=list(READ_CONDITIONS),
    )
    for name, value in values.items():
        if name not in absent | NEVER_TOLD:
            assert hasattr(told, camel(name)), name
            setattr(told, camel(name), float(value) if isinstance(value, Decimal) else value)
    return order, told


def absent_at(version: int) -> set[str]:
    gone = {name for name, since in SINCE.items() if version < since}
    return gone | (PEGGED if version < 170 else set())


@pytest.mark.parametrize(("version", "bit"), EVERY_FIELD)
def test_an_open_order_with_every_field_and_block_is_read_whole(version: int, bit: int) -> None:
    order, told = full_order(absent_at(version), bit)
    told.softDollarTier = ibi.SoftDollarTier("tier", "value", "")
    told.orderId, told.clientId, told.permId = 7, 3, 99
    amounts = {
        field.name: distinct(str(field.type), number)
        for number, field in enumerate(dataclass_fields(wire.OrderState), start=500)
    }
    read: dict[str, Any] = {camel(name): str(value) for name, value in amounts.items()}
    read |= {camel(name): float(amounts[name]) for name in FEES}
    state = ibi.OrderState(**read)
    response = wire.OpenOrder(7, 3, 99, COMBO, order, wire.OrderState(**amounts))
    assert_read(response, version, ("openOrder", (7, READ_COMBO, told, state)))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plain_open_order_is_read_with_all_else_unset(version: int) -> None:
    order = wire.Order("BUY", Decimal(10), "LMT", Decimal("190.38"), time_in_force="DAY")
    told = ibi.Order(
        orderId=7,
        clientId=3,
        permId=99,
        action="BUY",
        totalQuantity=10.0,
        orderType="LMT",
        lmtPrice=190.38,
        tif="DAY",
        openClose="",
        deltaNeutralOrderType="None",
    )
    unset = str(UNSET_DOUBLE).replace("e+", "E")
    margins: dict[str, Any] = {
        f"{kind}{when}": unset
        for kind in ("initMargin", "maintMargin", "equityWithLoan")
        for when in ("Before", "Change", "After")
    }
    state = ibi.OrderState(status="Submitted", **margins)
    response = wire.OpenOrder(7, 3, 99, STOCK, order, wire.OrderState("Submitted"))
    assert_read(response, version, ("openOrder", (7, ibi.Contract(**WITHOUT_PRIMARY), told, state)))


@pytest.mark.parametrize(("version", "bit"), EVERY_FIELD)
def test_a_completed_order_with_every_field_and_block_is_read_whole(version: int, bit: int) -> None:
    absent = NOT_OF_COMPLETED | (PEGGED if version < 170 else set())
    order, told = full_order(absent, bit)
    told.permId, told.autoCancelDate, told.filledQuantity = 99, "20261121", 4.5
    told.refFuturesConId, told.shareholder, told.parentPermId = 5, "holder", 98
    told.imbalanceOnly = told.routeMarketableToBbo = True
    response = wire.CompletedOrder(
        perm_id=99,
        contract=COMBO,
        order=order,
        status="Filled",
        filled_quantity=Decimal("4.5"),
        parent_perm_id=98,
        completed_time="20261120 09:30:05 US/Eastern",
        completed_status="Filled Size: 4",
        auto_cancel_date="20261121",
        ref_futures_con_id=5,
        shareholder="holder",
        imbalance_only=True,
        route_marketable_to_bbo=True,
    )
    state = ibi.OrderState(
        status="Filled",
        completedTime="20261120 09:30:05 US/Eastern",
        completedStatus="Filled Size: 4",
    )
    assert_read(response, version, ("completedOrder", (READ_COMBO, told, state)))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plain_completed_order_is_read_with_all_else_unset(version: int) -> None:
    response = wire.CompletedOrder(
        99, STOCK, wire.Order("SELL", Decimal(10), "MKT"), "Cancelled", Decimal(0)
    )
    told = ibi.Order(
        permId=99,
        action="SELL",
        totalQuantity=10.0,
        orderType="MKT",
        openClose="",
        deltaNeutralOrderType="None",
        filledQuantity=0.0,
    )
    assert_read(
        response,
        version,
        (
            "completedOrder",
            (ibi.Contract(**WITHOUT_PRIMARY), told, ibi.OrderState(status="Cancelled")),
        ),
    )


def test_the_fees_of_a_what_if_are_numbers_and_its_margins_numeric_texts() -> None:
    state = wire.OrderState(
        status="PreSubmitted",
        init_margin_before=Decimal(0),
        init_margin_change=Decimal("4750.00"),
        commission=Decimal("1.00"),
        commission_currency="USD",
    )
    (fields,) = FrameDecoder().feed(encode(wire.OpenOrder(7, 3, 99, state=state), 176))
    (((_, arguments),), errors) = decoded(fields, 176)
    assert errors == []
    assert (arguments[3]["initMarginBefore"], arguments[3]["initMarginChange"]) == ("0", "4750")
    assert arguments[3]["commission"] == 1.0


def test_an_integer_that_was_not_given_is_read_as_unset() -> None:
    (fields,) = FrameDecoder().feed(encode(wire.OpenOrder(7, 3, 99), 176))
    (((_, arguments),), _) = decoded(fields, 176)
    assert arguments[2]["minQty"] == arguments[2]["duration"] == UNSET_INTEGER
