"""The parts of docs/paper-gateway.md that are read off the program.

``python tests/paper/paper_docs.py`` writes them; a test tells when that is due.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from enum import Enum
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from apps.paper.exchange.policies import ExchangePolicy  # noqa: E402
from apps.paper.faults.command_line import list_of_faults  # noqa: E402
from apps.paper.limits import IB_LIMITS  # noqa: E402
from apps.paper.program.option_values import word_of  # noqa: E402
from apps.paper.program.options import OPTIONS  # noqa: E402
from apps.paper.vendor.vendor import VendorPolicy  # noqa: E402

PAGE = ROOT / "docs" / "paper-gateway.md"


def generated() -> dict[str, str]:
    """Give the text of each generated section, by its name."""
    return {
        "options": _options(),
        "limits": _limits(),
        "policies": _choices(ExchangePolicy()),
        "vendor": _choices(VendorPolicy()),
        "faults": f"```\n{list_of_faults().rstrip()}\n```\n",
    }


def section(page: str, name: str) -> str:
    """Give what stands between a section's marks."""
    found = re.search(f"<!-- {name}: begin -->\n(.*?)<!-- {name}: end -->", page, re.DOTALL)
    assert found is not None, f"docs/paper-gateway.md has no section {name}"
    return found[1]


def renewed(page: str) -> str:
    """Give the page with every generated section as the program is now."""
    for name, text in generated().items():
        page = page.replace(
            f"<!-- {name}: begin -->\n{section(page, name)}",
            f"<!-- {name}: begin -->\n{text}",
        )
    return page


def _options() -> str:
    rows = ["| option | what it does |", "| --- | --- |"]
    for option in OPTIONS:
        metavar = f" {option.metavar}" if option.metavar else ""
        rows.append(f"| `{option.name}{metavar}` | {option.meaning} |")
    return "\n".join(rows) + "\n"


def _limits() -> str:
    rows = ["| limit | IB's |", "| --- | --- |"]
    rows += [
        f"| `{field.name}` | {_word(getattr(IB_LIMITS, field.name))} |"
        for field in dataclasses.fields(IB_LIMITS)
    ]
    return "\n".join(rows) + "\n"


def _choices(policy: Any) -> str:
    rows = ["| name | choices, the default first |", "| --- | --- |"]
    return "\n".join(rows + _rows(policy, "")) + "\n"


def _rows(policy: Any, prefix: str) -> list[str]:
    rows = []
    for field in dataclasses.fields(policy):
        value = getattr(policy, field.name)
        if dataclasses.is_dataclass(value):
            rows += _rows(value, f"{prefix}{field.name}.")
        else:
            rows.append(f"| `{prefix}{field.name}` | {_choice(value)} |")
    return rows


def _choice(value: object) -> str:
    if not isinstance(value, Enum):
        return _word(value)
    others = [other for other in type(value) if other is not value]
    return ", ".join(word_of(each) for each in (value, *others))


def _word(value: object) -> str:
    if value is None or (isinstance(value, frozenset) and not value):
        return "none"
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value)))
    return word_of(value) if isinstance(value, Enum) else str(value)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
