from __future__ import annotations

import asyncio

import pytest

from apps.api.situation import Situation
from apps.api.window import WindowTitle, titled
from apps.engine.ports import Link, LinkState
from tests.api.stand_ins import FakeDesk, a_watcher, some_settings

KEEP, GIVE_BACK = "\x1b[22;2t", "\x1b]2;\x07\x1b[23;2t"


def test_title_says_mode_account_link_and_watchers() -> None:
    situation, desk = Situation(some_settings(trading_mode="live")), FakeDesk()
    assert situation.title() == "LIVE"
    situation.desk = desk.as_desk()
    assert situation.title() == "LIVE DU1234567 | ready | 0 watchers"
    desk.link = Link(LinkState.DISCONNECTED, epoch=1)
    desk.rows = (a_watcher(), a_watcher(id="w2", end_reason="stopped"))
    assert situation.title() == "LIVE DU1234567 | disconnected | 1 watcher"


def test_title_is_written_when_it_changes_and_given_back_once() -> None:
    text, written = ["PAPER"], list[str]()
    title = WindowTitle(lambda: text[0], written.append)
    title.refresh()
    title.refresh()
    text[0] = "LIVE"
    title.refresh()
    title.restore()
    title.restore()
    assert written == [KEEP + "\x1b]2;PAPER\x07", "\x1b]2;LIVE\x07", GIVE_BACK]


def test_title_that_was_never_shown_is_not_given_back() -> None:
    written = list[str]()
    WindowTitle(lambda: "PAPER", written.append).restore()
    assert written == []


def test_control_characters_do_not_get_into_a_title() -> None:
    written = list[str]()
    WindowTitle(lambda: "PAPER\x07\x1b[2J", written.append).refresh()
    assert written == [KEEP + "\x1b]2;PAPER[2J\x07"]


async def test_title_is_kept_while_the_block_runs_and_given_back_when_it_fails() -> None:
    written = list[str]()

    async def fail() -> None:
        async with titled(WindowTitle(lambda: "PAPER", written.append)):
            await asyncio.sleep(0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert written == [KEEP + "\x1b]2;PAPER\x07", GIVE_BACK]


async def test_terminal_that_hung_up_ends_nothing() -> None:
    def fail(_sequence: str) -> None:
        raise OSError

    async with titled(WindowTitle(lambda: "PAPER", fail)):
        await asyncio.sleep(0)
