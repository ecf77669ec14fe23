"""The fuzzer itself: that it is repeatable, means something, and sees what is wrong."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from apps.paper.wire import MalformedRequest, PlaceOrder, StartApi, parse_request
from apps.paper.wire.framing import FrameDecoder, split_fields
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from tests.fuzz.attack import Attack, attacks
from tests.fuzz.books import broken_laws
from tests.fuzz.campaign import Campaign, Mark, Outcome, _look_for_leaks
from tests.fuzz.live_requests import live_requests
from tests.paper.wire.mutator import body_of

ROOT = Path(__file__).resolve().parents[2]


def some(seed: int, count: int = 12) -> list[Attack]:
    return list(islice(attacks(seed, 10**9), count))


def test_an_attack_is_its_seed_and_its_number_alone() -> None:
    assert some(4) == some(4)
    assert some(4) != some(5)
    assert next(attacks(4, 10**9, first=7)) == some(4)[7]


def test_as_many_frames_are_damaged_as_were_asked_for() -> None:
    assert sum(attack.frames for attack in attacks(1, 1234)) == 1234


def test_attacks_are_of_all_kinds_and_versions() -> None:
    found = some(1, 60)
    assert {attack.in_step for attack in found} == {True, False}
    assert {attack.reads for attack in found} == {True, False}
    assert len({attack.version for attack in found}) > 10
    assert 158 not in {attack.version for attack in found}


def test_chunks_of_an_attack_in_step_are_whole_frames_of_which_many_can_be_read() -> None:
    attack = next(each for each in some(1) if each.in_step)
    frames = FrameDecoder().feed(b"".join(attack.chunks))
    requests = [parse_request(fields, attack.version) for fields in frames]
    read = [each for each in requests if not isinstance(each, MalformedRequest)]
    assert len(requests) >= attack.frames
    assert len(requests) / 4 < len(read) < len(requests)
    assert sum(isinstance(each, PlaceOrder) for each in read) > 30


def test_attacks_without_orders_have_none_but_by_accident() -> None:
    attack = next(each for each in attacks(1, 10**9, orders=False) if each.in_step)
    frames = FrameDecoder().feed(b"".join(attack.chunks))
    requests = [parse_request(fields, attack.version) for fields in frames]
    assert sum(isinstance(each, PlaceOrder) for each in requests) < 3


def test_live_requests_are_one_of_each_kind_and_can_be_read() -> None:
    requests = live_requests()
    kinds = {message.record.shape for message in REQUEST_MESSAGES.values()}
    assert {type(each) for each in requests} == kinds - {PlaceOrder, StartApi}
    for each in requests:
        assert not isinstance(
            parse_request(split_fields(body_of(each, 176)), 176), MalformedRequest
        )


# ---- the laws of the books

BUY = {
    "exec_id": "1",
    "account": "DU1",
    "con_id": 8,
    "sec_type": "STK",
    "symbol": "AMD",
    "currency": "USD",
    "multiplier": "1",
    "signed": "10",
    "price": "20",
    "is_combo": False,
    "commission": "1",
    "commission_currency": "USD",
}


def holding(con_id: int, quantity: str, sec_type: str = "STK", **more: str) -> dict[str, Any]:
    plain = {"currency": "USD", "cost": "0", "opening_fees": "0"} | more
    return {"con_id": con_id, "quantity": quantity, "sec_type": sec_type, **plain}


def laws(cash: dict[str, str], held: list[dict[str, Any]], *trades: dict[str, Any]) -> list[str]:
    books = {"DU1": {"cash": cash, "holdings": held}}
    return broken_laws(books, trades, began_with=Decimal(1000))


def test_books_that_add_up_break_no_law() -> None:
    assert laws({"USD": "799"}, [holding(8, "10")], BUY) == []


@pytest.mark.parametrize(
    ("cash", "quantity", "said"),
    [
        ("800", "10", ["DU1 has 800 USD, its trades make 799"]),
        ("799", "9", ["DU1 holds 9 of 8, its executions make 10"]),
    ],
)
def test_books_that_do_not_add_up_are_told_of(cash: str, quantity: str, said: list[str]) -> None:
    assert laws({"USD": cash}, [holding(8, quantity)], BUY) == said


def test_an_execution_that_is_told_twice_is_told_of() -> None:
    assert "execution 1 is told twice" in laws({"USD": "598"}, [holding(8, "20")], BUY, BUY)


def test_currency_that_was_bought_is_cash_and_a_position() -> None:
    euros = BUY | {"con_id": 9, "sec_type": "CASH", "symbol": "EUR", "price": "1.1"}
    assert laws({"USD": "988", "EUR": "10"}, [holding(9, "10", "CASH")], euros) == []


def test_a_future_moves_cash_by_its_fee_and_by_nothing_until_it_is_closed() -> None:
    future = BUY | {"con_id": 7, "sec_type": "FUT", "multiplier": "50", "price": "6900"}
    held = holding(7, "10", "FUT", cost="3450001", opening_fees="1")
    assert laws({"USD": "999"}, [held], future) == []


# ---- the campaign


def mark(frames: int, blocks: int) -> Mark:
    return Mark(frames, 1.0, blocks, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("last", "findings"),
    [(mark(200_000, 1_000), 0), (mark(200_000, 150_000), 1), (mark(2_000, 150_000), 0)],
)
def test_memory_that_grows_with_the_frames_is_a_finding(last: Mark, findings: int) -> None:
    told: list[object] = []
    marks = [mark(0, 0), mark(last.frames // 2, 1_000), last]
    outcome = Outcome(told.append, marks=marks)
    _look_for_leaks(9, outcome)
    assert len(outcome.findings) == len(told) == findings


async def test_a_gateway_that_complains_is_a_finding(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    errors.write_text("Traceback (most recent call last): …", encoding="utf-8")
    told: list[str] = []
    await Campaign(1, 25).run(errors, lambda *_: None, lambda finding: told.append(finding.text))
    assert told == ["Traceback (most recent call last): …"]


def test_command_runs_says_its_seed_and_finds_nothing() -> None:
    command = [sys.executable, str(ROOT / "tests" / "fuzz"), "--frames", "300", "--seed", "2"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("seed 2: 300 damaged frames")
    assert done.stdout.endswith("nothing was found\n")
