"""`journal`: what was done and heard, read from the account's journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

import click

from apps.api.replies import IntentStory, JournalIntents, Note, Reply
from apps.api.session import Command, Session
from apps.api.state import EMBEDDED, journal_of, state_root
from apps.api.tree import command
from apps.domain.errors import InvalidInput

if TYPE_CHECKING:
    from apps.store.journal.reading import JournalReader

__all__ = ["entry", "read_journal"]

T = TypeVar("T")

_EXPORT = "export"
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class ListIntents:
    """Show the last intents."""

    last: int
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Read the journal. Raises NotFound, JournalRefused."""
        return Reply(
            JournalIntents(await read_journal(session, lambda journal: journal.intents(self.last)))
        )


@dataclass(frozen=True, slots=True)
class TellIntent:
    """Tell what happened to one intent."""

    intent: str
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Read the journal. Raises NotFound, JournalRefused."""
        return Reply(await read_journal(session, self._story))

    def _story(self, journal: JournalReader) -> IntentStory:
        order_ref = journal.named(self.intent)
        own = journal.story(order_ref)
        around = journal.around(own[0].number, own[-1].number)
        entries = sorted((*own, *around), key=lambda entry: entry.number)
        return IntentStory(journal.intent(order_ref), tuple(entries))


@dataclass(frozen=True, slots=True)
class ExportJournal:
    """Write all of the journal into a file."""

    path: Path
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Write one JSON object a line. Raises InvalidInput for a path that cannot be written."""
        try:
            entries = await read_journal(session, self._export)
        except FileExistsError:
            raise InvalidInput(f"{self.path} is there already: name another file.") from None
        except OSError as error:
            raise InvalidInput(f"{self.path} cannot be written: {error.strerror}.") from error
        return Reply(Note(f"{entries:,} entries were written to {self.path}."))

    def _export(self, journal: JournalReader) -> int:
        from apps.api.views.as_json import as_json  # noqa: PLC0415 - help stays light

        entries = 0
        with self.path.open("x", encoding="utf-8") as file:
            for each in journal.everything():
                file.write(json.dumps(as_json(each), ensure_ascii=False) + "\n")
                entries += 1
        return entries


async def read_journal(session: Session, read: Callable[[JournalReader], T]) -> T:
    """Give what ``read`` finds, in a thread: a long journal would hold up the watchers."""
    from apps.store.journal.reading import JournalReader  # noqa: PLC0415 - help stays light

    path = _path(session)

    def reading() -> T:
        with JournalReader.open(path) as journal:
            return read(journal)

    return await asyncio.to_thread(reading)


def _path(session: Session) -> Path:
    settings, desk = session.settings, session.connected
    account = settings.ib_account or (desk.account_name if desk is not None else "")
    root = state_root(settings.desk_home)
    return journal_of(
        root, mode=settings.trading_mode, account=EMBEDDED if settings.embedded else account
    )


@command(
    "journal",
    examples=("journal", "journal k3f9a2", "journal export journal.jsonl"),
    short_help="What was done and heard: the intents, and the story of one.",
)
@click.argument("words", metavar="[INTENT | export FILE]", nargs=-1)
@click.option(
    "--last", default=20, show_default=True, type=click.IntRange(1, _MOST), help="How many."
)
def entry(words: tuple[str, ...], last: int) -> Command:
    """List the last intents, or tell what happened to one, in order and in words.

    INTENT is an order reference or the end of one. `export` writes everything into a new file,
    one JSON object a line. No connection is needed, and a desk that runs is not disturbed.
    """
    match words:
        case ():
            return ListIntents(last)
        case (intent,) if intent != _EXPORT:
            return TellIntent(intent)
        case (word, path) if word == _EXPORT:
            return ExportJournal(Path(path))
    raise InvalidInput("journal takes nothing, an INTENT, or export and a FILE.")
