from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.domain.bars import Bar
from apps.domain.breakout import (
    Action,
    BackInside,
    BarCompleted,
    BaseBar,
    BreakLost,
    BreakoutRule,
    BreakoutState,
    Direction,
    Disarmed,
    DisarmedBy,
    Enter,
    EntryRefused,
    Event,
    FalseBreak,
    FalseBreakReason,
    FirstBar,
    Missed,
    OnFalseBreak,
    Phase,
    Restarted,
    Skipped,
    Stop,
    Triggered,
    Would,
    bar_events,
    calm_bars,
    parse_on_false_break,
    run,
    step,
)
from apps.domain.errors import IllegalTransition, InvalidInput
from apps.domain.sessions import Span
from apps.domain.ticks import PriceBand, TickRule

OPENING = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
LEVEL = Decimal("190.50")
LONG = BreakoutRule(LEVEL, Direction.LONG)
SHORT = BreakoutRule(LEVEL, Direction.SHORT)
STOPPING = BreakoutRule(LEVEL, Direction.LONG, on_false_break=OnFalseBreak.STOP)
GAP_ENTRY = BreakoutRule(LEVEL, Direction.LONG, gap_entry=True)
MINUTE = BreakoutRule(LEVEL, Direction.LONG, bar_seconds=60)


def bar(n: int, open_: float, close: float, *, count: int = 7, seconds: int = 5) -> Bar:
    start = OPENING + timedelta(seconds=5 * n)
    high, low = max(open_, close), min(open_, close)
    return Bar(start, seconds, open_, high, low, close, 900.0 if count else 0.0, close, count)


def feed(
    rule: BreakoutRule,
    each: Bar,
    state: BreakoutState,
    *,
    live: bool = True,
    halted: bool = False,
    after_gap: bool = False,
    session_start: bool = False,
) -> tuple[BreakoutState, tuple[Action, ...]]:
    base = BaseBar(each, live, halted, after_gap, session_start)
    return run(rule, state, bar_events(base, [BarCompleted(each, live, halted)]))


def settled(rule: BreakoutRule = LONG) -> BreakoutState:
    """Give a rule that is armed and has seen its first bar, inside the level."""
    inside = 190.0 if rule.direction is Direction.LONG else 191.0
    state, actions = feed(rule, bar(0, inside, inside), BreakoutState())
    assert (state, actions) == (BreakoutState(first=None), ())
    return state


def confirming(rule: BreakoutRule = LONG) -> BreakoutState:
    beyond = 190.52 if rule.direction is Direction.LONG else 190.48
    state, actions = feed(rule, bar(1, float(LEVEL), beyond), settled(rule))
    assert state.phase is Phase.CONFIRMING
    assert actions == (Triggered(bar(1, float(LEVEL), beyond)),)
    return state


# the way of a break


def test_a_break_that_is_confirmed_enters() -> None:
    state, actions = feed(LONG, bar(2, 190.53, 190.557), confirming())
    assert state.phase is Phase.ENTERED
    trigger = bar(1, 190.50, 190.52)
    deciding = bar(2, 190.53, 190.557)
    assert actions == (Enter(Direction.LONG, deciding, Decimal("190.56"), trigger),)


def test_a_short_enters_below_its_level() -> None:
    state, actions = feed(SHORT, bar(2, 190.47, 190.45), confirming(SHORT))
    assert state.phase is Phase.ENTERED
    assert [type(action) for action in actions] == [Enter]


def test_a_close_exactly_at_the_level_triggers_and_confirms() -> None:
    state, _ = feed(LONG, bar(1, 190.40, 190.50), settled())
    assert state.phase is Phase.CONFIRMING
    state, _ = feed(LONG, bar(2, 190.50, 190.50), state)
    assert state.phase is Phase.ENTERED


def test_a_high_beyond_the_level_without_a_close_there_does_nothing() -> None:
    spike = Bar(OPENING + timedelta(seconds=5), 5, 190.4, 191.5, 190.3, 190.49, 900.0, 190.4, 7)
    state = settled()
    assert feed(LONG, spike, state) == (state, ())


