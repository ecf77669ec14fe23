"""An exchange on the bench whose state is kept in a file, and what a kill leaves of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.paper.books.ledger import Account
from apps.paper.exchange.orders import OrderSnapshot
from apps.paper.exchange.record import ExchangeRecord
from apps.paper.state.file import StateFile
from tests.paper.exchange.bench import Bench

__all__ = ["KeptBench", "after_a_kill", "books_of", "kept", "orders_of", "restored_from"]


class KeptBench(Bench):
    """A bench that writes down what happened, when it is told to."""

    def __init__(self, file: StateFile) -> None:
        super().__init__()
        self.file = file
        record = file.restored()
        if record is None:
            file.settle(accounts=("DU1",), cash=self.account.cash()["USD"])
        else:
            self.exchange.restore(record)
            self.now = max(self.now, record.at)

    def keep(self) -> None:
        self.file.keep(self.exchange.changes(), self.now)


@contextmanager
def kept(path: Path) -> Iterator[KeptBench]:
    with StateFile.open(path) as file:
        yield KeptBench(file)


def after_a_kill(path: Path, to: Path) -> Path:
    """Give what another process would find if this one were killed now: the files as they are."""
    to.mkdir(parents=True, exist_ok=True)
    for end in ("", "-wal"):
        part = path.with_name(path.name + end)
        if part.exists():
            shutil.copyfile(part, to / part.name)
    return to / path.name


def restored_from(path: Path) -> ExchangeRecord | None:
    with StateFile.open(path) as file:
        return file.restored()


def orders_of(bench: Bench) -> list[OrderSnapshot]:
    exchange = bench.exchange
    return [*exchange.working_orders(), *exchange.completed_orders()]


def books_of(account: Account) -> tuple[object, ...]:
    return (account.cash(), account.positions())
