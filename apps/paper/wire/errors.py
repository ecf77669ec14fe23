"""What can be wrong with the protocol, by who did it.

    ProtocolError
    ├── RemoteProtocolError    the client broke the protocol; its connection cannot go on
    │   └── VersionRefused     the client speaks no version that we speak (IB's 503, or 506)
    └── LocalProtocolError     our own code asked for what the protocol forbids: a bug

A request that cannot be read is none of these: it is a value (`MalformedRequest`), for its frame
was whole and the next one can be read.
"""

from __future__ import annotations

from apps.domain.errors import DeskError, IllegalTransition

__all__ = ["LocalProtocolError", "ProtocolError", "RemoteProtocolError", "VersionRefused"]


class ProtocolError(DeskError):
    """The protocol was broken, by the client or by our own code."""


class RemoteProtocolError(ProtocolError):
    """The client broke the protocol; all that is left is to hang up."""


class VersionRefused(RemoteProtocolError):
    """The client speaks no version that we speak.

    The message says what to set in the client. ``code`` and ``text`` are what IB says of it, and
    ``version`` is the one of the client's that comes nearest, in which it can be told.
    """

    def __init__(self, message: str, *, code: int, text: str, version: int) -> None:
        super().__init__(message, code=code)
        self.text = text
        self.version = version


class LocalProtocolError(ProtocolError, IllegalTransition):
    """Our own code asked for what the protocol forbids. The state is as it was."""
