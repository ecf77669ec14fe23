"""Bytes to frames and back: a four-byte big-endian length, then fields that each end with NUL.

Here is at home what makes a frame, not what its fields mean. Reading is forgiving where the next
frame can still be found (a missing last NUL, bytes that are not UTF-8), for such a frame becomes
a request that is answered with an error; it is strict where it cannot (a length beyond all use).
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.paper.wire.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["MAX_FRAME_BYTES", "FrameDecoder", "encode_frame", "split_fields"]

MAX_FRAME_BYTES = 0xFFFFFF
"""The longest body: the bound that IB's own clients keep."""

_PREFIX_BYTES = 4


class FrameDecoder:
    """Collects bytes, however they were split or merged, and gives the frames in them.

    Args:
        max_frame_bytes: A frame that announces a longer body is refused.
    """

    __slots__ = ("_buffer", "_max_frame_bytes", "_start")

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._buffer = bytearray()
        self._start = 0
        self._max_frame_bytes = max_frame_bytes

    def receive(self, chunk: bytes) -> None:
        """Add what came off the wire. What was read before is let go of here, once per chunk."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += chunk

    def feed(self, chunk: bytes) -> list[list[str]]:
        """Add ``chunk`` and give the fields of every frame that is complete now.

        >>> decoder = FrameDecoder()
        >>> decoder.feed(encode_frame(["49", "1"])[:5])
        []
        >>> decoder.feed(encode_frame(["49", "1"])[5:])
        [['49', '1']]

        Raises:
            RemoteProtocolError: A frame announces more than the bound.
        """
        self.receive(chunk)
        frames = []
        while (body := self.next_body()) is not None:
            frames.append(split_fields(body))
        return frames

    def next_body(self) -> bytes | None:
        """Take the next frame's body, or None when it is not complete yet.

        Raises:
            RemoteProtocolError: The frame announces more than the bound. Nothing is taken.
        """
        body_start = self._start + _PREFIX_BYTES
        if len(self._buffer) < body_start:
            return None
        length = int.from_bytes(self._buffer[self._start : body_start], "big")
        if length > self._max_frame_bytes:
            raise RemoteProtocolError(
                f"A frame of {length} bytes was announced, but {self._max_frame_bytes} is the "
                "most there can be: this does not look like a TWS API client."
            )
        if len(self._buffer) < body_start + length:
            return None
        self._start = body_start + length
        return bytes(self._buffer[body_start : self._start])

    def take_prefix(self, prefix: bytes) -> bool:
        """Take ``prefix``, raw bytes without a length; False when it is not complete yet.

        Raises:
            RemoteProtocolError: Other bytes are there. Nothing is taken.
        """
        there = bytes(self._buffer[self._start : self._start + len(prefix)])
        if not prefix.startswith(there):
            raise RemoteProtocolError(
                f"The connection began with {there!r} instead of {prefix!r}: this does not look "
                "like a TWS API client."
            )
        if len(there) < len(prefix):
            return False
        self._start += len(prefix)
        return True


def split_fields(body: bytes) -> list[str]:
    r"""Give the fields of a frame's body.

    Bytes that are not UTF-8 come out as escapes, as IB's clients read them; a last field without
    its NUL counts as a field.

    >>> split_fields(b"9\x008\x00\x00")
    ['9', '8', '']
    """
    if not body:
        return []
    fields = body.decode("utf-8", "backslashreplace").split("\0")
    if not fields[-1]:
        fields.pop()
    return fields


def encode_frame(fields: Sequence[str]) -> bytes:
    r"""Give the frame of ``fields``.

    >>> encode_frame(["9", "1", "7"])
    b'\x00\x00\x00\x069\x001\x007\x00'

    Raises:
        LocalProtocolError: A field holds a NUL, or the body is too long for any client.
    """
    body = ("\0".join(fields) + "\0").encode("utf-8", "backslashreplace") if fields else b""
    if body.count(0) != len(fields):
        raise LocalProtocolError(f"A field with a NUL in it cannot be sent: {list(fields)!r}.")
    if len(body) > MAX_FRAME_BYTES:
        raise LocalProtocolError(f"A frame of {len(body)} bytes is too long for any client.")
    return len(body).to_bytes(_PREFIX_BYTES, "big") + body
