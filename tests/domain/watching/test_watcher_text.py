"""Terms and states of watchers: text and back, and what is refused on the way."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.aggregation import BAR_SIZES
from apps.domain.bars import Bar
from apps.domain.brackets import EntryStyle
from apps.domain.breakout import BreakoutRule, BreakoutState, OnFalseBreak, Phase
from apps.domain.breakout_events import FirstBar
from apps.domain.errors import WatcherRefused
from apps.domain.levels import Direction
from apps.domain.ticks import PriceBand, TickRule
from apps.domain.watching.terms import WatcherState, WatcherTerms, number_of, watcher_id
from apps.domain.watching.text import state_of, state_text, terms_of, terms_text

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CENT = TickRule.of("0.01")
PENNIES = TickRule(
    (PriceBand(Decimal(0), Decimal("0.0001")), PriceBand(Decimal(1), Decimal("0.01")))
)

pcts = st.none() | st.decimals("0.01", "900", places=2)
prices = st.floats(0.0001, 1e6)

rules = st.builds(
    BreakoutRule,
    level=st.decimals("1", "1000000", places=2),
    direction=st.sampled_from(Direction),
    bar_seconds=st.sampled_from(sorted(BAR_SIZES.values())),
    on_false_break=st.sampled_from(OnFalseBreak),
    gap_entry=st.booleans(),
    ticks=st.sampled_from((CENT, PENNIES)),
)

terms = st.builds(
    WatcherTerms,
    con_id=st.integers(1, 2**31),
    symbol=st.sampled_from(("AAPL", "BRK B", "Ä")),
    primary_exchange=st.sampled_from(("NASDAQ", "")),
    rule=rules,
    quantity=st.decimals("1", "1000000", places=0),
    take_profit_pct=pcts,
    stop_loss_pct=pcts,
    entry=st.sampled_from(EntryStyle),
)

times = st.integers(0, 10**6).map(lambda n: OPEN + timedelta(seconds=5 * n))

bars = st.builds(
    Bar, times, st.just(5), prices, prices, prices, prices, prices, prices, st.integers(-1, 10**6)
)

states = st.builds(
    WatcherState,
    rule=st.builds(
        BreakoutState,
        st.sampled_from(Phase),
        st.none() | st.sampled_from(FirstBar),
        st.none() | bars,
    ),
    heard_until=st.none() | times,
    order_ref=st.sampled_from(("", "BD-20261120-w1-k3f9a2")),
)

SOME_TERMS = WatcherTerms(
    265598,
    "AAPL",
    "NASDAQ",
    BreakoutRule(Decimal("190.50"), Direction.LONG),
    Decimal(10),
    Decimal(1),
    None,
)


@settings(max_examples=100, deadline=None)
@given(terms)
def test_terms_come_back_as_they_were_with_every_digit(given_terms: WatcherTerms) -> None:
    back = terms_of(terms_text(given_terms), "w1")
    assert back == given_terms
    assert str(back.rule.level) == str(given_terms.rule.level)


@settings(max_examples=100, deadline=None)
@given(states)
def test_state_comes_back_as_it_was(state: WatcherState) -> None:
    assert state_of(state_text(state), "w1") == state


def test_every_option_of_a_rule_and_of_a_watcher_is_written() -> None:
    _, written = json.loads(terms_text(SOME_TERMS))
    assert written.keys() == {each.name for each in fields(WatcherTerms)}
    options = {each.name for each in fields(BreakoutRule) if each.init}
    assert written["rule"].keys() == options
    _, written = json.loads(state_text(WatcherState()))
    assert written.keys() == {each.name for each in fields(WatcherState)}
    assert written["rule"].keys() == {each.name for each in fields(BreakoutState)}


def changed(path: tuple[str, ...], value: Any) -> str:
    version, written = json.loads(terms_text(SOME_TERMS))
    place = written
    for name in path[:-1]:
        place = place[name]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps([version, written])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("{}", "it has no version"),
        ("[2,{}]", "its form is version 2, this desk reads 1"),
        ("[1,[]]", "is no object"),
        ("[1,{}]", "missing or unknown: con_id, entry"),
        (changed(("trail",), "1"), "missing or unknown: trail"),
        (changed(("symbol",), None), "missing or unknown: symbol"),
        (changed(("con_id",), "265598"), "con_id: '265598' is no int"),
        (changed(("con_id",), True), "con_id: True is no int"),
        (changed(("quantity",), 10), "quantity: 10 is no str"),
        (changed(("quantity",), "NaN"), "quantity: 'NaN' is no number"),
        (changed(("entry",), "capped"), "entry: there is no 'capped'"),
        (changed(("rule", "level"), "190.505"), "not on the instrument's tick"),
        (changed(("rule", "gap_entry"), 0), "rule: gap_entry: 0 is no bool"),
        (changed(("rule", "ticks"), []), "price bands"),
        (changed(("rule", "bar_seconds"), 7), "cannot be built of 5-second bars"),
    ],
)
def test_text_that_is_not_understood_whole_is_refused_and_names_its_watcher(
    text: str, why: str
) -> None:
    with pytest.raises(WatcherRefused, match="the terms of watcher w7 cannot be read") as refused:
        terms_of(text, "w7")
    assert why in refused.value.message


def test_time_without_a_zone_is_refused() -> None:
    text = state_text(WatcherState(heard_until=OPEN)).replace("+00:00", "")
    with pytest.raises(WatcherRefused, match=r"the state of watcher w7 .* has no time zone"):
        state_of(text, "w7")


def test_level_that_is_off_the_ticks_of_today_moves_outward() -> None:
    nickel = TickRule.of("0.05")
    rule = replace(SOME_TERMS.rule, level=Decimal("190.52"))
    assert replace(SOME_TERMS, rule=rule).on(nickel).level == Decimal("190.55")
    short = replace(rule, direction=Direction.SHORT)
    assert replace(SOME_TERMS, rule=short).on(nickel).level == Decimal("190.50")
    assert SOME_TERMS.on(CENT) is SOME_TERMS.rule


@pytest.mark.parametrize("text", ["w0", "w01", "w", "x1", "W1", "w1 ", "bracket", "w1234567890"])
def test_what_is_no_id_has_no_number(text: str) -> None:
    assert number_of(text) is None
    assert number_of(watcher_id(12)) == 12
