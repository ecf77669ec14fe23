"""The journal: its intents as a table, and one intent's story in words, a line an entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import singledispatch

from rich.table import Table
from rich.text import Text

from apps.api.replies import IntentStory, JournalIntents
from apps.api.views import formats
from apps.api.views.tables import table
from apps.domain.link import LinkState
from apps.domain.numerals import plain, priced
from apps.domain.records import (
    AlertTold,
    ChangeAsked,
    ChangeKind,
    CommissionReported,
    DeskOpened,
    Executed,
    IntentDropped,
    IntentReserved,
    LinkSeen,
    NoticeHeard,
    OrderReserved,
    OrderSeen,
    OutcomeKnown,
    Record,
)
from apps.store.journal.reading import WrittenIntent

__all__ = ["intents", "story", "words"]


def intents(reply: JournalIntents) -> Table | Text:
    """Show the intents of a journal, and what became of each."""
    if not reply.rows:
        return Text("No intents yet.")
    made = table("Intent", "Side", ">Qty", "Symbol", ">Entry", ">Exit", "Outcome", ">P&L")
    for row in reply.rows:
        made.add_row(
            row.intent.order_ref.removeprefix("BD-"),
            formats.side(row.intent.side),
            formats.quantity(row.intent.quantity),
            row.intent.symbol,
            formats.price(row.entry_avg_price),
            formats.price(row.exit_avg_price),
            row.outcome,
            formats.change(row.realized_pnl),
        )
    return made


_ON_THE_WAY = (LinkState.CONNECTING.value, LinkState.SYNCHRONISING.value)


def story(reply: IntentStory) -> Text:
    """Tell an intent's story: market time and what happened, a line each; each day is named once.

    What the broker says over and over, as it does at every start, is told once.
    """
    lines, day = [Text(_title(reply.intent), style="bold")], None
    for record in _news(entry.record for entry in reply.entries):
        if record.at is not None and record.at.date() != day:
            day = record.at.date()
            lines.append(Text(f"{day:%Y-%m-%d} UTC", style="dim"))
        line = Text(f"{'--:--:--' if record.at is None else formats.moment(record.at)}  ", "dim")
        lines.append(line.append(words(record), style="default"))
    return Text("\n").join([*lines, Text("\n".join(_result(reply.intent)), style="bold")])


def _news(records: Iterable[Record]) -> Iterator[Record]:
    """Leave out what was said before: of an order, its permId, and each attempt to connect."""
    said: dict[int, str] = {}
    known: set[int] = set()
    link = LinkState.READY.value
    for record in records:
        if isinstance(record, LinkSeen):
            if record.state not in (link, *_ON_THE_WAY):
                link = record.state
                yield record
            continue
        if not isinstance(record, OrderSeen):
            yield record
            continue
        unnumbered = replace(record, perm_id=0)
        if said.get(record.order_id) != words(unnumbered):
            said[record.order_id] = words(unnumbered)
            yield unnumbered if record.perm_id in known else record
            known.add(record.perm_id)


def _title(row: WrittenIntent) -> str:
    return f"{row.intent.order_ref}: {row.outcome}"


def _result(row: WrittenIntent) -> Iterator[str]:
    if row.entered:
        yield f"entered {plain(row.entered)} @ {_price(row.entry_avg_price)}"
    if row.exited:
        yield f"exited {plain(row.exited)} @ {_price(row.exit_avg_price)}"
    if row.commission is not None:
        pnl = "" if row.realized_pnl is None else f", realised {formats.money(row.realized_pnl)}"
        yield f"fees {formats.money(row.commission)}{pnl}"


@singledispatch
def words(record: Record) -> str:
    """Say in words what was written down."""
    raise TypeError(f"{type(record).__name__} is no part of an intent's story")


@words.register
def _(record: IntentReserved) -> str:
    what = f"{record.side.value.lower()} {plain(record.quantity)} {record.symbol}"
    rests = ", may rest" if record.rests else ""
    return f"reserved by {record.label}: {what}, reference {priced(record.reference)}{rests}"


@words.register
def _(record: IntentDropped) -> str:
    return f"not sent: {record.reason}"


@words.register
def _(record: OutcomeKnown) -> str:
    why = f": {record.reason}" if record.reason else ""
    return f"{'over' if record.is_over else 'not over after all'}, {record.outcome}{why}"


@words.register
def _(record: OrderReserved) -> str:
    prices = _prices(record.limit_price, record.stop_price)
    return (
        f"{record.role} to be sent as order {record.order_id}: {record.side.value.lower()} "
        f"{plain(record.quantity)} {record.order_type}{prices} {record.time_in_force}"
    )


@words.register
def _(record: ChangeAsked) -> str:
    if record.change is ChangeKind.CANCEL:
        return f"order {record.order_id} to be cancelled"
    quantity = "" if record.quantity is None else f" {plain(record.quantity)}"
    prices = _prices(record.limit_price, record.stop_price)
    return f"order {record.order_id} to be changed to{quantity}{prices}"


@words.register
def _(record: OrderSeen) -> str:
    held = f", held: {record.why_held}" if record.why_held else ""
    warning = f" ({record.warning})" if record.warning else ""
    filled = f", {plain(record.filled)} of {plain(record.quantity)} filled" if record.filled else ""
    perm_id = f", permId {record.perm_id}" if record.perm_id else ""
    return f"order {record.order_id} is {record.status.value}{filled}{held}{perm_id}{warning}"


@words.register
def _(record: NoticeHeard) -> str:
    return f"of order {record.order_id} the broker says [{record.code}] {record.text}"


@words.register
def _(record: Executed) -> str:
    verb = {1: "bought", -1: "sold"}[record.side.sign]
    corrected = ", corrected" if record.revision > 1 else ""
    return (
        f"order {record.order_id} {verb} {plain(record.quantity)} @ {priced(record.price)} "
        f"(execution {record.exec_id}{corrected})"
    )


@words.register
def _(record: CommissionReported) -> str:
    pnl = "" if record.realized_pnl is None else f", realised {formats.money(record.realized_pnl)}"
    return f"fee {formats.money(record.commission)} for execution {record.exec_id}{pnl}"


@words.register
def _(record: DeskOpened) -> str:
    return f"a desk began, {record.trading_mode}, client {record.client_id}"


@words.register
def _(record: LinkSeen) -> str:
    reason = f": {record.reason}" if record.reason else ""
    return f"the link was {record.state}{reason}"


@words.register
def _(record: AlertTold) -> str:
    return f"told ({record.kind}): {record.text}"


def _prices(limit_price: Decimal | None, stop_price: Decimal | None) -> str:
    limit = f" limit {priced(limit_price)}" if limit_price is not None else ""
    stop = f" stop {priced(stop_price)}" if stop_price is not None else ""
    return f"{stop}{limit}"


def _price(price: Decimal | None) -> str:
    return "–" if price is None else priced(price)
