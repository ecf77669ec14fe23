from __future__ import annotations

from datetime import UTC, datetime

from apps.domain.link import Farm, FarmKind, Link, LinkState
from apps.domain.link_life import (
    BrokerBack,
    BrokerLost,
    Busted,
    Dialled,
    FarmBack,
    FarmBroken,
    Greeted,
    LinkEvent,
    SessionEnded,
    Synchronised,
    step,
)
from apps.engine.alerts import AlertKind
from apps.engine.link_news import LinkNews, News

USFARM = Farm(FarmKind.MARKET_DATA, "usfarm")
USHMDS = Farm(FarmKind.HISTORY, "ushmds")
MADE = (Dialled(), Greeted(), Synchronised())
BACK = BrokerBack("IB's servers are back", keeps_subscriptions=True)
UNTIL = datetime(2026, 11, 20, 6, 45, tzinfo=UTC)


class Evening:
    """A link whose life is told, with a switch for the restart window."""

    def __init__(self) -> None:
        self.link = Link(LinkState.DISCONNECTED, 0)
        self.news = LinkNews()
        self.until: datetime | None = None
        for event in MADE:
            self.link, _ = step(self.link, event)
        assert self.news.of(self.link) is None

    def hear(self, *events: LinkEvent) -> list[News]:
        told = []
        for event in events:
            self.link, _ = step(self.link, event)
            told.append(self.news.of(self._dated()))
        return [each for each in told if each is not None]

    def _dated(self) -> Link:
        link = self.link
        return Link(
            link.state,
            link.epoch,
            link.reason,
            link.loss,
            link.farms_down,
            link.is_broker_lost,
            self.until,
        )


def kinds(told: list[News]) -> list[AlertKind]:
    return [kind for kind, _ in told]


def test_a_loss_is_told_once_and_its_end_once() -> None:
    evening = Evening()
    told = evening.hear(SessionEnded("the socket closed"), *MADE)
    assert kinds(told) == [AlertKind.LINK, AlertKind.LINK]
    assert "disconnected: the socket closed; watchers are blind" in told[0][1]
    assert "ready again" in told[1][1]


def test_attempts_that_fail_alike_are_told_once() -> None:
    evening = Evening()
    evening.hear(SessionEnded("the socket closed"))
    turned_away = (Dialled(), SessionEnded("Nobody listens."))
    told = evening.hear(*turned_away, *turned_away, Dialled(), SessionEnded("IB 326"))
    assert [text for _, text in told] == [
        "still not connected: Nobody listens; it is tried again",
        "still not connected: IB 326; it is tried again",
    ]


def test_a_blip_is_told_from_both_ends() -> None:
    told = Evening().hear(BrokerLost("IB 1100: lost."), BACK)
    assert kinds(told) == [AlertKind.LINK, AlertKind.LINK]


def test_a_market_data_farm_is_an_alarm_and_a_history_farm_a_warning() -> None:
    evening = Evening()
    ((kind, text),) = evening.hear(FarmBroken(USHMDS, "IB 2105: broken."))
    assert (kind, "history farm ushmds is down: IB 2105" in text) == (AlertKind.WARNING, True)
    ((kind, text),) = evening.hear(FarmBroken(USFARM, "IB 2103: broken."))
    assert (kind, "market data farm usfarm is down" in text) == (AlertKind.LINK, True)
    ((kind, text),) = evening.hear(FarmBack(USFARM))
    assert (kind, "still down: history farm ushmds" in text) == (AlertKind.INFO, True)
    ((kind, text),) = evening.hear(FarmBack(USHMDS))
    assert (kind, text) == (AlertKind.INFO, "the history farm ushmds is back")


def test_a_bust_is_left_to_the_feed_that_it_ended() -> None:
    assert Evening().hear(Busted()) == []


def test_the_nightly_restart_is_two_quiet_lines_however_often_the_link_goes() -> None:
    evening = Evening()
    evening.until = UNTIL
    turned_away = (Dialled(), SessionEnded("Nobody listens."))
    told = evening.hear(
        BrokerLost("IB 1100: lost."),
        FarmBroken(USFARM, "IB 2103: broken."),
        SessionEnded("the socket closed"),
        *turned_away,
        *turned_away,
        *MADE,
        BrokerLost("IB 1100: lost."),
        BACK,
        SessionEnded("the socket closed"),
        *MADE,
    )
    assert kinds(told) == [AlertKind.INFO, AlertKind.INFO], "nothing that rings"
    assert "restarts about now: IB 1100: lost; watchers are blind" in told[0][1]
    assert "expected by 06:45 UTC" in told[0][1]
    assert "restart is over" in told[1][1]


def test_a_link_that_is_still_away_when_the_window_ends_is_an_alarm() -> None:
    evening = Evening()
    evening.until = UNTIL
    evening.hear(SessionEnded("the socket closed"))
    evening.until = None
    told = evening.hear(Dialled(), SessionEnded("Nobody listens."), Dialled())
    assert kinds(told) == [AlertKind.LINK]
    assert "should be over, and the link is disconnected: Nobody listens" in told[0][1]
    assert evening.hear(Greeted(), Synchronised())[0][1].startswith("the link to the broker is")


def test_a_restart_that_is_over_after_its_window_is_told_as_over() -> None:
    evening = Evening()
    evening.until = UNTIL
    evening.hear(BrokerLost("IB 1100: lost."))
    evening.until = None
    assert kinds(evening.hear(BACK)) == [AlertKind.INFO]
    assert kinds(evening.hear(BrokerLost("IB 1100: lost."))) == [AlertKind.LINK]


def test_each_night_is_told_again() -> None:
    evening = Evening()
    for night in (UNTIL, UNTIL.replace(day=21)):
        evening.until = night
        assert kinds(evening.hear(BrokerLost("x"), BACK)) == [AlertKind.INFO, AlertKind.INFO]


def test_a_loss_before_the_window_keeps_its_own_end() -> None:
    evening = Evening()
    evening.hear(SessionEnded("the socket closed"))
    evening.until = UNTIL
    assert kinds(evening.hear(*MADE)) == [AlertKind.LINK]
