"""Every error of the desk's as a problem: its status, its words, IB's code."""

from __future__ import annotations

import inspect
import json

import pytest

from apps.api.http.problems import KINDS, problem_of
from apps.domain import errors
from apps.domain.errors import BadRequest, DeskError

STATUSES = {
    "AlreadyDone": 409,
    "AmbiguousSymbol": 404,
    "AskedTooOften": 502,
    "BadRequest": 422,
    "BadSetting": 422,
    "BrokerError": 502,
    "BrokerRejected": 409,
    "CannotConnect": 503,
    "ClientIdInUse": 503,
    "ConnectionProblem": 503,
    "DeadlineExceeded": 504,
    "DeskError": 500,
    "FailedBefore": 409,
    "InvalidInput": 422,
    "JournalLost": 507,
    "NotConnected": 503,
    "NotFound": 404,
    "NotTradableYet": 422,
    "Refused": 409,
    "RiskRefused": 409,
    "TradingDisabled": 423,
    "TradingHalted": 423,
}
"""Every other is the desk's own affair: 500."""


def every_error() -> list[type[DeskError]]:
    return [
        each
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, DeskError)
    ]


def made(kind: type[DeskError]) -> DeskError:
    return kind({"side": "is 'up'"}) if kind is BadRequest else kind("it was so.", code=201)


@pytest.mark.parametrize("kind", every_error(), ids=lambda each: each.__name__)
def test_every_error_has_its_status(kind: type[DeskError]) -> None:
    assert problem_of(made(kind)).status == STATUSES.get(kind.__name__, 500)


def test_the_words_and_ibs_code_are_kept() -> None:
    body = json.loads(problem_of(errors.BrokerRejected("no margin for it.", code=201)).body())
    assert body == {
        "type": "urn:breakout-desk:problem:refused",
        "title": "The broker or a limit refused it",
        "status": 409,
        "detail": "No margin for it.",
        "ib_code": 201,
    }


def test_each_field_that_was_wrong_is_named() -> None:
    body = json.loads(problem_of(BadRequest({"side": "is 'up'", "x": "is not known"})).body())
    assert body["problems"] == {"side": "is 'up'", "x": "is not known"}


def test_no_two_kinds_have_one_name() -> None:
    assert len({each.name for each in KINDS}) == len(KINDS)
