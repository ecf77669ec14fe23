"""The pits: where the orders of a listing meet each moment of its market.

At home here: matching what works, the auctions, combinations, and halts. What an order trades at
stands in `matching` and `combos`, how orders wait for a price or follow one in `followers`. What a
fill or an end leads to is the `floor`'s.

A moment goes like this: conditions are judged; then, until nothing moves any more, stops are
elected and orders matched, one fill at a time, in the order of service; then what follows the
market moves, and meets the quotes, but not the trade, which was over before; last, what is
immediate or wants the opening ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from apps.paper.exchange.behaviour import IMMEDIATE
from apps.paper.exchange.book.ladder import Ladder
from apps.paper.exchange.floor.combos import combined_price, leg_offers, units_offered
from apps.paper.exchange.floor.desk import Desk
from apps.paper.exchange.floor.followers import Followers
from apps.paper.exchange.floor.matching import (
    FillSizes,
    Liquidity,
    Offer,
    Source,
    auction_offer,
    crosses,
    offer_to,
    priority,
    touch_price,
)
from apps.paper.exchange.floor.scene import Quotes
from apps.paper.exchange.floor.triggers import PriceWatch, has_prints
from apps.paper.exchange.hours import Window
from apps.paper.exchange.orders import OrderKey, OrderSnapshot, Stage
from apps.paper.feed.market import Millis, Print, Touch
from apps.paper.instruments.listing import Listing

__all__ = ["Pits"]


class _Pit:
    """One listing's market: what is on display, less what was taken, and what was seen."""

    __slots__ = ("at", "known_at", "liquidity", "listing", "opened", "watch")

    def __init__(self, listing: Listing, touch: Touch, trade: Print | None) -> None:
        self.at: Millis | None = None
        self.known_at: Millis | None = None
        self.listing = listing
        self.liquidity = Liquidity(touch, trade)
        self.watch = PriceWatch(listing)
        self.opened: tuple[Window, Window] | None = None


