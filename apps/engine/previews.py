"""What would be sent, before anything is: requests as typed become plans with prices.

At home here: reading a request through the domain's parsers, the defaults for what was not
typed, and the prices and money that the trader is shown. What is typed wrongly is refused before
the broker is asked for anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.domain.aggregation import parse_bar_size
from apps.domain.bars import BASE_SECONDS
from apps.domain.brackets import (
    EntryPlan,
    EntryStyle,
    build_bracket,
    parse_entry_style,
    parse_exit_pct,
    stakes,
)
from apps.domain.breakout import BreakoutRule, OnFalseBreak, parse_on_false_break
from apps.domain.errors import InvalidInput, NotFound
from apps.domain.instruments import Instrument
from apps.domain.levels import Direction, LevelSpec, parse_direction
from apps.domain.margin import Margin
from apps.domain.numerals import parse_number
from apps.domain.orders import Side
from apps.domain.quotes import Quote
from apps.domain.sizing import check_quantity, parse_quantity
from apps.engine.breakout_watcher import WatcherSpec
from apps.engine.orders.execution import EntryIntent
from apps.engine.ports import Clock, MarketData
from apps.engine.prices.last_prices import LastPrices
from apps.engine.prices.market_clock import MarketClock
from apps.engine.requests import BracketRequest, BreakoutRequest
from apps.engine.risk.margins import Claim, Margins
from apps.engine.risk.order_gate import OrderGate

__all__ = ["BracketPreview", "BreakoutPreview", "OrderDefaults", "Previews"]


@dataclass(frozen=True, slots=True)
class OrderDefaults:
    """What holds where nothing was typed; percentages are of the reference."""

    quantity: Decimal = Decimal(100)
    take_profit_pct: Decimal = Decimal(1)
    stop_loss_pct: Decimal = Decimal("0.5")
    bar_seconds: int = BASE_SECONDS
    on_false_break: OnFalseBreak = OnFalseBreak.REARM


@dataclass(frozen=True, slots=True)
class BreakoutPreview:
    """A watcher as it would be armed, with the bracket of an entry right at the level.

    ``last`` is the last price, ``reference`` the level; the true reference is the market's price
    at the moment of sending. ``entry_cap`` is the worst price of an entry of this style, and
    ``money_at_risk`` that of a fill there, in the instrument's currency; a market order has none,
    so there it is the reference. ``at`` is market time.
    """

    instrument: Instrument
    direction: Direction
    level: Decimal
    last: Decimal
    quantity: Decimal
    bar_seconds: int
    on_false_break: OnFalseBreak
    entry: EntryStyle
    gap_entry: bool
    reference: Decimal
    entry_cap: Decimal
    take_profit: Decimal | None
    stop_loss: Decimal | None
    money_at_risk: Decimal | None
    notional: Decimal
    at: datetime
    spec: WatcherSpec
    margin: Margin | None = None


@dataclass(frozen=True, slots=True)
class BracketPreview:
    """A bracket as it would be sent: ``entry_cap`` is the entry's worst price, ``at`` market time.

    ``made_s`` is this machine's monotonic clock: prices grow old.
    """

    instrument: Instrument
    side: Side
    quantity: Decimal
    reference: Decimal
    entry_cap: Decimal
    take_profit: Decimal | None
    stop_loss: Decimal | None
    money_at_risk: Decimal | None
    notional: Decimal
    at: datetime
    made_s: float
    intent: EntryIntent
    margin: Margin | None = None


@dataclass(frozen=True, slots=True)
class _Exits:
    take_profit_pct: Decimal
    stop_loss_pct: Decimal


class Previews:
    """Makes previews; asks the broker for the instrument and its price, and sends nothing."""

    def __init__(
        self,
        market: MarketData,
        market_clock: MarketClock,
        clock: Clock,
        gate: OrderGate,
        prices: LastPrices,
        margins: Margins,
        defaults: OrderDefaults,
    ) -> None:
        self._market = market
        self._market_clock = market_clock
        self._clock = clock
        self._gate = gate
        self._prices = prices
        self._margins = margins
        self._defaults = defaults

    async def breakout(self, request: BreakoutRequest) -> BreakoutPreview:
        """Give what ``request`` comes to. Raises InvalidInput, NotFound, RiskRefused."""
        level_spec = LevelSpec.parse(request.level)
        direction = None if request.direction is None else parse_direction(request.direction)
        exits = self._exits(request.take_profit, request.stop_loss)
        bar_seconds = self._bar_seconds(request.bar)
        on_false_break = self._on_false_break(request.on_false_break)
        entry = EntryStyle.CAPPED if request.entry is None else parse_entry_style(request.entry)
        self._quantity(request.quantity)
        instrument, quote = await self._look_up(request.symbol)
        quantity = self._quantity(request.quantity, instrument)
        last = _last_price(instrument, quote)
        level = level_spec.resolve(last, instrument.ticks, direction)
        rule = BreakoutRule(
            level.price,
            level.direction,
            bar_seconds=bar_seconds,
            on_false_break=on_false_break,
            gap_entry=request.gap_entry,
            ticks=instrument.ticks,
        )
        spec = WatcherSpec(
            instrument, rule, quantity, exits.take_profit_pct, exits.stop_loss_pct, entry
        )
        return await self._breakout_preview(spec, last)

    async def bracket(self, request: BracketRequest) -> BracketPreview:
        """Give what ``request`` comes to. Raises InvalidInput, NotFound, RiskRefused."""
        side = _parse_side(request.side)
        exits = self._exits(request.take_profit, request.stop_loss)
        limit = None if request.limit is None else parse_number(request.limit, "the limit")
        plan = EntryPlan() if limit is None else EntryPlan(EntryStyle.LIMIT, limit)
        self._quantity(request.quantity)
        instrument, quote = await self._look_up(request.symbol)
        touch = quote.ask if side is Side.BUY else quote.bid
        intent = EntryIntent(
            instrument=instrument,
            side=side,
            quantity=self._quantity(request.quantity, instrument),
            reference=touch or _last_price(instrument, quote),
            take_profit_pct=exits.take_profit_pct,
            stop_loss_pct=exits.stop_loss_pct,
            label="bracket",
            plan=plan,
            rests=limit is not None,
        )
        return await self._bracket_preview(intent)

    async def _breakout_preview(self, spec: WatcherSpec, last: Decimal) -> BreakoutPreview:
        rule = spec.rule
        shown = await self._bracket_preview(spec.intent(rule.level, rule.level, label="preview"))
        return BreakoutPreview(
            instrument=spec.instrument,
            direction=rule.direction,
            level=rule.level,
            last=last,
            quantity=spec.quantity,
            bar_seconds=rule.bar_seconds,
            on_false_break=rule.on_false_break,
            entry=spec.entry,
            gap_entry=rule.gap_entry,
            reference=shown.reference,
            entry_cap=shown.entry_cap,
            take_profit=shown.take_profit,
            stop_loss=shown.stop_loss,
            money_at_risk=shown.money_at_risk,
            notional=shown.notional,
            at=shown.at,
            spec=spec,
            margin=shown.margin,
        )

    async def _bracket_preview(self, intent: EntryIntent) -> BracketPreview:
        bracket = build_bracket(
            intent.instrument,
            intent.side,
            intent.quantity,
            intent.reference,
            take_profit_pct=intent.take_profit_pct,
            stop_loss_pct=intent.stop_loss_pct,
            order_ref="",
            entry=intent.plan,
        )
        self._gate.check_size(bracket, intent.reference)
        at_stake = stakes(bracket, intent.reference)
        target, stop = bracket.take_profit, bracket.stop_loss
        return BracketPreview(
            instrument=intent.instrument,
            side=intent.side,
            quantity=intent.quantity,
            reference=intent.reference,
            entry_cap=at_stake.worst_price,
            take_profit=target.limit_price if target is not None else None,
            stop_loss=stop.stop_price if stop is not None else None,
            money_at_risk=at_stake.money_at_risk,
            notional=at_stake.notional,
            at=await self._market_clock.ask(),
            made_s=self._clock.monotonic(),
            intent=intent,
            margin=await self._margins.ask(
                Claim("", intent.instrument, bracket.entry, at_stake.worst_price)
            ),
        )

    async def _look_up(self, symbol: str) -> tuple[Instrument, Quote]:
        typed = symbol.strip().upper()
        if not typed:
            raise InvalidInput("the symbol is empty: give one, for example AAPL.")
        instrument = await self._market.qualify(typed)
        instrument.require_tradable()
        quote = await self._market.quote(instrument)
        self._prices.on_quote(instrument, quote)
        return instrument, quote

    def _quantity(self, text: str | None, instrument: Instrument | None = None) -> Decimal:
        increment = Decimal(1) if instrument is None else instrument.size_increment
        if text is None:
            return check_quantity(self._defaults.quantity, increment)
        return parse_quantity(text, increment)

    def _exits(self, take_profit: str | None, stop_loss: str | None) -> _Exits:
        defaults = self._defaults
        return _Exits(
            defaults.take_profit_pct
            if take_profit is None
            else parse_exit_pct(take_profit, "the take-profit"),
            defaults.stop_loss_pct
            if stop_loss is None
            else parse_exit_pct(stop_loss, "the stop-loss"),
        )

    def _bar_seconds(self, text: str | None) -> int:
        return self._defaults.bar_seconds if text is None else parse_bar_size(text)

    def _on_false_break(self, text: str | None) -> OnFalseBreak:
        return self._defaults.on_false_break if text is None else parse_on_false_break(text)


def _parse_side(text: str) -> Side:
    try:
        return Side(text.strip().upper())
    except ValueError:
        raise InvalidInput(f"the side {text!r} is neither buy nor sell.") from None


def _last_price(instrument: Instrument, quote: Quote) -> Decimal:
    """Give the last trade, else the middle of the market, else the previous close."""
    if quote.last is not None:
        return quote.last
    if quote.bid is not None and quote.ask is not None:
        return instrument.ticks.nearest((quote.bid + quote.ask) / 2)
    if quote.close is not None:
        return quote.close
    raise NotFound(f"there is no price of {instrument.symbol} now; try again when it trades.")
