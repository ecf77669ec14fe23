"""Who looks on: told of bars, alerts and what the broker says, and no part of the desk.

While nobody looks on it costs the way of a bar nothing. What an onlooker does with what it is told
must return at once; one that fails is told nothing more, and the trader that it was so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol

from apps.domain.bars import Bar
from apps.domain.instruments import Instrument
from apps.domain.orders import Fill, OrderState
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.ports import BrokerNotice, Link
from apps.engine.supervisor import contained, sentence

__all__ = ["Onlooker", "Onlookers"]

P = ParamSpec("P")


class Onlooker(Protocol):
    """What somebody who looks on is told. Calls are synchronous and must return at once."""

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """A live bar of something that is watched has come; nobody has acted on it yet."""

    def on_alert(self, alert: Alert) -> None:
        """The trader was told something."""

    def on_fill(self, fill: Fill) -> None:
        """An execution; again once its commission is known."""

    def on_link(self, link: Link) -> None:
        """The link changed its state, or had a loss."""


class Onlookers:
    """Everyone who looks on at one desk; ``alerts`` is the trader's own sink, which hears first.

    It is a listener of the broker's: see `apps.engine.ports.BrokerListener`.
    """

    def __init__(self, alerts: AlertSink) -> None:
        self._alerts = alerts
        self._all: tuple[Onlooker, ...] = ()

    def join(self, onlooker: Onlooker) -> Callable[[], None]:
        """Tell ``onlooker`` from now on; give what ends that, which may be called twice."""
        self._all = (*self._all, onlooker)
        return lambda: self._leave(onlooker)

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Tell of a bar."""
        for each in self._all:
            self._tell(each, each.on_bar, instrument, bar)

    def on_alert(self, alert: Alert) -> None:
        """Tell the trader, then everyone else."""
        self._alerts(alert)
        for each in self._all:
            self._tell(each, each.on_alert, alert)

    def on_order(self, order: OrderState) -> None:
        """Tell nobody: what becomes of orders is looked up in the trades."""

    def on_fill(self, fill: Fill) -> None:
        """Tell of an execution."""
        for each in self._all:
            self._tell(each, each.on_fill, fill)

    def on_notice(self, notice: BrokerNotice) -> None:
        """Tell nobody: what matters of it becomes an alert."""

    def on_link(self, link: Link) -> None:
        """Tell of the link."""
        for each in self._all:
            self._tell(each, each.on_link, link)

    def _tell(
        self, onlooker: Onlooker, word: Callable[P, None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        def failed(error: Exception) -> None:
            self._leave(onlooker)
            text = f"events are told no further: {sentence(error)}"
            self._alerts(Alert(AlertKind.ERROR, text))

        contained(failed, word, *args, **kwargs)

    def _leave(self, onlooker: Onlooker) -> None:
        self._all = tuple(each for each in self._all if each is not onlooker)
