"""The process between the desk and a gateway that is to outlive it: run by its path, alone.

asyncio ends what it started together with its loop. So the desk starts this, in a session that no
Ctrl-C reaches, and this the gateway, its output in a file. What to start comes as one line of JSON
on stdin; the number of the process goes to stdout, and its exit code is ours. Whoever ends the
relay ends nothing else.
"""

from __future__ import annotations

import json
import subprocess
import sys

CANNOT_START = 127


def main() -> int:
    """Start what stdin asks for, and wait for its end."""
    asked = json.loads(sys.stdin.readline())
    with open(asked["log"], "ab") as log:  # noqa: PTH123 - nothing is imported that is not needed
        try:
            started = subprocess.Popen(  # noqa: S603 - the trader's own command
                asked["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            log.write(f"{asked['command'][0]} cannot be run: {error.strerror}\n".encode())
            return CANNOT_START
    sys.stdout.write(f"{started.pid}\n")
    sys.stdout.flush()
    return started.wait() & 0xFF


if __name__ == "__main__":
    sys.exit(main())
