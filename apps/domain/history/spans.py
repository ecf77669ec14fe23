"""Sets of moments, as tuples of half-open spans ``[start, end)`` of aware UTC time.

What is given back is *merged*: rising, without empty spans, and none touches the next. What is
taken may be in any order and overlap.

>>> from datetime import UTC, datetime
>>> at = [datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in range(24)]
>>> [f"{each.start:%H}-{each.end:%H}" for each in missing([Span(at[9], at[16])], [
...     Span(at[12], at[13]), Span(at[10], at[12])])]
['09-10', '13-16']
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from apps.domain.sessions import Span

__all__ = ["intersection", "length", "merged", "missing"]


def merged(*sets: Iterable[Span]) -> tuple[Span, ...]:
    """Give every moment that is in one of ``sets``."""
    found: list[Span] = []
    for span in sorted(each for spans in sets for each in spans if each.start < each.end):
        if found and span.start <= found[-1].end:
            if found[-1].end < span.end:
                found[-1] = Span(found[-1].start, span.end)
        else:
            found.append(span)
    return tuple(found)


def missing(wanted: Iterable[Span], there: Iterable[Span]) -> tuple[Span, ...]:
    """Give every moment of ``wanted`` that is not in ``there``."""
    rest: list[Span] = []
    taken = merged(there)
    at = 0
    for span in merged(wanted):
        start = span.start
        while at < len(taken) and taken[at].end <= start:
            at += 1
        nth = at
        while nth < len(taken) and taken[nth].start < span.end:
            if start < taken[nth].start:
                rest.append(Span(start, taken[nth].start))
            start = taken[nth].end
            nth += 1
        if start < span.end:
            rest.append(Span(start, span.end))
    return tuple(rest)


def intersection(some: Iterable[Span], others: Iterable[Span]) -> tuple[Span, ...]:
    """Give every moment that is in both."""
    left, right = merged(some), merged(others)
    found: list[Span] = []
    i = k = 0
    while i < len(left) and k < len(right):
        start, end = max(left[i].start, right[k].start), min(left[i].end, right[k].end)
        if start < end:
            found.append(Span(start, end))
        if left[i].end < right[k].end:
            i += 1
        else:
            k += 1
    return tuple(found)


def length(spans: Iterable[Span]) -> timedelta:
    """Give how much time it is, each moment counted once."""
    return sum((each.end - each.start for each in merged(spans)), timedelta())
