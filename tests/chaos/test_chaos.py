"""A sample of the campaign, every failure that was ever found, and that the judge sees them.

The whole of it is `scripts/chaos`; see docs/chaos.md.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from apps.paper.faults.language import parse_fault
from tests.chaos.campaign import plan_for
from tests.chaos.crashes import LIVES, crashes
from tests.chaos.fault_table import CELLS, FAULTS
from tests.chaos.found import FOUND
from tests.chaos.judge import Invariant
from tests.chaos.kills import Where, killed
from tests.chaos.outcome import Outcome
from tests.chaos.plan import Phase, Plan
from tests.chaos.run import run_plan
from tests.chaos.table import markdown, summary

SAMPLE = range(7, 1_300, 61)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep what is logged under faults out of the tests' output."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def told(outcome: Outcome) -> str:
    return "\n".join(map(str, outcome.broken))


@pytest.mark.parametrize("seed", SAMPLE)
def test_everything_holds_whatever_goes_wrong(seed: int) -> None:
    outcome = run_plan(plan_for(seed))
    assert outcome.is_good, f"scripts/chaos --seed {seed} -v\n{told(outcome)}"


@pytest.mark.parametrize(("found", "plan"), FOUND, ids=[str(plan.seed) for _, plan in FOUND])
def test_what_failed_once_holds(found: str, plan: Plan) -> None:
    outcome = run_plan(plan)
    assert outcome.is_good, f"{found}\n{told(outcome)}"


@pytest.mark.parametrize("number", range(0, len(LIVES), 7))
def test_a_crash_after_any_write_leaves_nothing_wrong(number: int) -> None:
    for crash, outcome in crashes(LIVES[number], every=37, first=1 + 2 * number):
        assert outcome.is_good, f"{crash}\n{told(outcome)}"


@pytest.mark.parametrize(("where", "after"), [(Where.EMBEDDED, 7), (Where.APART, 4)])
def test_a_process_that_is_killed_goes_on_as_if_it_had_not_been(where: Where, after: int) -> None:
    death = killed(where, after)
    assert death.came
    assert not death.wrong


# -- that a run is its seed ----------------------------------------------------------------------


def test_a_run_replays_from_its_seed() -> None:
    seed = CELLS.index(("desk killed", Phase.PARTLY_FILLED))
    first, second = (run_plan(plan_for(seed), tells=True) for _ in range(2))
    assert _without_ports(first.lines) == _without_ports(second.lines)
    assert len(first.lines) > 200


def _without_ports(lines: list[str]) -> list[str]:
    return [re.sub(r"127\.0\.0\.1:[0-9]+", "", line) for line in lines]


def test_the_first_round_of_seeds_strikes_every_cell_alone() -> None:
    plans = [plan_for(seed) for seed in range(len(CELLS))]
    assert {(plan.faults, plan.phase) for plan in plans} == {
        ((name,), phase) for name, phase in CELLS
    }


def test_later_seeds_combine_faults() -> None:
    counts = {len(plan_for(seed).faults) for seed in range(len(CELLS), len(CELLS) + 50)}
    assert counts == {1, 2, 3}


@pytest.mark.parametrize("name", FAULTS)
def test_every_line_of_the_table_is_a_fault_of_the_gateway(name: str) -> None:
    fault = FAULTS[name]
    assert bool(fault.lines) != bool(fault.act)
    for line in fault.words(Random(1)):  # noqa: S311 - any will do
        parse_fault(line)


# -- that a campaign says what it did not see ----------------------------------------------------


def test_a_fault_that_never_fired_and_a_cell_never_reached_are_told() -> None:
    from tests.chaos.campaign import Report, Result  # noqa: PLC0415 - only here

    name, phase = CELLS[0]
    good = Result(0, frozenset({(name, phase)}), frozenset({name}), ())
    bad = Result(1, frozenset(), frozenset(), ((Invariant.STOP.value, "1.0 BROKEN: naked"),))
    report = Report([good, bad])
    assert CELLS[0] not in report.never_reached
    assert len(report.never_reached) == len(CELLS) - 1
    assert name not in report.never_fired
    assert "seed 1: BROKEN: naked" in summary(report)
    assert markdown(report).splitlines()[2].startswith(f"| {name} | 1 | 0 |")


# -- that the judge sees what is wrong -----------------------------------------------------------


def broken_by(plan_seed: int) -> set[Invariant]:
    return {each.invariant for each in run_plan(plan_for(plan_seed)).broken}


def cell(name: str, phase: Phase) -> int:
    return CELLS.index((name, phase))


def test_an_order_that_is_sent_again_is_two_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.ib.orders import IBOrders  # noqa: PLC0415 - what is broken here

    place = IBOrders.place_bracket

    def twice(self: IBOrders, *args: object) -> object:
        ids = place(self, *args)  # type: ignore[arg-type]  # passed on as they are
        place(self, args[0], self.reserve_ids(3))  # type: ignore[arg-type]  # as above
        return ids

    monkeypatch.setattr(IBOrders, "place_bracket", twice)
    assert Invariant.ONE_BRACKET in broken_by(cell("frames split", Phase.ARMED))


def test_a_feed_that_is_not_subscribed_anew_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.engine.prices.bar_feed import BarFeed  # noqa: PLC0415 - what is broken here

    monkeypatch.setattr(BarFeed, "go_blind", lambda _feed, _reason: None)
    assert Invariant.BARS in broken_by(cell("1100 → 1101, after a while", Phase.ARMED))


def test_an_id_that_is_given_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.ib.orders import IBOrders  # noqa: PLC0415 - what is broken here

    monkeypatch.setattr(IBOrders, "reserve_ids", lambda _self, many: tuple(range(101, 101 + many)))
    plan = replace(plan_for(cell("latency", Phase.ARMED)), watchers=2)
    assert Invariant.IDS in {each.invariant for each in run_plan(plan).broken}


def test_a_position_that_nobody_guards_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.engine.exits.guard import Guard  # noqa: PLC0415 - what is broken here

    monkeypatch.setattr(Guard, "_start", lambda _self, _instrument: None)
    assert Invariant.STOP in broken_by(cell("cancelled by the broker", Phase.PARTLY_FILLED))


def test_a_desk_that_does_not_look_at_its_link_enters_into_the_dark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.domain.link import Link  # noqa: PLC0415 - what is broken here
    from apps.ib.connection import IBConnection  # noqa: PLC0415 - as above

    for name in ("takes_orders", "takes_openings"):
        monkeypatch.setattr(Link, name, property(lambda _link: True))
    monkeypatch.setattr(IBConnection, "ready_session", lambda self, **_: self._usable()[0])
    plan = plan_for(cell("1100 → 1101, after a while", Phase.ARMED))
    broken = run_plan(replace(plan, late_s=0.0, by_hand_after_s=2.0)).broken
    assert Invariant.DARK in {each.invariant for each in broken}


def test_what_is_not_written_down_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.engine.chronicle import Chronicle  # noqa: PLC0415 - what is broken here

    monkeypatch.setattr(Chronicle, "on_fill", lambda _self, _fill: None)
    assert Invariant.JOURNAL in broken_by(cell("latency", Phase.ARMED))


def test_what_is_left_running_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.engine.supervisor import Supervisor  # noqa: PLC0415 - what is broken here

    async def closes_nothing(_self: Supervisor, _timeout_s: float) -> tuple[str, ...]:
        return ()

    monkeypatch.setattr(Supervisor, "aclose", closes_nothing)
    assert Invariant.LEFT in broken_by(cell("latency", Phase.ARMED))


def test_the_sample_of_crashes_is_not_empty() -> None:
    assert len(list(islice(crashes(LIVES[0], every=40), 3))) == 3
