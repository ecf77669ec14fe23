"""What a client is told by market scanners."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.paper.wire.codecs import DECIMAL, INT, TEXT
from apps.paper.wire.layout import Field, Record, Repeat
from apps.paper.wire.parts import REQ_ID, Message, contract, message_version
from apps.paper.wire.values import Contract

__all__ = ["MESSAGES", "ScannerParameters", "ScannerResults", "ScannerRow"]


@dataclass(frozen=True, slots=True)
class ScannerParameters:
    """What scanners can be asked for."""

    xml: str


@dataclass(frozen=True, slots=True)
class ScannerRow:
    """One contract that passed; ``rank`` counts from 0.

    What the four texts mean depends on the scan; they are mostly empty.
    """

    rank: int
    contract: Contract = field(default_factory=Contract)
    market_name: str = ""
    distance: str = ""
    benchmark: str = ""
    projection: str = ""
    legs: str = ""


@dataclass(frozen=True, slots=True)
class ScannerResults:
    """All contracts that passed, best first; it comes again, whole, when the scan is refreshed."""

    req_id: int
    rows: tuple[ScannerRow, ...] = ()


_ROW = Record(
    ScannerRow,
    (
        Field("rank", INT),
        contract(
            Field("con_id", INT),
            Field("symbol", TEXT),
            Field("sec_type", TEXT),
            Field("last_trade_date", TEXT),
            Field("strike", DECIMAL),
            Field("right", TEXT),
            Field("exchange", TEXT),
            Field("currency", TEXT),
            Field("local_symbol", TEXT),
        ),
        Field("market_name", TEXT),
        contract(Field("trading_class", TEXT)),
        Field("distance", TEXT),
        Field("benchmark", TEXT),
        Field("projection", TEXT),
        Field("legs", TEXT),
    ),
)

MESSAGES = (
    Message.of(19, ScannerParameters, message_version(1), Field("xml", TEXT)),
    Message.of(20, ScannerResults, message_version(3), REQ_ID, Repeat("rows", _ROW)),
)
