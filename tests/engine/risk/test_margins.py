"""Margin by what-if: asked within the broker's rate, cached, reserved, and never guessed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.account import AccountSummary, WhatIf
from apps.domain.errors import BrokerRejected, DeadlineExceeded, RiskRefused
from apps.domain.instruments import Instrument
from apps.domain.orders import Ticket
from apps.domain.risk import RiskLimits
from apps.engine.alerts import AlertKind
from apps.engine.requests import BracketRequest
from tests.engine.conftest import Stage, Staging
from tests.engine.fakes import ACCOUNT, FakeBroker

LIMITS = RiskLimits(max_margin_pct=Decimal(100))
BUY = BracketRequest("buy", "AAPL", "10")


class Purse(FakeBroker):
    """A broker whose account has what the test says, and whose margin is a quarter of the price."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Decimal]] = []
        self.summary = AccountSummary(
            account=ACCOUNT,
            currency="USD",
            net_liquidation=Decimal(10_000),
            cash=Decimal(10_000),
            buying_power=Decimal(40_000),
            available_funds=Decimal(10_000),
            initial_margin=Decimal(0),
            maintenance_margin=Decimal(0),
            unrealized_pnl=None,
            realized_pnl=None,
        )
        self.error: Exception | None = None

    async def account_summary(self) -> AccountSummary:
        return self.summary

    async def what_if(self, instrument: Instrument, ticket: Ticket) -> WhatIf:
        self.asked.append((instrument.symbol, ticket.quantity))
        if self.error is not None:
            raise self.error
        assert ticket.limit_price is not None
        worth = ticket.quantity * ticket.limit_price
        return WhatIf(worth / 4, worth / 4, Decimal(1))


@pytest.fixture
def broker() -> Purse:
    return Purse()


def purse_of(stage: Stage) -> Purse:
    assert isinstance(stage.broker, Purse)
    return stage.broker


async def test_one_question_a_minute_and_none_for_what_is_known(make_stage: Staging) -> None:
    stage = make_stage(LIMITS)
    async with stage.desk:
        for _ in range(2):
            await stage.desk.preview_bracket(BUY)
        preview = await stage.desk.preview_bracket(BUY)
        assert preview.margin is not None
        assert (preview.margin.needed, preview.margin.is_estimate) == (Decimal("477.975"), False)
        other = await stage.desk.preview_bracket(replace(BUY, symbol="MSFT"))
        assert other.margin is not None
        assert other.margin.is_estimate  # 4,109 with the cap, and a dollar
        assert other.margin.needed == other.notional + 1
        assert purse_of(stage).asked == [("AAPL", Decimal(10))]
        await stage.clock.advance(60)
        again = await stage.desk.preview_bracket(replace(BUY, symbol="MSFT"))
        assert again.margin is not None
        assert not again.margin.is_estimate
        await stage.clock.advance(901)
        await stage.desk.preview_bracket(BUY)
        assert purse_of(stage).asked[-1] == ("AAPL", Decimal(10))
        assert len(purse_of(stage).asked) == 3


async def test_watcher_that_is_not_checked_yet_says_so_and_is_checked_in_its_turn(
    make_stage: Staging,
) -> None:
    stage = make_stage(LIMITS)
    async with stage.desk:
        await stage.arm("AAPL", quantity="10")
        await stage.arm("MSFT", level="411.00", quantity="10")
        (note,) = [each for each in stage.texts(AlertKind.INFO) if "not known yet" in each]
        assert note.startswith("the margin of MSFT is not known yet, and its whole worth is res")
        assert note.endswith("asked in about 60 s")
        assert len(purse_of(stage).asked) == 1
        await stage.clock.advance(61)
        assert purse_of(stage).asked[-1] == ("MSFT", Decimal(10))


async def test_what_armed_watchers_reserve_is_not_there_for_the_next_until_they_end(
    make_stage: Staging,
) -> None:
    stage = make_stage(LIMITS)
    async with stage.desk:
        await stage.arm("AAPL", quantity="150")  # some 7,100 of 10,000
        with pytest.raises(RiskRefused, match=r"of it reserved.*Stop a watcher"):
            await stage.arm("AAPL", quantity="150")
        await stage.desk.stop_watcher("w1")
        await stage.clock.advance(2)
        await stage.arm("AAPL", quantity="150")


