"""How many shares: quantities as a trader types them.

At home here: what a quantity may be. How many shares a sum of money at risk buys comes here too
when there is such an option.
"""

from __future__ import annotations

from decimal import Decimal

from apps.domain.errors import InvalidInput
from apps.domain.numerals import parse_number, plain

__all__ = ["MAX_SHARES", "check_quantity", "parse_quantity"]

MAX_SHARES = Decimal(1_000_000)
"""More than anyone orders at once from a terminal: a larger number is a slip of the hand."""


def parse_quantity(text: str, size_increment: Decimal = Decimal(1)) -> Decimal:
    """Read a number of shares. Raises InvalidInput, one sentence for each way to be wrong.

    >>> parse_quantity("100")
    Decimal('100')
    """
    return check_quantity(parse_number(text, "the quantity"), size_increment)


def check_quantity(quantity: Decimal, size_increment: Decimal = Decimal(1)) -> Decimal:
    """Give ``quantity`` back, whole and without exponent, if it can be ordered.

    Raises InvalidInput.
    """
    if not quantity.is_finite():
        raise InvalidInput(f"the quantity {quantity} is not a number of shares.")
    if quantity == 0:
        raise InvalidInput("the quantity is zero: give at least 1 share.")
    if quantity < 0:
        raise InvalidInput(
            f"the quantity {plain(quantity)} is negative: give a number above zero; the direction "
            "says whether it is bought or sold."
        )
    if quantity > MAX_SHARES:
        raise InvalidInput(
            f"the quantity {plain(quantity)} is more than {plain(MAX_SHARES)} shares: orders that "
            "large are not sent."
        )
    if quantity != quantity.to_integral_value():
        raise InvalidInput(
            f"the quantity {plain(quantity)} is a fraction: IB's API takes whole shares only."
        )
    if quantity % size_increment:
        raise InvalidInput(
            f"the quantity {plain(quantity)} is no multiple of {plain(size_increment)}, the step "
            "in which this instrument is ordered."
        )
    return quantity.quantize(Decimal(1))
