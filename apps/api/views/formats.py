"""How single values are written: prices, money, changes, sides, times.

A sign and ▲▼ stand beside every colour, so that nothing is told by colour alone. P&L is green or
red; sides have hues of their own, so that a sell is not read as a loss.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from rich.text import Text

from apps.domain.numerals import plain
from apps.domain.orders import Side

__all__ = ["age", "change", "moment", "money", "percent", "price", "quantity", "side", "stamp"]

_UNKNOWN = "–"
_CENT = Decimal("0.01")


def price(value: Decimal | float | None) -> str:
    """Write a price, with two decimals at least.

    >>> price(Decimal("190.5")), price(Decimal("0.1234")), price(None)
    ('190.50', '0.1234', '–')
    """
    if value is None:
        return _UNKNOWN
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    places = max(2, min(4, -int(exact.normalize().as_tuple().exponent)))
    return f"{exact:,.{places}f}"


def money(value: Decimal | None) -> str:
    """Write an amount, to the cent.

    >>> money(Decimal("-12345.678"))
    '-12,345.68'
    """
    return _UNKNOWN if value is None else f"{value.quantize(_CENT):,f}"


def change(value: Decimal | None) -> Text:
    """Write a gain or loss with its sign, its arrow and its colour."""
    if value is None:
        return Text(_UNKNOWN)
    rounded = value.quantize(_CENT)
    if not rounded:
        return Text("0.00")
    arrow, style = ("▲", "green") if rounded > 0 else ("▼", "red")
    return Text(f"{arrow}{rounded:+,f}", style=style)


def percent(value: Decimal | None) -> str:
    """Write a percentage with its sign.

    >>> percent(Decimal("0.0512"))
    '+0.05%'
    """
    return _UNKNOWN if value is None else f"{value:+.2f}%"


def quantity(value: Decimal | float | None) -> str:
    """Write a number of shares.

    >>> quantity(Decimal("1000.0")), quantity(Decimal("0.5"))
    ('1,000', '0.5')
    """
    if value is None:
        return _UNKNOWN
    whole, _, part = plain(value if isinstance(value, Decimal) else Decimal(str(value))).partition(
        "."
    )
    return f"{int(whole):,}" + (f".{part}" if part else "")


def side(value: Side) -> Text:
    """Write a side in its hue."""
    return Text(value.value, style="cyan" if value is Side.BUY else "magenta")


def moment(at: datetime | None) -> str:
    """Write the time of day, UTC."""
    return _UNKNOWN if at is None else f"{at.astimezone(UTC):%H:%M:%S}"


def stamp(at: datetime | None) -> str:
    """Write day and time, UTC."""
    return _UNKNOWN if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def age(seconds: float | None) -> str:
    """Write how old something is.

    >>> age(0.42), age(75), age(7300), age(None)
    ('0.4 s', '1 min 15 s', '2 h 1 min', '–')
    """
    if seconds is None:
        return _UNKNOWN
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
