"""The trading state in the desk's folder, and the file that halts trading from outside.

``KILL`` is made by anybody, with any program (``touch KILL``), and stops entries while the desk
runs or when it starts next; the word ``flatten`` in it asks for all to be closed as well, and
``reduce`` lets through what makes a position smaller, if nothing else stands there. It counts up to
4 KiB. What cannot be told to be absent counts as there, and what cannot be read as a halt.
``trading.json`` is the desk's own: written whole or not at all, and a halt where it cannot be
understood.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from apps.domain.errors import DeskError
from apps.domain.trading_state import ACTIVE, HaltCause, Trading, TradingState
from apps.engine.risk.trading_switch import KillOrder

__all__ = ["KILL_NAME", "HaltFiles"]

KILL_NAME = "KILL"
STATE_NAME = "trading.json"

_FLATTEN, _REDUCE = "flatten", "reduce"
_MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class HaltFiles:
    """Keeps the trading state in ``folder``: a `TradingKeeper` of the engine's."""

    folder: Path

    def load(self) -> Trading:
        """Give what was kept; halted where it cannot be read."""
        path = self.folder / STATE_NAME
        try:
            return _trading_of(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return ACTIVE
        except (OSError, ValueError, TypeError, KeyError) as error:
            reason = f"{path}: {type(error).__name__}"
            return Trading(TradingState.HALTED, HaltCause.UNREADABLE, reason)

    def save(self, trading: Trading) -> None:
        """Keep ``trading``, whole or not at all. Raises DeskError."""
        path = self.folder / STATE_NAME
        written = path.with_suffix(".new")
        try:
            with written.open("w", encoding="utf-8") as file:
                json.dump(_json_of(trading), file)
                file.flush()
                os.fsync(file.fileno())
            written.replace(path)
        except OSError as error:
            raise DeskError(
                f"The trading state cannot be written to {path}: {error.strerror}. Make room for "
                "it, or give DESK_HOME a folder that can be written to."
            ) from error

    def saved_at_ns(self) -> int:
        """Give when the state was written last, in nanoseconds of the file system; 0 for never."""
        try:
            return (self.folder / STATE_NAME).stat().st_mtime_ns
        except OSError:
            return 0

    def kill_order(self) -> KillOrder | None:
        """Give what the kill file orders; None where there surely is none."""
        try:
            # looked for before every entry, so the usual case costs one call of the system's
            os.lstat(f"{self.folder}{os.sep}{KILL_NAME}")
        except FileNotFoundError:
            return None
        except OSError as error:
            path = self.folder / KILL_NAME
            return KillOrder(f"{path} cannot be looked for ({error.strerror}), which counts as on")
        return _order_in(self.folder / KILL_NAME)

    def leave_kill_order(self, to: TradingState, *, flatten: bool) -> Path:
        """Write a kill file for the desk that runs in the folder, and give its path.

        It never takes back what one that is there asks for. Raises DeskError.
        """
        path, there = self.folder / KILL_NAME, self.kill_order()
        if there is not None:
            to = max(to, there.to, key=lambda each: each.severity)
            flatten = flatten or there.flatten
        words = [_REDUCE] * (to is TradingState.REDUCING) + [_FLATTEN] * flatten
        written = path.with_suffix(".new")
        try:
            written.write_text(" ".join(words), encoding="utf-8")
            written.replace(path)
        except OSError as error:
            raise DeskError(
                f"The kill file {path} cannot be written: {error.strerror}. Send SIGUSR1 to the "
                "desk's process, or type `halt` at its prompt."
            ) from error
        return path


def _order_in(path: Path) -> KillOrder:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        return KillOrder(f"{path} is there and cannot be read ({error.strerror})")
    words = set(text[:_MOST_BYTES].decode("utf-8", "replace").lower().split())
    only_reduces = _REDUCE in words <= {_REDUCE, _FLATTEN} and len(text) <= _MOST_BYTES
    to = TradingState.REDUCING if only_reduces else TradingState.HALTED
    return KillOrder(f"{path} is there", flatten=_FLATTEN in words, to=to)


def _json_of(trading: Trading) -> dict[str, object]:
    return {
        "state": trading.state.value,
        "cause": trading.cause.value if trading.cause else None,
        "reason": trading.reason,
        "since": trading.since.isoformat() if trading.since else None,
        "is_flattening": trading.is_flattening,
    }


def _trading_of(kept: dict[str, object]) -> Trading:
    cause, since = kept["cause"], kept["since"]
    return Trading(
        state=TradingState(kept["state"]),
        cause=None if cause is None else HaltCause(cause),
        reason=str(kept["reason"]),
        since=None if since is None else datetime.fromisoformat(str(since)),
        is_flattening=kept["is_flattening"] is True,
    )
