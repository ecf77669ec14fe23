"""Where everything that the broker says arrives, and who hears of it, in which order.

The book comes first, so that whoever decides next counts with the execution. One hearer that
fails is told of and harms no other: a broker's word is never lost on the way.
"""

from __future__ import annotations

from apps.domain.errors import DeskError
from apps.domain.orders import Fill, OrderState
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.cancellations import Cancellations
from apps.engine.execution import Execution
from apps.engine.exit_routine import ExitRoutine
from apps.engine.feeds import BarFeeds
from apps.engine.market_clock import MarketClock
from apps.engine.own_book import OwnBook
from apps.engine.ports import Broker, BrokerNotice, Link, LinkState
from apps.engine.supervisor import Supervisor, contained, sentence

__all__ = ["Switchboard"]

_BLIND = "watchers are blind, and nothing is entered until it is back"
_BACK = "the link to the broker is ready again; watchers go on as their bars come"


class Switchboard:
    """Listens to the broker for all of the desk: see `apps.engine.ports.BrokerListener`."""

    def __init__(
        self,
        *,
        broker: Broker,
        supervisor: Supervisor,
        market_clock: MarketClock,
        book: OwnBook,
        feeds: BarFeeds,
        execution: Execution,
        cancellations: Cancellations,
        exits: ExitRoutine,
        alerts: AlertSink,
    ) -> None:
        self._broker = broker
        self._supervisor = supervisor
        self._market_clock = market_clock
        self._book = book
        self._feeds = feeds
        self._execution = execution
        self._cancellations = cancellations
        self._exits = exits
        self._alerts = alerts
        self._link: Link | None = None
        self._told_reason = ""

    def on_order(self, order: OrderState) -> None:
        """Pass on what is said of an order."""
        contained(self._failed, self._execution.on_order, order)
        self._cancellations.on_order()
        self._exits.on_event()

    def on_fill(self, fill: Fill) -> None:
        """Pass on an execution."""
        self._market_clock.observe(fill.at)
        contained(self._failed, self._book.on_fill, fill)
        contained(self._failed, self._execution.on_fill, fill)
        self._exits.on_event()

    def on_notice(self, notice: BrokerNotice) -> None:
        """Pass on a code and a text."""
        contained(self._failed, self._execution.on_notice, notice)
        self._cancellations.on_notice(notice)
        self._exits.on_event()
        if (
            notice.order_id is None and not notice.is_routine
        ):  # of an order, it is told with what becomes of that
            self._tell(AlertKind.WARNING, f"[{notice.code}] {notice.text}")

    def on_link(self, link: Link) -> None:
        """Pass on the link's state: feeds are blind before anybody else hears of a loss."""
        before, self._link = self._link, link
        self._feeds.on_link(link)
        contained(self._failed, self._execution.on_link, link)
        self._exits.on_event()
        was_lost = before is not None and before.epoch != link.epoch
        self._tell_link(before, link)
        if link.state is LinkState.READY and (was_lost or _was_away(before)):
            self._supervisor.start("catch up", self.catch_up)

    async def catch_up(self) -> None:
        """Read again what may have happened while nobody listened."""
        try:
            for fill in await self._broker.executions():
                self.on_fill(fill)
            standing = await self._broker.open_orders()
            for order in standing:
                self.on_order(order)
            contained(self._failed, self._execution.on_open_orders, standing)
            await self._book.ask_positions(self._broker)
        except DeskError as error:
            text = f"orders and executions could not be read again: {sentence(error)}"
            self._tell(AlertKind.WARNING, text)

    def _tell_link(self, before: Link | None, link: Link) -> None:
        if before is not None and (before.state, before.epoch) == (link.state, link.epoch):
            return
        why = f": {link.reason}" if link.reason else ""
        if link.state is LinkState.READY:
            self._told_reason = ""
            if before is not None:
                self._tell(AlertKind.LINK, _BACK)
        elif before is None or before.state is LinkState.READY:
            self._tell(
                AlertKind.LINK, f"the link to the broker is {link.state.value}{why}; {_BLIND}"
            )
        elif link.state is LinkState.DISCONNECTED and link.reason != self._told_reason:
            self._told_reason = link.reason  # however often it is tried
            self._tell(AlertKind.LINK, f"still not connected{why}; it is tried again")

    def _failed(self, error: Exception) -> None:
        self._tell(AlertKind.ERROR, f"a message of the broker's was not understood: {error}")

    def _tell(self, kind: AlertKind, text: str) -> None:
        self._alerts(Alert(kind, text, self._market_clock.now))


def _was_away(before: Link | None) -> bool:
    return before is not None and before.state is not LinkState.READY
