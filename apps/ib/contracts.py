"""Instruments: from what the trader types to the one contract that IB means by it.

At home here: which kinds a symbol may name and in what order they are tried, ambiguity, market
rules (asked once each). How IB's description becomes an `Instrument` stands in `translate`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from apps.domain.errors import AmbiguousSymbol, BrokerError, InvalidInput, NotFound
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.sessions import TradingHours
from apps.domain.ticks import TickRule
from apps.ib.connection import IBConnection
from apps.ib.reports import Reporter
from apps.ib.translate import exact, hours_from, instrument_from, tick_rule_from

if TYPE_CHECKING:
    from ib_insync import contract as ibc

__all__ = ["Contracts", "candidates"]

_NO_SUCH_CONTRACT = 200
_PAIR = re.compile(r"([A-Z]{3})\.?([A-Z]{3})")
_SYMBOL = re.compile(r"[A-Z0-9]+(?:[ .][A-Z0-9]+)?")
_LISTING = re.compile(r"[A-Z]+")
# the currencies that IB trades against each other; six letters made of two of them are a pair
_CURRENCIES = {
    *("AED", "AUD", "BRL", "CAD", "CHF", "CNH", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS"),
    *("JPY", "KRW", "MXN", "NOK", "NZD", "PLN", "SAR", "SEK", "SGD", "TRY", "TWD", "USD", "ZAR"),
}


def candidates(symbol: str) -> Iterator[dict[str, str]]:
    """Give the contracts that ``symbol`` may mean, as fields, the likeliest first.

    Raises InvalidInput for what cannot be a symbol.

    >>> [fields["secType"] for fields in candidates("spx")]
    ['STK', 'IND', 'FUT']
    >>> next(candidates("EURUSD"))["exchange"]
    'IDEALPRO'
    """
    name, at, listing = symbol.strip().upper().partition("@")
    if not _SYMBOL.fullmatch(name) or (at and not _LISTING.fullmatch(listing)):
        raise InvalidInput(f"{symbol!r} is not a symbol. Write AAPL, AAPL@NASDAQ, EUR.USD or SPX.")
    pair = _PAIR.fullmatch(name)
    if pair and not listing and _CURRENCIES.issuperset(pair.groups()):
        return iter([_fields("CASH", symbol=pair[1], currency=pair[2], exchange="IDEALPRO")])
    # classes of shares are written with a blank at IB: BRK B
    stock = _fields("STK", symbol=name.replace(".", " "), currency="USD", exchange="SMART")
    if listing:
        return iter([{**stock, "primaryExchange": listing}])
    index = _fields("IND", symbol=name, currency="USD", exchange="")
    future = _fields("FUT", localSymbol=name, currency="USD", exchange="")
    return iter([stock, index, future])


def _fields(kind: str, **fields: str) -> dict[str, str]:
    return {"secType": kind, **fields}


class Contracts:
    """Qualifies symbols, and keeps the contract behind each instrument."""

    def __init__(self, connection: IBConnection, reporter: Reporter) -> None:
        self._connection = connection
        self._reporter = reporter
        self._rules: dict[int, TickRule] = {}
        self._contracts: dict[int, ibc.Contract] = {}
        self._hours: dict[int, TradingHours] = {}

    async def qualify(self, symbol: str) -> Instrument:
        """Give the one instrument for ``symbol``; see `MarketData.qualify`."""
        for fields in candidates(symbol):
            found = await self._details(symbol, fields)
            if len({details.contract.conId for details in found if details.contract}) > 1:
                raise _ambiguous(symbol, found)
            if found:
                return await self._instrument(found[0])
        raise NotFound(f"IB knows no {symbol.strip().upper()}. Check the symbol.")

    def contract_for(self, instrument: Instrument) -> ibc.Contract:
        """Give the contract for ``instrument``, without asking."""
        contract = self._contracts.get(instrument.con_id)
        if contract is None:
            contract = self._contract(
                conId=instrument.con_id,
                symbol=instrument.symbol if instrument.kind is InstrumentKind.STOCK else "",
                secType=instrument.kind.value,
                exchange=instrument.exchange,
                primaryExchange=instrument.primary_exchange,
                currency=instrument.currency,
            )
            self._contracts[instrument.con_id] = contract
        return contract

    async def _details(self, symbol: str, fields: dict[str, str]) -> list[ibc.ContractDetails]:
        session, contract = self._connection.session, self._contract(**fields)
        try:
            found: list[ibc.ContractDetails] = await self._connection.requests.by_id(
                f"the contract of {symbol}",
                lambda req_id: session.client.reqContractDetails(req_id, contract),
            )
        except BrokerError as error:
            if error.code == _NO_SUCH_CONTRACT:
                return []
            raise
        return found

    async def _instrument(self, details: ibc.ContractDetails) -> Instrument:
        hours = self._trading_hours(details)
        instrument = instrument_from(details, await self._tick_rule(details), hours)
        known = self._hours.setdefault(instrument.con_id, hours)
        if known is not hours:
            known.learn(hours)
            instrument = replace(instrument, hours=known)
        described = details.contract
        if described is not None:
            self._contracts[instrument.con_id] = self._contract(
                conId=described.conId,
                symbol=described.symbol,
                secType=described.secType,
                lastTradeDateOrContractMonth=described.lastTradeDateOrContractMonth,
                multiplier=described.multiplier,
                exchange=instrument.exchange,
                primaryExchange=described.primaryExchange,
                currency=described.currency,
                localSymbol=described.localSymbol,
                tradingClass=described.tradingClass,
            )
        return instrument

    async def _tick_rule(self, details: ibc.ContractDetails) -> TickRule:
        rule_id = _rule_id(details)
        if rule_id is None:
            return TickRule.of(exact(details.minTick))
        if rule_id not in self._rules:
            session = self._connection.session
            bands = await self._connection.requests.by_name(
                f"marketRule-{rule_id}",
                f"market rule {rule_id}",
                lambda: _ask_rule(session.wrapper, session.client, rule_id),
                share=True,
            )
            self._rules[rule_id] = tick_rule_from(bands)
        return self._rules[rule_id]

    def _trading_hours(self, details: ibc.ContractDetails) -> TradingHours:
        try:
            return hours_from(details)
        except (NotFound, ValueError) as error:
            name = details.contract.symbol if details.contract else "an instrument"
            self._reporter.say(f"The trading hours of {name} could not be read: {error}", error)
            return TradingHours()

    def _contract(self, **fields: Any) -> ibc.Contract:
        contract: ibc.Contract = self._connection.session.library.Contract(**fields)
        return contract


def _ask_rule(wrapper: Any, client: Any, rule_id: int) -> Any:
    # not ib_insync's own request: it gives up after a second, with None for an answer
    answer = wrapper.startReq(f"marketRule-{rule_id}")
    client.reqMarketRule(rule_id)
    return answer


def _rule_id(details: ibc.ContractDetails) -> int | None:
    """Give the market rule of the exchange that orders go to; rules align with exchanges."""
    if details.contract is None or not details.marketRuleIds:
        return None
    exchanges, rules = details.validExchanges.split(","), details.marketRuleIds.split(",")
    by_exchange = dict(zip(exchanges, rules, strict=False))
    wanted = by_exchange.get(details.contract.exchange or "SMART", rules[0])
    return int(wanted) if wanted.isdigit() else None


def _ambiguous(symbol: str, found: list[ibc.ContractDetails]) -> AmbiguousSymbol:
    name = symbol.strip().upper()
    listed = ", ".join(
        sorted(
            f"{one.contract.localSymbol or one.contract.symbol}"
            f"@{one.contract.primaryExchange or one.contract.exchange} ({one.longName})"
            for one in found[:10]
            if one.contract
        )
    )
    return AmbiguousSymbol(
        f"{name} means several instruments: {listed}. Name the listing: {name}@EXCHANGE.",
        code=_NO_SUCH_CONTRACT,
    )
