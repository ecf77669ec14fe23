"""Instruments: contract details, matching symbols, market rules, option parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.paper.catalogue import Listing
from apps.paper.session.contracts import details_of
from apps.paper.session.faults import RequestRefused
from apps.paper.session.topic import Topic
from apps.paper.wire import (
    ContractDetailsEnd,
    MarketRule,
    PriceIncrement,
    ReqContractDetails,
    ReqMarketRule,
    ReqMatchingSymbols,
    ReqSecDefOptParams,
    SecDefOptParamsEnd,
    SymbolSample,
    SymbolSamples,
)

__all__ = ["Reference"]


class Reference(Topic):
    """What there is to trade."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqContractDetails: self._contract_details,
            ReqMatchingSymbols: self._matching_symbols,
            ReqMarketRule: self._market_rule,
            ReqSecDefOptParams: self._option_parameters,
        }

    def _contract_details(self, request: ReqContractDetails) -> None:
        found = self.world.catalogue.find(request.contract)
        if not found:
            text = "No security definition has been found for the request"
            raise RequestRefused(request.req_id, 200, text)
        for listing in found:
            asked = request.contract.exchange
            self.client.send(details_of(self.world, request.req_id, listing, asked))
        self.client.send(ContractDetailsEnd(request.req_id))

    def _matching_symbols(self, request: ReqMatchingSymbols) -> None:
        samples = tuple(map(_sample, self.world.catalogue.search(request.pattern)))
        self.client.send(SymbolSamples(request.req_id, samples))

    def _market_rule(self, request: ReqMarketRule) -> None:
        bands = self.world.catalogue.market_rule(request.market_rule_id)
        if bands is None:
            text = f"Error validating request.-'invalid market rule {request.market_rule_id}'"
            raise RequestRefused(-1, 321, text)
        increments = tuple(PriceIncrement(band.low_edge, band.increment) for band in bands.bands)
        self.client.send(MarketRule(request.market_rule_id, increments))

    def _option_parameters(self, request: ReqSecDefOptParams) -> None:
        """Say that there are no option chains: the catalogue has none."""
        self.client.send(SecDefOptParamsEnd(request.req_id))


def _sample(listing: Listing) -> SymbolSample:
    return SymbolSample(
        con_id=listing.con_id,
        symbol=listing.symbol,
        sec_type=listing.sec_type,
        primary_exchange=listing.primary_exchange,
        currency=listing.currency,
        description=listing.long_name,
    )
