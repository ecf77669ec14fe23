"""What entries take of the account's funds: asked of the broker beforehand, and kept ready.

IB answers about one what-if a minute, so an answer serves for a quarter of an hour and for every
entry of the same kind (instrument, side, quantity); whose turn has not come, or whose question was
not answered, is counted at its whole worth, which is never less. Every armed watcher, and every
bracket that is not in the account's figures yet, reserves what it takes. An entry is judged by
numbers that stand here already: nothing is asked on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from math import inf

from apps.domain.errors import BrokerRejected, DeskError, RiskRefused
from apps.domain.instruments import Instrument
from apps.domain.margin import Funds, Margin, funds_of, needed, whole_worth
from apps.domain.orders import Side, Ticket
from apps.domain.risk import EntryContext, RiskLimits, check_margin
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.ports import Broker, Clock
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.own_book import OwnBook
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd

__all__ = ["Claim", "Margins"]

WHAT_IF_EVERY_S = 60.0
ANSWER_SERVES_S = 900.0
FUNDS_EVERY_S = 60.0
FUNDS_SERVE_S = 300.0
"""How old the account's funds may be; older ones are not known, and nothing is entered by them."""

LOOK_S = 1.0

_REJECTED = 201
_ZERO = Decimal(0)

Kind = tuple[int, Side, Decimal]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who takes funds: a watcher by its id, or a bracket by its reference.

    ``price`` is what its worth is reckoned by. One that ``has_entered`` is in the account's figures
    as soon as they were asked for after that.
    """

    holder: str
    instrument: Instrument
    ticket: Ticket
    price: Decimal
    has_entered: bool = False

    @property
    def kind(self) -> Kind:
        """What makes two entries alike to the broker's margin."""
        return self.instrument.con_id, self.ticket.side, self.ticket.quantity

    @property
    def notional(self) -> Decimal:
        """What it costs in full."""
        return self.ticket.quantity * self.price * self.instrument.multiplier


@dataclass(frozen=True, slots=True)
class _Answer:
    needed: Decimal
    at_s: float


