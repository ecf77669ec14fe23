"""Every request that IB has a number for meets something other than silence."""

from decimal import Decimal
from typing import Any

import pytest

from apps.paper import wire
from apps.paper.wire.requests.names import REQUEST_NAMES
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from tests.paper.session.asking import Asking, codes
from tests.paper.session.hub_side import AAPL, an_order

CALL = wire.Contract(
    symbol="SPY", sec_type="OPT", last_trade_date="20261218", strike=Decimal(700), right="C"
)
ACCOUNT = "DU1234567"
REQ = 7

START_API = 71
"""It makes the session; what it is answered with stands in `test_gateway`."""

ASKED: dict[int, Any] = {
    1: wire.ReqMarketData(REQ, AAPL),
    2: wire.CancelMarketData(REQ),
    3: an_order(REQ),
    4: wire.CancelOrder(REQ),
    5: wire.ReqOpenOrders(),
    6: wire.ReqAccountUpdates(True, ACCOUNT),
    7: wire.ReqExecutions(REQ),
    8: wire.ReqIds(),
    9: wire.ReqContractDetails(REQ, AAPL),
    10: wire.ReqMarketDepth(REQ, AAPL),
    11: wire.CancelMarketDepth(REQ),
    12: wire.ReqNewsBulletins(all_messages=True),
    13: wire.CancelNewsBulletins(),
    14: wire.SetServerLogLevel(5),
    15: wire.ReqAutoOpenOrders(True),
    16: wire.ReqAllOpenOrders(),
    17: wire.ReqManagedAccounts(),
    18: wire.RequestFA(1),
    19: wire.ReplaceFA(1, "<a/>", REQ),
    20: wire.ReqHistoricalData(REQ, AAPL, bar_size="1 min", duration="1800 S"),
    21: wire.ExerciseOptions(REQ, CALL, 1, 1, ACCOUNT),
    22: wire.ReqScannerSubscription(
        REQ, instrument="STK", location_code="STK.US.MAJOR", scan_code="MOST_ACTIVE"
    ),
    23: wire.CancelScannerSubscription(REQ),
    24: wire.ReqScannerParameters(),
    25: wire.CancelHistoricalData(REQ),
    49: wire.ReqCurrentTime(),
    50: wire.ReqRealTimeBars(REQ, AAPL),
    51: wire.CancelRealTimeBars(REQ),
    52: wire.ReqFundamentalData(REQ, AAPL, "ReportSnapshot"),
    53: wire.CancelFundamentalData(REQ),
    54: wire.CalculateImpliedVolatility(REQ, CALL, Decimal(12), Decimal(700)),
    55: wire.CalculateOptionPrice(REQ, CALL, Decimal("0.2"), Decimal(700)),
    56: wire.CancelCalculateImpliedVolatility(REQ),
    57: wire.CancelCalculateOptionPrice(REQ),
    58: wire.ReqGlobalCancel(),
    59: wire.ReqMarketDataType(3),
    61: wire.ReqPositions(),
    62: wire.ReqAccountSummary(REQ, "All", ("NetLiquidation",)),
    63: wire.CancelAccountSummary(REQ),
    64: wire.CancelPositions(),
    65: wire.VerifyRequest("a program", "1"),
    66: wire.VerifyMessage("answer"),
    67: wire.QueryDisplayGroups(REQ),
    68: wire.SubscribeToGroupEvents(REQ, 1),
    69: wire.UpdateDisplayGroup(REQ, "8314@SMART"),
    70: wire.UnsubscribeFromGroupEvents(REQ),
    72: wire.VerifyAndAuthRequest("a program", "1", "key"),
    73: wire.VerifyAndAuthMessage("answer", "answer"),
    74: wire.ReqPositionsMulti(REQ, ACCOUNT),
    75: wire.CancelPositionsMulti(REQ),
    76: wire.ReqAccountUpdatesMulti(REQ, ACCOUNT),
    77: wire.CancelAccountUpdatesMulti(REQ),
    78: wire.ReqSecDefOptParams(REQ, "SPX", "", "IND", 416904),
    79: wire.ReqSoftDollarTiers(REQ),
    80: wire.ReqFamilyCodes(),
    81: wire.ReqMatchingSymbols(REQ, "intc"),
    82: wire.ReqMarketDepthExchanges(),
    83: wire.ReqSmartComponents(REQ, "9c0001"),
    84: wire.ReqNewsArticle(REQ, "BZ", "BZ$1"),
    85: wire.ReqNewsProviders(),
    86: wire.ReqHistoricalNews(REQ, 265598, "BZ"),
    87: wire.ReqHeadTimestamp(REQ, AAPL),
    88: wire.ReqHistogramData(REQ, AAPL, True, "3 days"),
    89: wire.CancelHistogramData(REQ),
    90: wire.CancelHeadTimestamp(REQ),
    91: wire.ReqMarketRule(26),
    92: wire.ReqPnl(REQ, ACCOUNT),
    93: wire.CancelPnl(REQ),
    94: wire.ReqPnlSingle(REQ, ACCOUNT, "", 265598),
    95: wire.CancelPnlSingle(REQ),
    96: wire.ReqHistoricalTicks(REQ, AAPL, "20261118 16:00:00 US/Eastern", "", 5),
    97: wire.ReqTickByTick(REQ, AAPL, "Last"),
    98: wire.CancelTickByTick(REQ),
    99: wire.ReqCompletedOrders(),
    100: wire.ReqWshMetaData(REQ),
    101: wire.CancelWshMetaData(REQ),
    102: wire.ReqWshEventData(REQ, 265598),
    103: wire.CancelWshEventData(REQ),
    104: wire.ReqUserInfo(REQ),
}

