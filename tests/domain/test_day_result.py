from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.day_result import NOTHING, Flow, Opening, day_result
from apps.domain.orders import Fill, Side
from apps.domain.pnl import own_positions

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
AAPL = 265598

prices = st.decimals(1, 400, places=2)
trades = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 40), prices, st.decimals(0, 3, places=2)),
    max_size=8,
)


def fills_of(traded: list[tuple[Side, int, Decimal, Decimal]]) -> list[Fill]:
    return [
        Fill(
            f"0001.{n:04}.01",
            n,
            0,
            1,
            "DU1",
            AAPL,
            "AAPL",
            side,
            Decimal(quantity),
            price,
            START + timedelta(seconds=n),
            "",
            fee,
        )
        for n, (side, quantity, price, fee) in enumerate(traded)
    ]


def net(fills: list[Fill], mark: Decimal) -> Decimal:
    """The result since ever, by average cost."""
    positions = own_positions(fills).values()
    return sum((own.realized + own.unrealized(mark) - own.fees for own in positions), Decimal(0))


@settings(deadline=None, max_examples=100)
@given(trades, st.data(), prices, prices)
def test_day_is_the_result_now_less_the_result_when_it_began(
    traded: list[tuple[Side, int, Decimal, Decimal]],
    data: st.DataObject,
    before: Decimal,
    now: Decimal,
) -> None:
    fills = fills_of(traded)
    old = fills[: data.draw(st.integers(0, len(fills)))]
    held = sum((each.quantity * each.side.sign for each in old), Decimal(0))
    openings = {AAPL: Opening(AAPL, "AAPL", held, before)} if held else {}
    flow = sum((Flow.of(each) for each in fills[len(old) :]), NOTHING)
    result = day_result(openings, {AAPL: flow}, {AAPL: now})
    assert result is not None
    assert abs(result - (net(fills, now) - net(old, before))) < Decimal("1e-6")


def test_result_that_depends_on_a_price_that_is_missing_is_not_known() -> None:
    bought = {AAPL: Flow(Decimal(1), Decimal(-190))}
    assert day_result({}, bought, {}) is None
    assert day_result({}, {AAPL: Flow(cash=Decimal(5))}, {}) == 5
    unmarked = {AAPL: Opening(AAPL, "AAPL", Decimal(-1), None)}
    assert day_result(unmarked, bought, {AAPL: Decimal(190)}) is None