class Pits:
    """One pit a listing. ``fill_sizes`` may hold fills back; None does not."""

    def __init__(self, desk: Desk, quotes: Quotes) -> None:
        self.fill_sizes: FillSizes | None = None
        self._desk = desk
        self._book = desk.book
        self._followers = Followers(desk)
        self._quotes = quotes
        self._pits: dict[int, _Pit] = {}
        self._halted: dict[int, None] = {}
        self._held_back: set[OrderKey] = set()

    # -- halts -----------------------------------------------------------------------------------

    def halt(self, listing: Listing) -> None:
        """Stop all trading in a listing; its orders stay as they are."""
        self._halted[listing.con_id] = None

    def resume(self, listing: Listing) -> None:
        """Let a listing trade again."""
        self._halted.pop(listing.con_id, None)

    def is_halted(self, listing: Listing) -> bool:
        """Tell whether trading in a listing is stopped."""
        return listing.con_id in self._halted

    # -- moments -----------------------------------------------------------------------------------

    def meet(self, listing: Listing, touch: Touch, trade: Print | None) -> None:
        """Let the orders of a listing meet one moment of its market."""
        pit = self._pit(listing, touch, trade)
        self._held_back.clear()
        if not self.is_halted(listing):
            woken = self._desk.judge(listing)
            self._trade(pit, trade)
            self.meet_now(other for other in woken if other is not listing)
        self._drop_remainders(listing)

    def meet_now(self, listings: Iterable[Listing]) -> None:
        """Let the orders of these listings meet the market as it is now."""
        for listing in listings:
            self.meet(listing, self._quotes.touch(listing, self._desk.now), None)

    def close(self, order: OrderSnapshot) -> None:
        """Let an order for the close trade at the closing print; the session ends now."""
        price = self._closing_price(order)
        offer = None if price is None else auction_offer(order, price)
        if offer is not None and not self.is_halted(order.order.listing):
            self._take(order, offer)

    def watch(self, listing: Listing) -> PriceWatch:
        """Give what was seen of a listing's prices, up to now."""
        return self._watch(self._pit_now(listing))

    def _pit(self, listing: Listing, touch: Touch, trade: Print | None) -> _Pit:
        pit = self._pits.get(listing.con_id)
        if pit is None:
            pit = self._pits[listing.con_id] = _Pit(listing, touch, trade)
        else:
            pit.liquidity.follow(touch, trade)
        pit.watch.follow(touch, trade, self._desk.now)
        pit.at = self._desk.now
        if trade is not None:
            pit.known_at = self._desk.now
        return pit

    def _pit_now(self, listing: Listing) -> _Pit:
        """Give a listing's market as it is now; one that was told of this moment stays as it is."""
        pit, now = self._pits.get(listing.con_id), self._desk.now
        if pit is not None and pit.at == now:
            return pit
        return self._pit(listing, self._quotes.touch(listing, now), None)

    def _watch(self, pit: _Pit) -> PriceWatch:
        """Give what was seen of a pit's prices, with the newest trade, told of or not."""
        now = self._desk.now
        if pit.known_at != now:
            pit.watch.catch_up(self._quotes.last(pit.listing, now))
            pit.known_at = now
        return pit.watch

    def _trade(self, pit: _Pit, trade: Print | None) -> None:
        ladder = self._book.ladder(pit.listing.con_id)
        if ladder is not None:
            self._open(pit, trade)
            self._settle(pit)
            if ladder.moving and self._followers.move(
                ladder, self._watch(pit), pit.liquidity.touch
            ):
                pit.liquidity.end_of_trade()
                self._settle(pit)
        while any(
            self._match_combo(order.key) for order in self._book.combos_of(pit.listing.con_id)
        ):
            pass

    def _settle(self, pit: _Pit) -> None:
        # a fill may arm children, and an election make an order work: ask until nothing moves
        while self._elect(pit) or self._match(pit):
            pass

    def _elect(self, pit: _Pit) -> bool:
        ladder = self._book.ladder(pit.listing.con_id)
        if ladder is None or not ladder.has_triggers:
            return False
        return self._followers.elect(ladder, self._watch(pit))

    # -- what works --------------------------------------------------------------------------------

    def _match(self, pit: _Pit) -> bool:
        ladder = self._book.ladder(pit.listing.con_id)
        if ladder is None:
            return False
        self._follow_sessions(pit, ladder)
        touch, trade = pit.liquidity.touch, pit.liquidity.trade
        met = ladder.meeting(touch.bid, touch.ask, None if trade is None else trade.price)
        queue = sorted((self._book[key] for key in met), key=priority)
        return any(self._match_one(order.key, pit.liquidity, ladder) for order in queue)

    def _follow_sessions(self, pit: _Pit, ladder: Ladder) -> None:
        """Where a session begins or ends, every order is fresh again."""
        now, hours = self._desk.now, self._desk.hours
        opened = (
            hours.window(pit.listing, now, extended=False),
            hours.window(pit.listing, now, extended=True),
        )
        if opened != pit.opened or ladder.is_new:
            pit.opened = opened
            ladder.refresh()

    def _match_one(self, key: OrderKey, liquidity: Liquidity, ladder: Ladder) -> bool:
        # read again: a fill of an order before it in the queue may have reduced or ended it
        order = self._book[key]
        window = self._window(order)
        if order.stage is not Stage.WORKING or not window.is_open:
            ladder.fresh.pop(key, None)
            return False
        rests = order.rested_since == window.start
        offer = offer_to(order, liquidity, rests=rests)
        if offer is not None and self._take(order, offer, liquidity):
            return True
        if rests:
            ladder.fresh.pop(key, None)
        elif not crosses(order, liquidity.touch):
            self._book.put(replace(order, rested_since=window.start))
        return False

    def _take(self, order: OrderSnapshot, offer: Offer, liquidity: Liquidity | None = None) -> bool:
        quantity = self._quantity(order, offer.size)
        if quantity <= 0:
            return False
        if liquidity is not None:
            liquidity.take(order.order.side, offer.source, quantity)
        self._desk.fill(order, offer, quantity)
        return True

    def _quantity(self, order: OrderSnapshot, offered: Decimal) -> Decimal:
        """Give how many of ``offered`` an order takes: all that it can, or nothing."""
        quantity = min(offered, self._desk.fillable(order))
        if order.order.is_whole and quantity < order.remaining:
            return Decimal(0)
        return self._held_to(order, quantity) if quantity > 0 else quantity

    def _held_to(self, order: OrderSnapshot, quantity: Decimal) -> Decimal:
        if order.key in self._held_back:
            return Decimal(0)
        most = None if self.fill_sizes is None else self.fill_sizes.most(order)
        if most is None:
            return quantity
        self._held_back.add(order.key)
        return min(most, quantity)

    # -- auctions ----------------------------------------------------------------------------------

    def _open(self, pit: _Pit, trade: Print | None) -> None:
        ladder = self._book.ladder(pit.listing.con_id)
        if ladder is None or (trade is None and has_prints(pit.listing)):
            return
        for key in tuple(ladder.opening):
            order = self._book[key]
            window = self._window(order)
            if order.stage is not Stage.WORKING or not window.is_open:
                continue
            if trade is not None and trade.at < window.start:
                continue
            if trade is not None and has_prints(pit.listing):
                self._open_one(order, trade.price)
            else:
                self._open_one(order, touch_price(order.order.side, pit.liquidity.touch))

    def _open_one(self, order: OrderSnapshot, price: Decimal) -> None:
        offer = auction_offer(order, price)
        if offer is not None:
            self._take(order, offer)
        self._desk.drop_remainder(order.key)

    def _closing_price(self, order: OrderSnapshot) -> Decimal | None:
        """Give the session's last print; at the touch where there are none."""
        listing, at = order.order.listing, self._desk.now - 1
        if not has_prints(listing):
            return touch_price(order.order.side, self._quotes.touch(listing, at))
        last = self._quotes.last(listing, at)
        begun = self._desk.hours.window(listing, at, extended=False).start
        return last.price if last.at >= begun else None

    def _drop_remainders(self, listing: Listing) -> None:
        ladder = self._book.ladder(listing.con_id)
        ending = list(ladder.immediate) if ladder is not None else []
        for combo in self._book.combos_of(listing.con_id):
            if combo.order.time_in_force in IMMEDIATE:
                ending.append(combo.key)
        for key in ending:
            if self._book[key].stage in (Stage.WORKING, Stage.AWAITS_SESSION):
                self._desk.drop_remainder(key)

    # -- combinations ------------------------------------------------------------------------------

    def _match_combo(self, key: OrderKey) -> bool:
        order = self._book[key]
        legs = [leg.listing for leg in order.order.legs]
        if order.stage is not Stage.WORKING or not self._window(order).is_open:
            return False
        if any(map(self.is_halted, legs)):
            return False
        liquidity = {leg.con_id: self._pit_now(leg).liquidity for leg in legs}
        offers = leg_offers(order.order, liquidity)
        price = combined_price(order.order, offers)
        if auction_offer(order, price) is None:
            return False
        quantity = self._quantity(order, units_offered(offers, liquidity))
        if quantity <= 0:
            return False
        for offer in offers:
            taken = quantity * offer.leg.ratio
            liquidity[offer.leg.listing.con_id].take(offer.side, Source.TOUCH, taken)
        self._desk.fill_legs(order, price, quantity, offers)
        return True

    def _window(self, order: OrderSnapshot) -> Window:
        return self._desk.hours.of_order(order.order, self._desk.now)
