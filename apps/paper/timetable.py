"""What is due when: everything in the gateway that happens by itself, in market time.

A stream is run at its due time and says when it is due next. Ties are settled by rank (the
exchange's fills before the ticks of the same print, ticks before bars), then by age, so that the
same requests always give the same order of messages.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from apps.paper.feed.market import Millis

__all__ = ["RANK_BARS", "RANK_EXCHANGE", "RANK_REPORTS", "RANK_TICKS", "Stream", "Timetable"]

RANK_EXCHANGE, RANK_TICKS, RANK_BARS, RANK_REPORTS = range(4)


class Stream(Protocol):
    """Something that goes on by itself."""

    rank: int

    def run(self, at: Millis) -> Millis | None:
        """Act at ``at``; give the time of the next run (later than ``at``), None to end."""


class Timetable:
    """Streams by their due time. One entry a stream; starting it again moves it."""

    def __init__(self) -> None:
        self._heap: list[tuple[Millis, int, int, Stream]] = []
        self._entries: dict[Stream, int] = {}
        self._ticket = count()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, stream: Stream) -> bool:
        return stream in self._entries

    def start(self, stream: Stream, due: Millis) -> None:
        """Have ``stream`` run at ``due``, whenever it was due before."""
        ticket = next(self._ticket)
        self._entries[stream] = ticket
        heappush(self._heap, (due, stream.rank, ticket, stream))

    def stop(self, stream: Stream) -> None:
        """Take ``stream`` off; nothing happens when it is not there."""
        self._entries.pop(stream, None)

    def next_due(self) -> Millis | None:
        """Give the time at which something is due, None when nothing is."""
        while self._heap:
            due, _, ticket, stream = self._heap[0]
            if self._entries.get(stream) == ticket:
                return due
            heappop(self._heap)
        return None

    def run_next(self) -> Millis:
        """Run the stream that is due first; give its time. Raises IndexError when none is."""
        if self.next_due() is None:
            raise IndexError("nothing is due")
        due, _, ticket, stream = heappop(self._heap)
        following = stream.run(due)
        # a stream may have stopped or moved itself while it ran
        if self._entries.get(stream) == ticket:
            if following is None:
                self.stop(stream)
            else:
                self.start(stream, following)
        return due
