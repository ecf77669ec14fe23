"""Whether what clients read of the golden vectors is what was meant, field by field.

A field is found under IB's name for it, which each library has in its own fashion; the tables
below say where that is not ours. A client agrees when the text that was meant stands under one of
the names. It drops a field when there is no such name, or it holds what a new object holds;
anything else is a disagreement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.canonical import UNSET
from tests.conformance.vector_reading import Reading, plain

__all__ = ["Agreement", "Agreements", "agreements", "disagreements", "unconfirmed"]

_OTHER_NAMES = {
    "account": ("accountname", "acctnumber", "accountid"),
    "accounts": ("accountslist",),
    "advanced_reject_json": ("advancedorderrejectjson",),
    "ask": ("askprice", "priceask"),
    "ask_size": ("sizeask",),
    "bid": ("bidprice", "pricebid"),
    "bid_size": ("sizebid",),
    "client_id": ("apiclientid",),
    "code": ("errorcode", "providercode"),
    "combo_leg_prices": ("price",),
    "combo_legs_description": ("combolegsdescrip",),
    "commission": ("commissionandfees",),
    "count": ("barcount",),
    "daily": ("dailypnl",),
    "discretionary_amount": ("discretionaryamt",),
    "exchange": ("exch", "origexchange", "originexch"),
    "extra": ("extradata",),
    "family_code": ("familycodestr",),
    "implied_volatility": ("impliedvol",),
    "key": ("tag",),
    "last_trade_date": ("lasttradedateorcontractmonth",),
    "legs": ("legsstr",),
    "limit_price": ("lmtprice",),
    "limit_price_offset": ("lmtpriceoffset",),
    "listing_exchange": ("listingexch",),
    "market_cap_price": ("mktcapprice",),
    "market_data_type": ("marketdataid",),
    "message": ("errorstring",),
    "message_id": ("msgid",),
    "message_type": ("msgtype",),
    "option_price": ("optprice",),
    "order_id": ("apiorderid",),
    "perm_id": ("reqid",),
    "position": ("pos", "possize"),
    "realized": ("realizedpnl",),
    "req_id": ("requestid", "tickerid"),
    "service": ("servicedatatype",),
    "size": ("count",),
    "soft_dollar_tier_name": ("name",),
    "soft_dollar_tier_value": ("val",),
    "stop_price": ("auxprice",),
    "text": ("articletext", "message", "newsmessage"),
    "time": ("timestamp",),
    "time_in_force": ("tif",),
    "timestamp": ("headtimestamp",),
    "under_con_id": ("underlyingconid",),
    "under_price": ("undprice",),
    "unrealized": ("unrealizedpnl",),
    "value": ("val",),
    "wap": ("average",),
    "attributes": ("tickattrib",),
}
"""Names that libraries have for ours, besides our own without its underscores."""

_OTHER_NAMES_IN = {("NextValidId", "order_id"): ("reqid", "orderid")}

_FLAGS = {
    "TickPrice": ("canautoexecute", "pastlimit", "preopen"),
    "TickTrade": ("pastlimit", "unreported"),
    "HistoricalTicksTrades": ("pastlimit", "unreported"),
    "TickBidAsk": ("bidpastlow", "askpasthigh"),
    "HistoricalTicksBidAsk": ("bidpastlow", "askpasthigh"),
}
"""The bits of a message's attributes, lowest first, by the names that clients have for them."""

_OF_NEW_OBJECTS = frozenset({UNSET, "0", "1", "-1"})

_ENOUGH = 2

Way = Mapping[str, str]
"""Keys of a reading, and the text under each: what a field looks like that was read."""


@dataclass(slots=True)
class Agreement:
    """How one library reads one type of message. ``wrong`` says what stood there instead."""

    read: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    wrong: dict[str, str] = field(default_factory=dict)


Agreements = Mapping[str, Mapping[str, Agreement]]
"""By library, by type of message."""


def agreements(
    vectors: Sequence[Mapping[str, Any]], readings: Sequence[Reading | None]
) -> dict[str, Agreement]:
    """Compare all of a library's readings; give the outcome by type of message.

    A type of which it reads nothing at all is not there.
    """
    found: dict[str, Agreement] = {}
    for vector, reading in zip(vectors, readings, strict=True):
        if reading:
            agreement = found.setdefault(vector["message"], Agreement())
            if "failed" in reading:
                agreement.wrong["*"] = reading["failed"][0]
                continue
            for path, text in vector["meant"].items():
                _compare(vector["message"], path, text, reading, agreement)
    for agreement in found.values():
        agreement.dropped -= agreement.read
    return found


def disagreements(found: Agreements) -> list[str]:
    """Say where a library reads something else than was meant."""
    return [
        f"{library}: {message}.{name}: {what}"
        for library, by_message in found.items()
        for message, agreement in by_message.items()
        for name, what in agreement.wrong.items()
    ]


def unconfirmed(found: Agreements) -> list[str]:
    """Say which fields fewer than two libraries read as they were meant."""
    readers: Counter[tuple[str, str]] = Counter()
    for by_message in found.values():
        for message, agreement in by_message.items():
            readers.update((message, name) for name in agreement.read)
            readers.update(dict.fromkeys(((message, name) for name in agreement.dropped), 0))
    return [
        f"{message}.{name}: {number} of the libraries read it"
        for (message, name), number in readers.items()
        if number < _ENOUGH
    ]


def _compare(message: str, path: str, text: str, reading: Reading, agreement: Agreement) -> None:
    name, last, numbers = _taken_apart(path)
    ways = [*_ways(message, last, numbers, text)]
    if any(all(one in reading.get(key, []) for key, one in way.items()) for way in ways):
        agreement.read.add(name)
        return
    instead = {key: reading[key] for way in ways for key in way if key in reading}
    if all(one in _OF_NEW_OBJECTS for texts in instead.values() for one in texts):
        agreement.dropped.add(name)
    else:
        agreement.wrong[name] = f"{text} was meant, {instead} was read"


def _ways(message: str, name: str, numbers: str, text: str) -> Iterator[Way]:
    """Give in which ways a library may have a field."""
    other = _OTHER_NAMES_IN.get((message, name), (plain(name), *_OTHER_NAMES.get(name, ())))
    yield from ({f"{one}{numbers}": text} for one in other)
    if name == "conjunction":
        yield {f"isconjunctionconnection{numbers}": "1" if text == "a" else "0"}
    if name == "attributes" and message in _FLAGS:
        bits = enumerate(_FLAGS[message])
        yield {f"{flag}{numbers}": str(int(text) >> bit & 1) for bit, flag in bits}


def _taken_apart(path: str) -> tuple[str, str, str]:
    """Give a path without its numbers, its last name, and its numbers.

    >>> _taken_apart("contract.combo_legs[1].con_id")
    ('contract.combo_legs.con_id', 'con_id', '[1]')
    """
    parts = [part.partition("[") for part in path.split(".")]
    names = [name for name, _, _ in parts]
    return ".".join(names), names[-1], "".join(f"[{number}" for _, _, number in parts if number)