def test_a_price_that_rounds_to_the_level_is_at_the_level() -> None:
    assert not LONG.is_beyond(190.494)
    assert LONG.is_beyond(190.4951)
    assert SHORT.is_beyond(190.5049)
    # one ulp below 190.50, as a sum of floats off the wire may be
    assert LONG.is_beyond(190.49999999999997)


@pytest.mark.parametrize(
    ("open_", "close", "reason"),
    [
        (190.49, 190.60, FalseBreakReason.OPENED_INSIDE),
        (190.52, 190.49, FalseBreakReason.CLOSED_INSIDE),
        (190.40, 190.30, FalseBreakReason.OPENED_INSIDE),
    ],
)
def test_a_break_that_is_not_confirmed_is_false_and_rearms(
    open_: float, close: float, reason: FalseBreakReason
) -> None:
    deciding = bar(2, open_, close)
    state, actions = step(LONG, confirming(), BaseBar(deciding))
    assert (state, actions) == (BreakoutState(first=None), (FalseBreak(deciding, reason),))


def test_a_false_break_stops_the_rule_that_is_set_to() -> None:
    deciding = bar(2, 190.49, 190.40)
    state, actions = feed(STOPPING, deciding, confirming(STOPPING))
    assert state.phase is Phase.STOPPED
    assert actions == (
        FalseBreak(deciding, FalseBreakReason.OPENED_INSIDE),
        Disarmed(DisarmedBy.FALSE_BREAK),
    )


def test_a_false_break_that_closes_beyond_is_a_new_trigger() -> None:
    state, actions = feed(LONG, bar(2, 190.49, 190.60), confirming())
    assert state == BreakoutState(Phase.CONFIRMING, None, bar(2, 190.49, 190.60))
    assert [type(action) for action in actions] == [FalseBreak, Triggered]


def test_a_rearmed_rule_can_still_enter() -> None:
    state, _ = feed(LONG, bar(2, 190.49, 190.40), confirming())
    state, _ = feed(LONG, bar(3, 190.45, 190.55), state)
    state, _ = feed(LONG, bar(4, 190.55, 190.56), state)
    assert state.phase is Phase.ENTERED


# bars that prove nothing


@pytest.mark.parametrize("halted", [False, True])
def test_a_bar_without_trades_or_of_a_halted_symbol_does_not_trigger(halted: bool) -> None:
    state = settled()
    nothing = bar(1, 190.6, 190.6, count=7 if halted else 0)
    assert feed(LONG, nothing, state, halted=halted) == (state, ())


@pytest.mark.parametrize("price", [190.6, 190.0])
@pytest.mark.parametrize("halted", [False, True])
def test_a_wait_goes_on_past_a_bar_that_proves_nothing(halted: bool, price: float) -> None:
    state = confirming()
    nothing = bar(2, price, price, count=7 if halted else 0)
    assert feed(LONG, nothing, state, halted=halted) == (state, ())
    assert feed(LONG, bar(3, 190.55, 190.56), state)[0].phase is Phase.ENTERED


def test_quote_bars_with_a_count_of_minus_one_prove_nothing() -> None:
    state = settled()
    assert feed(LONG, bar(1, 190.6, 190.6, count=-1), state) == (state, ())


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("rule", [LONG, SHORT])
def test_a_price_that_is_none_neither_triggers_nor_confirms(
    rule: BreakoutRule, price: float
) -> None:
    state = settled(rule)
    assert feed(rule, bar(1, price, price), state) == (state, ())
    waiting = confirming(rule)
    assert feed(rule, bar(2, price, price), waiting) == (waiting, ())


def test_a_bar_of_the_trigger_itself_does_not_confirm_it() -> None:
    state = confirming(MINUTE)
    assert step(MINUTE, state, BaseBar(bar(0, 190.6, 190.6))).state is state


# larger bars


def test_the_first_five_seconds_of_the_next_minute_confirm_the_minute() -> None:
    trigger = bar(0, 190.0, 190.55, seconds=60)
    state, actions = step(MINUTE, settled(MINUTE), BarCompleted(trigger))
    assert actions == (Triggered(trigger),)
    state, actions = step(MINUTE, state, BaseBar(bar(12, 190.56, 190.57)))
    assert state.phase is Phase.ENTERED


def test_a_minute_rule_is_not_triggered_by_five_seconds() -> None:
    state = settled(MINUTE)
    assert step(MINUTE, state, BaseBar(bar(1, 190.6, 190.6))).state is state


