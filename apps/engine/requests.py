"""What the trader may ask of the desk for a new trade, as typed: text in, nothing decided yet.

A field that is None was not given: the desk's defaults hold. The text is turned into domain
values in one place, `apps.engine.previews`, by the parsers that stand with what they read:
`apps.domain.levels`, `aggregation`, `sizing`, `brackets` and `breakout`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BracketRequest", "BreakoutRequest"]


@dataclass(frozen=True, slots=True)
class BreakoutRequest:
    """A breakout watcher to be armed, as typed.

    ``level`` is a price (``190.50``) or a percentage of the last price (``+0.05%``);
    ``direction`` ``long`` or ``short``, None to infer it; ``bar`` a bar size (``5s``, ``1m``);
    ``on_false_break`` ``rearm`` or ``stop``; ``take_profit`` and ``stop_loss`` percentages;
    ``entry`` ``capped``, ``limit``, ``mkt`` or ``stop``. With ``gap_entry`` a break counts that
    was not seen to happen.
    """

    symbol: str
    level: str
    direction: str | None = None
    quantity: str | None = None
    take_profit: str | None = None
    stop_loss: str | None = None
    bar: str | None = None
    on_false_break: str | None = None
    entry: str | None = None
    gap_entry: bool = False


@dataclass(frozen=True, slots=True)
class BracketRequest:
    """A single bracket to be sent now, as typed; without ``limit`` it is a marketable limit."""

    side: str
    symbol: str
    quantity: str | None = None
    limit: str | None = None
    take_profit: str | None = None
    stop_loss: str | None = None
