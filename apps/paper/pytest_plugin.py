"""The fixture ``paper_gateway``: a gateway for the tests of any program that speaks to TWS.

    def test_my_program(paper_gateway):
        ib = IB()
        ib.connect(paper_gateway.host, paper_gateway.port, clientId=1)
        assert ib.positions() == []

Each test gets its own, at the open of a market that is always the same. The marker
``paper_gateway`` changes that: ``@pytest.mark.paper_gateway(speed=60, seed=3)`` takes the fields of
`apps.paper.settings.GatewaySettings`; ``manual=True`` stops market time, and
``paper_gateway.advance(5)`` lets it go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.paper.clock import ManualClock
from apps.paper.settings import GatewaySettings
from apps.paper.thread import GatewayThread

__all__ = ["paper_gateway"]

_START = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
_MARKER = "paper_gateway"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(**settings): how the test's paper gateway is set up; manual=True stops time",
    )


@pytest.fixture
def paper_gateway(request: pytest.FixtureRequest) -> Iterator[GatewayThread]:
    """Give a running gateway; its address is in ``host`` and ``port``."""
    marker = request.node.get_closest_marker(_MARKER)
    wanted = _wanted_by(marker) if marker else {}
    is_manual = wanted.pop("manual", False)
    settings = replace(GatewaySettings(start=_START), **wanted)
    start = settings.start or _START
    clock = ManualClock(int(start.timestamp() * 1000)) if is_manual else None
    with GatewayThread(settings, clock=clock) as gateway:
        yield gateway


def _wanted_by(marker: pytest.Mark) -> dict[str, Any]:
    """Give what a marker asks for; one that asks for nothing there is fails its test."""
    names = [each.name for each in fields(GatewaySettings)] + ["manual"]
    unknown = [*marker.args, *(name for name in marker.kwargs if name not in names)]
    if unknown:
        pytest.fail(
            f"the marker {_MARKER} does not take {', '.join(map(repr, unknown))}: "
            f"write NAME=VALUE, with a NAME of {', '.join(names)}",
            pytrace=False,
        )
    if isinstance(marker.kwargs.get("accounts"), str):
        pytest.fail(
            f"accounts of the marker {_MARKER} is a tuple of account numbers: write "
            f"accounts=({marker.kwargs['accounts']!r},)",
            pytrace=False,
        )
    return dict(marker.kwargs)
