"""IB's execution algorithms: which there are, on which order types, with which parameters.

One table. An algorithm that is known is carried out as the plain order that it runs on: how it
would have spread its fills is not simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from apps.paper.exchange.instructions import Instructions
from apps.paper.exchange.rules.refusals import Refusal

__all__ = ["ALGORITHMS", "Algorithm", "refusal_of_algo"]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """The tags of an algorithm's parameters, and the order types that it can run on."""

    parameters: frozenset[str]
    order_types: frozenset[str] = frozenset({"MKT", "LMT"})


def _algorithm(parameters: str) -> Algorithm:
    return Algorithm(frozenset(parameters.split()) | _COMMON)


_COMMON = frozenset({"monetaryValue", "activeTimeStart", "activeTimeEnd"})
"""What any of them may carry."""

_TIMES = "startTime endTime allowPastEndTime"

ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        "Adaptive": _algorithm("adaptivePriority"),
        "Twap": _algorithm(f"strategyType catchUp {_TIMES}"),
        "Vwap": _algorithm(f"maxPctVol noTakeLiq speedUp {_TIMES}"),
        "ArrivalPx": _algorithm(f"maxPctVol riskAversion forceCompletion {_TIMES}"),
        "DarkIce": _algorithm(f"displaySize {_TIMES}"),
        "PctVol": _algorithm("pctVol startTime endTime noTakeLiq"),
        "PctVolPx": _algorithm(
            "pctVol deltaPctVol minPctVol4Px maxPctVol4Px startTime endTime noTakeLiq"
        ),
        "PctVolSz": _algorithm("startPctVol endPctVol startTime endTime noTakeLiq"),
        "PctVolTm": _algorithm("startPctVol endPctVol startTime endTime noTakeLiq"),
        "AD": _algorithm(
            "componentSize timeBetweenOrders randomizeTime20 randomizeSize55 giveUp catchUp "
            "waitForFill waitOrFill startTime endTime"
        ),
        "ClosePx": _algorithm("maxPctVol riskAversion startTime forceCompletion"),
        "MinImpact": _algorithm("maxPctVol"),
        "BalanceImpactRisk": _algorithm("maxPctVol riskAversion forceCompletion"),
    }
)
"""By IB's algoStrategy; tags as in its published parameter lists."""


def refusal_of_algo(instructions: Instructions, order_type: str) -> Refusal | None:
    """Say why an order's algorithm is refused, or None.

    >>> refusal_of_algo(Instructions(algo_strategy="Adaptive"), "LMT") is None
    True
    >>> refusal_of_algo(Instructions(algo_strategy="Nonesuch"), "LMT").code
    439
    """
    name = instructions.algo_strategy
    if not name:
        return None
    known = ALGORITHMS.get(name)
    if known is None:
        return Refusal(439, "Order processing failed. Algorithm definition not found.")
    if order_type not in known.order_types:
        return Refusal(442, "Specified algorithm is not allowed for this order.")
    strange = [tag for tag, _ in instructions.algo_params if tag not in known.parameters]
    if strange:
        text = f"Order processing failed. Unknown algo attribute: {', '.join(strange)}"
        return Refusal(443, text)
    return None
