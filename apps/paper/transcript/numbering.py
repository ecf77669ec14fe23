"""Request and order ids of a recording, and those of the client that makes it again.

A client may count from elsewhere than it did. The first request with an id says which recorded one
it stands for; from then on that is what the recorded messages mean. Requests and orders are
counted apart, for some clients do; an error may be about either.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from apps.paper.wire import ErrorMessage, NextValidId

__all__ = ["ORDER_IDS", "REQUEST_IDS", "Numbering"]

REQUEST_IDS = frozenset({"req_id", "request_id"})
ORDER_IDS = frozenset({"order_id", "parent_id"})
"""The names of the fields that hold ids which clients choose."""


class Numbering:
    """Which id of the client's stands for which recorded one."""

    def __init__(self) -> None:
        self._requests: dict[int, int] = {}
        self._orders: dict[int, int] = {}
        self.is_same = True
        """The client counts as it did."""

    def fits(self, name: str, recorded: object, actual: object) -> bool:
        """Tell whether two ids of a field can be the same, by what is known."""
        known = self._known(name)
        if not isinstance(recorded, int) or not isinstance(actual, int):
            return recorded == actual
        if recorded in known:
            return known[recorded] == actual
        # what is no id chosen by the client (0, −1) stands for itself
        return recorded == actual if recorded <= 0 else actual not in known.values()

    def learn(self, recorded: object, actual: object) -> None:
        """Take over the ids of two requests that are the same but for them."""
        for name, old, new in _ids_of(recorded, actual):
            if isinstance(old, int) and isinstance(new, int) and old > 0:
                self._known(name)[old] = new
                self.is_same = self.is_same and old == new

    def translated(self, response: Any) -> Any:
        """Give a recorded response with the client's ids."""
        if isinstance(response, NextValidId):  # it is told an id, it did not choose it
            return response
        if isinstance(response, ErrorMessage):
            return replace(response, req_id=self._of_either(response.req_id))
        return self._with_ids(response)

    def _with_ids(self, value: Any) -> Any:
        changed = {}
        for each in fields(value):
            held = getattr(value, each.name)
            if each.name in REQUEST_IDS | ORDER_IDS:
                changed[each.name] = self._known(each.name).get(held, held)
            elif is_dataclass(held) and not isinstance(held, type):
                changed[each.name] = self._with_ids(held)
        return replace(value, **changed) if changed else value

    def _of_either(self, recorded: int) -> int:
        return self._requests.get(recorded, self._orders.get(recorded, recorded))

    def _known(self, name: str) -> dict[int, int]:
        return self._orders if name in ORDER_IDS else self._requests


def _ids_of(recorded: object, actual: object) -> list[tuple[str, object, object]]:
    """Give the id fields of two values of one shape, nested ones too."""
    found: list[tuple[str, object, object]] = []
    shape: Any = recorded
    for each in fields(shape):
        old, new = getattr(recorded, each.name), getattr(actual, each.name)
        if each.name in REQUEST_IDS | ORDER_IDS:
            found.append((each.name, old, new))
        elif is_dataclass(old) and type(old) is type(new):
            found += _ids_of(old, new)
    return found
