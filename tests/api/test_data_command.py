"""The bars on disk as the trader handles them, without a connection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from apps.api.completion import candidates
from apps.api.outcomes import ExitCode
from apps.api.replies import HistoryVerified
from apps.api.tree import parse
from apps.api.views.render import render
from apps.domain.errors import InvalidInput
from apps.domain.history.ranges import history_range
from apps.domain.history.schedule import Schedule
from apps.domain.sessions import Span
from apps.store.history.store import HistoryStore
from apps.store.history.verification import verify
from tests.api.in_process import Program
from tests.store.history.bar_samples import DAY, NEXT_DAY, bars, series


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "paper-embedded" / "history" / "seed-1"


@pytest.fixture
def kept(folder: Path) -> None:
    with HistoryStore.open(folder) as store:
        store.note_schedule(series(), Schedule((Span(DAY.start, NEXT_DAY.end),), (DAY, NEXT_DAY)))
        for day in (DAY, NEXT_DAY):
            store.add(series(), day, bars(day.start, 390))
        store.add(series("MSFT", 272093), DAY, bars(DAY.start, 30))


def damage(folder: Path) -> None:
    path = min(folder.glob("AAPL*/*/*.parquet"))
    path.write_bytes(path.read_bytes()[:100])


async def test_nothing_kept_is_told_and_nothing_is_made(program: Program, folder: Path) -> None:
    code, _, words = await program("data list")
    assert code == ExitCode.NOT_FOUND
    assert "data load" in words
    assert not HistoryStore.is_at(folder)


@pytest.mark.usefixtures("kept")
async def test_what_is_kept_is_listed(program: Program) -> None:
    code, out, _ = await program("data list --json")
    rows = json.loads(out)
    assert code == 0
    assert [(row["series"]["symbol"], row["bars"]) for row in rows] == [("AAPL", 780), ("MSFT", 30)]
    assert rows[0]["first"] == "2026-11-19T14:30:00Z"
    assert (await program("data list"))[1].count("trades") == 2


@pytest.mark.usefixtures("kept")
async def test_newest_bars_or_those_of_a_range_are_shown(program: Program) -> None:
    newest = json.loads((await program("data show AAPL --json"))[1])
    assert len(newest) == 20
    assert newest[-1]["start"] == "2026-11-20T20:59:00Z"
    line = "data show aapl@nasdaq --bar 1m --from 2026-11-19T09:31 --to 2026-11-19T09:33 --csv"
    code, out, _ = await program(line)
    assert code == 0
    assert [row.partition(",")[0] for row in out.splitlines()] == [
        "start",
        "2026-11-19T14:31:00Z",
        "2026-11-19T14:32:00Z",
    ]
    day = await program("data show AAPL --from 2026-11-20 --to 2026-11-20 --json")
    assert len(json.loads(day[1])) == 390


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("data show TSLA", ExitCode.NOT_FOUND, "No bars of TSLA"),
        ("data show AAPL --bar 5s", ExitCode.NOT_FOUND, "kept in bars of 1m"),
        ("data show AAPL --all-hours", ExitCode.NOT_FOUND, "kept in bars of 1m"),
        ("data show AAPL@NYSE", ExitCode.NOT_FOUND, "No bars of AAPL@NYSE"),
        ("data export there.csv", ExitCode.USAGE, "there already"),
        ("data import no.csv", ExitCode.USAGE, "cannot be read"),
        ("data import plain.csv TSLA --bar 1m", ExitCode.NOT_FOUND, "`data load` a day"),
        ("data verify TSLA", ExitCode.NOT_FOUND, "No bars of TSLA"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(
    program: Program, tmp_path: Path, line: str, code: ExitCode, words: str
) -> None:
    (tmp_path / "there.csv").write_text("mine")
    found = await program(line)
    assert found[0] == code
    assert words in " ".join(found[2].split())


@pytest.mark.parametrize(
    "line",
    [
        "data show AAPL --bar 7m",
        "data show AAPL --from 2026-11-20 --to 2026-11-19",
        "data show AAPL --from tomorrow",
        "data import a.csv AAPL",
        "data import a.csv --bar 1m",
        "data prune",
        "data prune --keep 3 --before 2026-01-01",
        "data prune --keep 0",
        "data prune --bar 1m --keep 3",
    ],
)
def test_line_that_cannot_be_is_refused_before_anything_is_opened(line: str) -> None:
    with pytest.raises(InvalidInput):
        parse(line.split())


@pytest.mark.usefixtures("kept")
async def test_two_listings_of_a_symbol_are_told_apart(program: Program, folder: Path) -> None:
    with HistoryStore.open(folder) as store:
        store.add(series("AAPL", 4711), DAY, bars(DAY.start, 3))
    code, _, words = await program("data show AAPL")
    assert (code, "AAPL@NASDAQ is 4711" in words) == (ExitCode.NOT_FOUND, True)
    assert len(json.loads((await program("data show 4711 --json"))[1])) == 3


@pytest.mark.usefixtures("kept")
async def test_several_sizes_want_to_be_told_which(program: Program, folder: Path) -> None:
    with HistoryStore.open(folder) as store:
        store.add(series(bar_seconds=5), DAY, bars(DAY.start, 3, seconds=5))
    code, _, words = await program("data show AAPL")
    assert (code, "--bar" in words) == (ExitCode.USAGE, True)
    assert len(json.loads((await program("data show AAPL --bar 5s --json"))[1])) == 3


@pytest.mark.usefixtures("kept")
async def test_exit_code_tells_whether_anything_is_wrong(program: Program, folder: Path) -> None:
    code, out, _ = await program("data verify AAPL")
    assert (code, "Nothing is wrong with 780 bars" in out) == (0, True)
    damage(folder)
    code, out, _ = await program("data verify --json")
    found = json.loads(out)["findings"]
    assert code == ExitCode.ERROR
    assert [each["kind"] for each in found] == ["damaged file"]
    assert found[0]["series"]["symbol"] == "AAPL"


def test_many_findings_are_cut_short_on_the_screen(tmp_path: Path) -> None:
    with HistoryStore.open(tmp_path) as store:
        store.note_schedule(series(), Schedule((DAY,), (DAY,)))
        store.add(series(), DAY, bars(DAY.start, 390)[::5])
        shown = Console(width=200)
        with shown.capture() as text:
            shown.print(render(HistoryVerified(verify(store))))
    lines = text.get().splitlines()
    assert len(lines) == 52
    assert "and 28 more" in lines[-2]


@pytest.mark.usefixtures("kept")
async def test_export_and_import_are_a_round_trip(program: Program, folder: Path) -> None:
    code, _, words = await program("data export all.parquet")
    assert (code, words) == (0, "")
    assert (await program("data prune AAPL --keep 1 --yes"))[0] == 0
    code, out, _ = await program("data import all.parquet")
    assert code == 0
    assert "780 bars of AAPL" in out
    with HistoryStore.open(folder) as store:
        assert store.bars(series(), DAY.start, DAY.end) == bars(DAY.start, 390)


@pytest.mark.usefixtures("kept")
async def test_old_bars_are_pruned_and_named(program: Program, folder: Path) -> None:
    code, out, _ = await program("data prune AAPL --before 2026-11-20")
    assert code == 0
    assert "Removed: 390 bars of AAPL, 60 s, TRADES before 2026-11-20 05:00 UTC." in out
    assert "nothing was removed" in (await program("data prune AAPL --before 2026-11-20"))[1]
    with HistoryStore.open(folder) as store:
        assert store.covered(series()) == (NEXT_DAY,)
        assert store.stored(series("MSFT", 272093)).bars == 30


@pytest.mark.usefixtures("kept")
async def test_days_to_keep_are_counted_from_the_newest_bar(program: Program, folder: Path) -> None:
    assert (await program("data prune --keep 1 --yes"))[0] == 0
    with HistoryStore.open(folder) as store:
        left = store.bars(series(), DAY.start, NEXT_DAY.end)
        assert (len(left), left[0].end) == (391, DAY.end)
        assert store.stored(series("MSFT", 272093)).bars == 30


def test_commands_are_completed() -> None:
    assert [each.word for each in candidates("data ex")] == ["export"]
    assert "--before" in [each.word for each in candidates("data prune --")]
    assert [each.word for each in candidates("data show AA", ["AAPL"])] == ["AAPL"]


def test_range_without_ends_is_open() -> None:
    everything = history_range(None, None)
    assert DAY.start in everything
    assert history_range("2026-11-19", "2026-11-20").end > NEXT_DAY.end
