from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.feed.chance import mix
from apps.paper.feed.node import Node, flat, shaped, trades_needed
from apps.paper.feed.splitting import Weights, split
from apps.paper.feed.tape import LEAF_MS, MOST_PRINTS, money_of, seconds_of, ticks_of

nodes = st.builds(
    lambda key, variance, previous, gap, move, trades, size: shaped(
        mix(key),
        variance,
        previous,
        (previous + gap, previous + gap + move),
        trades * size,
        trades,
    ),
    key=st.integers(0, 2**64 - 1),
    variance=st.sampled_from([0.0, 0.3, 4.0, 400.0, 90_000.0]),
    previous=st.integers(500, 50_000),
    gap=st.sampled_from([0, 0, 1, -1, 40, -40]),
    move=st.sampled_from([0, 0, 1, -1, 7, -7, 300, -300]),
    trades=st.one_of(st.integers(0, 12), st.integers(100, 100_000)),
    size=st.sampled_from([1, 3, 100]),
)
weights = st.lists(st.floats(0.05, 5.0), min_size=1, max_size=40).map(Weights.of)


def assert_lawful(node: Node) -> None:
    assert node.low <= node.open <= node.high
    assert node.low <= node.close <= node.high
    if node.trades == 0:
        assert node == flat(node.previous)
    else:
        assert node.trades >= trades_needed(node)
        assert node.volume >= node.trades


def assert_adds_up(node: Node, parts: Sequence[Node]) -> None:
    assert parts[0].open == node.open
    assert parts[-1].close == node.close
    assert max(part.high for part in parts) == node.high
    assert min(part.low for part in parts) == node.low
    assert sum(part.volume for part in parts) == node.volume
    assert sum(part.trades for part in parts) == node.trades


@settings(deadline=None, max_examples=100)
@given(node=nodes)
def test_shaped_node_keeps_the_law(node: Node) -> None:
    assert_lawful(node)


@settings(deadline=None, max_examples=100)
@given(node=nodes, into=weights)
def test_parts_add_up_to_the_whole_and_keep_the_law(node: Node, into: Weights) -> None:
    parts = split(node, into)
    assert len(parts) == len(into.each)
    assert_adds_up(node, parts)
    previous = node.previous
    for part in parts:
        assert_lawful(part)
        assert part.previous == previous
        previous = part.close


@settings(deadline=None, max_examples=100)
@given(node=nodes.filter(lambda node: node.trades > 0), into=weights)
def test_parts_with_trades_alone_add_up_to_the_same(node: Node, into: Weights) -> None:
    assert_adds_up(node, [part for part in split(node, into) if part.trades])


@settings(deadline=None, max_examples=50)
@given(node=nodes)
def test_parts_of_parts_add_up_too(node: Node) -> None:
    for part in split(node, Weights.even(6)):
        assert_adds_up(part, split(part, Weights.even(12)))


def test_a_part_moves_the_price_only_as_far_as_its_trades_reach() -> None:
    quiet = shaped(mix(1), 90_000.0, 10_000, (10_050, 10_090), 40, 2)
    parts = split(quiet, Weights.even(30))
    assert sum(part.trades for part in parts) == 2
    assert [part.close for part in parts if part.trades][-1] == 10_090
    assert sum(part == flat(part.previous) for part in parts) >= 28


def test_variance_is_handed_down_by_weight() -> None:
    node = shaped(mix(2), 1_000.0, 10_000, (10_000, 10_010), 10_000, 1_000)
    parts = split(node, Weights.of([3.0, 1.0]))
    assert [part.variance for part in parts] == [750.0, 250.0]


@settings(deadline=None, max_examples=100)
@given(leaf=nodes)
def test_prints_add_up_to_their_leaf(leaf: Node) -> None:
    ticks = ticks_of(leaf)
    assert len(ticks) <= min(MOST_PRINTS, leaf.trades)
    if leaf.trades == 0:
        return
    prices = [tick.price for tick in ticks]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (
        leaf.open,
        leaf.high,
        leaf.low,
        leaf.close,
    )
    assert sum(tick.size for tick in ticks) == leaf.volume
    assert sum(tick.trades for tick in ticks) == leaf.trades
    assert all(tick.size >= tick.trades >= 1 for tick in ticks)
    offsets = [tick.offset for tick in ticks]
    assert offsets == sorted(set(offsets))
    assert offsets[0] >= 0
    assert offsets[-1] < LEAF_MS


@settings(deadline=None, max_examples=100)
@given(leaf=nodes)
def test_seconds_add_up_to_their_leaf(leaf: Node) -> None:
    ticks = ticks_of(leaf)
    seconds = seconds_of(leaf, ticks)
    assert len(seconds) == 5
    assert_adds_up(leaf, [node for node, _ in seconds])
    assert sum(money for _, money in seconds) == money_of(ticks)
