"""``python -m apps.paper.transcript diff A B``: what two transcripts do not have in common.

The exit code is 0 when they are the same, 1 when they differ, 2 when one cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from apps.domain.errors import InvalidInput
from apps.paper.transcript.comparing import Comparison, compare
from apps.paper.transcript.reading import Transcript, read_transcript

__all__ = ["main"]

_SAME, _DIFFERENT, _USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Compare two transcripts; give the exit code."""
    asked = _parser().parse_args(argv)
    try:
        left, right = read_transcript(asked.left), read_transcript(asked.right)
    except InvalidInput as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - the one sentence for whoever asked
        return _USAGE
    for transcript in (left, right):
        if transcript.is_cut_short:
            _say(f"{transcript.path} was cut short; it is compared up to its last whole line.")
    return _report(left, right, asked)


def _report(left: Transcript, right: Transcript, asked: argparse.Namespace) -> int:
    comparison = Comparison(
        market_time=not asked.no_market_time,
        elapsed=asked.elapsed,
        ignored=frozenset(asked.ignore or ()),
    )
    count = 0
    for count, deviation in enumerate(compare(left, right, comparison), start=1):
        if asked.most is None or count <= asked.most:
            _say(str(deviation))
    lines = f"{len(left.entries)} and {len(right.entries)} lines compared"
    _say(f"{count} differences, {lines}." if count else f"No difference, {lines}.")
    return _DIFFERENT if count else _SAME


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m apps.paper.transcript", description="Read what the gateway recorded."
    )
    diff = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "diff", help="compare two transcripts by message and field"
    )
    diff.add_argument("left", type=Path, metavar="A")
    diff.add_argument("right", type=Path, metavar="B")
    diff.add_argument("--no-market-time", action="store_true", help="leave the market's times out")
    diff.add_argument("--elapsed", action="store_true", help="compare the machine's seconds too")
    diff.add_argument(
        "--ignore",
        action="append",
        metavar="FIELD",
        help="leave a field out, as perm_id or OrderStatus.perm_id; may be repeated",
    )
    diff.add_argument("--most", type=int, metavar="NUMBER", help="list no more than so many")
    return parser


def _say(sentence: str) -> None:
    print(sentence)  # noqa: T201 - what was asked for


if __name__ == "__main__":
    sys.exit(main())
