"""What can go wrong with a state file, before a gateway begins and while it runs."""

from __future__ import annotations

from apps.domain.errors import DeskError

__all__ = ["StateInUse", "StateLost", "StateRefused"]


class StateRefused(DeskError):
    """A file that no gateway can begin from: foreign, damaged, too new, out of reach.

    It is as it was.
    """


class StateInUse(StateRefused):
    """Another gateway keeps its state there; the message names its process."""


class StateLost(DeskError):
    """What happened could not be written down: the gateway that raises it must end.

    Nothing of it has been told to any client, and what was told before is safe.
    """
