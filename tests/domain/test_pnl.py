from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.orders import Fill, Side
from apps.domain.pnl import OwnPosition, last_word, own_positions

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
AAPL = 265598


def fill(
    n: int,
    side: Side,
    quantity: int,
    price: str,
    *,
    fee: str | None = "0",
    con_id: int = AAPL,
    exec_id: str = "",
) -> Fill:
    return Fill(
        exec_id or f"0000e0d5.{n:08x}.01.01", n, 0, 1, "DU1", con_id, "AAPL", side,
        Decimal(quantity), Decimal(price), START + timedelta(seconds=n), "",
        None if fee is None else Decimal(fee),
    )  # fmt: skip


ROUND_TRIP = [
    fill(1, Side.BUY, 10, "190.00", fee="1"),
    fill(2, Side.BUY, 10, "191.00", fee="1"),
    fill(3, Side.SELL, 20, "192.00", fee="1.25"),
]


def result_of(fills: Iterable[Fill], carried: Iterable[OwnPosition] = ()) -> OwnPosition:
    return own_positions(fills, carried).get(AAPL, OwnPosition(AAPL, "AAPL"))


def test_a_round_trip_realises_its_cash_flow() -> None:
    result = result_of(ROUND_TRIP)
    assert (result.realized, result.quantity, result.fees) == (
        Decimal(30),
        Decimal(0),
        Decimal("3.25"),
    )


def test_a_part_that_is_closed_is_realised_at_average_cost() -> None:
    fills = [*ROUND_TRIP[:2], fill(3, Side.SELL, 5, "192.00")]
    position = own_positions(fills)[AAPL]
    assert position.quantity == 15
    assert position.average_price == Decimal("190.5")
    assert position.realized == Decimal("7.5")
    assert position.unrealized(Decimal("190.00")) == Decimal("-7.5")


def test_a_short_gains_when_the_price_falls() -> None:
    fills = [fill(1, Side.SELL, 10, "190.00"), fill(2, Side.BUY, 4, "189.00")]
    result = result_of(fills)
    assert (result.realized, result.unrealized(Decimal("191.00"))) == (Decimal(4), Decimal(-6))


def test_a_fill_through_zero_closes_and_opens_anew() -> None:
    fills = [fill(1, Side.BUY, 10, "190.00"), fill(2, Side.SELL, 15, "192.00")]
    position = own_positions(fills)[AAPL]
    assert position.quantity == -5
    assert position.average_price == 192
    assert position.realized == 20


def test_a_commission_that_comes_later_replaces_the_fill_without_one() -> None:
    early = replace(ROUND_TRIP[0], commission=None)
    assert result_of([early]).fees_awaited == 1
    assert result_of([early, ROUND_TRIP[0]]).fees == 1
    assert last_word([ROUND_TRIP[0], early]) == (ROUND_TRIP[0],)


def test_a_correction_replaces_what_it_corrects() -> None:
    corrected = fill(1, Side.BUY, 8, "190.10", exec_id="0000e0d5.00000001.01.02")
    assert last_word([corrected, ROUND_TRIP[0]]) == (corrected,)
    tenth = replace(corrected, exec_id="0000e0d5.00000001.01.10")
    assert last_word([tenth, corrected]) == (tenth,)


def test_exec_ids_without_a_revision_stand_for_themselves() -> None:
    plain = [
        fill(n, Side.BUY, 1, "1", exec_id=name) for n, name in enumerate(("abc", "a.b", "a.c"))
    ]
    assert len(last_word(plain)) == 3


def test_a_position_carried_over_keeps_its_cost() -> None:
    carried = OwnPosition(AAPL, "AAPL", Decimal(10), Decimal(1900))
    result = result_of([fill(1, Side.SELL, 10, "195.00")], [carried])
    assert (result.realized, result.quantity) == (Decimal(50), Decimal(0))


def test_the_last_share_closed_takes_what_is_left_of_the_cost() -> None:
    carried = OwnPosition(AAPL, "AAPL", Decimal(3), Decimal("100.0000000000007"))
    fills = [fill(1, Side.SELL, 1, "40.00"), fill(2, Side.SELL, 2, "40.00")]
    assert own_positions(fills, [carried])[AAPL].cost == 0


def test_fills_count_in_the_order_of_time_and_not_of_ids() -> None:
    bought, sold, again = (
        replace(fill(3, Side.BUY, 10, "100"), at=START),
        replace(fill(1, Side.SELL, 10, "110"), at=START + timedelta(seconds=1)),
        replace(fill(2, Side.BUY, 10, "120"), at=START + timedelta(seconds=2)),
    )
    position = own_positions([again, sold, bought])[AAPL]
    assert position.realized == 100
    assert position.average_price == 120


TRADES = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.integers(1, 40),
        st.decimals(min_value=1, max_value=400, places=2),
        st.none() | st.decimals(min_value=0, max_value=3, places=2),
    ),
    max_size=12,
)
Trades = list[tuple[Side, int, Decimal, Decimal | None]]


def fills_of(trades: Trades) -> list[Fill]:
    return [
        fill(n, side, quantity, str(price), fee=None if fee is None else str(fee))
        for n, (side, quantity, price, fee) in enumerate(trades, 1)
    ]


@given(TRADES)
@settings(deadline=None, max_examples=100)
def test_once_flat_all_is_realised_and_equals_the_cash_flow(trades: Trades) -> None:
    fills = fills_of(trades)
    net = sum((each.quantity * each.side.sign for each in fills), Decimal(0))
    if net:
        side = Side.SELL if net > 0 else Side.BUY
        fills.append(fill(99, side, int(abs(net)), "123.45"))
    result = result_of(fills)
    cash = sum((-each.side.sign * each.quantity * each.price for each in fills), Decimal(0))
    fees = sum((each.commission or Decimal(0) for each in fills), Decimal(0))
    assert not result.quantity
    assert not result.cost
    assert (result.realized, result.fees) == (cash, fees)


@given(TRADES, st.decimals(min_value=1, max_value=400, places=2))
@settings(deadline=None, max_examples=100)
def test_realised_and_unrealised_are_always_cash_and_shares(trades: Trades, mark: Decimal) -> None:
    fills = fills_of(trades)
    result = result_of(fills)
    cash = sum((-each.side.sign * each.quantity * each.price for each in fills), Decimal(0))
    shares = sum((each.side.sign * each.quantity for each in fills), Decimal(0))
    assert result.realized + result.unrealized(mark) == cash + shares * mark


@given(TRADES, st.data())
@settings(deadline=None, max_examples=60)
def test_duplicates_in_any_order_change_nothing(trades: Trades, data: st.DataObject) -> None:
    fills = fills_of(trades)
    early = [replace(each, commission=None) for each in fills]
    delivered = data.draw(st.permutations([*fills, *fills, *early]))
    assert own_positions(delivered) == own_positions(fills)
