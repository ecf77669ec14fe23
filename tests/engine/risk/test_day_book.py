"""The day's result: what counts from the session's begin, and that a restart changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.account import Position
from apps.domain.orders import Fill, Side
from apps.domain.records import CarriedIn, CommissionReported, Executed, SessionBegan
from apps.domain.sessions import Span
from apps.engine.risk.own_book import OwnBook
from apps.store.journal.file import JournalFile
from tests.engine.fakes import AAPL, ACCOUNT, CLIENT_ID, MSFT, OPEN, a_bar

DAY = Span(OPEN, OPEN + timedelta(hours=6))
NEXT_DAY = Span(DAY.start + timedelta(days=1), DAY.end + timedelta(days=1))
NEXT_BAR = int(timedelta(days=1).total_seconds() / 5)
TWO_DAYS = replace(AAPL, hours=replace(AAPL.hours, regular=(DAY, NEXT_DAY)))


def a_fill(
    name: int, side: Side, quantity: int, price: str, at: datetime, *, con_id: int = AAPL.con_id
) -> Fill:
    return Fill(
        exec_id=f"0001.{name:04}.01",
        order_id=100 + name,
        perm_id=name,
        client_id=CLIENT_ID,
        account=ACCOUNT,
        con_id=con_id,
        symbol="AAPL" if con_id == AAPL.con_id else "MSFT",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        at=at,
        order_ref=f"BD-20261119-w1-{name:06}",
        commission=Decimal(1),
    )


BOUGHT = a_fill(1, Side.BUY, 10, "190", DAY.start + timedelta(hours=1))


def carrying(*fills: Fill, close: float = 195.0) -> OwnBook:
    """A book that went into the next day with what ``fills`` bought, at ``close``."""
    book = OwnBook(CLIENT_ID)
    for fill in fills:
        book.on_fill(fill)
    book.on_bar(TWO_DAYS, a_bar(1000, close, close))
    book.on_bar(TWO_DAYS, a_bar(NEXT_BAR, close, close))
    return book


def test_night_is_the_new_days_and_the_day_before_is_not() -> None:
    book = carrying(BOUGHT)
    assert book.day_pnl() == 0
    book.on_bar(TWO_DAYS, a_bar(NEXT_BAR + 1, 193.0, 193.0))
    assert book.day_pnl() == -20


def test_correction_of_an_older_execution_counts_by_what_it_changes() -> None:
    book = carrying(BOUGHT)
    book.on_fill(replace(BOUGHT, exec_id="0001.0001.02", price=Decimal(191)))
    assert book.day_pnl() == -10
    book.on_fill(replace(BOUGHT, exec_id="0001.0001.03", quantity=Decimal(4)))
    assert book.day_pnl() == -30  # six shares that were never bought at 190 gained no five each


def test_what_was_executed_before_the_first_bar_of_the_session_is_the_sessions() -> None:
    sold = a_fill(2, Side.SELL, 10, "180", NEXT_DAY.start)
    book = carrying(BOUGHT)
    gapped = OwnBook(CLIENT_ID)
    gapped.on_fill(BOUGHT)
    gapped.on_bar(TWO_DAYS, a_bar(1000, 195.0, 195.0))
    gapped.on_fill(sold)
    gapped.on_bar(TWO_DAYS, a_bar(NEXT_BAR, 180.0, 180.0))
    book.on_fill(sold)
    assert book.day_pnl() == gapped.day_pnl() == -151


def test_shares_carried_in_without_a_close_leave_the_result_unknown_until_it_comes() -> None:
    book = OwnBook(CLIENT_ID)
    book.on_fill(BOUGHT)
    book.begin_session(NEXT_DAY)
    book.on_bar(TWO_DAYS, a_bar(NEXT_BAR, 193.0, 193.0))
    assert book.day_pnl() is None
    assert book.day.mark_opening(AAPL.con_id, Decimal(195)) is not None
    assert book.day_pnl() == -20
    assert book.day.mark_opening(AAPL.con_id, Decimal(1)) is None


def test_shares_that_the_account_no_longer_has_are_not_carried_in() -> None:
    book = OwnBook(CLIENT_ID)
    book.on_fill(BOUGHT)
    book.on_positions([Position(ACCOUNT, AAPL.con_id, "AAPL", "STK", "USD", Decimal(4), OPEN_COST)])
    book.begin_session(NEXT_DAY)
    assert [each.quantity for each in book.day.openings] == [Decimal(4)]


OPEN_COST = Decimal(190)


class Journalled:
    """A book whose beginnings and executions are written down as they come."""

    def __init__(self, journal: JournalFile) -> None:
        self.journal = journal
        self.book = OwnBook(CLIENT_ID)
        self.book.on_session = self._begun

    def hear(self, fill: Fill) -> None:
        self.journal.write(Executed.of(fill))
        if fill.commission is not None:
            cost = CommissionReported(fill.exec_id, fill.order_ref, fill.commission, None, fill.at)
            self.journal.write(cost)
        self.book.on_fill(fill)

    def _begun(self) -> None:
        session = self.book.day.session
        assert session is not None
        self.journal.write(SessionBegan(session.start, session.end, None))
        for each in self.book.day.openings:
            self.journal.write(CarriedIn(each.con_id, each.symbol, each.quantity, each.mark, None))

    def restarted(self, told: Sequence[Fill]) -> OwnBook:
        """What a desk knows that opens now; ``told`` are the executions that the broker lists."""
        book, kept = OwnBook(CLIENT_ID), self.journal.kept_day()
        if kept is not None:
            book.day.restore(kept)
        for fill in told:
            book.on_fill(fill)
        return book


moments = st.sampled_from(
    [
        DAY.start + timedelta(hours=1),
        DAY.end - timedelta(seconds=1),
        NEXT_DAY.start,
        NEXT_DAY.start + timedelta(hours=2),
    ]
)
executions = st.builds(
    lambda name, side, quantity, price, at, con_id: a_fill(
        name, side, quantity, str(price), at, con_id=con_id
    ),
    st.integers(1, 6),
    st.sampled_from(Side),
    st.integers(1, 9),
    st.integers(180, 200),
    moments,
    st.sampled_from([AAPL.con_id, MSFT.con_id]),
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Fill], int]:
    """Executions in the order of hearing, corrections among them, and where the new day begins."""
    heard: list[Fill] = []
    first: dict[str, Fill] = {}
    revisions: dict[str, int] = {}
    for each in draw(st.lists(executions, max_size=10)):
        known = first.setdefault(each.execution, each)
        revision = revisions[each.execution] = revisions.get(each.execution, 0) + 1
        exec_id = f"{each.execution}.{revision:02}"
        same = {"con_id": known.con_id, "symbol": known.symbol, "side": known.side, "at": known.at}
        heard.append(replace(each, exec_id=exec_id, order_ref=known.order_ref, **same))  # type: ignore[arg-type]  # the fields of one execution
    return heard, draw(st.integers(0, len(heard)))


@settings(deadline=None, max_examples=60)
@given(stories(), st.data())
def test_restart_gives_the_day_that_an_unbroken_desk_has(
    story: tuple[list[Fill], int], choice: st.DataObject
) -> None:
    heard, begins_at = story
    with JournalFile.open(Path(":memory:")) as journal:
        desk = Journalled(journal)
        for fill in heard[:begins_at]:
            desk.hear(fill)
        for instrument in (TWO_DAYS, replace(TWO_DAYS, con_id=MSFT.con_id)):
            desk.book.on_bar(instrument, a_bar(1000, 195.0, 195.0))
        desk.book.begin_session(NEXT_DAY)
        for fill in heard[begins_at:]:
            desk.hear(fill)
        listed = [each for each in heard if choice.draw(st.booleans())]
        again = desk.restarted(listed)
        for book in (desk.book, again):
            for instrument in (TWO_DAYS, replace(TWO_DAYS, con_id=MSFT.con_id)):
                book.on_bar(instrument, a_bar(NEXT_BAR + 5, 193.5, 193.5))
        assert again.day_pnl() == desk.book.day_pnl()
