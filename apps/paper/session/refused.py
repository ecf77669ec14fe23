"""What a gateway like this one has not got, and how IB says so.

At home here: research, fundamentals, advisors' configurations, windows of a desktop, verification
of programs. Each is refused with the code and the sentence that IB has for an account without it,
so that a client's own error handling is what is exercised. One table, and nothing behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.paper.session.faults import RequestRefused
from apps.paper.session.topic import Topic
from apps.paper.wire import (
    CancelFundamentalData,
    CancelWshEventData,
    CancelWshMetaData,
    QueryDisplayGroups,
    ReplaceFA,
    ReqFundamentalData,
    RequestFA,
    ReqWshEventData,
    ReqWshMetaData,
    SubscribeToGroupEvents,
    UnsubscribeFromGroupEvents,
    UpdateDisplayGroup,
    VerifyAndAuthMessage,
    VerifyAndAuthRequest,
    VerifyMessage,
    VerifyRequest,
)

__all__ = ["Refused"]


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: int
    text: str


_NO_ADVISOR = _Refusal(
    321, "Error validating request.-'b' : cause - FA data operations ignored for non FA customers."
)
_NO_DISPLAY_GROUPS = _Refusal(
    321, "Error validating request.-'bI' : cause - There are no display groups in this gateway."
)
_NO_INTENT = "Intent to authenticate needs to be expressed during initial connect request."
_OUT_OF_SEQUENCE = _Refusal(
    10095,
    "ApiVerify error:ApiVerifyMessage ignored. Message sequence error. "
    "State: verifyStatus=NONE, verifyInProgress=false",
)
_NO_FUNDAMENTALS = _Refusal(
    430, "We are sorry, but fundamentals data for the security specified is not available."
)
_NO_CALENDAR = _Refusal(10276, "News feed is not allowed.")

_REFUSALS: Mapping[type, _Refusal] = {
    ReqWshMetaData: _NO_CALENDAR,
    ReqWshEventData: _NO_CALENDAR,
    QueryDisplayGroups: _NO_DISPLAY_GROUPS,
    SubscribeToGroupEvents: _NO_DISPLAY_GROUPS,
    UpdateDisplayGroup: _NO_DISPLAY_GROUPS,
    RequestFA: _NO_ADVISOR,
    ReplaceFA: _NO_ADVISOR,
    VerifyRequest: _Refusal(544, f"Verify Request Sending Error -   {_NO_INTENT}"),
    VerifyMessage: _OUT_OF_SEQUENCE,
    VerifyAndAuthRequest: _Refusal(551, f"Verify And Auth Request Sending Error -   {_NO_INTENT}"),
    VerifyAndAuthMessage: _OUT_OF_SEQUENCE,
}

_UNHEARD = (
    CancelFundamentalData,
    CancelWshMetaData,
    CancelWshEventData,
    UnsubscribeFromGroupEvents,
)
"""Ends of what never began: clients send them to tidy up, and expect no answer."""


class Refused(Topic):
    """Requests that this gateway always turns down."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            **dict.fromkeys(_REFUSALS, self._refuse),
            **dict.fromkeys(_UNHEARD, self._take_note),
            ReqFundamentalData: self._fundamentals,
        }

    def _refuse(self, request: Any) -> None:
        refusal = _REFUSALS[type(request)]
        raise RequestRefused(getattr(request, "req_id", -1), refusal.code, refusal.text)

    def _fundamentals(self, request: ReqFundamentalData) -> None:
        """Refuse, and first what names no instrument."""
        self.resolve(request.req_id, request.contract)
        raise RequestRefused(request.req_id, _NO_FUNDAMENTALS.code, _NO_FUNDAMENTALS.text)

    def _take_note(self, _: Any) -> None:
        """Say nothing."""