def test_an_overdue_minute_goes_before_the_bar_that_shows_it_is_over() -> None:
    minute = BarCompleted(bar(0, 190.0, 190.55, seconds=60))
    base = BaseBar(bar(12, 190.56, 190.57))
    assert list(bar_events(base, [minute])) == [minute, base]
    assert run(MINUTE, settled(MINUTE), bar_events(base, [minute])).state.phase is Phase.ENTERED


def test_the_minute_that_a_bar_closes_goes_after_it() -> None:
    minute = BarCompleted(bar(0, 190.0, 190.55, seconds=60))
    base = BaseBar(bar(11, 190.56, 190.57))
    assert list(bar_events(base, [minute])) == [base, minute]


def test_a_minute_whose_trades_came_before_the_gap_does_not_trigger() -> None:
    state, _ = step(
        MINUTE, settled(MINUTE), BaseBar(bar(11, 190.0, 190.0, count=0), after_gap=True)
    )
    assert state.first is FirstBar.GAP
    minute = BarCompleted(bar(0, 190.0, 190.55, seconds=60))
    assert step(MINUTE, state, minute).state is state


# where bars begin


def begin(reason: FirstBar) -> tuple[BreakoutState, bool, bool]:
    state = BreakoutState() if reason is FirstBar.ARMING else settled()
    return state, reason is FirstBar.GAP, reason is FirstBar.SESSION


@pytest.mark.parametrize("reason", list(FirstBar))
def test_a_first_bar_that_opens_beyond_is_skipped(reason: FirstBar) -> None:
    state, after_gap, session_start = begin(reason)
    first = bar(1, 190.6, 190.7)
    state, actions = feed(LONG, first, state, after_gap=after_gap, session_start=session_start)
    assert (state, actions) == (BreakoutState(Phase.BEYOND, None), (Skipped(first, reason),))
    assert feed(LONG, bar(2, 190.7, 190.8), state) == (state, ())


@pytest.mark.parametrize("reason", list(FirstBar))
def test_gap_entry_lets_a_first_bar_beyond_trigger(reason: FirstBar) -> None:
    state, after_gap, session_start = begin(reason)
    state, actions = feed(
        GAP_ENTRY, bar(1, 190.6, 190.7), state, after_gap=after_gap, session_start=session_start
    )
    assert [type(action) for action in actions] == [Triggered]


@pytest.mark.parametrize("reason", list(FirstBar))
def test_a_first_bar_that_opens_inside_and_closes_beyond_triggers(reason: FirstBar) -> None:
    state, after_gap, session_start = begin(reason)
    state, _ = feed(
        LONG, bar(1, 190.4, 190.6), state, after_gap=after_gap, session_start=session_start
    )
    assert state.phase is Phase.CONFIRMING


def test_a_first_bar_without_trades_leaves_the_judgement_to_the_next() -> None:
    state, actions = feed(LONG, bar(1, 190.6, 190.6, count=0), settled(), after_gap=True)
    assert (state, actions) == (BreakoutState(first=FirstBar.GAP), ())
    state, actions = feed(LONG, bar(2, 190.6, 190.6), state)
    assert actions == (Skipped(bar(2, 190.6, 190.6), FirstBar.GAP),)


def test_beyond_a_close_back_inside_arms_again() -> None:
    state, _ = feed(LONG, bar(1, 190.6, 190.7), BreakoutState())
    back = bar(2, 190.6, 190.4)
    state, actions = feed(LONG, back, state)
    assert (state, actions) == (BreakoutState(first=None), (BackInside(back),))
    assert feed(LONG, bar(3, 190.4, 190.5), state)[0].phase is Phase.CONFIRMING


def test_beyond_a_bar_without_trades_back_inside_does_not_arm() -> None:
    state, _ = feed(LONG, bar(1, 190.6, 190.7), BreakoutState())
    assert feed(LONG, bar(2, 190.4, 190.4, count=0), state) == (state, ())


def test_beyond_a_new_session_that_opens_inside_arms_again() -> None:
    state, _ = feed(LONG, bar(1, 190.6, 190.7), BreakoutState())
    opening = bar(2, 190.2, 190.3)
    state, actions = feed(LONG, opening, state, session_start=True)
    assert (state, actions) == (BreakoutState(first=None), (BackInside(opening),))


