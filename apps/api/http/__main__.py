"""``python -m apps.api.http [SETTINGS]``: a desk without a prompt, served over HTTP.

The same program as ``python -m apps.api.cli [SETTINGS] http``.
"""

from __future__ import annotations

import sys

from apps.api.cli import main

if __name__ == "__main__":
    sys.exit(main([*sys.argv[1:], "http"]))
