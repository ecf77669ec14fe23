"""Instruments: contract details, matching symbols, market rules, option parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.paper.instruments.catalogue import Listing, SecType
from apps.paper.session.faults import RequestRefused
from apps.paper.session.instruments.contracts import details_of, matches
from apps.paper.session.topic import Topic
from apps.paper.wire import (
    Contract,
    ContractDetailsEnd,
    FamilyCode,
    FamilyCodes,
    MarketRule,
    PriceIncrement,
    ReqContractDetails,
    ReqFamilyCodes,
    ReqMarketRule,
    ReqMatchingSymbols,
    ReqSecDefOptParams,
    ReqSoftDollarTiers,
    SecDefOptParams,
    SecDefOptParamsEnd,
    SoftDollarTiers,
    SymbolSample,
    SymbolSamples,
)

__all__ = ["Reference"]

_MARKET_ZONE = ZoneInfo("America/New_York")

_DETAILS_A_PIECE = 100
"""What a whole option chain may hold up the loop for: some 10 ms."""


class Reference(Topic):
    """What there is to trade."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqContractDetails: self._contract_details,
            ReqMatchingSymbols: self._matching_symbols,
            ReqMarketRule: self._market_rule,
            ReqSecDefOptParams: self._option_parameters,
            ReqSoftDollarTiers: self._soft_dollar_tiers,
            ReqFamilyCodes: self._family_codes,
        }

    def _contract_details(self, request: ReqContractDetails) -> None:
        found = matches(self.world, request.req_id, request.contract)
        telling = self._telling(request.req_id, found, request.contract)
        if len(found) <= _DETAILS_A_PIECE:
            for _ in telling:
                pass
        else:
            self.world.jobs.append(telling)

    def _telling(self, req_id: int, found: Sequence[Listing], asked: Contract) -> Iterator[None]:
        """Tell of every listing, a piece at a time: of whole option chains there are thousands."""
        for place, listing in enumerate(found, start=1):
            self.client.send(details_of(self.world, req_id, listing, asked))
            if place % _DETAILS_A_PIECE == 0:
                yield
        self.client.send(ContractDetailsEnd(req_id))

    def _matching_symbols(self, request: ReqMatchingSymbols) -> None:
        samples = tuple(map(self._sample, self.world.catalogue.search(request.pattern)))
        self.client.send(SymbolSamples(request.req_id, samples))

    def _sample(self, listing: Listing) -> SymbolSample:
        return SymbolSample(
            con_id=listing.con_id,
            symbol=listing.symbol,
            sec_type=listing.sec_type,
            primary_exchange=listing.primary_exchange,
            currency=listing.currency,
            derivative_sec_types=self._derivatives(listing),
            description=listing.long_name,
        )

    def _derivatives(self, listing: Listing) -> tuple[str, ...]:
        """Give the kinds of what rests on a listing: options, and combinations of them."""
        if not self.world.catalogue.chains_on(listing):
            return ()
        return (SecType.OPTION.value, SecType.COMBO.value)

    def _market_rule(self, request: ReqMarketRule) -> None:
        bands = self.world.catalogue.market_rule(request.market_rule_id)
        if bands is None:
            text = f"Error validating request.-'invalid market rule {request.market_rule_id}'"
            raise RequestRefused(-1, 321, text)
        increments = tuple(PriceIncrement(band.low_edge, band.increment) for band in bands.bands)
        self.client.send(MarketRule(request.market_rule_id, increments))

    def _option_parameters(self, request: ReqSecDefOptParams) -> None:
        """Give each chain once an exchange, as IB does; there are no options on futures."""
        underlying = self.world.catalogue.by_con_id(request.underlying_con_id)
        if underlying is None or not _is_meant(underlying, request):
            text = "Error processing request.-'Invalid contract id'"
            raise RequestRefused(request.req_id, 321, text)
        today = datetime.fromtimestamp(self.world.now / 1000, _MARKET_ZONE).date()
        chains = self.world.catalogue.chains_on(underlying) if not request.fut_fop_exchange else []
        for chain in chains:
            days = sorted(f"{chain.last_trade_day(day):%Y%m%d}" for day in chain.fridays(today))
            for exchange in chain.terms.valid_exchanges:
                self.client.send(
                    SecDefOptParams(
                        req_id=request.req_id,
                        exchange=exchange,
                        under_con_id=underlying.con_id,
                        trading_class=chain.trading_class,
                        multiplier=chain.multiplier_text,
                        expirations=tuple(days),
                        strikes=chain.strikes,
                    )
                )
        self.client.send(SecDefOptParamsEnd(request.req_id))

    def _soft_dollar_tiers(self, request: ReqSoftDollarTiers) -> None:
        """Say that there are none, as for every account that is not an institution's."""
        self.client.send(SoftDollarTiers(request.req_id))

    def _family_codes(self, _: ReqFamilyCodes) -> None:
        codes = tuple(FamilyCode(account) for account in self.world.accounts)
        self.client.send(FamilyCodes(codes))


def _is_meant(underlying: Listing, request: ReqSecDefOptParams) -> bool:
    return request.underlying_symbol in {"", underlying.symbol} and request.underlying_sec_type in {
        "",
        underlying.sec_type.value,
    }
