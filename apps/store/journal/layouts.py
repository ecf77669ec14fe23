"""Records as rows, and back: a column for each field, named like it.

Decimals and times are text, so that no digit is lost and a person can read them; enums are their
values. `number` is not a field: it counts everything that was ever written down, over all tables,
and so tells what came before what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

from apps.domain.activities import ActivityBegan, ActivityEnded
from apps.domain.errors import JournalRefused
from apps.domain.records import (
    AccountSeen,
    AlertTold,
    BarsHeard,
    CarriedIn,
    ChangeAsked,
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
    OutcomeKnown,
    PositionSeen,
    Record,
    SessionBegan,
    TradingChanged,
    WatcherSeen,
)

__all__ = ["LAYOUTS", "Cell", "Layout"]

Cell = str | int | None
"""What a column holds."""

_IN_PLACE: dict[object, Callable[[Any], Cell]] = {
    Decimal: str,
    datetime: lambda at: at.astimezone(UTC).isoformat(),
    bool: int,
}

_BACK: dict[object, Callable[[Any], object]] = {
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    bool: bool,
    str: str,
    int: int,
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of record stands in its table.

    ``insert`` takes the record's number and then its cells.
    """

    kind: type[Record]
    table: str
    columns: tuple[str, ...]
    insert: str
    cells: Callable[[Any], tuple[Cell, ...]]
    record: Callable[[Sequence[Cell]], Record]

    @property
    def has_intent(self) -> bool:
        """Its records say to which intent they belong."""
        return "order_ref" in self.columns


def _layout(kind: type[Record], table: str, *, is_unique: bool = False) -> Layout:
    hints = get_type_hints(kind)
    columns = tuple(field.name for field in fields(kind))
    marks = ", ".join("?" * (len(columns) + 1))
    verb = "INSERT OR IGNORE" if is_unique else "INSERT"
    return Layout(
        kind=kind,
        table=table,
        columns=columns,
        insert=f"{verb} INTO {table} (number, {', '.join(columns)}) VALUES ({marks})",
        cells=_cells_of(columns, [_put(hints[each]) for each in columns]),
        record=_record_of(kind, [_take(hints[each]) for each in columns]),
    )


def _cells_of(
    columns: tuple[str, ...], parts: list[Callable[[Any], Cell] | None]
) -> Callable[[Any], tuple[Cell, ...]]:
    values_of = attrgetter(*columns)

    def cells(record: Any) -> tuple[Cell, ...]:
        return tuple(
            [
                value if value is None or part is None else part(value)
                for value, part in zip(values_of(record), parts, strict=True)
            ]
        )

    return cells


def _record_of(
    kind: type[Record], parts: list[Callable[[Any], object]]
) -> Callable[[Sequence[Cell]], Record]:
    def record(row: Sequence[Cell]) -> Record:
        try:
            values: list[Any] = [
                None if cell is None else part(cell) for cell, part in zip(row, parts, strict=True)
            ]
            return kind(*values)
        except (InvalidOperation, ValueError, TypeError) as error:
            raise JournalRefused(
                f"The journal holds a {kind.__name__} that cannot be read ({error})."
            ) from error

    return record


def _put(hint: Any) -> Callable[[Any], Cell] | None:
    """Give what makes a value a cell; None where it is one already."""
    bare = _bare(hint)
    if issubclass(bare, Enum):
        return _value
    return _IN_PLACE.get(bare)


def _take(hint: Any) -> Callable[[Any], object]:
    bare = _bare(hint)
    return bare if issubclass(bare, Enum) else _BACK[bare]


def _bare(hint: Any) -> Any:
    """Give the type without its ``| None``."""
    if isinstance(hint, UnionType):
        (hint,) = [each for each in get_args(hint) if each is not NoneType]
    return hint


def _value(member: Enum) -> Cell:
    value: Cell = member.value
    return value


LAYOUTS: dict[type[Record], Layout] = {
    layout.kind: layout
    for layout in (
        _layout(DeskOpened, "desks"),
        _layout(CommandGiven, "commands"),
        _layout(IntentReserved, "intents"),
        _layout(IntentDropped, "drops"),
        _layout(OutcomeKnown, "outcomes"),
        _layout(OrderReserved, "orders"),
        _layout(ChangeAsked, "changes"),
        _layout(OrderSeen, "statuses"),
        _layout(NoticeHeard, "notices"),
        # the broker tells an execution again with its commission, and after every connection
        _layout(Executed, "executions", is_unique=True),
        _layout(CommissionReported, "commissions", is_unique=True),
        _layout(AlertTold, "alerts"),
        _layout(LinkSeen, "links"),
        _layout(AccountSeen, "balances"),
        _layout(PositionSeen, "positions"),
        _layout(WatcherSeen, "watchers"),
        _layout(BarsHeard, "heard"),
        _layout(SessionBegan, "sessions"),
        _layout(CarriedIn, "carried"),
        _layout(TradingChanged, "halts"),
        _layout(ActivityBegan, "activities"),
        _layout(ActivityEnded, "activity_ends"),
    )
}
"""Every kind of record, with its table."""
