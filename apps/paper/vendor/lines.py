"""Lines: what a gateway hands out a limited number of, until it is given back.

Market-data lines, market depth, tick-by-tick and open history requests are counted so. IB counts
per user; all clients of one gateway share a user, so there is one counter a gateway.
"""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["Lines"]


class Lines:
    """At most ``most`` lines (None is no limit), each held until it is let go.

    >>> lines = Lines(1)
    >>> lines.take("one"), lines.take("two")
    (True, False)
    >>> lines.let_go("one")
    >>> lines.take("two")
    True
    """

    def __init__(self, most: int | None) -> None:
        self.most = most
        self._held: dict[Hashable, Hashable] = {}

    def __len__(self) -> int:
        return len(set(self._held.values()))

    def __contains__(self, holder: Hashable) -> bool:
        return holder in self._held

    def take(self, holder: Hashable, line: Hashable | None = None) -> bool:
        """Take a line for ``holder``; False, and nothing changes, when all are taken.

        Holders who name the same ``line`` share it; without a name each has one of its own.
        """
        wanted = holder if line is None else line
        shared = wanted in self._held.values()
        if self.most is not None and not shared and len(self) >= self.most:
            return False
        self._held[holder] = wanted
        return True

    def let_go(self, holder: Hashable) -> None:
        """Give back what ``holder`` has; nothing happens when it has none."""
        self._held.pop(holder, None)
