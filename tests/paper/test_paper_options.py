from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import reduce
from pathlib import Path

import pytest

from apps.domain.errors import InvalidInput
from apps.paper.exchange.policies import (
    BracketPolicy,
    FarLimit,
    PartialParentCancel,
    Precautions,
)
from apps.paper.limits import NO_LIMITS, PacingClock
from apps.paper.program.options import OPTIONS, HelpWanted, Launch, Option, launch_of
from apps.paper.settings import GatewaySettings, StatusSpeech


def test_nothing_given_is_the_defaults_on_the_gateways_port() -> None:
    launch = launch_of([])
    assert launch == Launch()
    assert launch.settings == GatewaySettings(port=4002)


def test_options_go_where_they_belong() -> None:
    words = (
        "--host 127.0.0.2 --port 0 --seed 7 --speed 60 --start 2026-11-20T15:00:00+01:00",
        "--account DU2 --account DU1 --cash 1000.50 --master-client 9 --status-speech once",
        "--state some/file --clear-state --log-level DEBUG",
    )
    launch = launch_of(" ".join(words).split())
    assert launch.settings == GatewaySettings(
        host="127.0.0.2",
        port=0,
        seed=7,
        speed=60.0,
        start=datetime(2026, 11, 20, 15, tzinfo=timezone(timedelta(hours=1))),
        accounts=("DU2", "DU1"),
        cash=Decimal("1000.50"),
        master_client=9,
        status_speech=StatusSpeech.ONCE,
    )
    assert launch.state == Path("some/file")
    assert launch.clear_state
    assert launch.log_level == "DEBUG"
    assert {"--account", "--cash"} <= launch.given
    assert "--limit" not in launch.given


def test_accounts_may_begin_with_cash_of_other_currencies_and_debts_in_them() -> None:
    words = "--foreign-cash eur=20000.75 --foreign-cash JPY=-1500000"
    assert launch_of(words.split()).settings.foreign_cash == (
        ("EUR", Decimal("20000.75")),
        ("JPY", Decimal(-1_500_000)),
    )


def test_start_without_a_zone_is_utc() -> None:
    start = launch_of(["--start", "2026-11-20T15:00"]).settings.start
    assert start == datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_limits_are_changed_one_by_one_after_all_are_lifted() -> None:
    words = "--limit clients=2 --no-limits --limit pacing_clock=wall --limit real-time-bars=none"
    limits = launch_of([*words.split(), "--limit", "market_data_lines=5"]).settings.limits
    assert (limits.clients, limits.market_data_lines) == (2, 5)
    assert limits.pacing_clock is PacingClock.WALL
    assert limits.real_time_bars is None
    assert limits.messages_per_second is NO_LIMITS.messages_per_second


def test_policies_are_chosen_by_their_names() -> None:
    words = "brackets.partial-parent-cancel=children-stay far_limit=capped precautions.size=none"
    words += " precautions.band_percent=2.5 hard_to_borrow=265598,756733"
    policy = launch_of([part for word in words.split() for part in ("--policy", word)])
    chosen = policy.settings.policy
    assert chosen.brackets.partial_parent_cancel is PartialParentCancel.CHILDREN_STAY
    assert chosen.brackets.arming is BracketPolicy().arming
    assert chosen.far_limit is FarLimit.CAPPED
    assert chosen.precautions == Precautions(size=None, band_percent=Decimal("2.5"))
    assert chosen.hard_to_borrow == {265598, 756733}


def test_client_0_can_be_named_like_any_other() -> None:
    vendor = launch_of(["--market-data", "permissions.clients=0,7"]).settings.vendor
    assert vendor.permissions.clients == {0, 7}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--sed 1", "There is no option --sed: did you mean --seed?"),
        ("--xyzzy=1", "There is no option --xyzzy: --help lists every option."),
        ("stray", "There is no option stray: "),
        ("--seed", "Argument --seed: expected one argument"),
        ("--seed 1 --seed 2", "--seed is given twice"),
        ("--seed x", "Argument --seed: a whole number from 0 to 9223372036854775807 belongs here"),
        ("--seed 1_000", "not '1_000'"),
        ("--port 70000", "a whole number from 0 to 65535 belongs here, not '70000'"),
        ("--speed 0", "a speed is above 0 and at most 100000, not '0'"),
        ("--speed nan", "a speed is above 0"),
        ("--account DU1 --account DU2 --account DU1", "The account DU1 is given twice"),
        ("--cash -1", "cash is an amount above 0, not '-1'"),
        ("--cash inf", "cash is an amount above 0"),
        ("--foreign-cash EUR", "CURRENCY=AMOUNT belongs here, such as EUR=20000, not 'EUR'"),
        ("--foreign-cash USD=1", "dollars are given with --cash"),
        ("--foreign-cash EUR=nan", "CURRENCY=AMOUNT belongs here"),
        ("--foreign-cash EUR=1 --foreign-cash eur=2", "EUR is given twice"),
        ("--foreign-cash EUR=1 --state f", "contradict each other"),
        ("--start noon", "a start is a time such as 2026-11-20T14:30:00Z, not 'noon'"),
        ("--status-speech loud", "as-ib or once belongs here, not 'loud'"),
        ("--limit pace=3", "NAME=VALUE belongs here, with a NAME of clients, messages_per_second"),
        ("--limit clients=none", "a whole number from 1 to 2147483647 belongs here after clients="),
        ("--limit real_time_bars=0", "2147483647 belongs here, or none, after real_time_bars="),
        ("--limit pacing_clock=sun", "market or wall belongs here"),
        ("--policy brackets=x", "with a NAME of brackets.arming, brackets.partial_parent_cancel"),
        (
            "--policy brackets.arming=late",
            "in-step or when-filled belongs here after brackets.arming=",
        ),
        ("--policy precautions.size=-1", "a number of 0 or more belongs here, or none,"),
        ("--log-level LOUD", "DEBUG, INFO, WARNING or ERROR belongs here"),
        ("--clear-state", "--clear-state says nothing without --state; give both."),
    ],
)
def test_what_cannot_be_followed_is_one_sentence(line: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        launch_of(line.split())
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_empty_text_is_refused() -> None:
    for name in ("--account", "--state", "--host"):
        with pytest.raises(InvalidInput, match="belongs here"):
            launch_of([name, ""])


def test_options_that_contradict_each_other_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = Option("--fast", "settings.speed", "quick", lambda _: 60.0, excludes=("--speed",))
    monkeypatch.setattr("apps.paper.program.options.OPTIONS", (*OPTIONS, fast))
    assert launch_of(["--fast"]).settings.speed == 60.0
    with pytest.raises(InvalidInput, match="--fast and --speed contradict each other; give one"):
        launch_of(["--fast", "--speed", "2"])


def test_help_has_every_option_with_its_default() -> None:
    with pytest.raises(HelpWanted) as wanted:
        launch_of(["--help"])
    for option in OPTIONS:
        assert f"{option.name} {option.metavar}".strip() in wanted.value.text
    assert "which market (1)" in wanted.value.text
    assert "(DU1234567)" in wanted.value.text


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_row_leads_to_a_place_in_a_launch(option: Option) -> None:
    reduce(getattr, option.into.split("."), Launch())
    assert {option.needs, *option.excludes} <= {"", *(each.name for each in OPTIONS)}