def test_a_wait_over_night_is_skipped_when_the_session_opens_beyond() -> None:
    opening = bar(2, 191.0, 191.2)
    state, actions = feed(LONG, opening, confirming(), session_start=True)
    assert (state, actions) == (
        BreakoutState(Phase.BEYOND, None),
        (Skipped(opening, FirstBar.SESSION),),
    )


def test_a_wait_over_night_is_a_false_break_when_the_session_opens_inside() -> None:
    opening = bar(2, 190.2, 190.3)
    state, actions = feed(LONG, opening, confirming(), session_start=True)
    assert (state, actions) == (
        BreakoutState(first=None),
        (FalseBreak(opening, FalseBreakReason.OPENED_INSIDE),),
    )


def test_a_wait_remembers_a_gap_past_a_bar_without_trades() -> None:
    state, actions = feed(LONG, bar(2, 190.6, 190.6, count=0), confirming(), after_gap=True)
    assert (state.phase, state.first, actions) == (Phase.CONFIRMING, FirstBar.GAP, ())
    _, actions = feed(LONG, bar(3, 190.6, 190.6), state)
    assert actions == (Skipped(bar(3, 190.6, 190.6), FirstBar.GAP),)


def test_gap_entry_lets_a_wait_be_confirmed_after_a_gap() -> None:
    state, _ = feed(GAP_ENTRY, bar(2, 190.6, 190.6), confirming(GAP_ENTRY), after_gap=True)
    assert state.phase is Phase.ENTERED


# replayed bars


def test_a_replayed_break_is_told_and_enters_nothing() -> None:
    trigger, after = bar(1, 190.4, 190.6), bar(2, 190.6, 190.7)
    state, actions = feed(LONG, trigger, settled(), live=False)
    assert actions == (Missed(trigger, Would.TRIGGER),)
    state, actions = feed(LONG, after, state, live=False)
    assert (state.phase, actions) == (Phase.BEYOND, (Missed(after, Would.ENTER),))
    state, actions = feed(LONG, bar(3, 190.7, 190.8), state, live=False)
    assert (state.phase, actions) == (Phase.BEYOND, ())


def test_a_replayed_false_break_is_told_and_leaves_the_rule_armed() -> None:
    state, _ = feed(STOPPING, bar(1, 190.4, 190.6), settled(STOPPING), live=False)
    after = bar(2, 190.4, 190.3)
    state, actions = feed(STOPPING, after, state, live=False)
    assert (state, actions) == (
        BreakoutState(first=FirstBar.GAP),
        (Missed(after, Would.FALSE_BREAK),),
    )


def test_a_live_bar_does_not_confirm_a_replayed_trigger() -> None:
    state, _ = feed(LONG, bar(1, 190.4, 190.6), settled(), live=False)
    after = bar(2, 190.6, 190.7)
    state, actions = feed(LONG, after, state)
    assert (state, actions) == (
        BreakoutState(Phase.BEYOND, None),
        (Skipped(after, FirstBar.GAP),),
    )


def test_with_gap_entry_a_live_bar_does_not_confirm_a_replayed_trigger_but_triggers() -> None:
    state, _ = feed(GAP_ENTRY, bar(1, 190.4, 190.6), settled(), live=False)
    state, actions = feed(GAP_ENTRY, bar(2, 190.6, 190.7), state)
    assert actions == (Triggered(bar(2, 190.6, 190.7)),)


def test_a_wait_whose_confirmation_was_replayed_is_over() -> None:
    replayed = bar(2, 190.6, 190.7)
    state, actions = feed(LONG, replayed, confirming(), live=False)
    assert (state, actions) == (
        BreakoutState(Phase.BEYOND, FirstBar.GAP),
        (Missed(replayed, Would.ENTER),),
    )
    state, actions = feed(LONG, bar(3, 190.7, 190.8), state)
    assert actions == (Skipped(bar(3, 190.7, 190.8), FirstBar.GAP),)


