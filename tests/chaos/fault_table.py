"""Everything that goes wrong, in one table: its name, where it may strike, how it is done.

What the gateway can do is written in its own language of faults; ``{blip_s}``, ``{some_s}`` and
``{long_s}`` are seconds that the run's luck fills in. What happens to a process, or by the
trader's hand, is an `Act`. A line that waits for a message (``on=``) strikes with the next one of
that kind after its phase has begun, so it stands only in phases after which one is still to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from random import Random
from types import MappingProxyType

from tests.chaos.plan import Phase, cells_of

__all__ = ["CELLS", "FAULTS", "NAMES", "Act", "ChaosFault"]


class Act(Enum):
    """What the gateway's faults cannot do."""

    KILL_DESK = "the desk is killed after so many writes more, and started again"
    QUIT_DESK = "the desk is quit, and started again"
    KILL_GATEWAY = "the gateway is killed after so many writes more, and started again"
    HALT_TRADING = "the trader halts trading"
    FLATTEN = "the trader halts trading and has everything closed"


_EVERY = frozenset(Phase)
_BEFORE_ORDERS = frozenset({Phase.ARMED, Phase.CONFIRMING, Phase.RESERVING, Phase.SENDING})
_BEFORE_STATUS = _BEFORE_ORDERS | {Phase.ACKNOWLEDGED, Phase.PARTLY_FILLED}
_ONCE_OPEN = frozenset({Phase.PROTECTED, Phase.EXITING})
_ORDERS = _BEFORE_ORDERS | _ONCE_OPEN
_STREAMING = _EVERY


@dataclass(frozen=True, slots=True)
class ChaosFault:
    """One fault: ``lines`` in the gateway's language, or ``act``.

    ``needs_close`` and ``needs_exit`` tell that nothing would happen unless the trade is closed
    by hand, or ended in any way.
    """

    name: str
    lines: tuple[str, ...] = ()
    phases: frozenset[Phase] = _EVERY
    act: Act | None = None
    needs_close: frozenset[Phase] = frozenset()
    needs_exit: frozenset[Phase] = frozenset()

    def words(self, random: Random) -> tuple[str, ...]:
        """Give the lines, with this run's seconds in them."""
        seconds = {
            "blip_s": random.choice((0.05, 0.3)),
            "some_s": random.choice((1.5, 4, 9)),
            "long_s": random.choice((12, 25, 45)),
        }
        return tuple([line.format(**seconds) for line in self.lines])


def _timed(name: str, *lines: str) -> ChaosFault:
    return ChaosFault(name, lines)


def _sent(name: str, *lines: str) -> ChaosFault:
    """Give a fault of an order on its way to the gateway."""
    return ChaosFault(name, lines, _ORDERS, needs_close=_ONCE_OPEN)


def _told(name: str, *lines: str) -> ChaosFault:
    """Give a fault of something that is told of orders."""
    return ChaosFault(name, lines, _EVERY, needs_exit=_ONCE_OPEN)


def _entering(name: str, *lines: str) -> ChaosFault:
    """Give a fault of the bracket as it comes in."""
    return ChaosFault(name, lines, _BEFORE_ORDERS)


def _closing(name: str, *lines: str) -> ChaosFault:
    """Give a fault of what the exit routine asks for."""
    return ChaosFault(name, lines, _ONCE_OPEN, needs_close=_ONCE_OPEN)


