"""The table *feature × client*, made of what a run found; never written by hand.

Every feature of the list has a row and every library a column. A cell says that the check passed
(yes), that the library has no such thing (–), or that the library stands in the way (no); the
latter two with a numbered reason. A cell that was not exercised is a failure, like one that
failed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from apps.paper.wire.responses.encode import RESPONSE_MESSAGES
from tests.conformance.agreement import Agreement, Agreements
from tests.conformance.checks import features
from tests.conformance.libraries import LIBRARIES

__all__ = ["MESSAGES", "Outcome", "Results", "cells", "failures", "table"]

Outcome = Mapping[str, str]
"""``result`` (works, missing, differs or failed) and, but for the first, ``why``."""

Results = Mapping[str, Mapping[str, Outcome]]
"""By library, by the feature's key."""

_HEAD = """\
<!-- Written by scripts/conformance; edit the checks in tests/conformance instead. -->
# What was tried with which client

Each cell below is a check that ran: an unmodified client library, installed from the package
index, against `python -m apps.paper` over a socket. A check passes when what it asked for came
back right, when the library's decoder read every message to its last field, and when neither an
error was logged nor one was heard that the check did not expect.

**yes**: passes. **–**: the library has no such request. **no**: the library stands in the way.

Not covered by any of them: protobuf (server versions from 201 on) is not spoken by the gateway;
it answers with version 176 at most, and all four libraries work with that.
"""
MESSAGES = "Messages"
"""The heading of the part about messages."""

_ABOUT_MESSAGES = """\
Each message as the gateway's codec writes it, with a value of its own in every field, read by the
libraries' own decoders at versions 157 and 176 (ibapi 9.81.1: 157) and compared with what was
meant: every field named by at least two of them, and none read as something else. The fields that
a library leaves out are named; **–** is a message that it does not read at all.
"""
_SIGNS = {"works": "yes", "missing": "–", "differs": "no"}


def failures(results: Results, only: str = "") -> list[str]:
    """Say which cells failed, and which no check exercised, of the features that hold ``only``."""
    return [
        f"{name}: {row.key}: {_complaint(outcomes.get(row.key))}"
        for name, outcomes in results.items()
        for row in features()
        if only in row.key and outcomes.get(row.key, {}).get("result") not in _SIGNS
    ]


def table(results: Results, found: Agreements, seen: Collection[int]) -> str:
    """Give the whole page; ``seen`` are the ids of all messages that came in a check.

    It holds nothing that differs from one run to the next.
    """
    reasons: list[str] = []
    lines = [_HEAD]
    part = ""
    for row in features():
        if row.part != part:
            part = row.part
            lines += _heading(part)
        signs = (_sign(results[name][row.key], reasons) for name in LIBRARIES)
        lines.append(f"| {row.name} | {' | '.join(signs)} |")
    lines.append("")
    lines += [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([*lines, *_messages(found, seen)]) + "\n"


def _messages(found: Agreements, seen: Collection[int]) -> Iterator[str]:
    """Give the lines that say which library reads which field of which message."""
    yield f"\n## {MESSAGES}\n"
    yield _ABOUT_MESSAGES
    yield from _heading_lines("message")
    for kind, message in RESPONSE_MESSAGES.items():
        read = (_what_is_read(found[name].get(kind.__name__)) for name in LIBRARIES)
        yield f"| {kind.__name__} ({message.id_text}) | {' | '.join(read)} |"
    unseen = [kind.__name__ for kind, one in RESPONSE_MESSAGES.items() if one.msg_id not in seen]
    yield f"\nNo check above has the gateway send {', '.join(unseen)}."


def _what_is_read(agreement: Agreement | None) -> str:
    if agreement is None:
        return "–"
    dropped = ", ".join(f"`{name}`" for name in sorted(agreement.dropped))
    return f"all but {dropped}" if dropped else "all"


def cells(text: str) -> Iterator[tuple[str, str, int]]:
    """Give part, feature and number of cells of each row of a page."""
    part = ""
    for line in text.splitlines():
        if line.startswith("## "):
            part = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith(("| feature", "| message", "| ---")):
            name, *signs = (cell.strip() for cell in line.strip("|").split(" | "))
            yield part, name, len(signs)


def _heading(part: str) -> list[str]:
    return [f"\n## {part}\n", *_heading_lines("feature")]


def _heading_lines(first: str) -> list[str]:
    titles = [library.title for library in LIBRARIES.values()]
    return [f"| {first} | {' | '.join(titles)} |", f"| --- |{' --- |' * len(titles)}"]


def _sign(outcome: Outcome, reasons: list[str]) -> str:
    sign, why = _SIGNS[outcome["result"]], outcome.get("why")
    if why is None:
        return sign
    if why not in reasons:
        reasons.append(why)
    return f"{sign} ({reasons.index(why) + 1})"


def _complaint(outcome: Outcome | None) -> str:
    if outcome is None:
        return "was not exercised"
    return outcome.get("why", "").strip().splitlines()[-1]