class Margins:
    """The margins of one desk. ``claims`` gives who takes funds now."""

    def __init__(
        self,
        *,
        broker: Broker,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        limits: RiskLimits,
        book: OwnBook,
        alerts: AlertSink,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._limits = limits
        self._book = book
        self._alerts = alerts
        self.claims: Callable[[], Iterable[Claim]] = tuple
        self._answers: dict[Kind, _Answer] = {}
        self._funds: Funds | None = None
        self._funds_at_s = -inf
        self._asked_at_s = -inf
        self._reserved: dict[str, Decimal] = {}
        self._total = _ZERO
        self._in_figures: frozenset[str] = frozenset()
        self._deferred: dict[str, Claim] = {}

    @property
    def is_on(self) -> bool:
        """A limit is held by margins."""
        return self._limits.max_margin_pct is not None

    def begin(self) -> None:
        """Keep funds, answers and reservations up to date from here on."""
        if self.is_on:
            self._supervisor.start("margins", self._keep, self._ended)

    def margin(self, claim: Claim) -> Margin | None:
        """Give what an entry would take and what there is, as known now; None is not known."""
        funds = self._funds
        if funds is None or self._clock.monotonic() - self._funds_at_s > FUNDS_SERVE_S:
            return None
        takes, is_estimate = self._takes(claim, funds)
        others = self._total - self._reserved.get(claim.holder, _ZERO)
        return Margin(takes, is_estimate, funds.available, others, funds.is_cash_account)

    async def ask(self, claim: Claim) -> Margin | None:
        """Give the same, and ask the broker for what is not known, as far as it may be asked.

        Raises RiskRefused where the account cannot pay for it, or the broker would turn it down.
        """
        if not self.is_on:
            return None
        self.reserve()
        if self._clock.monotonic() - self._funds_at_s > FUNDS_EVERY_S:
            with suppress(DeskError):
                await self._ask_funds()
        try:
            await self._ask_margin(claim)
        except BrokerRejected as error:
            if error.code == _REJECTED:
                symbol = claim.instrument.symbol
                raise RiskRefused(
                    f"{symbol}: the broker would turn it down: {error.message}", code=error.code
                ) from error
        except DeskError:
            pass  # an answer that did not come is no margin: the whole worth counts
        self.check_known(claim)
        return self.margin(claim)

    def check_known(self, claim: Claim) -> None:
        """Raise RiskRefused where it is known that the account cannot pay for an entry.

        What is not known refuses an entry, but nobody who only waits for one.
        """
        margin, instrument = self.margin(claim), claim.instrument
        if margin is None or margin.available is None or margin.is_estimate:
            return
        entry = EntryContext(
            symbol=instrument.symbol,
            ticket=claim.ticket,
            price=claim.price,
            multiplier=instrument.multiplier,
            position=self._book.holding(instrument.con_id),
            margin=margin,
        )
        check_margin(self._limits, entry)

    def reserve(self) -> None:
        """Reserve what those take who take funds now, and give back what others took."""
        if not self.is_on:
            return
        claims = {each.holder: each for each in self.claims()}
        if self._reserved.keys() - claims.keys() - self._in_figures:
            self._funds_at_s = min(self._funds_at_s, self._clock.monotonic() - FUNDS_EVERY_S)
        self._deferred = {
            holder: each for holder, each in self._deferred.items() if holder in claims
        }
        self._in_figures &= claims.keys()
        self._reserved = {
            holder: self._reservation(each)
            for holder, each in claims.items()
            if holder not in self._in_figures
        }
        self._total = sum(self._reserved.values(), _ZERO)

    def armed(self, claim: Claim) -> None:
        """Reserve for a watcher that was just armed, and say so where it is not checked yet."""
        self.reserve()
        margin = self.margin(claim) if self.is_on else None
        if margin is None or not margin.is_estimate:
            return
        self._deferred[claim.holder] = claim
        due_s = self._asked_at_s + WHAT_IF_EVERY_S * len(self._deferred) - self._clock.monotonic()
        self._tell(
            AlertKind.INFO,
            f"the margin of {claim.instrument.symbol} is not known yet, and its whole worth is "
            f"reserved; the broker is asked in about {max(0.0, due_s):.0f} s",
            claim,
        )

    async def _keep(self) -> None:
        while True:
            self.reserve()
            with suppress(DeskError):  # what is not known is known not to be, by its age
                if self._clock.monotonic() - self._funds_at_s >= FUNDS_EVERY_S:
                    await self._ask_funds()
            await self._ask_next()
            await self._clock.sleep(LOOK_S)

    async def _ask_funds(self) -> None:
        entered = frozenset(each.holder for each in self.claims() if each.has_entered)
        asked_s = self._clock.monotonic()
        self._funds = funds_of(await self._broker.account_summary())
        self._funds_at_s, self._in_figures = asked_s, entered
        self.reserve()

    async def _ask_next(self) -> None:
        """Ask for the margin of the first that waits for it, when the broker may be asked."""
        waiting = next(iter(self._deferred.values()), None) or self._oldest()
        if waiting is None:
            return
        try:
            if not await self._ask_margin(waiting):
                return
            self._deferred.pop(waiting.holder, None)
            self.reserve()
            self.check_known(waiting)
        except RiskRefused as error:
            text = f"{error.message} It stays armed, and enters nothing while that is so"
            self._tell(AlertKind.WARNING, text, waiting)
        except DeskError as error:
            # to the end of the line: one that is never answered does not hold up the others
            if (later := self._deferred.pop(waiting.holder, None)) is not None:
                self._deferred[waiting.holder] = later
            text = f"the margin of {waiting.instrument.symbol} was not told: {error.message}"
            self._tell(AlertKind.WARNING, f"{text} Its whole worth stays reserved", waiting)

    async def _ask_margin(self, claim: Claim) -> bool:
        """Ask unless an answer serves; False where the broker may not be asked yet.

        Raises BrokerError where it did not say, and what `Broker.what_if` raises.
        """
        now_s, funds = self._clock.monotonic(), self._funds
        if self._serves(claim.kind) or (funds is not None and funds.is_cash_account):
            return True
        if now_s - self._asked_at_s < WHAT_IF_EVERY_S or not self._broker.link.takes_orders:
            return False
        self._asked_at_s = now_s
        takes = needed(await self._broker.what_if(claim.instrument, claim.ticket))
        if takes is None:
            raise DeskError("the broker's answer held no margin.")
        self._answers[claim.kind] = _Answer(takes, self._clock.monotonic())
        return True

    def _oldest(self) -> Claim | None:
        """Give who reserves by an answer that no longer serves, or by none at all."""
        stale = [
            each for each in self.claims() if not each.has_entered and not self._serves(each.kind)
        ]
        return min(stale, key=lambda each: self._answered_s(each.kind), default=None)

    def _serves(self, kind: Kind) -> bool:
        return self._is_fresh(self._answered_s(kind))

    def _is_fresh(self, answered_s: float) -> bool:
        return self._clock.monotonic() - answered_s <= ANSWER_SERVES_S

    def _answered_s(self, kind: Kind) -> float:
        answer = self._answers.get(kind)
        return -inf if answer is None else answer.at_s

    def _reservation(self, claim: Claim) -> Decimal:
        funds = self._funds
        takes = None if funds is None else self._takes(claim, funds)[0]
        return _ZERO if takes is None else takes

    def _takes(self, claim: Claim, funds: Funds) -> tuple[Decimal | None, bool]:
        """Give what an entry takes, and whether that is its whole worth for want of an answer."""
        answer = self._answers.get(claim.kind)
        if answer is not None and not funds.is_cash_account and self._is_fresh(answer.at_s):
            return answer.needed, False
        if claim.instrument.currency != (funds.currency or claim.instrument.currency):
            return None, True
        worth = whole_worth(claim.notional, claim.ticket.quantity)
        return worth, not funds.is_cash_account

    def _ended(self, task: Supervised) -> None:
        if task.end is TaskEnd.FAILED:
            text = f"margins are not kept any more ({task.reason}): nothing is entered; restart"
            self._alerts(Alert(AlertKind.ERROR, text, self._market_clock.now))

    def _tell(self, kind: AlertKind, text: str, claim: Claim) -> None:
        symbol, holder = claim.instrument.symbol, claim.holder
        self._alerts(Alert(kind, text, self._market_clock.now, symbol, holder))
