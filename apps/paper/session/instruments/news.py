"""News: bulletins of the broker's, and the services of a login that has none.

Bulletins are the gateway's own announcements (an exchange is down, it is up again): whoever plays
its operator publishes them on the `BulletinBoard`, and every client that asked is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.paper.bulletins import Bulletin
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.topic import Topic
from apps.paper.wire import (
    CancelNewsBulletins,
    HistoricalNewsEnd,
    NewsBulletin,
    NewsProviders,
    ReqHistoricalNews,
    ReqNewsArticle,
    ReqNewsBulletins,
    ReqNewsProviders,
)
from apps.paper.world import World

__all__ = ["News"]


class News(Topic):
    """What there is to read."""

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._reads_bulletins = False

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqNewsBulletins: self._bulletins,
            CancelNewsBulletins: self._cancel_bulletins,
            ReqNewsProviders: self._providers,
            ReqNewsArticle: self._article,
            ReqHistoricalNews: self._headlines,
        }

    def close(self) -> None:
        """End every subscription, that to bulletins too."""
        super().close()
        self._cancel_bulletins(CancelNewsBulletins())

    def _bulletins(self, request: ReqNewsBulletins) -> None:
        """Tell of the bulletins from now on; of those of today too, where they are wanted."""
        if not self._reads_bulletins:
            self._reads_bulletins = True
            self.world.bulletins.readers.append(self._tell_bulletin)
        if request.all_messages:
            for bulletin in self.world.bulletins.of_day(self.world.now):
                self._tell_bulletin(bulletin)

    def _cancel_bulletins(self, _: CancelNewsBulletins) -> None:
        if self._reads_bulletins:
            self._reads_bulletins = False
            self.world.bulletins.readers.remove(self._tell_bulletin)

    def _tell_bulletin(self, bulletin: Bulletin) -> None:
        self.client.send(
            NewsBulletin(bulletin.number, bulletin.kind.value, bulletin.text, bulletin.exchange)
        )

    def _providers(self, _: ReqNewsProviders) -> None:
        """Give the services of this login: none."""
        self.client.send(NewsProviders())

    def _article(self, request: ReqNewsArticle) -> None:
        text = "Failed to request news article:No data available"
        raise RequestRefused(request.req_id, 10172, text)

    def _headlines(self, request: ReqHistoricalNews) -> None:
        """Give the headlines of the services: of none, none."""
        self.client.send(HistoricalNewsEnd(request.req_id))
