"""``python -m apps.paper``: the gateway alone, for any TWS client."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence

from apps.domain.errors import DeskError, InvalidInput
from apps.paper.program.options import HelpWanted, Launch, launch_of

__all__ = ["main"]

_FAILED = 1
_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; give the exit code."""
    try:
        launch = launch_of(sys.argv[1:] if argv is None else argv)
    except HelpWanted as wanted:
        print(wanted.text, end="")  # noqa: T201 - what was asked for
        return 0
    except InvalidInput as error:
        return _say(error.message, _USAGE)
    logging.basicConfig(
        level=launch.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    return _run(launch)


def _run(launch: Launch) -> int:
    # a command line that cannot be followed is told so at once
    from apps.paper.program.serving import serve  # noqa: PLC0415

    try:
        return asyncio.run(serve(launch))
    except InvalidInput as error:
        return _say(error.message, _USAGE)
    except DeskError as error:
        return _say(error.message, _FAILED)
    except OSError as error:
        settings, reason = launch.settings, error.strerror or str(error)
        return _say(
            f"cannot listen on {settings.host}:{settings.port}: {reason}; choose another --port, "
            "or 0 for a free one",
            _FAILED,
        )


def _say(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 - the one sentence for whoever started the program
    return code


if __name__ == "__main__":
    sys.exit(main())
