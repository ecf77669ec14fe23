"""The log: to a file only, whatever it comes from. The screen belongs to the trader.

ib_insync logs each error that it also reports, and asyncio what nobody awaited; both go here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.domain.errors import BadSetting, DeskError

__all__ = ["logging_to"]

_LOGGER = logging.getLogger(__name__)

_FORM = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_LARGE_BYTES = 10_000_000


@contextmanager
def logging_to(path: Path, level: str) -> Iterator[None]:
    """Log to ``path`` while the block runs. Raises BadSetting when it cannot be written.

    An error that leaves the block and is not meant for the trader is logged with its trace.
    A large file is set aside first, so that two of them are the most there is.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.is_file() and path.stat().st_size > _LARGE_BYTES:
            path.replace(path.with_name(path.name + ".1"))
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise BadSetting(
            f"LOG_FILE is {str(path)!r}, which cannot be written: {error.strerror}; "
            "it may hold a path, or nothing."
        ) from error
    handler.setFormatter(logging.Formatter(_FORM))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)
    try:
        yield
    except DeskError:
        raise
    except Exception as error:
        # its trace belongs here; who shows the error to the trader finds the note
        _LOGGER.exception("an error of the desk's own")
        error.add_note(f"{path} has the details.")
        raise
    finally:
        logging.captureWarnings(False)
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()
