from decimal import Decimal

import pytest

from apps.domain.errors import InvalidInput, RiskRefused
from apps.domain.orders import Side
from apps.domain.risk import (
    EntryContext,
    RiskLimits,
    TradingMode,
    breaches,
    check_account,
    check_entry,
    check_mode,
    only_reduces,
)

ALL = RiskLimits(Decimal(5000), 2, Decimal(500))


def entry(
    *,
    symbol: str = "AAPL",
    notional: str = "1000",
    open_symbols: tuple[str, ...] = (),
    entering: tuple[str, ...] = (),
    day_pnl: str | None = "0",
) -> EntryContext:
    return EntryContext(
        symbol,
        Decimal(notional),
        frozenset(open_symbols),
        frozenset(entering),
        None if day_pnl is None else Decimal(day_pnl),
    )


def broken(context: EntryContext, limits: RiskLimits = ALL) -> list[str]:
    return [breach.limit for breach in breaches(limits, context)]


def test_an_entry_within_every_cap_is_let_through() -> None:
    check_entry(ALL, entry(notional="5000", open_symbols=("MSFT",), day_pnl="-499.99"))


def test_without_caps_everything_is_let_through() -> None:
    far = entry(notional="1e9", open_symbols=tuple("ABCDEFG"), day_pnl=None)
    check_entry(RiskLimits(), far)


def test_notional_above_the_cap_is_refused_with_both_numbers() -> None:
    with pytest.raises(RiskRefused, match=r"AAPL.*5000\.01.*MAX_ORDER_NOTIONAL allows 5000"):
        check_entry(ALL, entry(notional="5000.01"))


def test_live_entries_count_as_positions_to_be() -> None:
    assert broken(entry(open_symbols=("MSFT",), entering=("SPY",))) == ["MAX_OPEN_POSITIONS"]
    assert broken(entry(open_symbols=("MSFT",), entering=("MSFT",))) == []


def test_adding_to_a_symbol_that_is_open_is_no_new_position() -> None:
    assert broken(entry(open_symbols=("AAPL", "MSFT"))) == []
    assert broken(entry(open_symbols=("MSFT",), entering=("AAPL",))) == []
    assert broken(entry(open_symbols=("AAPL", "MSFT", "SPY"))) == []


@pytest.mark.parametrize("day_pnl", ["-500", "-700", None])
def test_a_loss_at_the_cap_or_an_unknown_one_is_refused(day_pnl: str | None) -> None:
    assert broken(entry(day_pnl=day_pnl)) == ["MAX_DAILY_LOSS"]


def test_an_unknown_loss_does_not_matter_without_a_cap_on_it() -> None:
    assert broken(entry(day_pnl=None), RiskLimits(max_open_positions=1)) == []


def test_every_reason_is_told() -> None:
    with pytest.raises(RiskRefused) as caught:
        check_entry(ALL, entry(notional="6000", open_symbols=("A", "B"), day_pnl=None))
    for name in ("MAX_ORDER_NOTIONAL", "MAX_OPEN_POSITIONS", "MAX_DAILY_LOSS"):
        assert name in caught.value.message


@pytest.mark.parametrize(
    "caps",
    [
        (Decimal(0), None, None),
        (None, 0, None),
        (None, None, Decimal(-1)),
        (Decimal("NaN"), None, None),
    ],
)
def test_a_cap_that_is_not_above_zero_is_refused(
    caps: tuple[Decimal | None, int | None, Decimal | None],
) -> None:
    with pytest.raises(InvalidInput, match="above zero"):
        RiskLimits(*caps)


def test_live_mode_sends_nothing() -> None:
    check_mode(TradingMode.PAPER)
    with pytest.raises(RiskRefused, match="read-only"):
        check_mode(TradingMode.LIVE)


def test_paper_mode_wants_a_paper_account() -> None:
    check_account(TradingMode.PAPER, "DU1234567")
    check_account(TradingMode.PAPER, "DF1234567")
    check_account(TradingMode.LIVE, "U1234567")
    with pytest.raises(RiskRefused, match="U1234567 does not look like a paper account"):
        check_account(TradingMode.PAPER, "U1234567")


@pytest.mark.parametrize(
    ("side", "quantity", "position", "reduces"),
    [
        (Side.SELL, 10, 10, True),
        (Side.SELL, 11, 10, False),
        (Side.BUY, 1, 10, False),
        (Side.BUY, 10, -10, True),
        (Side.SELL, 1, -10, False),
        (Side.SELL, 1, 0, False),
    ],
)
def test_only_what_makes_a_position_smaller_reduces(
    side: Side, quantity: int, position: int, reduces: bool
) -> None:
    assert only_reduces(side, Decimal(quantity), Decimal(position)) is reduces
