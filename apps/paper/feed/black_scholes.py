"""The formula of Black and Scholes (1973), without interest and dividends.

Without them nothing is ever gained by exercising early, so one formula holds for American and
European options alike. Pure floats: prices in money, volatility and time in years (0.2 is 20%).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt

from apps.paper.instruments.listing import Right

__all__ = ["Greeks", "greeks", "implied_volatility", "value"]

_DAYS_A_YEAR = 365.0
_PER_CENT = 100.0
_LOWEST, _HIGHEST = 1e-4, 10.0
_STEPS = 60
_CLOSE_ENOUGH = 1e-7


@dataclass(frozen=True, slots=True)
class Greeks:
    """An option's price and what moves it, in IB's units.

    ``vega`` is per percentage point of volatility, ``theta`` per day.
    """

    price: float
    delta: float
    gamma: float
    vega: float
    theta: float


def value(right: Right, spot: float, strike: float, volatility: float, years: float) -> float:
    """Give what an option is worth; at its expiry what is in the money.

    >>> round(value(Right.CALL, 100, 100, 0.2, 1), 4)
    7.9656
    """
    inside = spot - strike if right is Right.CALL else strike - spot
    if years <= 0 or volatility <= 0 or spot <= 0:
        return max(0.0, inside)
    deviation = volatility * sqrt(years)
    d1 = log(spot / strike) / deviation + deviation / 2
    call = spot * _normal(d1) - strike * _normal(d1 - deviation)
    return max(0.0, inside, call if right is Right.CALL else call - spot + strike)


def greeks(right: Right, spot: float, strike: float, volatility: float, years: float) -> Greeks:
    """Give price and sensitivities; after the expiry there is only a delta, of 0 or 1."""
    price = value(right, spot, strike, volatility, years)
    sign = 1 if right is Right.CALL else -1
    if years <= 0 or volatility <= 0 or spot <= 0:
        return Greeks(price, float(sign) if price > 0 else 0.0, 0.0, 0.0, 0.0)
    deviation = volatility * sqrt(years)
    d1 = log(spot / strike) / deviation + deviation / 2
    density = exp(-d1 * d1 / 2) / sqrt(2 * pi)
    return Greeks(
        price=price,
        delta=_normal(d1) if right is Right.CALL else _normal(d1) - 1,
        gamma=density / (spot * deviation),
        vega=spot * density * sqrt(years) / _PER_CENT,
        theta=-spot * density * volatility / (2 * sqrt(years)) / _DAYS_A_YEAR,
    )


def implied_volatility(
    right: Right, spot: float, strike: float, price: float, years: float
) -> float | None:
    """Give the volatility at which an option is worth ``price``; None where none makes it so.

    >>> implied_volatility(Right.PUT, 90, 100, 5, 0.5)  # less than what is in the money
    """
    low, high = _LOWEST, _HIGHEST
    if years <= 0 or not (
        value(right, spot, strike, low, years) <= price <= value(right, spot, strike, high, years)
    ):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if value(right, spot, strike, middle, years) < price:
            low = middle
        else:
            high = middle
        if high - low < _CLOSE_ENOUGH:
            break
    return (low + high) / 2


def _normal(deviations: float) -> float:
    return (1 + erf(deviations / sqrt(2))) / 2
