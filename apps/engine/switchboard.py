"""Where everything that the broker says arrives, and who hears of it, in which order.

The book comes first, so that whoever decides next counts with the execution. One hearer that
fails is told of and harms no other: a broker's word is never lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable

from apps.domain.orders import Fill, OrderState
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.exits.exit_routine import ExitRoutine
from apps.engine.link_news import LinkNews
from apps.engine.orders.account_orders import AccountOrders
from apps.engine.orders.cancellations import Cancellations
from apps.engine.orders.execution import Execution
from apps.engine.ports import BrokerNotice, Link, LinkState
from apps.engine.prices.feeds import BarFeeds
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.own_book import OwnBook
from apps.engine.supervisor import contained

__all__ = ["Switchboard"]


class Switchboard:
    """Listens to the broker for all of the desk: see `apps.engine.ports.BrokerListener`."""

    def __init__(
        self,
        *,
        market_clock: MarketClock,
        book: OwnBook,
        feeds: BarFeeds,
        execution: Execution,
        account_orders: AccountOrders,
        cancellations: Cancellations,
        exits: ExitRoutine,
        alerts: AlertSink,
    ) -> None:
        self._market_clock = market_clock
        self._book = book
        self._feeds = feeds
        self._execution = execution
        self._account_orders = account_orders
        self._cancellations = cancellations
        self._exits = exits
        self._alerts = alerts
        self._link: Link | None = None
        self._news = LinkNews()
        self.may_have_missed: Callable[[], None] = lambda: None
        """Called when something may have happened unheard, and can be asked for."""

    def on_order(self, order: OrderState) -> None:
        """Pass on what is said of an order."""
        contained(self._failed, self._execution.on_order, order)
        contained(self._failed, self._account_orders.on_order, order)
        self._cancellations.on_order()
        self._exits.on_event()

    def on_fill(self, fill: Fill) -> None:
        """Pass on an execution."""
        self._market_clock.observe(fill.at)
        contained(self._failed, self._book.on_fill, fill)
        contained(self._failed, self._execution.on_fill, fill)
        contained(self._failed, self._account_orders.on_fill, fill)
        self._exits.on_event()

    def on_notice(self, notice: BrokerNotice) -> None:
        """Pass on a code and a text."""
        contained(self._failed, self._execution.on_notice, notice)
        contained(self._failed, self._account_orders.on_notice, notice)
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
        contained(self._failed, self._account_orders.on_link, link)
        self._exits.on_event()
        if (news := self._news.of(link)) is not None:
            self._tell(*news)
        if before is not None and _may_have_missed(before, link):
            self.may_have_missed()

    def _failed(self, error: Exception) -> None:
        self._tell(AlertKind.ERROR, f"a message of the broker's was not understood: {error}")

    def _tell(self, kind: AlertKind, text: str) -> None:
        self._alerts(Alert(kind, text, self._market_clock.now))


def _may_have_missed(before: Link, link: Link) -> bool:
    """Tell whether something may have happened unheard, and can be asked for now."""
    if link.takes_orders and not before.takes_orders:
        return True
    is_other = (before.state, before.epoch) != (link.state, link.epoch)
    return link.state is LinkState.READY and is_other
