from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.errors import JournalLost, NotConnected
from apps.domain.orders import Bracket, OrderStatus
from apps.domain.records import (
    AccountSeen,
    AlertTold,
    ChangeAsked,
    ChangeKind,
    CommandGiven,
    CommissionReported,
    DeskOpened,
    Executed,
    IntentDropped,
    IntentReserved,
    LinkSeen,
    NoticeHeard,
    OrderReserved,
    OrderSeen,
    PositionSeen,
    Record,
)
from apps.engine.alerts import AlertKind
from apps.engine.ports import LinkState
from apps.engine.requests import BracketRequest
from tests.engine.conftest import Stage
from tests.engine.fakes import ACCOUNT, CLIENT_ID, OPEN, settle

LOST = JournalLost("The journal cannot be written to (disk is full).")


def kept(stage: Stage, *kinds: type[Record]) -> list[Record]:
    return [each for each in stage.journal.records if isinstance(each, kinds)]


def names(stage: Stage, since: int) -> list[str]:
    """What was written since record ``since``, told apart from what is only told."""
    written = stage.journal.records[since:]
    return [type(each).__name__ for each in written if not isinstance(each, AlertTold)]


async def test_intent_and_its_orders_are_written_before_the_bracket_is_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[list[Record]]()
    place = stage.broker.place_bracket

    def noted(bracket: Bracket, order_ids: tuple[int, ...] = ()) -> tuple[int, ...]:
        seen.append(kept(stage, IntentReserved, OrderReserved))
        return place(bracket, order_ids)

    monkeypatch.setattr(stage.broker, "place_bracket", noted)
    entry, target, stop = await stage.enter()
    intent, *orders = seen[0]
    assert isinstance(intent, IntentReserved)
    assert (intent.label, intent.symbol, intent.quantity) == ("w1", "AAPL", Decimal(10))
    assert [
        (each.role, each.order_id, each.parent_id, each.order_ref)
        for each in orders
        if isinstance(each, OrderReserved)
    ] == [
        ("entry", entry, 0, intent.order_ref),
        ("take-profit", target, entry, intent.order_ref),
        ("stop", stop, entry, intent.order_ref),
    ]
    assert {placed.ticket.order_ref for placed in stage.broker.orders.values()} == {
        intent.order_ref
    }


async def test_entry_that_cannot_be_written_is_not_sent(stage: Stage) -> None:
    await stage.arm()
    stage.journal.error = LOST
    stage.bars(190.40, 190.55, 190.60)
    await settle()
    assert not stage.broker.sent
    assert any("cannot be written" in text for text in stage.texts(AlertKind.ERROR))
    assert not stage.desk.trades()


async def test_orders_that_close_go_out_though_they_cannot_be_written(stage: Stage) -> None:
    _, target, stop = await stage.enter_and_fill()
    stage.journal.error = LOST
    before = len(stage.broker.sent)
    closing = asyncio.create_task(stage.desk.close("AAPL"))
    await settle()
    assert stage.broker.sent[before:] == [f"modify {target}"]
    stage.broker.fill(target, "10", "190.40")
    stage.broker.end(stop)
    while not closing.done():
        await stage.clock.advance(0.5)


async def test_what_could_not_be_written_is_written_first_when_it_can_be_again(
    stage: Stage,
) -> None:
    entry, target, stop = await stage.enter()
    stage.journal.error = LOST
    since = len(stage.journal.records)
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "10", "190.62")
    assert len(stage.journal.records) == since
    assert len(stage.texts(AlertKind.ERROR)) == 1  # told once, however much is missing
    stage.journal.error = None
    stage.desk.note_command("positions")
    written = names(stage, since)
    assert written[:5] == ["OrderSeen"] * 3 + ["Executed", "OrderSeen"]
    assert written[-1] == "CommandGiven"
    assert "the journal is written again, what was missing included" in stage.texts(AlertKind.INFO)


