"""Options: the computed ticks of a quote, what a client has calculated, and exercise.

One model answers all of it: `apps.paper.feed.options`, from which the prices come too. Which
options there are is reference (`apps.paper.session.instruments.reference`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from apps.paper.feed.black_scholes import Greeks
from apps.paper.feed.market import Millis, Touch
from apps.paper.instruments.catalogue import Listing, SecType
from apps.paper.session.faults import RequestRefused
from apps.paper.session.topic import Topic
from apps.paper.wire import (
    CalculateImpliedVolatility,
    CalculateOptionPrice,
    CancelCalculateImpliedVolatility,
    CancelCalculateOptionPrice,
    Contract,
    ExerciseOptions,
    TickOptionComputation,
)
from apps.paper.world import World

__all__ = ["Options", "option_ticks"]

_BID, _ASK, _LAST, _MODEL = 10, 11, 12, 13
_DELAYED = 70
"""Delayed ticks have types of their own, so much higher: 80 to 83."""
_CALCULATED = 53
_FROM_PRICES = 1
"""Volatilities rest on prices, not on returns."""
_DIGITS = 8
_NO_DIVIDEND = 0
_SMALLEST, _LARGEST = Decimal("1e-6"), Decimal("1e7")


def option_ticks(
    world: World,
    req_id: int,
    listing: Listing,
    touch: Touch,
    at: Millis,
    *,
    is_delayed: bool = False,
) -> Iterator[TickOptionComputation]:
    """Yield the computations that go with an option's ``touch``: of bid, ask, last and model.

    Nothing for what is no option. A bid of nothing has no volatility, and gets no computation; the
    last price is the model's, since options are quoted only. ``at`` is the time of the touch.
    """
    if listing.sec_type is not SecType.OPTION:
        return
    shift = _DELAYED if is_delayed else 0
    option = world.market.option(listing)
    model, spot = option.greeks(at)
    for tick_type, price, size in (
        (_BID, touch.bid, touch.bid_size),
        (_ASK, touch.ask, touch.ask_size),
    ):
        volatility = option.implied_volatility(float(price), float(spot), at) if size else None
        if volatility is not None:
            greeks = option.worth(volatility, float(spot), at)
            yield _tick(req_id, tick_type + shift, greeks, volatility, spot, price)
    for tick_type in (_LAST, _MODEL):
        yield _tick(req_id, tick_type + shift, model, listing.market.volatility, spot)


class Options(Topic):
    """Calculations on options."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            CalculateImpliedVolatility: self._implied_volatility,
            CalculateOptionPrice: self._option_price,
            CancelCalculateImpliedVolatility: self._calculated_already,
            CancelCalculateOptionPrice: self._calculated_already,
            ExerciseOptions: self._exercise,
        }

    def _implied_volatility(self, request: CalculateImpliedVolatility) -> None:
        """Answer with the volatility; with none where no volatility makes such a price."""
        option = self.world.market.option(self._option(request.req_id, request.contract))
        _require_sensible(request.req_id, request.under_price, request.option_price)
        spot, now = float(request.under_price), self.world.now
        volatility = option.implied_volatility(float(request.option_price), spot, now)
        greeks = None if volatility is None else option.worth(volatility, spot, now)
        self.client.send(
            _tick(
                request.req_id,
                _CALCULATED,
                greeks,
                volatility,
                request.under_price,
                request.option_price,
            )
        )

    def _option_price(self, request: CalculateOptionPrice) -> None:
        option = self.world.market.option(self._option(request.req_id, request.contract))
        _require_sensible(request.req_id, request.under_price, request.volatility)
        volatility, spot = float(request.volatility), float(request.under_price)
        greeks = option.worth(volatility, spot, self.world.now)
        self.client.send(
            _tick(request.req_id, _CALCULATED, greeks, volatility, request.under_price)
        )

    def _option(self, req_id: int, contract: Contract) -> Listing:
        listing = self.resolve(req_id, contract)
        if listing.sec_type is not SecType.OPTION:
            text = "Error validating request.-'bO' : cause - Please enter an option contract"
            raise RequestRefused(req_id, 321, text)
        return listing

    def _calculated_already(self, _: Any) -> None:
        """Take note without a word: a calculation is answered at once, and only once."""

    def _exercise(self, request: ExerciseOptions) -> None:
        """Refuse: this gateway's books have no exercise, and who holds none has nothing to."""
        self._option(request.req_id, request.contract)
        text = "Error processing request.-'No unlapsed position exists in this option in account'"
        raise RequestRefused(request.req_id, 322, text)


def _require_sensible(req_id: int, *figures: Decimal) -> None:
    """Refuse what the formula has no answer to: nothing, less than nothing, and the unset."""
    if not all(_SMALLEST <= figure <= _LARGEST for figure in figures):
        text = "Error validating request.-'bO' : cause - Prices and volatility must be above zero"
        raise RequestRefused(req_id, 321, text)


def _tick(
    req_id: int,
    tick_type: int,
    greeks: Greeks | None,
    volatility: float | None,
    spot: Decimal,
    price: Decimal | None = None,
) -> TickOptionComputation:
    """Give a computation; with its own ``price`` where that is not the one from the formula."""
    if greeks is None or volatility is None:
        return TickOptionComputation(
            req_id, tick_type, _FROM_PRICES, option_price=price, under_price=spot
        )
    return TickOptionComputation(
        req_id=req_id,
        tick_type=tick_type,
        attributes=_FROM_PRICES,
        implied_volatility=_rounded(volatility),
        delta=_rounded(greeks.delta),
        option_price=_rounded(greeks.price) if price is None else price,
        pv_dividend=_NO_DIVIDEND,
        gamma=_rounded(greeks.gamma),
        vega=_rounded(greeks.vega),
        theta=_rounded(greeks.theta),
        under_price=spot,
    )


def _rounded(value: float) -> Decimal:
    return Decimal(f"{value:.{_DIGITS}f}")
