"""Waiting for a link over which history can be asked for."""

from __future__ import annotations

from apps.domain.errors import NotConnected
from apps.domain.link import FarmKind, Link
from apps.domain.orders import Fill, OrderState
from apps.engine.deadlines import Changes
from apps.engine.ports import Broker, BrokerNotice, Clock

__all__ = ["LinkWait"]


class LinkWait:
    """Hears of the link, and tells when history can be asked for."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._changes = Changes()

    async def until_usable(self, patience_s: float) -> None:
        """Wait until the link and the history farm are up. Raises NotConnected after a while."""
        if not await self._changes.until(self._is_usable, patience_s, self._clock):
            raise NotConnected(
                f"There was no link over which to ask for history for {patience_s:.0f} s. What "
                "had come is kept; give the same load again when the link is back."
            )

    def on_link(self, link: Link) -> None:  # noqa: ARG002 - it is looked at anew
        """Look again."""
        self._changes.announce()

    def on_order(self, order: OrderState) -> None:
        """Orders are nothing to a load."""

    def on_fill(self, fill: Fill) -> None:
        """Neither are executions."""

    def on_notice(self, notice: BrokerNotice) -> None:
        """Nor notices."""

    def _is_usable(self) -> bool:
        link = self._broker.link
        farms = (farm.kind for farm in link.farms_down)
        return link.takes_orders and FarmKind.HISTORY not in farms
