from __future__ import annotations

import re
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from apps.domain.errors import InvalidInput
from apps.paper.faults.acts import _ACTS
from apps.paper.faults.broker import Back, Outage
from apps.paper.faults.fault import Clock, Fault, Trigger, When
from apps.paper.faults.kinds import KINDS, RESPONSE_NAMES
from apps.paper.faults.language import FaultError, fault_of, parse_fault
from apps.paper.faults.markets import PartialFills, PriceGap
from apps.paper.faults.messages import Delay, Drop, SendError
from apps.paper.faults.network import Disconnect, How
from apps.paper.faults.registry import EFFECTS, REQUIRED, WHEN_KEYS, described, parameters
from apps.paper.faults.scenario import read_scenario
from apps.paper.wire.requests.names import REQUEST_NAMES


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop on=orderStatus nth=2", Fault(Drop(), When(on="orderStatus", nth=2))),
        (
            "disconnect how=reset after_s=1.5 clock=wall client=7 name=cut",
            Fault(Disconnect(How.RESET), When(after_s=1.5, clock=Clock.WALL, client=7), "cut"),
        ),
        (
            "error on=placeOrder code=10349 text='set to DAY' error_code=1",
            Fault(SendError(10349, "set to DAY"), When(on="placeOrder", error_code=1)),
        ),
        ("outage back=1101 for_s=0", Fault(Outage(for_s=0.0, back=Back.DATA_LOST))),
        ("partial_fills sizes=3,4.5", Fault(PartialFills((Decimal(3), Decimal("4.5"))))),
        (
            "price_gap percent=-2.5 at=23:45:00",
            Fault(PriceGap(Decimal("-2.5")), When(at=time(23, 45))),
        ),
        (
            "drop on=response at=2026-11-19T15:00:00Z chance=0.5 times=0",
            Fault(
                Drop(),
                When(at=datetime(2026, 11, 19, 15, tzinfo=UTC), on="response", chance=0.5, times=0),
            ),
        ),
        ("disconnect lose_message=true", Fault(Disconnect(lose_message=True))),
    ],
)
def test_fault_in_words_is_the_value_it_means(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begins with its name"),
        ("explode", "'explode' is not a fault; there are: drop, delay"),
        ("drop", "say which with on"),
        ("drop on=orderStatos", "'orderStatos' is not a message"),
        (
            "drop on=orderStatus nht=2",
            "'nht' is not a key of the fault 'drop'; allowed are: do, name",
        ),
        ("drop on=orderStatus nth", "is not key=value"),
        ("drop on=orderStatus nth=two", "nth = 'two' is not a whole number"),
        ("drop on=orderStatus on=error", "'on' stands twice"),
        ("drop on=orderStatus nth=0", "nth must be 1 or more"),
        ("disconnect nth=2", "belong to a message"),
        ("disconnect how=softly", "how = 'softly' is not one of clean, reset, mid_frame"),
        ("disconnect at=noon", "not a moment such as"),
        ("refuse on=placeOrder", "needs code"),
        ("outage for_s=-1", "for_s must be 0"),
        ("outage after_s=1e999", "is not a number of this size"),
        ("farm_outage farm=usfram", "there are: cashfarm, cashhmds, eufarm"),
        ("restart how=mid_frame", "one of clean, reset"),
        ("refuse on=orderStatus code=162", "happens to a request, and orderStatus is none"),
        ("price_gap percent=NaN", "is not a number"),
        ("reorder on=openOrder behind=what", "'what' is not a message"),
        ("drop on=orderStatus 'x", "No closing quotation"),
    ],
)
def test_fault_that_cannot_be_is_refused_with_what_could(text: str, words: str) -> None:
    with pytest.raises(FaultError, match=re.escape(words)):
        parse_fault(text)


def test_no_effect_has_a_key_that_every_fault_has() -> None:
    for name, effect in EFFECTS.items():
        assert not set(parameters(effect)) & {*WHEN_KEYS, "do", "name"}, name