async def test_checked_in_its_turn_and_too_much_stays_armed_and_enters_nothing(
    make_stage: Staging,
) -> None:
    stage = make_stage(LIMITS)
    async with stage.desk:
        await stage.arm("MSFT", level="411.00", quantity="60")
        await stage.arm("AAPL", quantity="150")
        for number in range(13):
            stage.bars(190.40, start=number)
            await stage.clock.advance(5)
        (text,) = [each for each in stage.texts(AlertKind.WARNING) if "stays armed" in each]
        assert "MAX_MARGIN_PCT" in text
        stage.bars(190.40, 190.55, 190.60, start=13)
        await stage.clock.advance(1)
        assert stage.broker.brackets == []
        assert any("MAX_MARGIN_PCT" in each for each in stage.texts(AlertKind.ERROR))


async def test_entry_takes_what_its_own_watcher_has_reserved(make_stage: Staging) -> None:
    stage = make_stage(LIMITS)
    async with stage.desk:
        await stage.arm("AAPL", quantity="150")
        stage.bars(190.40, 190.55, 190.60)
        await stage.clock.advance(1)
        assert len(stage.broker.brackets) == 1


async def test_bracket_that_is_filled_is_in_the_accounts_figures_and_counted_once(
    make_stage: Staging,
) -> None:
    stage = make_stage(LIMITS)
    async with stage.desk:
        big = replace(BUY, quantity="100")
        await stage.desk.send_bracket(await stage.desk.preview_bracket(big))
        other = replace(BUY, symbol="MSFT", quantity="10")
        shown = await stage.desk.preview_bracket(other)
        assert shown.margin is not None
        assert shown.margin.reserved == Decimal("4770.75")
        stage.broker.accept(101, 102, 103)
        stage.broker.fill(101, "100", "190.41")
        await stage.clock.advance(61)
        shown = await stage.desk.preview_bracket(other)
        assert shown.margin is not None
        assert shown.margin.reserved == 0


@pytest.mark.parametrize("error", [DeadlineExceeded("no answer"), BrokerRejected("busy", code=322)])
async def test_question_without_an_answer_counts_the_whole_worth(
    make_stage: Staging, error: Exception
) -> None:
    stage = make_stage(LIMITS)
    purse_of(stage).error = error
    async with stage.desk:
        await stage.desk.send_bracket(await stage.desk.preview_bracket(BUY))
        with pytest.raises(RiskRefused, match=r"whole worth.*MAX_MARGIN_PCT"):
            await stage.desk.send_bracket(
                await stage.desk.preview_bracket(replace(BUY, symbol="MSFT", quantity="20"))
            )


async def test_order_that_the_broker_would_turn_down_is_not_armed(make_stage: Staging) -> None:
    stage = make_stage(LIMITS)
    purse_of(stage).error = BrokerRejected("Order rejected - reason: margin", code=201)
    async with stage.desk:
        with pytest.raises(RiskRefused, match="would turn it down: Order rejected"):
            await stage.arm("AAPL")
        assert stage.desk.watchers() == ()


async def test_cash_account_pays_in_full_with_settled_cash_and_sells_nothing_short(
    make_stage: Staging,
) -> None:
    stage = make_stage(LIMITS)
    purse = purse_of(stage)
    purse.summary = replace(
        purse.summary, buying_power=Decimal(10_000), settled_cash=Decimal(2_000)
    )
    async with stage.desk:
        await stage.desk.preview_bracket(BUY)
        with pytest.raises(RiskRefused, match=r"2099.69 \(in full.*2000 is free"):
            await stage.desk.preview_bracket(replace(BUY, quantity="11"))
        with pytest.raises(RiskRefused, match="cash account cannot sell"):
            await stage.desk.preview_bracket(replace(BUY, side="sell"))
        assert purse.asked == []


async def test_funds_that_are_not_known_let_a_watcher_wait_and_no_entry_pass(
    make_stage: Staging,
) -> None:
    stage = make_stage(LIMITS)
    purse_of(stage).summary = replace(purse_of(stage).summary, available_funds=None)
    async with stage.desk:
        await stage.arm("AAPL", quantity="10")
        with pytest.raises(RiskRefused, match="funds are not known"):
            await stage.desk.send_bracket(await stage.desk.preview_bracket(BUY))


async def test_without_the_limit_nothing_is_asked(make_stage: Staging) -> None:
    stage = make_stage()
    async with stage.desk:
        preview = await stage.desk.preview_bracket(BUY)
        assert preview.margin is None
        assert purse_of(stage).asked == []
