"""`reconcile`: what it shows, what it asks first, and what its exit code says."""

from __future__ import annotations

import json

import pytest

from apps.api.commands.reconcile import SettleIntent
from apps.api.outcomes import ExitCode
from apps.api.routine_command import RunRoutine
from apps.api.tree import parse
from apps.api.views.as_json import as_json
from apps.api.views.render import render
from apps.domain.reconciling.findings import Finding, Verdict
from apps.engine.reconciling.reconciler import Reconciled
from apps.engine.routines.reconcile import RECONCILE
from tests.api.stand_ins import OPEN, FakeDesk, a_session
from tests.api.test_views import shown

REF = "BD-20261119-w1-000001"


def test_line_is_read() -> None:
    assert parse(["reconcile"]).command == RunRoutine(RECONCILE, {})
    assert parse(["reconcile", "--adopt"]).command == RunRoutine(RECONCILE, {"adopt": True})
    settling = parse(["reconcile", "--settle", "k3f9a2", "-y"])
    assert settling.command == SettleIntent("k3f9a2", confirmed=True)


@pytest.mark.parametrize(
    ("verdict", "code", "words"),
    [
        (Verdict.ADOPTED, ExitCode.DONE, "Journal and broker agree."),
        (Verdict.UNKNOWN, ExitCode.ERROR, "1 of 1 findings needs you."),
    ],
)
async def test_what_needs_the_trader_is_said_first_and_by_the_exit_code(
    verdict: Verdict, code: ExitCode, words: str
) -> None:
    desk = FakeDesk()
    finding = Finding(verdict, "AAPL", "order 101 is listed nowhere", REF, 101)
    desk.reconciled = Reconciled(OPEN, (finding,), ())
    session, _ = a_session(desk)
    reply = await RunRoutine(RECONCILE, {}).run(session)
    assert reply.exit_code is code
    text = shown(render(reply.value))
    assert words in text
    assert verdict.value in text


async def test_what_could_not_be_read_is_not_agreement() -> None:
    desk = FakeDesk()
    desk.reconciled = Reconciled(OPEN, (), ("the broker did not answer",))
    session, _ = a_session(desk)
    reply = await RunRoutine(RECONCILE, {}).run(session)
    assert reply.exit_code is ExitCode.ERROR
    assert "Not read: the broker did not answer" in shown(render(reply.value))


def test_json_form_has_each_finding() -> None:
    value = Reconciled(OPEN, (Finding(Verdict.FOREIGN, "AAPL", "by hand", order_id=9),), ())
    found = json.loads(json.dumps(as_json(value)))
    (finding,) = found["findings"]
    assert (finding["verdict"], finding["order_id"]) == ("foreign", 9)


@pytest.mark.parametrize(("answer", "settles"), [("y", True), ("n", False)])
async def test_settling_is_asked_first(answer: str, settles: bool) -> None:
    desk = FakeDesk()
    session, _ = a_session(desk, answer)
    await SettleIntent("k3f9a2", confirmed=False).run(session)
    assert (("settle", "k3f9a2") in desk.asked) is settles