def test_every_effect_can_be_carried_out_and_is_described() -> None:
    assert set(_ACTS) == set(EFFECTS.values())
    listed = described()
    for name, effect in EFFECTS.items():
        assert f"\n{name}" in listed
        assert effect.__doc__
        assert effect.__doc__.splitlines()[0].replace("`", "") in listed
    assert "reqRealTimeBars" in listed
    assert "realtimeBar" in listed


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_can_be_written_with_its_defaults(name: str) -> None:
    needed = {
        key: "1" for key, each in parameters(EFFECTS[name]).items() if each.default is REQUIRED
    }
    triggers = {
        Trigger.ANYTHING: {},
        Trigger.MESSAGE: {"on": "placeOrder"},
        Trigger.REQUEST: {"on": "placeOrder"},
        Trigger.RESPONSE: {"on": "orderStatus"},
    }
    trigger = {} if EFFECTS[name].ON else triggers[EFFECTS[name].TRIGGER]
    fault = fault_of({"do": name, **needed, **trigger})
    assert type(fault.effect) is EFFECTS[name]
    assert fault.label == name


def test_no_name_stands_for_a_request_and_a_response() -> None:
    assert not set(REQUEST_NAMES.values()) & set(RESPONSE_NAMES.values())
    assert len(KINDS) == 2 + len(REQUEST_NAMES) + len(RESPONSE_NAMES)


SCENARIO = """\
# a bad morning
seed = 7

[[fault]]
do = "outage"
after_s = 60
back = 1101

[[fault]]
do = "drop"
on = "orderStatus"
status = "Filled"

[[fault]]
do = "restart"
at = 23:45:00
times = 0
for_s = 120
"""


def test_scenario_gives_its_faults_in_order_and_its_seed(tmp_path: Path) -> None:
    file = tmp_path / "morning.toml"
    file.write_text(SCENARIO)
    scenario = read_scenario(file)
    assert scenario.seed == 7
    assert [each.label for each in scenario.faults] == ["outage", "drop", "restart"]
    assert scenario.faults[0] == Fault(Outage(back=Back.DATA_LOST), When(after_s=60))
    assert scenario.faults[2].when == When(at=time(23, 45), times=0)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            'status = "Filled"',
            'statuss = "Filled"',
            "morning.toml, line 12: 'statuss' is not a key",
        ),
        ("times = 0", "times = -1", "line 14: restart: nth must"),
        ("for_s = 120", 'for_s = "long"', "morning.toml, line 18: for_s = 'long' is not a number"),
        (
            "seed = 7",
            "sead = 7",
            "line 2: 'sead' is not a key of a scenario; allowed are: seed, fault",
        ),
        ("seed = 7", 'seed = "x"', "line 2: seed = 'x' is not a whole number"),
        ('do = "drop"', 'do = "drip"', "line 10: 'drip' is not a fault"),
        ('do = "drop"', "nth = 1", "line 9: a fault says what it does"),
        ("back = 1101", "back = 1103", "line 7: back = 1103 is not one of 1101, 1102"),
        ("back = 1101", "back = ", "morning.toml is not TOML: "),
        ('[[fault]]\ndo = "outage"', '[fault]\ndo = "outage"', "line"),
    ],
)
def test_wrong_scenario_names_file_line_and_what_is_allowed(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    file = tmp_path / "morning.toml"
    assert before in SCENARIO
    file.write_text(SCENARIO.replace(before, after, 1))
    with pytest.raises(InvalidInput) as caught:
        read_scenario(file)
    assert words in caught.value.message
    assert "morning.toml" in caught.value.message


def test_inline_scenario_is_a_scenario_too(tmp_path: Path) -> None:
    file = tmp_path / "inline.toml"
    file.write_text(
        'fault = [\n  {do = "bust", symbol = "AAPL"},\n  {do = "bust", symbl = "KO"},\n]\n'
    )
    with pytest.raises(InvalidInput, match="line 3: 'symbl' is not a key"):
        read_scenario(file)


def test_effect_of_messages_knows_that_seconds_are_the_faults_own() -> None:
    assert parse_fault("delay on=error by_s=2 clock=wall") == Fault(
        Delay(2.0), When(on="error", clock=Clock.WALL)
    )
