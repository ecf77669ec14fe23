"""How far something long is: a bar at a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console as RichConsole
from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

__all__ = ["Count", "counted"]

Count = Callable[[int, int, str], None]
"""Takes how much is done, of how much, and words beside it; returns at once."""

_REDRAWN_S = 0.1
_LINE_EVERY_S = 10.0


@contextmanager
def counted(
    title: str, output: RichConsole, say: Callable[[RenderableType], None]
) -> Iterator[Count]:
    """Show how far it is while the block runs; the bar is gone after it."""
    if not output.is_terminal or output.is_dumb_terminal:
        yield _in_lines(title, say)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}"),
    )
    # a thread of rich's own would write in the middle of an alert
    with Progress(*columns, console=output, transient=True, auto_refresh=False) as progress:
        task = progress.add_task(title, total=None, words="")
        drawn_s = 0.0

        def count(done: int, total: int, words: str) -> None:
            nonlocal drawn_s
            progress.update(task, completed=done, total=total, words=words)
            now_s = time.monotonic()
            if now_s - drawn_s >= _REDRAWN_S or done == total:
                drawn_s = now_s
                progress.refresh()

        yield count


def _in_lines(title: str, say: Callable[[RenderableType], None]) -> Count:
    said_s = time.monotonic()

    def count(done: int, total: int, words: str) -> None:
        nonlocal said_s
        now_s = time.monotonic()
        if now_s - said_s >= _LINE_EVERY_S:
            said_s = now_s
            say(f"{title}: {done} of {total}{f', {words}' if words else ''}")

    return count
