"""Who looks on: told after the trader, and dropped alone when it fails."""

from __future__ import annotations

from apps.domain.bars import Bar
from apps.domain.instruments import Instrument
from apps.domain.orders import Fill
from apps.engine.alerts import Alert, AlertKind
from apps.engine.onlookers import Onlookers
from apps.engine.ports import Link, LinkState
from tests.engine.conftest import Stage
from tests.engine.fakes import AAPL, a_bar

READY = Link(LinkState.READY, 0)


class Looker:
    def __init__(self, *, fails: bool = False) -> None:
        self.seen: list[str] = []
        self.fails = fails

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        self._see(f"bar {instrument.symbol} {bar.close}")

    def on_alert(self, alert: Alert) -> None:
        self._see(f"alert {alert.text}")

    def on_fill(self, fill: Fill) -> None:
        self._see("fill")

    def on_link(self, link: Link) -> None:
        self._see(link.state.value)

    def _see(self, what: str) -> None:
        if self.fails:
            raise RuntimeError("no more room")
        self.seen.append(what)


def test_everything_is_told_until_it_leaves() -> None:
    looker, told = Looker(), list[Alert]()
    onlookers = Onlookers(told.append)
    leave = onlookers.join(looker)
    onlookers.on_bar(AAPL, a_bar(0, 1.0, 2.0))
    onlookers.on_alert(Alert(AlertKind.INFO, "hello"))
    onlookers.on_link(READY)
    leave()
    leave()
    onlookers.on_link(READY)
    assert looker.seen == ["bar AAPL 2.0", "alert hello", "ready"]
    assert [each.text for each in told] == ["hello"]


def test_one_that_fails_is_told_nothing_more_and_harms_nobody() -> None:
    bad, good, told = Looker(fails=True), Looker(), list[Alert]()
    onlookers = Onlookers(told.append)
    onlookers.join(bad)
    onlookers.join(good)
    for _ in range(2):
        onlookers.on_bar(AAPL, a_bar(0, 1.0, 2.0))
    assert good.seen == ["bar AAPL 2.0"] * 2
    assert [each.text for each in told] == ["events are told no further: no more room"]


async def test_a_desk_tells_bars_of_what_is_watched_fills_and_alerts(stage: Stage) -> None:
    looker = Looker()
    stage.desk.look_on(looker)
    await stage.enter_and_fill()
    assert "bar AAPL 190.6" in looker.seen
    assert "fill" in looker.seen
    assert any(each.startswith("alert") for each in looker.seen)


async def test_a_failing_onlooker_does_not_keep_a_break_from_being_entered(stage: Stage) -> None:
    stage.desk.look_on(Looker(fails=True))
    await stage.enter()
    assert stage.broker.orders


async def test_a_warning_is_told_and_kept_and_the_journal_says_that_it_is_whole(
    stage: Stage,
) -> None:
    stage.desk.warn("served to the world")
    assert stage.told[-1].text == "served to the world"
    assert stage.desk.is_written
