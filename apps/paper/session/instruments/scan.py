"""A market scan: which instruments there are to scan, by what, and which of them pass.

Pure. Where the figures come from and when they are read anew is not at home here (`scanners`), nor
how scans are described to clients (`scanner_parameters`): both read these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from apps.paper.instruments.catalogue import Listing, SecType
from apps.paper.instruments.listing import venue
from apps.paper.wire import ReqScannerSubscription

__all__ = [
    "FILTERS",
    "LOCATIONS",
    "MOST_ROWS",
    "SCANS",
    "Figures",
    "Filter",
    "Location",
    "Scan",
    "filters_of",
    "passing",
]

MOST_ROWS = 50
"""IB gives no more, whatever is asked for."""

_COMMON = "COMMON"


@dataclass(frozen=True, slots=True)
class Figures:
    """One listing's day so far. Changes are in percent of the close before, or of the open.

    ``usual_volume`` is that of an average day, ``volatility`` a year's in percent.
    """

    listing: Listing
    last: float
    previous_close: float
    open: float
    high: float
    low: float
    volume: int
    usual_volume: int
    volatility: float

    @property
    def change(self) -> float:
        """The change since the close of the day before."""
        return _percent(self.last, self.previous_close)

    @property
    def change_since_open(self) -> float:
        """The change since the open."""
        return _percent(self.last, self.open)

    @property
    def gap(self) -> float:
        """What the open was away from the close before."""
        return _percent(self.open, self.previous_close)


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan: its name for people, what it ranks by (the highest first), and whom it shows.

    Only what scores above zero is shown where ``above_zero``: gainers have gained.
    """

    name: str
    score: Callable[[Figures], float]
    above_zero: bool = True


