"""A bench with several listings, each with a market of its own that the test moves by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from apps.paper.books.ledger import Account
from apps.paper.exchange.events import Event
from apps.paper.exchange.exchange import Exchange
from apps.paper.exchange.policies import DEFAULT_RULES, ExchangePolicy
from apps.paper.feed.market import BarSource, MarketBar, Millis, Print, Touch
from apps.paper.hours.calendar import CalendarName, SessionCalendar
from apps.paper.instruments.listing import Listing, SecType
from apps.paper.limits import NO_LIMITS
from tests.paper.exchange.bench import OPEN, Bench, D, Quotes, listing

STOCK = listing()
OTHER = listing(2, symbol="MSFT", local_symbol="MSFT")
EURUSD = listing(
    12087792,
    symbol="EUR",
    sec_type=SecType.FOREX,
    exchange="IDEALPRO",
    primary_exchange="",
    valid_exchanges=("IDEALPRO",),
    local_symbol="EUR.USD",
    calendar=CalendarName.FOREX,
    min_size=D("0.01"),
    size_increment=D("0.01"),
    ticks=listing().ticks.of("0.00005"),
)
FUTURE = listing(
    3,
    symbol="ES",
    sec_type=SecType.FUTURE,
    exchange="CME",
    primary_exchange="",
    valid_exchanges=("CME",),
    local_symbol="ESZ6",
    calendar=CalendarName.CME,
    multiplier=D(50),
    last_trade_date="20261218",
    contract_month="202612",
    ticks=listing().ticks.of("0.25"),
)


@dataclass
class Shown:
    """One listing's market as it stands."""

    touch: Touch
    last: Print
    previous_close: Decimal = Decimal(100)
    prints: list[Print] = field(default_factory=list)


class Markets(Quotes):
    """Markets that stand where they were put; what was never put anywhere stands at 100."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[int, Shown] = {}

    def of(self, listing: Listing) -> Shown:
        usual = Shown(Touch(D("99.99"), D("100.01"), 1000, 1000), Print(OPEN, D("100.00"), 100))
        return self.shown.setdefault(listing.con_id, usual)

    def touch(self, listing: Listing, at: Millis) -> Touch:
        return self.of(listing).touch

    def last(self, listing: Listing, at: Millis) -> Print:
        return self.of(listing).last

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        return self.of(listing).previous_close

    def prints(self, listing: Listing, after: Millis, until: Millis) -> list[Print]:
        return [each for each in self.of(listing).prints if after < each.at <= until]

    def bars(
        self,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,
    ) -> list[MarketBar]:
        """Give a bar a minute that was traded in."""
        made = []
        for opens in range(start, end, seconds * 1000):
            traded = self.prints(listing, opens - 1, opens + seconds * 1000 - 1)
            if traded:
                price, volume = traded[0].price, sum(each.size for each in traded)
                made.append(MarketBar(opens, seconds, price, price, price, price, volume, price, 1))
        return made


class SeveralBench(Bench):
    """One exchange, several listings, one account of 10,000,000 USD; the clock stands at 10:00."""

    def __init__(self, at: str = "2026-11-18 10:00", rules: ExchangePolicy = DEFAULT_RULES) -> None:
        super().__init__(at=at)
        self.markets = self.quotes = Markets()
        self.account = Account("DU1", Decimal(10_000_000), rates={"EUR": D("1.16")})
        self.exchange = self.new_exchange(rules)

    def new_exchange(self, rules: ExchangePolicy = DEFAULT_RULES) -> Exchange:
        return Exchange(
            [self.account],
            quotes=self.markets,
            sessions=SessionCalendar(),
            limits=NO_LIMITS,
            policy=rules,
        )

    def stand(self, bid: str, ask: str, bid_size: int = 1000, ask_size: int = 1000) -> None:
        self.markets.of(self.stock).touch = Touch(D(bid), D(ask), bid_size, ask_size)

    def put(self, listing: Listing, bid: str, ask: str, size: int = 1000) -> None:
        """Put a listing's touch somewhere without telling the exchange."""
        self.markets.of(listing).touch = Touch(D(bid), D(ask), size, size)

    def market(
        self,
        bid: str,
        ask: str,
        last: str | None = None,
        *,
        bid_size: int = 1000,
        ask_size: int = 1000,
        size: int = 100,
        after_ms: int = 1000,
    ) -> list[Event]:
        self.stand(bid, ask, bid_size, ask_size)
        return self._tell(self.stock, last, size, after_ms)

    def moves(
        self, listing: Listing, bid: str, ask: str, last: str | None = None, *, size: int = 100
    ) -> list[Event]:
        """Move a listing's market, a second later."""
        self.put(listing, bid, ask)
        return self._tell(listing, last, size, 1000)

    def _tell(self, listing: Listing, last: str | None, size: int, after_ms: int) -> list[Event]:
        self.now += after_ms
        shown, trade = self.markets.of(listing), None
        if last is not None:
            trade = shown.last = Print(self.now, D(last), size)
            shown.prints.append(trade)
        return self.exchange.on_market(listing, shown.touch, trade, self.now)
