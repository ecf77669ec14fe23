"""`data export` and `data import`: bars to and from other programs' files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from apps.api.commands.history.opening import Wish, in_history, series_options, wish_of
from apps.api.replies import Note, Reply
from apps.api.session import Command, Session
from apps.api.tree import command
from apps.domain.errors import InvalidInput, NotFound
from apps.domain.history.ranges import history_range
from apps.domain.history.series import Series, What
from apps.domain.sessions import Span

if TYPE_CHECKING:
    from apps.store.history.import_file import Imported
    from apps.store.history.store import HistoryStore

__all__ = ["export_bars", "import_bars"]


@dataclass(frozen=True, slots=True)
class ExportBars:
    """Write bars into a new file; ``wish`` None writes all that is kept."""

    path: Path
    wish: Wish | None
    span: Span | None
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Read and write. Raises NotFound, AmbiguousSymbol, InvalidInput, HistoryRefused."""
        written = await in_history(session, self._write)
        return Reply(Note(f"{written:,} bars were written to {self.path}."))

    def _write(self, store: HistoryStore) -> int:
        from apps.store.history.export_file import export_file  # noqa: PLC0415 - help stays light

        wanted = store.all_series() if self.wish is None else (self.wish.chosen(store),)
        return export_file(store, self.path, wanted, self.span)


@dataclass(frozen=True, slots=True)
class ImportBars:
    """Keep the bars of a file; ``wish`` says of which series they are, None where the file does."""

    path: Path
    wish: Wish | None
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Judge all of it, then keep it. Raises InvalidInput, NotFound, HistoryLost."""
        found = await in_history(session, self._read, make=True)
        rows = ", ".join(f"{count:,} bars of {series}" for series, count in found.rows)
        return Reply(Note(f"{rows} were taken over from {self.path}."))

    def _read(self, store: HistoryStore) -> Imported:
        from apps.store.history.import_file import import_file  # noqa: PLC0415 - help stays light

        return import_file(store, self.path, self._given(store))

    def _given(self, store: HistoryStore) -> Series | None:
        if self.wish is None:
            return None
        wish = self.wish
        try:
            like = wish.instrument(store)[0]
        except NotFound as error:
            raise NotFound(
                f"{error.message} Which instrument that is only the broker knows: `data load` a "
                "day of it first."
            ) from error
        return replace(
            like,
            what=wish.what or What.usual_of(like.kind),
            bar_seconds=wish.bar_seconds or like.bar_seconds,
            regular_hours=not wish.all_hours,
        )


@command(
    "export",
    examples=(
        "data export bars.parquet",
        "data export aapl.csv AAPL --bar 1m --from 2026-11-16 --to 2026-11-20",
    ),
    short_help="Write bars into a new file, CSV or Parquet.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("symbol", required=False)
@series_options
@click.option("--from", "start", metavar="WHEN", help="From this day or time on.")
@click.option("--to", "end", metavar="WHEN", help="Up to this day (and with it) or time.")
def export_bars(
    file: Path,
    symbol: str | None,
    *,
    bar: str | None,
    what: str | None,
    all_hours: bool,
    start: str | None,
    end: str | None,
) -> Command:
    """Write the bars of SYMBOL, or all, into FILE, which must not be there yet.

    Its ending says the form: .csv or .parquet. Each row says of which series it is, so that
    `data import` can read it anywhere.
    """
    span = history_range(start, end) if start or end else None
    return ExportBars(file, _wish(symbol, bar, what, all_hours=all_hours), span)


@command(
    "import",
    examples=("data import bars.parquet", "data import aapl.csv AAPL --bar 1m"),
    short_help="Take over bars from a file, CSV or Parquet.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("symbol", required=False)
@series_options
def import_bars(
    file: Path, symbol: str | None, *, bar: str | None, what: str | None, all_hours: bool
) -> Command:
    """Take over the bars of FILE: all of them, or none if one of them cannot be.

    Its columns are start (with an offset from UTC), open, high, low, close, and if it has them
    volume, wap and count. A file that does not say which bars they are needs SYMBOL and --bar.
    Rows rise, none comes twice, and where the exchange's hours are known none is outside of them.
    """
    if symbol is not None and bar is None:
        raise InvalidInput("Say the size of the bars too: --bar 1m.")
    return ImportBars(file, _wish(symbol, bar, what, all_hours=all_hours))


def _wish(symbol: str | None, bar: str | None, what: str | None, *, all_hours: bool) -> Wish | None:
    if symbol is None:
        if bar or what or all_hours:
            raise InvalidInput("Which bars is said with their SYMBOL.")
        return None
    return wish_of(symbol, bar, what, all_hours=all_hours)
