"""Who may pass to the broker: one check before every order, from what is known, without asking.

Opening orders need the paper mode, a link that is ready, a symbol that is not being closed and in
which nothing stands on the opposite side, and room below the limits. Orders that protect or
reduce need the mode and the link only; a cancellation needs the mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from apps.domain.brackets import stakes
from apps.domain.errors import NotConnected, RiskRefused
from apps.domain.numerals import plain
from apps.domain.orders import Bracket, Side
from apps.domain.risk import EntryContext, RiskLimits, TradingMode, check_entry, check_mode
from apps.engine.own_book import OwnBook
from apps.engine.ports import Broker, LinkState

__all__ = ["OrderGate"]


class OrderGate:
    """The checks of one desk. ``entering`` gives symbol and side of each entry under way."""

    def __init__(
        self,
        broker: Broker,
        mode: TradingMode,
        limits: RiskLimits,
        book: OwnBook,
    ) -> None:
        self._broker = broker
        self._mode = mode
        self._limits = limits
        self._book = book
        self._closing: set[str] = set()
        self.entering: Callable[[], frozenset[tuple[str, Side]]] = frozenset

    def check_mode(self) -> None:
        """Raise RiskRefused where the mode lets nothing be sent, changed or cancelled."""
        check_mode(self._mode)

    def check_any(self) -> None:
        """Raise RiskRefused or NotConnected unless an order may be sent at all."""
        self.check_mode()
        link = self._broker.link
        if link.state is not LinkState.READY:
            why = f" ({link.reason})" if link.reason else ""
            raise NotConnected(
                f"the link to the broker is {link.state.value}{why}: nothing was sent. Try again "
                "when it is ready."
            )

    def check_opening(self, bracket: Bracket, reference: Decimal) -> None:
        """Raise RiskRefused or NotConnected unless ``bracket`` may be sent now."""
        self.check_any()
        symbol = bracket.instrument.symbol
        if symbol in self._closing:
            raise RiskRefused(f"{symbol} is being closed: not sent. Try again when it is flat.")
        self._check_side(bracket)
        check_entry(self._limits, self._entry(bracket, reference))

    def check_size(self, bracket: Bracket, reference: Decimal) -> None:
        """Raise RiskRefused where the mode, or the bracket's own size, rules it out for good."""
        check_mode(self._mode)
        largest = RiskLimits(max_order_notional=self._limits.max_order_notional)
        check_entry(largest, self._entry(bracket, reference))

    @contextmanager
    def closing(self, symbol: str) -> Iterator[None]:
        """Let no entry in ``symbol`` pass while the block runs."""
        self._closing.add(symbol)
        try:
            yield
        finally:
            self._closing.discard(symbol)

    def _check_side(self, bracket: Bracket) -> None:
        """Refuse what would only offset what is there, and leave the exits of both behind."""
        side, instrument = bracket.entry.side, bracket.instrument
        symbol, held = instrument.symbol, self._book.holding(instrument.con_id)
        is_entering = (symbol, side.opposite) in self.entering()
        if held * side.sign >= 0 and not is_entering:
            return
        there = f"{plain(held)} shares are held" if held else "an entry is under way"
        raise RiskRefused(
            f"{symbol}: not sent. To {side.value.lower()} is the opposite of what stands there "
            f"({there}): it would only offset that, and the exits of both would stay. Close it "
            f"first, or take the other side in another account."
        )

    def _entry(self, bracket: Bracket, reference: Decimal) -> EntryContext:
        return EntryContext(
            symbol=bracket.instrument.symbol,
            notional=stakes(bracket, reference).notional,
            open_symbols=self._book.open_symbols(),
            entering_symbols=frozenset(symbol for symbol, _ in self.entering()),
            day_pnl=self._book.day_pnl(),
        )
