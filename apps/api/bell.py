"""The bell: a sound for what a trader must not miss, and no more often than can be borne.

Here is only when it rings; the sound itself is the console's.
"""

from __future__ import annotations

from collections.abc import Callable

from apps.engine.alerts import Alert, AlertKind

__all__ = ["REST_S", "Bell"]

REST_S = 2.0
"""Between two rings: a bracket that fills in ten pieces is one event for the ear."""

_HEARD = frozenset({AlertKind.TRIGGER, AlertKind.FILL, AlertKind.ERROR})


class Bell:
    """Rings for a trigger, a fill, an error and a lost link; not for a link that came back.

    ``is_linked`` tells whether the link to the broker is ready, ``monotonic`` gives seconds.
    """

    def __init__(self, is_linked: Callable[[], bool], monotonic: Callable[[], float]) -> None:
        self._is_linked = is_linked
        self._monotonic = monotonic
        self._rang_s: float | None = None

    def rings_for(self, alert: Alert) -> bool:
        """Tell whether to ring now; if so, the next `REST_S` are silent."""
        now_s = self._monotonic()
        is_resting = self._rang_s is not None and now_s - self._rang_s < REST_S
        if is_resting or not self._is_heard(alert.kind):
            return False
        self._rang_s = now_s
        return True

    def _is_heard(self, kind: AlertKind) -> bool:
        return kind in _HEARD or (kind is AlertKind.LINK and not self._is_linked())
