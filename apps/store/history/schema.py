"""The tables of the catalogue, their versions, and how a file is known to be one.

Times are microseconds since 1970 in UTC, spans half open. A file's row has the number of its name:
no two files ever have the same, so a name that was read once never stands for other bars. Bars
were told anew in another scale when file `after` was the newest: those of it and of older ones
may be in the old scale.
"""

from __future__ import annotations

from apps.domain.errors import HistoryRefused
from apps.store.database import DatabaseKind

__all__ = ["CATALOGUE", "CATALOGUE_NAME", "VERSIONS"]

CATALOGUE_NAME = "catalogue.sqlite"

CATALOGUE = DatabaseKind(
    name="catalogue of bars",
    application_id=0x42444248,  # 'BDBH'
    refused=HistoryRefused,
    so_far="no bars were read or kept",
    way_out=(
        "Move the folder that it is in away to begin a new one: the broker's own bars can be "
        "loaded again."
    ),
)

_FIRST = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY, con_id INTEGER NOT NULL, what TEXT NOT NULL,
    bar_seconds INTEGER NOT NULL, regular_hours INTEGER NOT NULL, symbol TEXT NOT NULL,
    kind TEXT NOT NULL, primary_exchange TEXT NOT NULL, currency TEXT NOT NULL,
    folder TEXT NOT NULL, UNIQUE (con_id, what, bar_seconds, regular_hours)
);
CREATE TABLE files (
    number INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL REFERENCES series (id),
    part TEXT NOT NULL, bytes INTEGER NOT NULL, crc INTEGER NOT NULL, bars INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, UNIQUE (series, part)
);
CREATE TABLE covered (
    series INTEGER NOT NULL REFERENCES series (id), start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    PRIMARY KEY (series, start)
) WITHOUT ROWID;
CREATE TABLE holes (
    series INTEGER NOT NULL REFERENCES series (id), start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    PRIMARY KEY (series, start)
) WITHOUT ROWID;
CREATE TABLE rescaled (
    series INTEGER NOT NULL REFERENCES series (id), start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    ratio REAL NOT NULL, after INTEGER NOT NULL, PRIMARY KEY (series, start)
) WITHOUT ROWID;
CREATE TABLE hours_known (
    con_id INTEGER NOT NULL, regular_hours INTEGER NOT NULL, start INTEGER NOT NULL,
    "end" INTEGER NOT NULL, PRIMARY KEY (con_id, regular_hours, start)
) WITHOUT ROWID;
CREATE TABLE sessions (
    con_id INTEGER NOT NULL, regular_hours INTEGER NOT NULL, start INTEGER NOT NULL,
    "end" INTEGER NOT NULL, PRIMARY KEY (con_id, regular_hours, start)
) WITHOUT ROWID;
CREATE TABLE set_aside (
    number INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series (id), part TEXT NOT NULL,
    why TEXT NOT NULL, kept_as TEXT NOT NULL
);
CREATE INDEX files_by_time ON files (series, first);
CREATE INDEX series_by_symbol ON series (symbol);
"""

VERSIONS: tuple[str, ...] = (_FIRST,)
"""Script *n* makes version *n* + 1 of version *n*; a new file is version 0."""