def test_a_wait_whose_false_break_was_replayed_rearms_or_stops() -> None:
    replayed = bar(2, 190.4, 190.3)
    missed = Missed(replayed, Would.FALSE_BREAK)
    state, actions = feed(LONG, replayed, confirming(), live=False)
    assert (state, actions) == (BreakoutState(first=FirstBar.GAP), (missed,))
    state, actions = feed(STOPPING, replayed, confirming(STOPPING), live=False)
    assert (state.phase, actions) == (
        Phase.STOPPED,
        (missed, Disarmed(DisarmedBy.FALSE_BREAK)),
    )


def test_the_first_live_bar_after_replayed_ones_is_the_first_after_a_gap() -> None:
    state, _ = feed(LONG, bar(1, 190.0, 190.1), settled(), live=False)
    assert state == BreakoutState(first=FirstBar.GAP)


# what is illegal


OVER = [BreakoutState(Phase.ENTERED, None), BreakoutState(Phase.STOPPED, None)]
SOME_BAR = bar(1, 190.0, 190.0)


@pytest.mark.parametrize("state", OVER)
@pytest.mark.parametrize("event", [BaseBar(SOME_BAR), BarCompleted(SOME_BAR), Stop()])
def test_a_rule_that_is_over_takes_no_event_and_stays_as_it_was(
    state: BreakoutState, event: Event
) -> None:
    before = repr(state)
    with pytest.raises(IllegalTransition, match=state.phase.value):
        step(LONG, state, event)
    assert repr(state) == before


def test_waiting_without_a_trigger_is_illegal() -> None:
    with pytest.raises(IllegalTransition):
        step(LONG, BreakoutState(Phase.CONFIRMING, None), BaseBar(SOME_BAR))


@pytest.mark.parametrize("state", [settled(), confirming(), BreakoutState(Phase.BEYOND, None)])
def test_stop_ends_a_rule_that_is_not_over(state: BreakoutState) -> None:
    assert step(LONG, state, Stop()) == (
        BreakoutState(Phase.STOPPED, None),
        (Disarmed(DisarmedBy.COMMAND),),
    )


def test_run_leaves_unread_what_follows_the_entry() -> None:
    state, actions = feed(LONG, bar(2, 190.6, 190.7), confirming())
    assert state.phase is Phase.ENTERED
    assert [type(action) for action in actions] == [Enter]
    assert run(LONG, state, [BaseBar(SOME_BAR)]) == (state, ())