@dataclass(frozen=True, slots=True)
class Location:
    """Where to scan: its name for people, IB's type of instrument, and who belongs there."""

    name: str
    instrument: str
    holds: Callable[[Listing], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """One bound: its name for people, the figure it looks at, and whether it is the lower one."""

    name: str
    figure: Callable[[Figures], float]
    is_lower: bool

    def lets_pass(self, figures: Figures, bound: float) -> bool:
        """Tell whether a listing's figure is within the bound, which belongs to it."""
        figure = self.figure(figures)
        return figure >= bound if self.is_lower else figure <= bound


def _percent(now: float, before: float) -> float:
    return 100 * (now - before) / before if before else 0.0


SCANS: Mapping[str, Scan] = MappingProxyType(
    {
        "TOP_PERC_GAIN": Scan("Top % Gainers", lambda each: each.change),
        "TOP_PERC_LOSE": Scan("Top % Losers", lambda each: -each.change),
        "MOST_ACTIVE": Scan("Most Active", lambda each: each.volume),
        "MOST_ACTIVE_USD": Scan("Most Active ($)", lambda each: each.volume * each.last),
        "HOT_BY_VOLUME": Scan("Hot by Volume", lambda each: each.volume / each.usual_volume),
        "HOT_BY_PRICE": Scan("Hot by Price", lambda each: abs(each.change)),
        "TOP_VOLUME_RATE": Scan("Top Volume Rate", lambda each: each.volume / each.usual_volume),
        "TOP_PRICE_RANGE": Scan(
            "Top Price Range", lambda each: _percent(each.high, each.low) if each.low else 0.0
        ),
        "TOP_OPEN_PERC_GAIN": Scan("Top % Gainers Since Open", lambda each: each.change_since_open),
        "TOP_OPEN_PERC_LOSE": Scan("Top % Losers Since Open", lambda each: -each.change_since_open),
        "HIGH_OPEN_GAP": Scan("Top Close-to-Open % Gainers", lambda each: each.gap),
        "LOW_OPEN_GAP": Scan("Top Close-to-Open % Losers", lambda each: -each.gap),
        "HIGH_OPT_IMP_VOLAT": Scan("Highest Option Imp Vol", lambda each: each.volatility),
        "LOW_OPT_IMP_VOLAT": Scan(
            "Lowest Option Imp Vol", lambda each: -each.volatility, above_zero=False
        ),
    }
)
"""The scans there are, by IB's scan code."""


def _is_us_stock(listing: Listing) -> bool:
    return listing.sec_type is SecType.STOCK and listing.currency == "USD"


def _us_stocks(name: str, *exchanges: str) -> Location:
    places = {venue(exchange) for exchange in exchanges}
    return Location(
        name,
        "STK",
        lambda each: _is_us_stock(each) and (not places or venue(each.primary_exchange) in places),
    )


def _futures(name: str, *exchanges: str) -> Location:
    return Location(
        name,
        "FUT.US",
        lambda each: each.sec_type is SecType.FUTURE and each.exchange in exchanges,
    )


def _euro_stocks(name: str) -> Location:
    return Location(
        name,
        "STOCK.EU",
        lambda each: each.sec_type is SecType.STOCK and each.currency == "EUR",
    )


LOCATIONS: Mapping[str, Location] = MappingProxyType(
    {
        "STK.US": _us_stocks("US Stocks"),
        "STK.US.MAJOR": _us_stocks("Listed/NASDAQ"),
        "STK.NASDAQ": _us_stocks("NASDAQ", "NASDAQ"),
        "STK.NASDAQ.NMS": _us_stocks("NASDAQ National Market", "NASDAQ"),
        "STK.NYSE": _us_stocks("NYSE", "NYSE"),
        "STK.ARCA": _us_stocks("NYSE Arca", "ARCA"),
        "STK.AMEX": _us_stocks("NYSE American", "AMEX"),
        "FUT.US": _futures("US Futures", "CME", "NYMEX", "COMEX"),
        "FUT.GLOBEX": _futures("CME Globex", "CME"),
        "FUT.CME": _futures("CME", "CME"),
        "FUT.NYMEX": _futures("NYMEX", "NYMEX"),
        "FUT.COMEX": _futures("COMEX", "COMEX"),
        "STK.EU": _euro_stocks("European Stocks"),
        "STK.EU.IBIS": _euro_stocks("Germany (XETRA)"),
        "IND.US": Location("US Indices", "IND.US", lambda each: each.sec_type is SecType.INDEX),
    }
)
"""The places there are, by IB's location code."""

FILTERS: Mapping[str, Filter] = MappingProxyType(
    {
        "priceAbove": Filter("Price Above", lambda each: each.last, is_lower=True),
        "priceBelow": Filter("Price Below", lambda each: each.last, is_lower=False),
        "volumeAbove": Filter("Volume Above", lambda each: each.volume, is_lower=True),
        "avgVolumeAbove": Filter(
            "Average Volume Above", lambda each: each.usual_volume, is_lower=True
        ),
        "avgVolumeBelow": Filter(
            "Average Volume Below", lambda each: each.usual_volume, is_lower=False
        ),
        "changePercAbove": Filter("Change % Above", lambda each: each.change, is_lower=True),
        "changePercBelow": Filter("Change % Below", lambda each: each.change, is_lower=False),
        "changeOpenPercAbove": Filter(
            "Change Since Open % Above", lambda each: each.change_since_open, is_lower=True
        ),
        "changeOpenPercBelow": Filter(
            "Change Since Open % Below", lambda each: each.change_since_open, is_lower=False
        ),
        "openGapPercAbove": Filter("Open Gap % Above", lambda each: each.gap, is_lower=True),
        "openGapPercBelow": Filter("Open Gap % Below", lambda each: each.gap, is_lower=False),
        "impVolatAbove": Filter("Imp Vol Above", lambda each: each.volatility, is_lower=True),
        "impVolatBelow": Filter("Imp Vol Below", lambda each: each.volatility, is_lower=False),
    }
)
"""The bounds there are, by IB's tag.

What this market has no figures for (capitalisation, ratings, coupons) bounds nothing: such a
filter lets everything pass, so that the examples of any client run.
"""

_STOCK_TYPES: Mapping[str, str] = MappingProxyType(
    {"CORP": _COMMON, "STOCK": _COMMON, "ETF": "ETF"}
)
"""What stockTypeFilter asks for, in the words of contract details; others ask for all."""


def filters_of(request: ReqScannerSubscription) -> dict[str, float]:
    """Give a request's bounds by tag: those of its fields, and those of its filter options.

    Raises ValueError naming the tag whose bound is no number.
    """
    bounds = {
        "priceAbove": request.above_price,
        "priceBelow": request.below_price,
        "volumeAbove": request.above_volume,
    }
    found = {tag: float(bound) for tag, bound in bounds.items() if bound is not None}
    for pair in request.filter_options.split(";"):
        tag, _, bound = pair.partition("=")
        if tag.strip() in FILTERS:
            try:
                found[tag.strip()] = float(bound)
            except ValueError as error:
                raise ValueError(f"{tag.strip()} must be a number, not '{bound}'") from error
    return found


def passing(
    scan: Scan, candidates: Iterable[Figures], bounds: Mapping[str, float], stock_type: str
) -> Sequence[Listing]:
    """Give the listings that pass, the best first; of equals the one with the lower id."""
    wanted = _STOCK_TYPES.get(stock_type.upper(), "")
    scored = [
        (-scan.score(each), each.listing.con_id, each.listing)
        for each in candidates
        if (scan.score(each) > 0 or not scan.above_zero)
        and wanted in {"", each.listing.stock_type}
        and all(FILTERS[tag].lets_pass(each, bound) for tag, bound in bounds.items())
    ]
    return [listing for _, _, listing in sorted(scored, key=lambda entry: entry[:2])]
