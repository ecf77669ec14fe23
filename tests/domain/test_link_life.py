from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from apps.domain.errors import IllegalTransition
from apps.domain.link import Farm, FarmKind, Link, LinkState, LossCause, Lost
from apps.domain.link_life import (
    BrokerBack,
    BrokerLost,
    Busted,
    Dialled,
    FarmBack,
    FarmBroken,
    Greeted,
    LinkAction,
    LinkEvent,
    SessionEnded,
    Synchronised,
    step,
)

USFARM = Farm(FarmKind.MARKET_DATA, "usfarm")
EUFARM = Farm(FarmKind.MARKET_DATA, "eufarm")
USHMDS = Farm(FarmKind.HISTORY, "ushmds")
SECDEF = Farm(FarmKind.CONTRACTS, "secdefil")
READY = Link(LinkState.READY, 0)
FRESH = Link(LinkState.DISCONNECTED, 0)

EVENTS: list[LinkEvent] = [
    Dialled(),
    Greeted(),
    Synchronised(),
    SessionEnded("gone"),
    SessionEnded("silent", LossCause.SILENCE),
    BrokerLost("1100"),
    BrokerBack("1101", keeps_subscriptions=False),
    BrokerBack("1102", keeps_subscriptions=True),
    *(FarmBroken(farm, f"{farm} broken") for farm in (USFARM, EUFARM, USHMDS, SECDEF)),
    *(FarmBack(farm) for farm in (USFARM, EUFARM, USHMDS, SECDEF)),
    Busted(),
]


def lived(*events: LinkEvent, link: Link = READY) -> Link:
    for event in events:
        link, _ = step(link, event)
    return link


def made(*events: LinkEvent) -> Link:
    return lived(Dialled(), Greeted(), Synchronised(), *events, link=FRESH)


class LinkLife(RuleBasedStateMachine):
    """Any events in any order, against a model that only counts."""

    def __init__(self) -> None:
        super().__init__()
        self.link = FRESH
        self.losses = 0
        self.told: list[Link] = []
        self.broker_lost = False
        self.farms: set[Farm] = set()

    @rule(event=st.sampled_from(EVENTS))
    def any_event(self, event: LinkEvent) -> None:
        self.happen(event)

    def happen(self, event: LinkEvent) -> None:
        before = self.link
        try:
            after, actions = step(before, event)
        except IllegalTransition:
            assert self.link is before
            assert not self.is_possible(event)
            return
        assert self.is_possible(event)
        self.losses += self.is_loss(event)
        self.take_note(event)
        self.link = after
        if LinkAction.TELL in actions:
            self.told.append(after)
        assert (LinkAction.DROP_SESSION in actions) == isinstance(event, SessionEnded)
        assert after.epoch - before.epoch in (0, 1)
        if (after.state, after.epoch) != (before.state, before.epoch):
            assert self.told[-1] is after, "no change and no loss is kept from the listeners"
        if before.takes_openings and not after.takes_openings:
            # what still waits for its turn must not go out into the dark
            assert {LinkAction.DROP_OPENINGS, LinkAction.DROP_SESSION} & set(actions)

    @rule()
    def come_up(self) -> None:
        following: dict[LinkState, LinkEvent] = {
            LinkState.DISCONNECTED: Dialled(),
            LinkState.CONNECTING: Greeted(),
            LinkState.SYNCHRONISING: Synchronised(),
        }
        while (event := following.get(self.link.state)) is not None:
            self.happen(event)

    def is_possible(self, event: LinkEvent) -> bool:
        state = self.link.state
        match event:
            case Dialled():
                return state is LinkState.DISCONNECTED
            case Greeted():
                return state is LinkState.CONNECTING
            case Synchronised():
                return state is LinkState.SYNCHRONISING
            case Busted():
                return state not in (LinkState.DISCONNECTED, LinkState.CONNECTING)
        return state is not LinkState.DISCONNECTED

    def is_loss(self, event: LinkEvent) -> bool:
        if self.link.state is LinkState.CONNECTING:
            return False  # there was nothing to lose
        match event:
            case SessionEnded() | Busted():
                return True
            case BrokerLost():
                return not self.broker_lost
            case BrokerBack():
                return not self.broker_lost
            case FarmBroken(farm):
                return farm not in self.farms
        return False

    def take_note(self, event: LinkEvent) -> None:
        match event:
            case BrokerLost():
                self.broker_lost = True
            case BrokerBack():
                self.broker_lost = False
            case FarmBroken(farm):
                self.farms.add(farm)
            case FarmBack(farm):
                self.farms.discard(farm)
            case SessionEnded():
                self.broker_lost, self.farms = False, set()

    @invariant()
    def every_loss_is_counted_once(self) -> None:
        assert self.link.epoch == self.losses
        assert (self.link.loss is None) == (self.losses == 0)

    @invariant()
    def no_loss_is_told_with_another(self) -> None:
        epochs = [link.epoch for link in self.told]
        assert all(0 <= b - a <= 1 for a, b in pairwise(epochs))

    @invariant()
    def state_is_what_broker_and_farms_make_it(self) -> None:
        up = {LinkState.READY, LinkState.BROKER_LOST, LinkState.FARM_DOWN}
        assert set(self.link.farms_down) == self.farms
        if self.link.state in up:
            assert (self.link.state is LinkState.BROKER_LOST) == self.broker_lost
            assert (self.link.state is LinkState.READY) == (not self.broker_lost and not self.farms)

    @invariant()
    def nothing_opens_without_the_broker_or_market_data(self) -> None:
        if self.link.takes_openings:
            assert not self.broker_lost
            assert not {USFARM, EUFARM} & self.farms
            assert self.link.takes_orders


