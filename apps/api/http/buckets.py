"""How often each peer may ask: token buckets, one a peer. Pure; the time is told.

A bucket holds as many requests as come in two seconds at the highest rate: a burst passes, a flood
does not.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["Buckets"]

BURST_S = 2.0

MOST_PEERS = 1024


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Buckets:
    """The buckets of all peers; ``per_s`` is the highest rate of one of them."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._holds = max(1.0, per_s * BURST_S)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, peer: str, now_s: float) -> float:
        """Take one request of ``peer``; give 0, or in how many seconds one may be taken."""
        bucket = self._bucket(peer, now_s)
        bucket.left = min(self._holds, bucket.left + (now_s - bucket.at_s) * self._per_s)
        bucket.at_s = now_s
        if bucket.left < 1.0:
            return (1.0 - bucket.left) / self._per_s
        bucket.left -= 1.0
        return 0.0

    def _bucket(self, peer: str, now_s: float) -> _Bucket:
        bucket = self._buckets.get(peer)
        if bucket is None:
            bucket = self._buckets[peer] = _Bucket(self._holds, now_s)
            if len(self._buckets) > MOST_PEERS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(peer)
        return bucket
