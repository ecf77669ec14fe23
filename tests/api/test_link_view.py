from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from rich.console import Console as RichConsole

from apps.api.commands.link import ShowLink
from apps.api.config import default_settings
from apps.api.replies import LinkReport
from apps.api.session import Session
from apps.api.situation import Situation
from apps.api.views.as_json import as_json
from apps.api.views.link import report
from apps.api.views.render import render
from apps.domain.link import Farm, FarmKind, Link, LinkState
from apps.domain.link_life import BrokerLost, FarmBroken, SessionEnded, step
from apps.engine.loop_watch import Cause, Stall, StallLog
from tests.api.stand_ins import FakeDesk

if TYPE_CHECKING:
    from apps.api.console import Console

READY = Link(LinkState.READY, 0)
USFARM = Farm(FarmKind.MARKET_DATA, "usfarm")


def shown(link: Link, bar_age_s: float | None = None) -> str:
    console = RichConsole(width=100, color_system=None)
    with console.capture() as capture:
        console.print(render(LinkReport.of(link, bar_age_s)))
    return capture.get()


def toolbar(link: Link) -> tuple[str, str]:
    """Give the part of the toolbar that shows the link."""
    situation, desk = Situation(default_settings()), FakeDesk()
    desk.link = link
    situation.desk = desk.as_desk()
    words = (link.state.value, " down")
    (part,) = [part for part in situation.toolbar() if any(each in part[1] for each in words)]
    return part


def test_a_ready_link_is_said_in_two_lines() -> None:
    assert shown(READY) == (
        "The link to the broker is ready.\nOrders are sent.\nIt was not lost in this session.\n"
    )


def test_a_farm_that_is_down_is_named_with_what_that_means_for_orders() -> None:
    link, _ = step(READY, FarmBroken(USFARM, "IB 2103: broken."))
    text = shown(link, 12.4)
    assert "data farm down: IB 2103: broken." in text
    assert "Down: market data farm usfarm." in text
    assert "those that open are not" in text
    assert "lost once in this session; the last time: market data farm down" in text
    assert "newest bar came 12 s ago" in text
    assert toolbar(link) == ("bad", "│ market data farm usfarm down ")


def test_the_nightly_restart_is_not_shown_as_an_alarm() -> None:
    link, _ = step(READY, SessionEnded("the socket closed"))
    until = datetime(2026, 11, 20, 6, 45, tzinfo=UTC)
    assert toolbar(link) == ("bad", "│ disconnected ")
    expected = replace(link, expected_until=until)
    assert toolbar(expected) == ("", "│ disconnected (nightly restart) ")
    assert "expected until 06:45 UTC" in shown(expected)
    assert toolbar(replace(READY, expected_until=until)) == ("", "│ ready ")


def test_as_json_it_has_every_field_a_program_asks_for() -> None:
    link, _ = step(READY, BrokerLost("IB 1100: lost."))
    assert json.loads(json.dumps(as_json(LinkReport.of(link, None)))) == {
        "state": "broker link lost",
        "reason": "IB 1100: lost.",
        "epoch": 1,
        "cause": "IB's servers lost",
        "lost": ["bars and quotes", "word of orders"],
        "farms_down": [],
        "takes_orders": False,
        "takes_openings": False,
        "restart_until": None,
        "bar_age_s": None,
        "stalls": 0,
        "worst_stall": "",
    }


async def test_the_command_asks_nothing_of_the_broker() -> None:
    desk = FakeDesk()
    session = Session(cast("Console", None), default_settings(), desk.as_desk())
    reply = await ShowLink().run(session)
    assert isinstance(reply.value, LinkReport)
    assert desk.asked == []


def test_desk_that_was_held_up_says_how_often_and_where() -> None:
    stalls = StallLog()
    for number in range(2):
        stalls.take(Stall(0.41, Cause.HELD_UP, "step, apps/domain/breakout.py:1"), float(number))
    words = report(LinkReport.of(Link(LinkState.READY, 0), 1.0, stalls)).plain
    assert words.endswith(
        "The desk itself was held up 2 times, at worst for 0.41 s in step, "
        "apps/domain/breakout.py:1."
    )
