"""How small a currency order may be before it is an odd lot, by currency.

IDEALPRO takes smaller orders all the same, and says so with 399.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from apps.paper.exchange.orders import Order

__all__ = ["odd_lot_warning"]

_MINIMUM: Mapping[str, int] = MappingProxyType(
    {
        "USD": 25_000,
        "AUD": 25_000,
        "CAD": 25_000,
        "CHF": 25_000,
        "CNH": 150_000,
        "DKK": 150_000,
        "EUR": 20_000,
        "GBP": 20_000,
        "HKD": 200_000,
        "JPY": 2_500_000,
        "MXN": 300_000,
        "NOK": 150_000,
        "NZD": 35_000,
        "SEK": 175_000,
        "SGD": 35_000,
        "ZAR": 350_000,
    }
)
"""IDEALPRO's minimum by the currency that is bought or sold (its published table)."""
_ANY_CURRENCY = 25_000
_THOUSAND = 1000


def odd_lot_warning(order: Order) -> str:
    """Give IB's text for a currency order below the minimum, '' for any other order."""
    if order.listing.sec_type != "CASH":
        return ""
    currency = order.listing.symbol
    minimum = _MINIMUM.get(currency, _ANY_CURRENCY)
    if order.quantity >= minimum:
        return ""
    return (
        f"Order Message:\n{order.side.value} {_size(order.quantity)} {order.listing.local_symbol} "
        f"Forex\nWarning: Your order size is below the {currency} {minimum} IdealPro minimum and "
        "will be routed as an odd lot order."
    )


def _size(quantity: Decimal) -> str:
    """Give a size as the desktop prints it: thousands as K."""
    return f"{quantity / _THOUSAND:f}K" if quantity % _THOUSAND == 0 else f"{quantity:f}"