CANCELS = {2, 11, 13, 23, 25, 51, 53, 56, 57, 63, 64, 70, 75, 77, 89, 90, 93, 95, 98, 101, 103}
"""IB answers some of them with an error, and most with nothing."""

LATER = {
    12: "bulletins come when there are some",
    14: "a setting",
    50: "the first bar is complete after five seconds",
    58: "there is nothing to cancel",
    59: "a setting; the type comes with the data",
    94: "IB says nothing of a contract that is not held",
    97: "ticks come when there are some",
}


def test_table_has_every_request_under_its_number() -> None:
    assert ASKED.keys() | {START_API} == REQUEST_NAMES.keys() == REQUEST_MESSAGES.keys()
    for number, request in ASKED.items():
        assert REQUEST_MESSAGES[number].record.shape is type(request)


@pytest.mark.parametrize("number", ASKED, ids=lambda number: REQUEST_NAMES[number])
def test_request_is_answered(number: int) -> None:
    said = Asking().ask(ASKED[number])
    if number in CANCELS or number in LATER:
        assert len(said) <= 1
    else:
        assert said
    texts = [each.message for each in said if isinstance(each, wire.ErrorMessage)]
    assert not any("is not simulated" in text for text in texts)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (18, 321),
        (19, 321),
        (21, 322),
        (52, 430),
        (65, 544),
        (66, 10095),
        (67, 321),
        (68, 321),
        (69, 321),
        (72, 551),
        (73, 10095),
        (84, 10172),
        (100, 10276),
        (102, 10276),
    ],
)
def test_what_there_is_not_is_refused_with_ibs_code(number: int, code: int) -> None:
    request = ASKED[number]
    [error] = Asking().ask(request)
    assert (error.req_id, error.code) == (getattr(request, "req_id", -1), code)


def test_fundamentals_of_nothing_are_no_definition() -> None:
    request = wire.ReqFundamentalData(REQ, wire.Contract(symbol="XXX", sec_type="STK"), "Report")
    assert codes(Asking().ask(request)) == [200]
