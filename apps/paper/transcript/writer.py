"""A file that grows line by line without making anybody wait for the disk.

One of the few threads there are: a write may take as long as a disk pleases, and turning a day of
bars into text takes longer than the loop has. What was taken is written when enough of it is there,
or when it has been quiet for a moment; a kill loses that moment, and the line being written.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from apps.domain.errors import InvalidInput

__all__ = ["LineWriter"]

_LOGGER = logging.getLogger(__name__)

_PIECE_BYTES = 64 * 1024
_QUIET_S = 0.1
_MOST_WAITING = 100_000
"""Lines that may wait for a disk that does not keep up; then the file ends rather than memory."""

_CLOSING_S = 10.0
"""How long what is left may take to be written."""

Heard = TypeVar("Heard")


class LineWriter(Generic[Heard]):
    """Writes what it is given as lines, which ``line_of`` makes, in the order of `put`.

    When the disk fails, ``failure`` says why, the log has said it once, and what comes after is
    dropped: whoever writes goes on.
    """

    def __init__(self, path: Path, line_of: Callable[[Heard], str]) -> None:
        """Begin a new file. Raises InvalidInput when it exists already, or cannot be written."""
        self.path = path
        self.failure = ""
        self._line_of = line_of
        try:
            self._file = path.open("xb", buffering=0)
        except FileExistsError:
            raise InvalidInput(
                f"{path} exists already, and a recording does not overwrite; give another name."
            ) from None
        except OSError as error:
            raise InvalidInput(f"{path} cannot be written: {error.strerror}.") from None
        self._waiting: SimpleQueue[Heard | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="transcript", daemon=True)
        self._thread.start()

    def put(self, heard: Heard) -> None:
        """Have it written; never waits."""
        if self.failure:
            return
        if self._waiting.qsize() >= _MOST_WAITING:
            self._fail("the disk does not keep up")
            return
        self._waiting.put(heard)

    def close(self) -> None:
        """Write what is left and close the file, within a deadline."""
        self._waiting.put(None)
        self._thread.join(_CLOSING_S)
        if self._thread.is_alive():
            self._fail(f"the disk did not take the rest within {_CLOSING_S:.0f} s")

    def _run(self) -> None:
        with self._file:
            try:
                self._write_until_closed()
            except OSError as error:
                self._fail(error.strerror or str(error))

    def _write_until_closed(self) -> None:
        piece = bytearray()
        while not self.failure:
            try:
                heard = self._waiting.get(timeout=_QUIET_S if piece else None)
            except Empty:
                self._write(piece)
                continue
            if heard is None:
                self._write(piece)
                return
            piece += f"{self._line_of(heard)}\n".encode()
            if len(piece) >= _PIECE_BYTES:
                self._write(piece)

    def _write(self, piece: bytearray) -> None:
        left = memoryview(bytes(piece))
        piece.clear()
        while left:
            left = left[self._file.write(left) :]

    def _fail(self, reason: str) -> None:
        if not self.failure:
            self.failure = reason
            _LOGGER.error(
                "the transcript %s ends here: %s; the session goes on unrecorded", self.path, reason
            )
