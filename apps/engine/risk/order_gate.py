"""Who may pass to the broker: one check before every order, from what is known, without asking.

Opening orders need a mode in which orders are sent (trading enabled, and paper, or live that was
confirmed), a link that is ready, trading that is not halted, a symbol that is not being closed and
in which nothing stands on the opposite side, and room below the limits. Orders that protect or
reduce need the mode and the link only; a cancellation needs the mode. Orders for the account as a
whole have a check of their own, without what is asked of brackets only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from apps.domain.brackets import worst_price
from apps.domain.errors import NotConnected, RiskRefused
from apps.domain.instruments import Instrument
from apps.domain.numerals import plain
from apps.domain.orders import Bracket, Ticket
from apps.domain.risk import (
    EntryContext,
    LiveIntent,
    RiskLimits,
    TradingMode,
    check_account_order,
    check_entry,
    check_mode,
    check_size,
    only_reduces,
)
from apps.engine.ports import Broker, Clock
from apps.engine.prices.last_prices import LastPrices
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.margins import Claim, Margins
from apps.engine.risk.own_book import OwnBook
from apps.engine.risk.trading_switch import TradingSwitch

__all__ = ["OrderGate"]

RATE_WINDOW_S = 60.0


class OrderGate:
    """The checks of one desk. ``live_intents`` gives the brackets that are not over.

    ``account_intents`` gives the orders for the account as a whole that may still fill.

    ``check_session`` raises RiskRefused where the session's end lets nothing be entered any more.
    """

    def __init__(
        self,
        broker: Broker,
        mode: TradingMode,
        limits: RiskLimits,
        book: OwnBook,
        clock: Clock,
        market_clock: MarketClock,
        prices: LastPrices,
        trading: TradingSwitch,
        margins: Margins,
        *,
        live_is_confirmed: bool = False,
        trading_enabled: bool = True,
    ) -> None:
        self._broker = broker
        self._mode = mode
        self._live_is_confirmed = live_is_confirmed
        self._trading_enabled = trading_enabled
        self._limits = limits
        self._book = book
        self._clock = clock
        self._market_clock = market_clock
        self._prices = prices
        self._trading = trading
        self._margins = margins
        self._closing: set[str] = set()
        self._rebalanced: set[str] = set()
        self._passed_s: deque[float] = deque()
        self._account_passed_s: deque[float] = deque()
        self.account_intents: Callable[[], tuple[LiveIntent, ...]] = tuple
        self.live_intents: Callable[[], tuple[LiveIntent, ...]] = tuple
        self.check_session: Callable[[Instrument], None] = _any_time

    def check_mode(self) -> None:
        """Raise RiskRefused where the mode lets nothing be sent, changed or cancelled."""
        check_mode(self._mode, confirmed=self._live_is_confirmed, enabled=self._trading_enabled)

    def check_any(self) -> None:
        """Raise RiskRefused or NotConnected unless an order may be sent at all."""
        self.check_mode()
        self._check_link(takes=self._broker.link.takes_orders)

    def check_opening(self, bracket: Bracket, reference: Decimal, holder: str) -> None:
        """Raise RiskRefused or NotConnected unless ``bracket`` may be sent now.

        One that passes counts as sent: for the limit of orders a minute. What ``holder`` has
        reserved of the account's funds is reserved for it.
        """
        self.check_mode()
        self._check_trading(bracket)
        self._check_link(takes=self._broker.link.takes_openings)
        symbol = bracket.instrument.symbol
        if symbol in self._closing:
            raise RiskRefused(f"{symbol} is being closed: not sent. Try again when it is flat.")
        if symbol in self._rebalanced:
            raise RiskRefused(
                f"{symbol} is being traded for the account as a whole: not sent. Try again when "
                "that is done."
            )
        self.check_session(bracket.instrument)
        entry = self._entry(bracket, reference, holder)
        self._check_side(bracket, entry)
        check_entry(self._limits, entry)
        self._passed_s.append(self._clock.monotonic())

    def check_account_order(
        self,
        instrument: Instrument,
        ticket: Ticket,
        price: Decimal,
        *,
        reduces: bool,
        ahead: int = 0,
    ) -> None:
        """Raise RiskRefused or NotConnected unless an order for the account may be sent now.

        ``price`` is the worst at which it may fill, or the market's. One that ``reduces`` what the
        account has at stake is held to no limit. ``ahead`` are orders to be sent before it.
        """
        self.check_mode()
        self._trading.check_opening(instrument.symbol, only_reduces=reduces)
        link = self._broker.link
        self._check_link(takes=link.takes_orders if reduces else link.takes_openings)
        if instrument.symbol in self._closing:
            raise RiskRefused(f"{instrument.symbol} is being closed: not sent. Try again later.")
        if not reduces:
            context = self._account_context(instrument, ticket, price, ahead)
            check_account_order(self._limits, context)

    def count_account_order(self) -> None:
        """Count an order for the account as sent: for the limit of orders a minute."""
        self._account_passed_s.append(self._clock.monotonic())

    def check_size(self, bracket: Bracket, reference: Decimal) -> None:
        """Raise RiskRefused where the mode, or the bracket's own size, rules it out for good."""
        self.check_mode()
        worst = worst_price(bracket, reference)
        instrument = bracket.instrument
        entry = EntryContext(instrument.symbol, bracket.entry, worst, instrument.multiplier)
        check_size(self._limits, entry)

    @contextmanager
    def closing(self, symbol: str) -> Iterator[None]:
        """Let no entry in ``symbol`` pass while the block runs."""
        self._closing.add(symbol)
        try:
            yield
        finally:
            self._closing.discard(symbol)

    @contextmanager
    def rebalancing(self, symbols: Iterable[str]) -> Iterator[None]:
        """Let no bracket enter in ``symbols`` while the block runs."""
        added = set(symbols) - self._rebalanced
        self._rebalanced |= added
        try:
            yield
        finally:
            self._rebalanced -= added

    def _account_context(
        self, instrument: Instrument, ticket: Ticket, price: Decimal, ahead: int
    ) -> EntryContext:
        now_s, now = self._clock.monotonic(), self._market_clock.now
        seen = self._prices.newest(instrument.con_id)
        sent = _since(self._account_passed_s, now_s - RATE_WINDOW_S)
        return EntryContext(
            symbol=instrument.symbol,
            ticket=ticket,
            price=price,
            multiplier=instrument.multiplier,
            position=self._book.holding(instrument.con_id),
            open_symbols=self._book.open_symbols(),
            live=(*self.live_intents(), *self.account_intents()),
            exposure=self._book.account_exposure(),
            day_pnl=self._book.day_pnl(),
            sent_last_minute=sent + ahead,
            market_price=None if seen is None else seen.price,
            price_age_s=None if seen is None else max(0.0, now_s - seen.at_s),
            in_regular_hours=None if now is None else instrument.hours.is_open(now),
        )

    def _check_trading(self, bracket: Bracket) -> None:
        entry, instrument = bracket.entry, bracket.instrument
        held = self._book.holding(instrument.con_id)
        reduces = only_reduces(entry.side, entry.quantity, held)
        self._trading.check_opening(instrument.symbol, only_reduces=reduces)

    def _check_link(self, *, takes: bool) -> None:
        if not takes:
            link = self._broker.link
            why = f" ({link.reason})" if link.reason else ""
            raise NotConnected(
                f"the link to the broker is {link.state.value}{why}: nothing was sent. Try again "
                "when it is ready."
            )

    def _check_side(self, bracket: Bracket, entry: EntryContext) -> None:
        """Refuse what would only offset what is there, and leave the exits of both behind."""
        side, symbol, held = bracket.entry.side, entry.symbol, entry.position
        is_entering = any(
            each.is_entering and each.symbol == symbol and each.entry.side is side.opposite
            for each in entry.live
        )
        if held * side.sign >= 0 and not is_entering:
            return
        there = f"{plain(held)} shares are held" if held else "an entry is under way"
        raise RiskRefused(
            f"{symbol}: not sent. To {side.value.lower()} is the opposite of what stands there "
            f"({there}): it would only offset that, and the exits of both would stay. Close it "
            f"first, or take the other side in another account."
        )

    def _entry(self, bracket: Bracket, reference: Decimal, holder: str) -> EntryContext:
        instrument, now_s = bracket.instrument, self._clock.monotonic()
        now = self._market_clock.now
        worst = worst_price(bracket, reference)
        seen = self._prices.newest(instrument.con_id)
        return EntryContext(
            symbol=instrument.symbol,
            ticket=bracket.entry,
            price=worst,
            multiplier=instrument.multiplier,
            position=self._book.holding(instrument.con_id),
            open_symbols=self._book.open_symbols(),
            live=self.live_intents(),
            exposure=self._book.exposure(),
            day_pnl=self._book.day_pnl(),
            sent_last_minute=_since(self._passed_s, now_s - RATE_WINDOW_S),
            market_price=None if seen is None else seen.price,
            price_age_s=None if seen is None else max(0.0, now_s - seen.at_s),
            in_regular_hours=None if now is None else instrument.hours.is_open(now),
            margin=self._margins.margin(Claim(holder, instrument, bracket.entry, worst)),
        )


def _since(passed_s: deque[float], earliest_s: float) -> int:
    """Give how many have passed since ``earliest_s``, and forget those before."""
    while passed_s and passed_s[0] <= earliest_s:
        passed_s.popleft()
    return len(passed_s)


def _any_time(_: Instrument) -> None:
    pass
