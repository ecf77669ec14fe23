"""The title of the terminal's window: mode, link and watchers, in view behind other windows too.

Written beside whatever is on the screen: these sequences neither move the cursor nor print.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

__all__ = ["WindowTitle", "titled"]

_REFRESH_S = 1.0

# xterm keeps a stack of titles; a terminal that has none is left with an empty title, which is
# better than one that still says "ready"
_KEEP = "\x1b[22;2t"
_TITLE = "\x1b]2;{}\x07"
_GIVE_BACK = _TITLE.format("") + "\x1b[23;2t"


class WindowTitle:
    """Shows what ``text`` gives; ``write`` takes control sequences to the terminal at once."""

    def __init__(self, text: Callable[[], str], write: Callable[[str], None]) -> None:
        self._text = text
        self._write = write
        self._shown = ""

    def refresh(self) -> None:
        """Show the title of the moment; nothing is written when it is shown already."""
        title = "".join(each for each in self._text() if each.isprintable())
        if title == self._shown:
            return
        keep = "" if self._shown else _KEEP
        self._shown = title
        self._send(keep + _TITLE.format(title))

    def restore(self) -> None:
        """Give back the title that was there before; a second call does nothing."""
        if self._shown:
            self._shown = ""
            self._send(_GIVE_BACK)

    def _send(self, sequence: str) -> None:
        try:
            self._write(sequence)
        except OSError:
            # a terminal that hung up has no title; whoever reads from it ends the desk
            return


@asynccontextmanager
async def titled(title: WindowTitle | None) -> AsyncIterator[None]:
    """Keep ``title`` up to date while the block runs; None where there is no window."""
    if title is None:
        yield
        return
    keeping = asyncio.create_task(_keep(title), name="window title")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})
        title.restore()


async def _keep(title: WindowTitle) -> None:
    while True:
        title.refresh()
        await asyncio.sleep(_REFRESH_S)