@pytest.mark.parametrize(
    ("level", "seconds", "sentence"),
    [
        (Decimal(0), 5, "above zero"),
        (Decimal("NaN"), 5, "above zero"),
        (Decimal("190.505"), 5, "tick"),
        (LEVEL, 7, "5-second bars"),
        (LEVEL, 0, "5-second bars"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(level: Decimal, seconds: int, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        BreakoutRule(level, Direction.LONG, bar_seconds=seconds)


def test_what_follows_a_false_break_is_typed_as_a_word() -> None:
    assert parse_on_false_break(" Stop") is OnFalseBreak.STOP
    with pytest.raises(InvalidInput, match="rearm or stop"):
        parse_on_false_break("retry")


# laws

RULES = [
    TickRule.of("0.01"),
    TickRule.of("0.25"),
    TickRule((PriceBand(Decimal(0), Decimal("0.0001")), PriceBand(Decimal(1), Decimal("0.01")))),
    TickRule(
        (
            PriceBand(Decimal(0), Decimal("0.001")),
            PriceBand(Decimal("0.25"), Decimal("0.005")),
            PriceBand(Decimal(10), Decimal("0.02")),
            PriceBand(Decimal(100), Decimal(5)),
        )
    ),
]


@given(
    ticks=st.sampled_from(RULES),
    near=st.floats(min_value=0.01, max_value=400),
    drift=st.one_of(
        st.floats(min_value=-0.02, max_value=0.02), st.floats(min_value=-300, max_value=300)
    ),
    half_tick=st.booleans(),
    direction=st.sampled_from(Direction),
)
@example(RULES[0], 190.5, 0.0, True, Direction.LONG)
@settings(deadline=None, max_examples=100)
def test_the_fast_comparison_agrees_with_decimals(
    ticks: TickRule, near: float, drift: float, half_tick: bool, direction: Direction
) -> None:
    level = ticks.nearest(near) or ticks.step_up(Decimal(0))
    if not ticks.is_on_tick(level):  # a band may end between two ticks of its own
        return
    price = float(level) + drift
    if half_tick:
        price = float(level - direction.entry_side.sign * ticks.increment_at(level) / 2)
    rule = BreakoutRule(level, direction, ticks=ticks)
    assert rule.is_beyond(price) == direction.reaches(ticks.nearest(price), level)


PRICES = st.sampled_from([190.3, 190.45, 190.49, 190.4951, 190.5, 190.52, 190.7])
BARS = st.lists(
    st.tuples(
        PRICES,
        PRICES,
        st.sampled_from([0, 0, 7, 7, 7]),
        st.booleans() | st.just(True),
        st.sampled_from([False, False, False, True]),
        st.sampled_from([False, False, False, False, True]),
    ),
    max_size=30,
)
RULES_TO_RUN = st.builds(
    BreakoutRule,
    st.just(LEVEL),
    st.sampled_from(Direction),
    on_false_break=st.sampled_from(OnFalseBreak),
    gap_entry=st.booleans(),
)
Drawn = Iterable[tuple[float, float, int, bool, bool, bool]]


def drawn_events(drawn: Drawn) -> list[Event]:
    events: list[Event] = []
    for n, (open_, close, count, live, halted, after_gap) in enumerate(drawn):
        each = bar(n, open_, close, count=count)
        events += [BaseBar(each, live, halted, after_gap), BarCompleted(each, live, halted)]
    return events


@given(rule=RULES_TO_RUN, drawn=BARS)
@settings(deadline=None, max_examples=100)
def test_a_rule_enters_at_most_once_and_only_on_live_traded_bars_beyond(
    rule: BreakoutRule, drawn: Drawn
) -> None:
    state = BreakoutState()
    entered: list[Enter] = []
    triggered: list[Triggered] = []
    for event in drawn_events(drawn):
        if state.phase.is_over:
            break
        before = state
        first, again = step(rule, state, event), step(rule, before, event)
        assert first == again  # pure: the same question has the same answer
        state = first.state
        for action in first.actions:
            assert isinstance(event, BaseBar | BarCompleted)
            if isinstance(action, Enter | Triggered):
                assert event.live
                assert not event.halted
                assert event.bar.count > 0
                assert rule.is_beyond(event.bar.close)
            if isinstance(action, Enter):
                entered.append(action)
                assert rule.is_beyond(event.bar.open)
                assert before.phase is Phase.CONFIRMING
            if isinstance(action, Triggered):
                triggered.append(action)
    assert len(entered) <= 1
    assert (state.phase is Phase.ENTERED) == (len(entered) == 1)
    assert all(Triggered(each.trigger) in triggered for each in entered)


@given(drawn=BARS)
@settings(deadline=None, max_examples=100)
def test_bars_that_prove_nothing_change_nothing_that_follows(drawn: Drawn) -> None:
    """Flat bars put between the others lead to the same actions: both kinds of feed are one."""
    drawn = [(o, c, n, live, False, gap and live and n > 0) for o, c, n, live, _, gap in drawn]
    events = drawn_events(drawn)
    traded = [
        event for event in events if isinstance(event, BaseBar | BarCompleted) and event.bar.count
    ]
    with_flat_bars = run(LONG, settled(), (e for e in events if getattr(e, "live", True)))
    without = run(LONG, settled(), (e for e in traded if e.live))
    assert with_flat_bars.actions == without.actions


SESSION = Span(OPENING, OPENING + timedelta(hours=6.5))


@given(rule=RULES_TO_RUN, drawn=BARS)
@settings(deadline=None, max_examples=100)
def test_a_calm_bar_leads_to_nothing(rule: BreakoutRule, drawn: Drawn) -> None:
    state = settled()
    events = [event for event in drawn_events(drawn) if isinstance(event, BaseBar)]
    for base in events:
        if state.phase.is_over:
            break
        calm = calm_bars(rule, state, SESSION)
        completed = [BarCompleted(base.bar, base.live, base.halted)]
        after = run(rule, state, bar_events(base, completed))
        if calm is not None and calm.holds(base.bar) and base.live and not base.after_gap:
            assert after == (state, ())
        state = after.state


@pytest.mark.parametrize(("rule", "inside"), [(LONG, 190.40), (SHORT, 190.60)])
def test_bars_inside_the_level_are_calm_while_armed(rule: BreakoutRule, inside: float) -> None:
    calm = calm_bars(rule, settled(), SESSION)
    assert calm is not None
    assert calm.holds(bar(1, 190.5, inside))
    assert not calm.holds(bar(1, inside, 190.5))
    assert not calm.holds(bar(1, inside, float("nan")))


def test_bars_of_another_session_are_not_calm() -> None:
    calm = calm_bars(LONG, settled(), SESSION)
    assert calm is not None
    assert not calm.holds(bar(-1, 190.4, 190.4))
    assert not calm.holds(bar(4680, 190.4, 190.4))


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        (LONG, BreakoutState()),
        (LONG, confirming()),
        (LONG, BreakoutState(Phase.BEYOND, None)),
        (MINUTE, settled()),
    ],
)
def test_every_bar_is_told_where_it_may_matter(rule: BreakoutRule, state: BreakoutState) -> None:
    assert calm_bars(rule, state, SESSION) is None


# ---------------------------------------------------------------- restarts and refusals


@pytest.mark.parametrize("state", [BreakoutState(), settled(), BreakoutState(Phase.BEYOND, None)])
def test_what_is_at_rest_stays_so_over_a_restart_and_the_next_bar_is_after_a_gap(
    state: BreakoutState,
) -> None:
    back, actions = step(LONG, state, Restarted())
    assert (back.phase, actions) == (state.phase, ())
    assert back.first is (state.first or FirstBar.GAP)
    beyond, told = feed(LONG, bar(9, 190.60, 190.60), back)
    assert beyond.phase is Phase.BEYOND
    assert [type(each) for each in told] == [Skipped]


def test_wait_for_confirmation_is_over_with_a_restart_and_its_end_is_only_told() -> None:
    waiting = confirming()
    back, actions = step(LONG, waiting, Restarted())
    assert waiting.trigger is not None
    assert actions == (BreakLost(waiting.trigger),)
    assert back.phase is Phase.BEYOND
    _, told = feed(LONG, bar(2, 190.55, 190.60), back, live=False)
    assert told == (Missed(bar(2, 190.55, 190.60), Would.ENTER),)
    entered, told = feed(LONG, bar(2, 190.55, 190.60), back)
    assert entered.phase is Phase.BEYOND
    assert Enter not in {type(each) for each in told}


def test_wait_for_confirmation_stops_with_a_restart_where_a_false_break_would_stop() -> None:
    back, actions = step(STOPPING, confirming(STOPPING), Restarted())
    assert back.phase is Phase.STOPPED
    assert actions[-1] == Disarmed(DisarmedBy.RESTART)


def test_gap_entry_lets_the_break_count_anew_after_a_restart_and_no_sooner() -> None:
    back, _ = step(GAP_ENTRY, confirming(GAP_ENTRY), Restarted())
    state, actions = feed(GAP_ENTRY, bar(2, 190.55, 190.60), back)
    assert (state.phase, [type(each) for each in actions]) == (Phase.CONFIRMING, [Triggered])


@pytest.mark.parametrize(
    ("rule", "stays", "phase"),
    [
        (LONG, False, Phase.BEYOND),
        (LONG, True, Phase.BEYOND),
        (STOPPING, False, Phase.STOPPED),
        (STOPPING, True, Phase.BEYOND),
    ],
)
def test_refused_entry_leads_where_a_false_break_would_but_for_a_halt(
    rule: BreakoutRule, *, stays: bool, phase: Phase
) -> None:
    entered, _ = feed(rule, bar(2, 190.55, 190.60), confirming(rule))
    assert entered.phase is Phase.ENTERED
    state, actions = step(rule, entered, EntryRefused(stays=stays))
    assert state.phase is phase
    stopped = (Disarmed(DisarmedBy.REFUSAL),)
    assert actions == (stopped if phase is Phase.STOPPED else ())


def test_refusal_of_what_was_not_entered_and_a_restart_after_the_end_are_illegal() -> None:
    with pytest.raises(IllegalTransition):
        step(LONG, settled(), EntryRefused())
    for over in (Phase.ENTERED, Phase.STOPPED):
        with pytest.raises(IllegalTransition):
            step(LONG, BreakoutState(over, None), Restarted())
