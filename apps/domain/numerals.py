"""Numbers as a trader types and reads them: plain decimals, and one sentence for all else.

At home here: the grammar of a typed number, shared by levels, percentages and quantities. What a
number may be (a price above zero, whole shares) is said by the module that owns the meaning.
"""

from __future__ import annotations

import re
from decimal import Decimal

from apps.domain.errors import InvalidInput

__all__ = ["parse_number", "plain", "priced"]

_MOST_DIGITS = 18
_FINEST = 5
"""Decimals of the finest tick that is shown."""

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def parse_number(text: str, what: str) -> Decimal:
    """Read a plain decimal number; ``what`` names it in the error ("the level").

    Refused as InvalidInput: empty text, exponents, NaN, infinities, thousands separators, digits
    of other scripts, and more digits than any price or quantity has.

    >>> parse_number(" 190.50 ", "the level")
    Decimal('190.50')
    """
    # the typographic minus comes with numbers that were copied from a table
    typed = text.strip().replace("\N{MINUS SIGN}", "-")
    if not typed:
        raise InvalidInput(f"{what} is empty: give a number, for example 190.50.")
    if not _PLAIN.fullmatch(typed) or sum(map(str.isdigit, typed)) > _MOST_DIGITS:
        raise InvalidInput(
            f"{what} {typed[:24]!r} is not a number: write digits and at most one point, for "
            "example 190.50."
        )
    return Decimal(typed)


def plain(number: Decimal) -> str:
    """Write a decimal without exponent or trailing zeros, as sentences show it.

    >>> plain(Decimal("190.500")), plain(Decimal("1E+3")), plain(Decimal("-0.0"))
    ('190.5', '1000', '0')
    """
    if not number:
        return "0"
    shown = f"{number:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def priced(price: Decimal | float) -> str:
    """Write a price as a trader reads it: two decimals at least, more where the tick is finer.

    >>> priced(Decimal("438.2")), priced(0.00015), priced(12345.675), priced(Decimal(190))
    ('438.20', '0.00015', '12345.675', '190.00')
    """
    shown = plain(round(Decimal(str(price)), _FINEST))
    whole, _, cents = shown.partition(".")
    return f"{whole}.{cents:0<2}"
