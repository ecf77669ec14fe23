"""What an order may carry that is refused for what it is: scales, hedges, volatility, advisors.

One table from attribute to IB's answer. They are parsed and echoed like everything else; they are
refused because carrying out the order without them would be a lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from apps.paper.exchange.instructions import Attribute
from apps.paper.exchange.orders import Order
from apps.paper.exchange.rules.refusals import Refusal

__all__ = ["VOLATILITY", "refusal_of_attributes"]

VOLATILITY = "VOL"
"""The order type that is priced in volatility."""

_UNSUPPORTED = (10340, "The following order attribute is not supported: {name}")

_NO_DISCRETION = (
    "Discretionary orders are not supported for this combination of exchange and order type."
)

_ANSWERS: Mapping[Attribute, tuple[int, str]] = MappingProxyType(
    {
        Attribute.ALLOCATION: (
            436,
            "You must specify an allocation (either a single account, group, or profile).",
        ),
        Attribute.DISCRETIONARY: (325, _NO_DISCRETION),
        Attribute.E_TRADE_ONLY: (10268, "The 'EtradeOnly' order attribute is not supported."),
        Attribute.FIRM_QUOTE_ONLY: (10269, "The 'firmQuoteOnly' order attribute is not supported."),
        Attribute.NBBO_PRICE_CAP: (10270, "The 'nbboPriceCap' order attribute is not supported."),
    }
)
"""What does not stand here is answered with 10340 and the attribute's name."""


def refusal_of_attributes(order: Order) -> Refusal | None:
    """Say why an order is refused for what it carries, or None. The enumeration's order decides."""
    if order.order_type == VOLATILITY:
        return _refusal_of_volatility(order)
    for attribute in Attribute:
        if attribute in order.instructions.attributes:
            code, text = _ANSWERS.get(attribute, _UNSUPPORTED)
            return Refusal(code, text.format(name=attribute.value))
    if order.instructions.cash_quantity:
        return Refusal(10244, "Cash Quantity cannot be used for this order.")
    return None


def _refusal_of_volatility(order: Order) -> Refusal:
    if order.listing.sec_type != "OPT":
        return Refusal(369, "Volatility orders are only valid for US options.")
    return Refusal(
        10312,
        "The order type Volatility is currently not supported for this combination of financial "
        "instrument and account type.",
    )
