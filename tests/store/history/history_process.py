"""A process of its own that writes bars: by turns with another, or until it is killed.

``write FOLDER FIRST STEP COUNT``: add minute FIRST, FIRST + STEP, … each on its own, COUNT times.
``die FOLDER SEED TIMES``: TIMES times a child adds to what is there, and is killed by SIGKILL at a
step of its work that SEED says. A line for each tells how many additions it had said were done, and
whether the store holds just those (``told``), or also the one that it was at (``one more``).
``fill FOLDER LIMIT``: add with no file allowed to grow beyond LIMIT bytes; print what is raised.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from apps.domain.bars import Bar
from apps.domain.errors import HistoryLost
from apps.domain.history.spans import merged
from apps.domain.sessions import Span
from apps.store.history.store import HistoryStore
from tests.store.history.bar_samples import DAY, NEXT_DAY, OPEN, bar, bars, series, span_of

Kept = tuple[dict[datetime, Bar], tuple[Span, ...]]

EVER = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))

ADDITIONS = 4
"""How many one child makes, unless it is killed before."""


def main(argv: list[str]) -> None:
    """Do what the words of the command line say."""
    command, folder, *numbers = argv
    commands: dict[str, Callable[..., None]] = {"write": write, "die": die, "fill": fill}
    commands[command](Path(folder), *map(int, numbers))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def write(folder: Path, first: int, step: int, count: int) -> None:
    with HistoryStore.open(folder) as store:
        for nth in range(count):
            each = bar(OPEN + timedelta(minutes=first + nth * step))
            store.add(series(), Span(each.start, each.end), [each])


def addition(child: int, nth: int) -> tuple[Bar, ...]:
    """Give what a child adds: overlapping spans of two days, of prices that are its own."""
    price = 100.0 + child * ADDITIONS + nth
    start = OPEN + timedelta(minutes=30 * nth)
    return (*bars(start, 60, price=price), *bars(start + timedelta(days=1), 30, price=price))


def die(folder: Path, seed: int, times: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - moments to die at, not secrets
    steps = _counted(folder.with_name("trial"))
    kept: Kept = ({}, ())
    for child in range(times):
        done = _died(folder, child, chance.randrange(steps), chance.random())
        states = [kept]
        for nth in range(min(done + 1, ADDITIONS)):
            states.append(_with(states[-1], addition(child, nth)))
        found = _found(folder)
        words = [each == found for each in states[done:]]
        kept = found
        state = "told" if words[0] else "one more" if any(words) else "WRONG"
        _say(f"{done} {state}")


def _died(folder: Path, child: int, at: int, part: float) -> int:
    """Have a child work until it is killed; give how many additions it said were done."""
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(told)
        _child(folder, child, tell, at, part)
    os.close(tell)
    with os.fdopen(told, "rb") as pipe:
        done = len(pipe.read())
    os.waitpid(pid, 0)
    return done


def _with(kept: Kept, told: tuple[Bar, ...]) -> Kept:
    return kept[0] | {each.start: each for each in told}, merged(kept[1], [span_of(told)])


def _found(folder: Path) -> Kept:
    with HistoryStore.open(folder) as store:
        found = store.bars(series(), *EVER)
        assert store.set_aside() == ()
        store.note_hole(series(con_id=1), DAY)  # a change sweeps what the dead one left
        files = sum(1 for _ in folder.rglob("*.parquet*"))
        assert files == store.stored(series()).files, "something is left"
        assert not list(folder.glob("unfinished.*"))
        return {each.start: each for each in found}, store.covered(series())


def _child(folder: Path, child: int, tell: int, at: int, part: float) -> None:
    """Add, and be killed at step ``at``; of what is being written then, ``part`` is there."""

    def kill(path: Path) -> None:
        if path.exists():
            os.truncate(path, int(path.stat().st_size * part))
        os.kill(os.getpid(), signal.SIGKILL)

    _work(folder, child, lambda: os.write(tell, b"."), _Steps(at, kill))
    os._exit(0)


class _Steps:
    """Counts the calls into C within the store's rooms; at one of them something is done."""

    def __init__(self, at: int = -1, act: Callable[[Path], None] = lambda _: None) -> None:
        self.count = 0
        self._at = at
        self._act = act

    def __call__(self, frame: FrameType, event: str, _what: Any) -> None:
        if event != "c_call" or "apps/store" not in frame.f_code.co_filename:
            return
        if self.count == self._at:
            self._act(Path(frame.f_locals.get("unfinished", "nowhere")))
        self.count += 1


def _counted(folder: Path) -> int:
    steps = _Steps()
    _work(folder, 0, lambda: None, steps)
    return steps.count


def _work(folder: Path, child: int, done: Callable[[], object], steps: _Steps) -> None:
    with HistoryStore.open(folder) as store:
        sys.setprofile(steps)
        for nth in range(ADDITIONS):
            told = addition(child, nth)
            store.add(series(), span_of(told), told)
            done()
        sys.setprofile(None)


def fill(folder: Path, limit: int) -> None:
    with HistoryStore.open(folder) as store:
        store.add(series(), DAY, bars(OPEN, 100))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            store.add(series(), NEXT_DAY, bars(NEXT_DAY.start, 390))
        except HistoryLost as error:
            _say(error.message)
