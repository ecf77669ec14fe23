from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import TradingHalted
from apps.domain.trading_state import (
    ACTIVE,
    Event,
    Flatten,
    Flattened,
    Halt,
    HaltCause,
    Keep,
    Resume,
    Trading,
    TradingState,
    WithdrawEntries,
    check_opening,
    step,
)

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
HALT = Halt(HaltCause.COMMAND, at=AT)
HALTED = Trading(TradingState.HALTED, HaltCause.COMMAND, since=AT)
REDUCING = Trading(TradingState.REDUCING, HaltCause.COMMAND, since=AT)

halts = st.builds(
    Halt,
    st.sampled_from(HaltCause),
    st.sampled_from([TradingState.REDUCING, TradingState.HALTED]),
    st.booleans(),
)
events: st.SearchStrategy[Event] = halts | st.just(Flattened()) | st.just(Resume())


def lets_through(trading: Trading, *, only_reduces: bool = False) -> bool:
    try:
        check_opening(trading, "AAPL", only_reduces=only_reduces)
    except TradingHalted:
        return False
    return True


def test_halt_is_kept_before_entries_are_withdrawn_and_all_is_closed_last() -> None:
    assert step(ACTIVE, HALT) == (HALTED, (Keep(), WithdrawEntries()))
    flattening = step(ACTIVE, Halt(HaltCause.FILE, flatten=True))
    assert flattening.actions == (Keep(), WithdrawEntries(), Flatten())
    assert flattening.trading.is_flattening


def test_what_is_to_be_closed_is_remembered_until_it_is() -> None:
    flattening = step(HALTED, Halt(HaltCause.COMMAND, flatten=True)).trading
    assert flattening.is_flattening
    assert step(flattening, Flattened()) == (HALTED, (Keep(),))
    assert step(HALTED, Flattened()) == (HALTED, ())


def test_second_halt_withdraws_again_and_keeps_its_first_cause() -> None:
    assert step(HALTED, Halt(HaltCause.SIGNAL)) == (HALTED, (WithdrawEntries(),))


def test_reducing_becomes_halted_but_not_the_other_way() -> None:
    assert step(REDUCING, HALT).trading == HALTED
    assert step(HALTED, Halt(HaltCause.COMMAND, TradingState.REDUCING)).trading is HALTED


def test_resume_lets_everything_through_and_is_kept() -> None:
    assert step(HALTED, Resume()) == (ACTIVE, (Keep(),))
    assert step(ACTIVE, Resume()) == (ACTIVE, ())


@pytest.mark.parametrize(
    ("trading", "opening", "reducing"),
    [(ACTIVE, True, True), (REDUCING, False, True), (HALTED, False, False)],
)
def test_each_state_lets_through_what_it_says(
    trading: Trading, opening: bool, reducing: bool
) -> None:
    assert lets_through(trading) is opening
    assert lets_through(trading, only_reduces=True) is reducing


def test_refusal_says_since_when_by_whom_and_what_to_do() -> None:
    words = r"halted since 2026-11-20 15:00:00 UTC by the halt.*`resume`"
    with pytest.raises(TradingHalted, match=words):
        check_opening(HALTED, "AAPL", only_reduces=False)


def test_kill_file_has_to_go_before_trading_goes_on() -> None:
    killed = Trading(TradingState.HALTED, HaltCause.FILE)
    assert killed.way_on == "Remove the file; then `resume` lets entries through again."
    with pytest.raises(TradingHalted, match="Remove the file"):
        check_opening(killed, "AAPL", only_reduces=False)


@settings(deadline=None, max_examples=100)
@given(st.lists(events, max_size=12))
def test_nothing_but_resume_ever_lets_more_through(story: list[Event]) -> None:
    trading = ACTIVE
    for event in story:
        before, (trading, actions) = trading, step(trading, event)
        if not isinstance(event, Resume):
            assert trading.state.severity >= before.state.severity
        assert (Keep() in actions) == (trading != before)
        assert (WithdrawEntries() in actions) == isinstance(event, Halt)
