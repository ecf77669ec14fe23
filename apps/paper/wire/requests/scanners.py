"""What a client asks of market scanners."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.paper.wire.codecs import BOOL, INT, OPTIONAL_DECIMAL, OPTIONAL_INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import REQ_ID, Message, message_version

__all__ = [
    "MESSAGES",
    "CancelScannerSubscription",
    "ReqScannerParameters",
    "ReqScannerSubscription",
]


@dataclass(frozen=True, slots=True)
class ReqScannerParameters:
    """The XML of what scanners can be asked for. There is no request id."""


@dataclass(frozen=True, slots=True)
class ReqScannerSubscription:
    """The contracts that pass a scan, refreshed until cancelled.

    ``number_of_rows`` of −1 leaves it to IB (50). A filter that is None or '' does not filter.
    ``filter_options`` and ``options`` are in IB's text form, ``tag=value;``.
    """

    req_id: int
    number_of_rows: int = -1
    instrument: str = ""
    location_code: str = ""
    scan_code: str = ""
    above_price: Decimal | None = None
    below_price: Decimal | None = None
    above_volume: int | None = None
    market_cap_above: Decimal | None = None
    market_cap_below: Decimal | None = None
    moody_rating_above: str = ""
    moody_rating_below: str = ""
    sp_rating_above: str = ""
    sp_rating_below: str = ""
    maturity_date_above: str = ""
    maturity_date_below: str = ""
    coupon_rate_above: Decimal | None = None
    coupon_rate_below: Decimal | None = None
    exclude_convertible: bool = False
    average_option_volume_above: int | None = None
    scanner_setting_pairs: str = ""
    stock_type_filter: str = ""
    filter_options: str = ""
    options: str = ""


@dataclass(frozen=True, slots=True)
class CancelScannerSubscription:
    """No more scans on ``req_id``."""

    req_id: int


MESSAGES = (
    Message.of(24, ReqScannerParameters, message_version(1)),
    Message.of(
        22,
        ReqScannerSubscription,
        REQ_ID,
        Field("number_of_rows", INT),
        Field("instrument", TEXT),
        Field("location_code", TEXT),
        Field("scan_code", TEXT),
        Field("above_price", OPTIONAL_DECIMAL),
        Field("below_price", OPTIONAL_DECIMAL),
        Field("above_volume", OPTIONAL_INT),
        Field("market_cap_above", OPTIONAL_DECIMAL),
        Field("market_cap_below", OPTIONAL_DECIMAL),
        Field("moody_rating_above", TEXT),
        Field("moody_rating_below", TEXT),
        Field("sp_rating_above", TEXT),
        Field("sp_rating_below", TEXT),
        Field("maturity_date_above", TEXT),
        Field("maturity_date_below", TEXT),
        Field("coupon_rate_above", OPTIONAL_DECIMAL),
        Field("coupon_rate_below", OPTIONAL_DECIMAL),
        Field("exclude_convertible", BOOL),
        Field("average_option_volume_above", OPTIONAL_INT),
        Field("scanner_setting_pairs", TEXT),
        Field("stock_type_filter", TEXT),
        Field("filter_options", TEXT),
        Field("options", TEXT),
    ),
    Message.of(23, CancelScannerSubscription, message_version(1), REQ_ID),
)
