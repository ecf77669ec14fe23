"""Options, priced from the market of their underlying.

At home here: one option's touch, moments of change and bars as functions of its underlying's,
through `apps.paper.feed.black_scholes` at the listing's volatility. Nothing is traded but quoted,
as in forex: prints are the moments at which the underlying moved, at the fair price and of size 0,
and there are no bars of TRADES.

Time to expiry is counted in days, not in moments: within a day the price is a function of the
underlying's alone, rising or falling throughout, so the bars of an option follow from those of its
underlying, and those of one size from any smaller one. An option that has expired stays at what it
was in the money.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache

from apps.paper.feed.black_scholes import Greeks, greeks, implied_volatility, value
from apps.paper.feed.chance import DRAW_BITS, DRAW_MASK, EXPONENTIAL, STEP, mix
from apps.paper.feed.market import BarSource, Market, MarketBar, Millis, Print, Touch
from apps.paper.hours.calendar import (
    Session,
    latest_session,
    previous_session,
    session_on,
    sessions,
)
from apps.paper.instruments.listing import Listing, Right, SecType

__all__ = ["OptionFeed"]

_DAYS_A_YEAR = 365.0
_AT_CLOSE = 0.5
"""Of a day: what an option has left on its last day, when it is settled at the close."""

_HALF_SPREAD, _HALF_SPREAD_RATE = 0.005, 0.004
"""Half the spread before rounding: half a cent and 0.4% of the price."""

_MEAN_SIZE = 12.0
_NOT_TRADES = -1

_Price = Callable[[float], Decimal]


class OptionFeed:
    """What the market shows of one option, given the market of its underlying."""

    def __init__(self, market: Market, listing: Listing, underlying: Listing) -> None:
        if listing.right is None:
            raise ValueError(f"{listing.local_symbol} is no option")
        self._market = market
        self._listing = listing
        self._underlying = underlying
        self._right: Right = listing.right
        self._strike = float(listing.strike)
        self._volatility = listing.market.volatility
        self._expires = _day(listing.expires)
        settles_at_close = listing.expires == listing.last_trade_date
        self._left_on_last_day = _AT_CLOSE if settles_at_close else 0.0
        expiry = session_on(underlying.calendar, self._expires).regular
        self._settles: Millis = expiry[1] if settles_at_close else expiry[0]
        last_day = session_on(listing.calendar, _day(listing.last_trade_date))
        self._end: Millis = last_day.regular[1]
        self._fair = lru_cache(maxsize=1_024)(self._make_fair)

    def touch(self, at: Millis) -> Touch:
        """Give bid and ask, of which the bid may be 0 with no size: nobody wants it."""
        if at >= self._settles:
            worth = self._settled()
            return Touch(worth, worth, 0, 0)
        moment, session = self._open_moment(at)
        under = self._market.touch(self._underlying, moment)
        low, high = self._ordered(float(under.bid), float(under.ask))
        bid, ask = self._bid(session.day, low), self._ask(session.day, high)
        draws = mix(self._market.last(self._underlying, moment).at * STEP + self._listing.con_id)
        return Touch(bid, ask, _size(draws) if bid > 0 else 0, _size(draws >> DRAW_BITS))

    def last(self, at: Millis) -> Print:
        """Give the fair price at the underlying's newest print."""
        if at >= self._settles:
            return Print(self._settles, self._settled(), 0)
        moment, session = self._open_moment(at)
        return self._print(self._market.last(self._underlying, moment), session.day)

    def previous_close(self, at: Millis) -> Decimal:
        """Give the fair price at the close of the session before that of ``at``."""
        at = min(at, self._end - 1)
        newest = latest_session(self._listing.calendar, at)
        before = (
            previous_session(self._listing.calendar, newest.start) if at < newest.end else newest
        )
        return self._fair(before.day, float(self._last_of(before.end - 1)))

    def prints(self, after: Millis, until: Millis) -> list[Print]:
        """Give the moments of change in ``(after, until]``."""
        end = min(until, self._end - 1)
        return [
            self._print(trade, session.day)
            for session in sessions(self._listing.calendar, after + 1, end + 1)
            for trade in self._market.prints(
                self._underlying, max(after, session.start - 1), min(end, session.end - 1)
            )
        ]

    def bars(
        self, source: BarSource, seconds: int, start: Millis, end: Millis
    ) -> Sequence[MarketBar]:
        """Give the bars of quotes that start in ``[start, end)``; there are none of trades."""
        if source is BarSource.TRADES:
            return ()
        start, end = max(start, self.head()), min(end, self._end)
        bids = self._under_bars(BarSource.BID, seconds, start, end)
        asks = self._under_bars(BarSource.ASK, seconds, start, end)
        return [self._bar(source, bid, ask) for bid, ask in zip(bids, asks, strict=True)]

    def head(self) -> Millis:
        """Give the time of the oldest bar there is."""
        since = datetime.combine(self._listing.market.since, time(), UTC)
        return max(int(since.timestamp()) * 1000, self._market.head(self._underlying))

    def greeks(self, at: Millis) -> tuple[Greeks, Decimal]:
        """Give the model's price and Greeks, and the price of the underlying that they rest on."""
        moment, session = self._open_moment(min(at, self._end - 1))
        spot = self._last_of(moment)
        years = self.years(session.day)
        return greeks(self._right, float(spot), self._strike, self._volatility, years), spot

    def years(self, day: date) -> float:
        """Give the time to expiry as the model counts it on a day."""
        days = (self._expires - day).days
        return max(0.0, days + self._left_on_last_day) / _DAYS_A_YEAR

    def implied_volatility(self, price: float, spot: float, at: Millis) -> float | None:
        """Give the volatility at which the option is worth ``price``, None where none does."""
        years = self.years(self._open_moment(min(at, self._end - 1))[1].day)
        return implied_volatility(self._right, spot, self._strike, price, years)

    def worth(self, volatility: float, spot: float, at: Millis) -> Greeks:
        """Give price and Greeks at a volatility and a price of the underlying."""
        years = self.years(self._open_moment(min(at, self._end - 1))[1].day)
        return greeks(self._right, spot, self._strike, volatility, years)

    def _open_moment(self, at: Millis) -> tuple[Millis, Session]:
        """Give ``at``, or the end of the session before it when the market is closed then."""
        at = min(at, self._end - 1)
        session = latest_session(self._listing.calendar, at)
        return min(at, session.end - 1), session

    def _ordered(self, bid: float, ask: float) -> tuple[float, float]:
        """Give the underlying's quotes at which the option's bid and ask stand."""
        return (bid, ask) if self._right is Right.CALL else (ask, bid)

    def _value(self, day: date, spot: float) -> float:
        return value(self._right, spot, self._strike, self._volatility, self.years(day))

    def _make_fair(self, day: date, spot: float) -> Decimal:
        return self._listing.ticks.nearest(_exact(self._value(day, spot)))

    def _bid(self, day: date, spot: float) -> Decimal:
        worth = self._value(day, spot)
        wanted = worth - _HALF_SPREAD - worth * _HALF_SPREAD_RATE
        return self._listing.ticks.down(_exact(max(0.0, wanted)))

    def _ask(self, day: date, spot: float) -> Decimal:
        worth = self._value(day, spot)
        return self._listing.ticks.up(_exact(worth + _HALF_SPREAD + worth * _HALF_SPREAD_RATE))

    def _print(self, trade: Print, day: date) -> Print:
        return Print(trade.at, self._fair(day, float(trade.price)), 0)

    def _last_of(self, at: Millis) -> Decimal:
        return self._market.last(self._underlying, at).price

    def _settled(self) -> Decimal:
        spot = float(self._last_of(self._settles))
        return self._listing.ticks.nearest(_exact(value(self._right, spot, self._strike, 0, 0)))

    def _under_bars(
        self, source: BarSource, seconds: int, start: Millis, end: Millis
    ) -> Sequence[MarketBar]:
        """Give the underlying's bars; an index has no quotes, and its value is both of them."""
        is_index = self._underlying.sec_type is SecType.INDEX
        wanted = BarSource.TRADES if is_index else source
        return self._market.bars(self._underlying, wanted, seconds, start, end, regular_only=True)

    def _bar(self, source: BarSource, bid: MarketBar, ask: MarketBar) -> MarketBar:
        day = latest_session(self._listing.calendar, bid.start).day
        of_bid, of_ask = (bid, ask) if self._right is Right.CALL else (ask, bid)
        bids = _through(lambda spot: self._bid(day, spot), of_bid, self._right)
        asks = _through(lambda spot: self._ask(day, spot), of_ask, self._right)
        open_, high, low, close = {
            BarSource.BID: bids,
            BarSource.ASK: asks,
            BarSource.MIDPOINT: tuple((b + a) / 2 for b, a in zip(bids, asks, strict=True)),
        }[source]
        return MarketBar(
            bid.start,
            bid.seconds,
            open_,
            high,
            low,
            close,
            _NOT_TRADES,
            Decimal(_NOT_TRADES),
            _NOT_TRADES,
        )


def _through(price: _Price, bar: MarketBar, right: Right) -> tuple[Decimal, ...]:
    """Give open, high, low and close; what is the underlying's high is a put's low."""
    high, low = (bar.high, bar.low) if right is Right.CALL else (bar.low, bar.high)
    return tuple(price(float(spot)) for spot in (bar.open, high, low, bar.close))


def _exact(price: float) -> Decimal:
    """Give a price from the formula with the noise of its last digits taken off."""
    return Decimal(str(round(price, 9)))


def _size(draws: int) -> int:
    return 1 + int(EXPONENTIAL[draws & DRAW_MASK] * _MEAN_SIZE)


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
