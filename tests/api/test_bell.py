from __future__ import annotations

import io

import pytest

from apps.api.bell import REST_S, Bell
from apps.api.console import Console, Manner, Streams
from apps.api.interrupts import Interrupts
from apps.engine.alerts import Alert, AlertKind
from tests.api.stand_ins import TypedLines


class Listener:
    """A bell at a moment that the test sets, on a link that the test breaks."""

    def __init__(self) -> None:
        self.now_s, self.is_linked = 100.0, True
        self.bell = Bell(lambda: self.is_linked, lambda: self.now_s)

    def hears(self, kind: AlertKind) -> bool:
        return self.bell.rings_for(Alert(kind, "something happened"))


@pytest.mark.parametrize("kind", list(AlertKind))
def test_bell_rings_for_triggers_fills_and_errors_alone(kind: AlertKind) -> None:
    heard = {AlertKind.TRIGGER, AlertKind.FILL, AlertKind.ERROR}
    assert Listener().hears(kind) is (kind in heard)


def test_bell_rings_for_a_lost_link_and_not_for_one_that_came_back() -> None:
    listener = Listener()
    listener.is_linked = False
    assert listener.hears(AlertKind.LINK)
    listener.now_s += REST_S
    listener.is_linked = True
    assert not listener.hears(AlertKind.LINK)


def test_bell_rests_after_a_ring_and_only_then() -> None:
    listener = Listener()
    assert not listener.hears(AlertKind.INFO)
    assert listener.hears(AlertKind.TRIGGER)
    listener.now_s += REST_S - 0.01
    assert not listener.hears(AlertKind.FILL)
    listener.now_s += 0.01
    assert listener.hears(AlertKind.FILL)


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "rings"), [(FakeTerminal(), 1), (io.StringIO(), 0)])
async def test_ring_reaches_a_terminal_and_never_a_file(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, rings: int
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", stream)
    lines = TypedLines(())
    console = Console(
        Interrupts(),
        commands=lambda: Streams(lines, lines),
        answers=lambda: Streams(lines, lines),
        interactive=False,
        manner=Manner.SESSION,
        bell=Listener().bell,
    )
    console.emit(Alert(AlertKind.FILL, "bought 10 AAPL"))
    console.emit(Alert(AlertKind.FILL, "bought 5 AAPL"))
    assert stream.getvalue().count("\a") == rings
    assert "bought 5 AAPL" in stream.getvalue()
