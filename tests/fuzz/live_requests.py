"""Requests that mean something to a running gateway: real contracts, real accounts, real prices.

The samples of the codec carry a value of their own in every field, and so hardly get beyond it.
What is damaged only here and there of these goes as deep as the exchange, and some of it trades.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

from apps.paper import wire
from apps.paper.wire import ComboLeg, Contract, Order, PlaceOrder, Request, TagValue

__all__ = ["ACCOUNT", "live_order", "live_requests"]

ACCOUNT = "DU1"
"""The account that hostile clients trade in; the samples of plain orders name it too."""

_REQ = 7
_AAPL = Contract(265598, "AAPL", "STK", exchange="SMART", currency="USD")
_MSFT = Contract(272093, "MSFT", "STK", exchange="SMART", currency="USD")
_EURUSD = Contract(symbol="EUR", sec_type="CASH", exchange="IDEALPRO", currency="USD")
_USDJPY = Contract(symbol="USD", sec_type="CASH", exchange="IDEALPRO", currency="JPY")
_SPX = Contract(symbol="SPX", sec_type="IND", exchange="CBOE", currency="USD")
_FUTURE = Contract(
    symbol="ES", sec_type="FUT", last_trade_date="202612", exchange="CME", currency="USD"
)
_CALL = Contract(
    symbol="SPY",
    sec_type="OPT",
    last_trade_date="20261218",
    strike=Decimal(700),
    right="C",
    exchange="SMART",
    currency="USD",
)
_PAIR = Contract(
    symbol="AAPL,MSFT",
    sec_type="BAG",
    exchange="SMART",
    currency="USD",
    combo_legs=(ComboLeg(265598, 1, "BUY", "SMART"), ComboLeg(272093, 1, "SELL", "SMART")),
)
_CONTRACTS = (_AAPL, _AAPL, _MSFT, _EURUSD, _USDJPY, _SPX, _FUTURE, _CALL, _PAIR)
_PAST, _SOON = "20261118 16:00:00 US/Eastern", "20261119 10:20:00 US/Eastern"

_ORDER_TYPES = (
    *("MKT", "MKT", "LMT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MIT", "LIT", "MOC"),
    *("LOC", "MTL", "REL", "MIDPRICE", "PEG MID", "PEG BENCH", "VOL"),
)
_TIFS = ("DAY", "DAY", "DAY", "GTC", "IOC", "FOK", "OPG", "GTD")
_QUANTITIES = (1, 10, 100, 100, 5_000, 20_000, 1_000_000)
_PRICES = ("0.01", "1", "1.15", "150.25", "200", "420.5", "690", "6900", "100000")
_SIDES = ("BUY", "SELL")
_CONDITIONS: tuple[wire.Condition, ...] = (
    wire.PriceCondition("a", True, Decimal(1), 265598, "SMART", 0),
    wire.PriceCondition("o", False, Decimal(1), 272093, "SMART", 2),
    wire.TimeCondition("a", True, _PAST),
    wire.TimeCondition("a", False, _SOON),
    wire.MarginCondition("a", True, Decimal(1)),
    wire.ExecutionCondition("o", "STK", "SMART", "AAPL"),
    wire.VolumeCondition("a", True, 1, 265598, "SMART"),
    wire.PercentChangeCondition("a", True, Decimal(-90), 265598, "SMART"),
)
_EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"outside_rth": True},
    {"what_if": True},
    {"all_or_none": True},
    {"transmit": False},
    {"algo_strategy": "Adaptive", "algo_params": (TagValue("adaptivePriority", "Normal"),)},
    {"good_after_time": _SOON},
    {"display_size": 100},
    {"min_qty": 50},
    {"cash_qty": Decimal(1000)},
    {"discretionary_amount": Decimal("0.05")},
    {"hedge_type": "D"},
    {"scale_init_level_size": 10, "scale_price_increment": Decimal("0.1")},
    {
        "adjusted_order_type": "TRAIL",
        "trigger_price": Decimal(300),
        "adjusted_stop_price": Decimal(250),
        "adjusted_trailing_amount": Decimal(1),
    },
)


def live_order(random: Random, first_id: int, number: int) -> PlaceOrder:
    """Give an order, the ``number``-th of a client whose ids begin with ``first_id``.

    It may be a child of an earlier one, join a group, or be a change of an earlier one.
    """
    kind, price = random.choice(_ORDER_TYPES), Decimal(random.choice(_PRICES))
    order = Order(
        action=random.choice(_SIDES),
        total_quantity=Decimal(random.choice(_QUANTITIES)),
        order_type=kind,
        limit_price=price if "LMT" in kind or kind in {"LIT", "LOC", "REL"} else None,
        stop_price=_waiting_price(random, kind),
        time_in_force=random.choice(_TIFS),
        good_till_date=_SOON,
        account=ACCOUNT,
        oca_group=random.choice(("", "", "", "", "one", "two")),
        oca_type=random.randint(0, 3),
        parent_id=first_id + random.randint(0, number) if random.random() < 0.2 else 0,
        conditions=_some_conditions(random),
    )
    if kind.startswith("TRAIL"):
        order = replace(order, trail_stop_price=price, limit_price_offset=Decimal("0.1"))
    is_change = random.random() < 0.15
    return PlaceOrder(
        first_id + (random.randint(0, number) if is_change else number),
        random.choice(_CONTRACTS),
        replace(order, **random.choice(_EXTRAS)),
    )


def _waiting_price(random: Random, kind: str) -> Decimal | None:
    if kind.startswith("TRAIL"):
        return Decimal("0.5")
    has_one = "STP" in kind or kind in {"MIT", "LIT", "REL"}
    return Decimal(random.choice(_PRICES)) if has_one else None


def _some_conditions(random: Random) -> tuple[wire.Condition, ...]:
    if random.random() > 0.15:
        return ()
    return tuple(random.choice(_CONDITIONS) for _ in range(random.randint(1, 3)))


def live_requests() -> list[Request]:
    """Give one or more of every request but placeOrder and startApi, each of which is answered."""
    return [*_of_markets(), *_of_history(), *_of_accounts(), *_of_reference(), *_OTHERS]


def _of_markets() -> list[Request]:
    found: list[Request] = []
    for contract in _CONTRACTS:
        found += [
            wire.ReqMarketData(_REQ, contract),
            wire.ReqMarketData(_REQ, contract, ("233", "236", "165"), snapshot=True),
            wire.ReqRealTimeBars(_REQ, contract),
            wire.ReqMarketDepth(_REQ, contract, 5),
            wire.ReqTickByTick(_REQ, contract, "BidAsk"),
            wire.ReqContractDetails(_REQ, contract),
        ]
    for asked in ("Last", "AllLast", "MidPoint"):
        found.append(wire.ReqTickByTick(_REQ, _AAPL, asked, 10))
    for what in ("MIDPOINT", "BID", "ASK"):
        found.append(wire.ReqRealTimeBars(_REQ, _EURUSD, 5, what))
    return [
        *found,
        wire.CancelMarketData(_REQ),
        wire.CancelMarketDepth(_REQ),
        wire.CancelRealTimeBars(_REQ),
        wire.CancelTickByTick(_REQ),
        wire.ReqMarketDataType(3),
        wire.ReqScannerSubscription(
            _REQ, 10, instrument="STK", location_code="STK.US.MAJOR", scan_code="MOST_ACTIVE"
        ),
        wire.CancelScannerSubscription(_REQ),
        wire.CalculateImpliedVolatility(_REQ, _CALL, Decimal(12), Decimal(700)),
        wire.CalculateOptionPrice(_REQ, _CALL, Decimal("0.2"), Decimal(700)),
    ]


def _of_history() -> list[Request]:
    def bars(size: str, duration: str, **other: Any) -> Request:
        return wire.ReqHistoricalData(_REQ, _AAPL, bar_size=size, duration=duration, **other)

    return [
        bars("5 secs", "120 S"),
        bars("1 min", "1800 S", keep_up_to_date=True),
        bars("1 hour", "2 D", what_to_show="MIDPOINT", use_rth=True, format_date=2),
        bars("1 day", "1 M", end_date_time=_PAST),
        bars("1 day", "5 D", what_to_show="SCHEDULE"),
        wire.CancelHistoricalData(_REQ),
        wire.ReqHeadTimestamp(_REQ, _AAPL),
        wire.CancelHeadTimestamp(_REQ),
        wire.ReqHistogramData(_REQ, _AAPL, True, "1 hour"),
        wire.CancelHistogramData(_REQ),
        wire.ReqHistoricalTicks(_REQ, _AAPL, _PAST, "", 5),
        wire.ReqHistoricalTicks(_REQ, _EURUSD, "", _PAST, 5, "BID_ASK"),
        wire.ReqHistoricalNews(_REQ, 265598, "BZ"),
    ]


def _of_accounts() -> list[Request]:
    return [
        wire.ReqAccountUpdates(True, ACCOUNT),
        wire.ReqAccountUpdates(False, ACCOUNT),
        wire.ReqAccountUpdatesMulti(_REQ, ACCOUNT),
        wire.CancelAccountUpdatesMulti(_REQ),
        wire.ReqAccountSummary(_REQ, "All", ("NetLiquidation", "$LEDGER:ALL")),
        wire.CancelAccountSummary(_REQ),
        wire.ReqPositions(),
        wire.CancelPositions(),
        wire.ReqPositionsMulti(_REQ, ACCOUNT),
        wire.CancelPositionsMulti(_REQ),
        wire.ReqPnl(_REQ, ACCOUNT),
        wire.CancelPnl(_REQ),
        wire.ReqPnlSingle(_REQ, ACCOUNT, "", 265598),
        wire.CancelPnlSingle(_REQ),
        wire.ReqOpenOrders(),
        wire.ReqAllOpenOrders(),
        wire.ReqAutoOpenOrders(True),
        wire.ReqCompletedOrders(),
        wire.ReqExecutions(_REQ),
        wire.ReqExecutions(_REQ, time=_PAST, symbol="AAPL", side="BUY"),
        wire.CancelOrder(_REQ),
        wire.ReqGlobalCancel(),
        wire.ExerciseOptions(_REQ, _CALL, 1, 1, ACCOUNT),
    ]


def _of_reference() -> list[Request]:
    return [
        wire.ReqContractDetails(_REQ, replace(_CALL, strike=Decimal(0), right="")),
        wire.ReqContractDetails(_REQ, Contract(symbol="ES", sec_type="FUT")),
        wire.ReqSecDefOptParams(_REQ, "SPX", "", "IND", 416904),
        wire.ReqMatchingSymbols(_REQ, "intc"),
        wire.ReqMarketRule(26),
        wire.ReqMarketDepthExchanges(),
        wire.ReqSmartComponents(_REQ, "9c0001"),
        wire.ReqScannerParameters(),
        wire.ReqNewsProviders(),
        wire.ReqNewsArticle(_REQ, "BZ", "BZ$1"),
    ]


_OTHERS: tuple[Request, ...] = (
    wire.ReqCurrentTime(),
    wire.ReqIds(),
    wire.ReqManagedAccounts(),
    wire.ReqUserInfo(_REQ),
    wire.SetServerLogLevel(5),
    wire.ReqNewsBulletins(all_messages=True),
    wire.CancelNewsBulletins(),
    wire.RequestFA(1),
    wire.ReplaceFA(1, "<a/>", _REQ),
    wire.ReqFundamentalData(_REQ, _AAPL, "ReportSnapshot"),
    wire.CancelFundamentalData(_REQ),
    wire.CancelCalculateImpliedVolatility(_REQ),
    wire.CancelCalculateOptionPrice(_REQ),
    wire.VerifyRequest("a program", "1"),
    wire.VerifyMessage("answer"),
    wire.VerifyAndAuthRequest("a program", "1", "key"),
    wire.VerifyAndAuthMessage("answer", "answer"),
    wire.QueryDisplayGroups(_REQ),
    wire.SubscribeToGroupEvents(_REQ, 1),
    wire.UpdateDisplayGroup(_REQ, "8314@SMART"),
    wire.UnsubscribeFromGroupEvents(_REQ),
    wire.ReqSoftDollarTiers(_REQ),
    wire.ReqFamilyCodes(),
    wire.ReqWshMetaData(_REQ),
    wire.CancelWshMetaData(_REQ),
    wire.ReqWshEventData(_REQ, 265598),
    wire.CancelWshEventData(_REQ),
)