async def test_bracket_that_the_link_does_not_take_is_dropped_in_the_journal(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> tuple[int, ...]:
        raise NotConnected("the link is gone")

    monkeypatch.setattr(stage.broker, "place_bracket", refuse)
    preview = await stage.desk.preview_bracket(BracketRequest("buy", "AAPL", "10"))
    with pytest.raises(NotConnected):
        await stage.desk.send_bracket(preview)
    (intent,) = kept(stage, IntentReserved)
    (dropped,) = kept(stage, IntentDropped)
    assert isinstance(intent, IntentReserved)
    assert isinstance(dropped, IntentDropped)
    assert dropped.order_ref == intent.order_ref
    assert dropped.reason == "the link is gone"


async def test_what_the_broker_says_is_written_once_and_before_it_is_told(stage: Stage) -> None:
    entry, *_ = await stage.enter()
    since = len(stage.journal.records)
    stage.broker.accept(entry)
    stage.broker.set_status(entry, OrderStatus.SUBMITTED)  # said again
    fill = stage.broker.fill(entry, "10", "190.62", commission="1.00")
    stage.broker.send_fill(replace(fill, commission=Decimal("1.00")))
    written = stage.journal.records[since:]
    assert [type(each) for each in written] == [
        OrderSeen,
        Executed,
        AlertTold,
        OrderSeen,
        CommissionReported,
    ]


async def test_correction_is_written_beside_what_it_corrects(stage: Stage) -> None:
    entry, *_ = await stage.enter()
    fill = stage.broker.fill(entry, "10", "190.62", commission=None)
    stage.broker.send_fill(replace(fill, exec_id=fill.exec_id[:-1] + "2", price=Decimal("190.60")))
    executed = [each for each in kept(stage, Executed) if isinstance(each, Executed)]
    assert [(each.execution, each.revision) for each in executed] == [
        (fill.execution, 1),
        (fill.execution, 2),
    ]


async def test_orders_and_executions_of_others_are_not_written(stage: Stage) -> None:
    entry, *_ = await stage.enter()
    fill = stage.broker.fill(entry, "10", "190.62")
    since = len(stage.journal.records)
    stage.broker.send_fill(replace(fill, exec_id="ffff.1.01.01", client_id=CLIENT_ID + 1))
    stage.broker.send_fill(replace(fill, exec_id="ffff.2.01.01", order_ref="by hand"))
    assert not [each for each in names(stage, since) if each == "Executed"]


async def test_rejection_stands_in_the_journal_with_its_code(stage: Stage) -> None:
    entry, *_ = await stage.enter()
    stage.broker.reject(entry, 201, "Order rejected - reason: margin")
    (notice,) = kept(stage, NoticeHeard)
    assert isinstance(notice, NoticeHeard)
    assert (notice.order_id, notice.code, notice.order_ref) == (
        entry,
        201,
        stage.desk.trades()[0].order_ref,
    )


async def test_withdrawal_is_written_before_it_is_asked_for(stage: Stage) -> None:
    entry, *_ = await stage.enter()
    stage.broker.accept(entry)
    await stage.clock.advance(11)
    (asked,) = kept(stage, ChangeAsked)
    assert isinstance(asked, ChangeAsked)
    assert (asked.order_id, asked.change) == (entry, ChangeKind.CANCEL)
    assert asked.order_ref == stage.desk.trades()[0].order_ref
    places = [type(each) for each in stage.journal.records]
    assert places.index(ChangeAsked) < len(places) - places[::-1].index(OrderSeen)


async def test_alert_of_a_trade_names_its_intent(stage: Stage) -> None:
    await stage.enter_and_fill()
    told = [each for each in kept(stage, AlertTold) if isinstance(each, AlertTold)]
    order_ref = stage.desk.trades()[0].order_ref
    assert [each.order_ref for each in told if each.kind == "fill"] == [order_ref]
    assert [each.text for each in told] == [each.text for each in stage.told]


async def test_opening_writes_desk_link_and_account(stage: Stage) -> None:
    await settle()
    opened, link, account = stage.journal.records
    assert opened == DeskOpened(ACCOUNT, CLIENT_ID, "paper", OPEN)
    assert isinstance(link, LinkSeen)
    assert (link.state, link.epoch) == ("ready", 0)
    assert isinstance(account, AccountSeen)
    assert account.cash == Decimal(250000)


async def test_every_loss_of_the_link_is_written_and_the_account_when_it_is_back(
    stage: Stage,
) -> None:
    await stage.enter_and_fill()
    since = len(stage.journal.records)
    stage.broker.set_link(LinkState.DISCONNECTED, "cut", epoch=1)
    stage.broker.set_link(LinkState.READY)
    await settle()
    news = [each for each in stage.journal.records[since:] if not isinstance(each, AlertTold)]
    assert [type(each) for each in news[:2]] == [LinkSeen, LinkSeen]
    assert {type(each) for each in news[2:]} == {AccountSeen, PositionSeen}


async def test_command_is_written_whatever_bytes_it_has(stage: Stage) -> None:
    stage.desk.note_command("quote \udcff")
    command = stage.journal.records[-1]
    assert isinstance(command, CommandGiven)
    assert command.text.encode()