TestLinkLife = LinkLife.TestCase
TestLinkLife.settings = settings(deadline=None, max_examples=100, stateful_step_count=40)


def test_servers_back_from_a_loss_that_nobody_had_yet_are_no_loss() -> None:
    link = lived(
        Dialled(),
        BrokerLost("1100"),
        Greeted(),
        BrokerBack("1101", keeps_subscriptions=False),
        link=FRESH,
    )
    assert (link.epoch, link.loss) == (0, None)


@pytest.mark.parametrize(
    ("lost", "back"),
    [
        (BrokerLost("1100"), BrokerBack("1101", keeps_subscriptions=False)),
        (BrokerLost("1100"), BrokerBack("1102", keeps_subscriptions=True)),
        (FarmBroken(USFARM, "2103"), FarmBack(USFARM)),
        (FarmBroken(USHMDS, "2105"), FarmBack(USHMDS)),
    ],
)
def test_a_loss_that_healed_at_once_is_ready_again_in_another_epoch(
    lost: LinkEvent, back: LinkEvent
) -> None:
    link = made(lost, back)
    assert (link.state, link.epoch) == (LinkState.READY, 1)
    assert made(lost, back, lost, back).epoch == 2


def test_a_recovery_whose_loss_was_not_told_is_a_loss() -> None:
    assert made(BrokerBack("1102", keeps_subscriptions=True)).epoch == 1


def test_1101_adds_the_subscriptions_to_what_was_lost() -> None:
    lost = made(BrokerLost("1100"))
    assert lost.loss is not None
    assert Lost.SUBSCRIPTIONS not in lost.loss.lost
    back, _ = step(lost, BrokerBack("1101", keeps_subscriptions=False))
    assert back.loss is not None
    assert Lost.SUBSCRIPTIONS in back.loss.lost
    assert back.epoch == lost.epoch


@pytest.mark.parametrize(
    ("event", "took"),
    [
        (SessionEnded("x"), {Lost.ORDERS, Lost.BARS, Lost.SUBSCRIPTIONS}),
        (BrokerLost("x"), {Lost.ORDERS, Lost.BARS}),
        (FarmBroken(USFARM, "x"), {Lost.BARS}),
        (FarmBroken(USHMDS, "x"), {Lost.HISTORY}),
        (FarmBroken(SECDEF, "x"), {Lost.CONTRACTS}),
        (Busted(), {Lost.ONE_SUBSCRIPTION}),
    ],
)
def test_a_loss_says_what_it_took(event: LinkEvent, took: set[Lost]) -> None:
    link = made(event)
    assert {what for what in Lost if link.has_lost_since(0, what)} == took
    assert not any(link.has_lost_since(1, what) for what in Lost)


def test_of_several_losses_everything_counts_as_lost() -> None:
    link = made(BrokerLost("1100"), FarmBroken(USHMDS, "2105"))
    assert all(link.has_lost_since(0, what) for what in Lost)


def test_a_history_farm_holds_no_order_back_and_a_market_data_farm_those_that_open() -> None:
    history, market = made(FarmBroken(USHMDS, "x")), made(FarmBroken(EUFARM, "x"))
    assert history.state is market.state is LinkState.FARM_DOWN
    assert (history.takes_orders, history.takes_openings) == (True, True)
    assert (market.takes_orders, market.takes_openings) == (True, False)


def test_a_farm_that_was_down_before_the_link_was_made_is_known_when_it_is() -> None:
    link = lived(Dialled(), FarmBroken(USFARM, "IB 2103"), Greeted(), Synchronised(), link=FRESH)
    assert (link.state, link.epoch, link.reason) == (LinkState.FARM_DOWN, 0, "IB 2103")


def test_a_broker_lost_while_orders_were_read_is_a_loss() -> None:
    blip = BrokerLost("1100"), BrokerBack("1102", keeps_subscriptions=True)
    link = lived(Dialled(), Greeted(), *blip, Synchronised(), link=FRESH)
    assert (link.state, link.epoch) == (LinkState.READY, 1)


def test_a_farm_without_a_name_is_back_with_any_of_its_kind() -> None:
    nameless = Farm(FarmKind.MARKET_DATA)
    assert made(FarmBroken(nameless, "x"), FarmBack(USFARM)).state is LinkState.READY
    assert made(FarmBroken(USFARM, "x"), FarmBack(nameless)).state is LinkState.READY
    assert made(FarmBroken(USFARM, "x"), FarmBack(EUFARM)).state is LinkState.FARM_DOWN


def test_farms_do_not_outlive_their_session() -> None:
    link = made(FarmBroken(USFARM, "x"), SessionEnded("gone"))
    assert link.farms_down == ()
    again = lived(Dialled(), Greeted(), Synchronised(), link=link)
    assert (again.state, again.epoch) == (LinkState.READY, 2)


@pytest.mark.parametrize("state", list(LinkState))
def test_what_cannot_happen_is_refused_in_every_state(state: LinkState) -> None:
    link = replace(FRESH, state=state)
    refused = 0
    for event in EVENTS:
        try:
            step(link, event)
        except IllegalTransition:
            refused += 1
    assert refused > 0
    assert link == replace(FRESH, state=state)