_TABLE = (
    # IB's servers, and its data farms
    _timed("1100 → 1102, at once", "outage for_s={blip_s} back=1102"),
    _timed("1100 → 1101, at once", "outage for_s={blip_s} back=1101 streams=dead"),
    _timed("1100 → 1101, after a while", "outage for_s={long_s} back=1101 streams=dead"),
    _timed("1100 → 1102, orders refused", "outage for_s={some_s} back=1102 orders=refused"),
    _timed("1100 → 1102, streams dead", "outage for_s={some_s} back=1102 streams=dead"),
    _timed("1100, and its news is lost", "outage for_s={long_s} back=1102 news=lost"),
    _timed("2103 → 2104, at once", "farm_outage farm=usfarm for_s={blip_s}"),
    _timed("2103 → 2104, streams dead", "farm_outage farm=usfarm for_s={blip_s} streams=dead"),
    _timed("2103 → 2104, after a while", "farm_outage farm=usfarm for_s={some_s} streams=dead"),
    _timed("2105 → 2106 in a gap", "farm_outage farm=ushmds for_s={long_s}", "bust"),
    _timed("2157 → 2158", "farm_outage farm=secdefil for_s={long_s}"),
    _timed("10225 bust", "bust"),
    _timed("clock skew", "clock_skew by_s=3 for_s={long_s}"),
    # the socket
    _timed("disconnect", "disconnect how=clean"),
    _timed("reset", "disconnect how=reset"),
    _timed("cut within a frame", "disconnect how=mid_frame on=response"),
    _timed("half-open socket", "half_open for_s={long_s}"),
    _timed("half-open, requests count", "half_open for_s={long_s} handles_requests=true"),
    _timed("frames split", "split_frames piece_bytes=3 for_s={long_s}"),
    _timed("frames merged", "merge_frames bytes=65536 wait_s=0.4 direction=both for_s={long_s}"),
    _timed("latency", "latency delay_s=0.8 jitter_s=0.5 for_s={long_s}"),
    _timed("slow read", "slow_read bytes_per_s=400 for_s={some_s}"),
    _timed("nightly restart", "restart for_s={long_s}"),
    _timed("restart by reset", "restart for_s={some_s} how=reset"),
    _timed("refused for a while", "refuse_connections for_s={some_s}", "disconnect how=reset"),
    _timed("silent handshake", "silent_handshake for_s={long_s}", "disconnect how=clean"),
    _timed("silent startApi", "silent_handshake stage=startApi for_s={some_s}", "disconnect"),
    _timed("326, the old socket open", "hold_client_id for_s={long_s}", "disconnect how=reset"),
    _timed(
        "326, and left in the air",
        "hold_client_id for_s={some_s}",
        "keep_turned_away for_s={long_s}",
        "disconnect how=clean",
    ),
    _timed("nextValidId rolled back", "roll_back_ids by=50", "disconnect how=reset"),
    # an order on its way in
    _sent("order lost on its way", "drop on=placeOrder"),
    _sent("order lost with the link", "disconnect how=reset on=placeOrder lose_message=true"),
    _sent("acknowledgement lost with the link", "disconnect how=reset on=placeOrder"),
    _entering("legs lost with the link", "disconnect on=placeOrder nth=2 lose_message=true"),
    _entering("link lost behind the bracket", "disconnect how=reset on=placeOrder nth=3"),
    _entering("last leg lost", "drop on=placeOrder nth=3"),
    _entering("no word before a restart", "mute_order on=placeOrder", "restart after_s=14 for_s=5"),
    _entering("no word until the link is new", "mute_order until=reconnect on=placeOrder"),
    _sent("order late", "delay by_s={some_s} on=placeOrder"),
    _sent("order comes twice", "duplicate on=placeOrder"),
    _entering("entry rejected", "reject_order on=placeOrder nth=1"),
    _entering("target rejected", "reject_order on=placeOrder nth=2"),
    _entering("stop rejected", "reject_order on=placeOrder nth=3"),
    _entering("103 for the entry", "refuse code=103 on=placeOrder nth=1"),
    _entering("100 for the stop", "refuse code=100 on=placeOrder nth=3"),
    _sent("10349 of a live order", "error code=10349 on=placeOrder"),
    _sent("104 of a live order", "error code=104 on=placeOrder"),
    _sent("399 of a live order", "error code=399 on=placeOrder"),
    _closing("change refused", "refuse code=105 on=placeOrder"),
    _closing("exit rejected", "reject_order on=placeOrder"),
    # what is told of orders
    _told("status lost", "drop on=orderStatus times=3"),
    _told("statuses never told", "drop on=orderStatus times=0"),
    _told("openOrder lost", "drop on=openOrder times=2"),
    _told("execution lost", "drop on=execDetails"),
    _told("executions never told", "drop on=execDetails times=0"),
    _told("status twice", "duplicate on=orderStatus copies=2 times=0"),
    _told("execution twice", "duplicate on=execDetails times=0"),
    _told("execution late", "delay by_s={some_s} on=execDetails"),
    _told("status late", "delay by_s={some_s} on=orderStatus times=2"),
    _told("commission late", "delay by_s={long_s} on=commissionReport"),
    _told("commission never told", "drop on=commissionReport"),
    _told("execution before openOrder", "reorder on=openOrder behind=execDetails times=4"),
    _told("status before openOrder", "reorder on=openOrder behind=orderStatus times=4"),
    _told("link lost at the execution", "disconnect how=reset on=execDetails lose_message=true"),
    ChaosFault("children held back", ("hold_children for_s={long_s}",), _BEFORE_STATUS),
    ChaosFault("cancelled by the broker", ("cancel_orders",), _EVERY - _BEFORE_ORDERS),
    ChaosFault(
        "stop cancelled by the broker",
        ("cancel_orders on=orderStatus status=PreSubmitted",),
        _BEFORE_STATUS,
    ),
    # bars and history
    _timed("420 when subscribing anew", "refuse code=420 on=reqRealTimeBars", "bust"),
    _timed("162 for the gap", "refuse code=162 on=reqHistoricalData times=2", "bust"),
    _timed("no answer of history", "drop on=reqHistoricalData", "bust"),
    _timed("a bar is lost", "drop on=realtimeBar"),
    _timed("a bar twice", "duplicate on=realtimeBar"),
    _timed("bars late", "delay by_s=6 on=realtimeBar"),
    _timed("bars die without a word", "drop on=realtimeBar times=8"),
    # the market
    _timed("halted", "halt for_s={some_s} bars=flat"),
    _timed("halted, no bars", "halt for_s={long_s} bars=missing"),
    _timed("gap up", "price_gap percent=1.2"),
    _timed("gap down", "price_gap percent=-1.2"),
    _timed("spike up", "price_spike percent=2 for_s={some_s}"),
    _timed("spike down", "price_spike percent=-2 for_s={some_s}"),
    _timed("no trades", "no_trades for_s={some_s} bars=missing"),
    _timed("fills in pieces", "partial_fills sizes=1 for_s={long_s}"),
    # processes, and the trader
    ChaosFault("desk killed", act=Act.KILL_DESK),
    ChaosFault("desk quit", act=Act.QUIT_DESK),
    ChaosFault("gateway killed", act=Act.KILL_GATEWAY),
    ChaosFault("trading halted", act=Act.HALT_TRADING),
    ChaosFault("halted and flattened", act=Act.FLATTEN),
)

FAULTS: Mapping[str, ChaosFault] = MappingProxyType({each.name: each for each in _TABLE})
NAMES: tuple[str, ...] = tuple(FAULTS)
CELLS = cells_of(FAULTS)
"""Every fault at every phase at which it may strike: all of them have to be reached."""
