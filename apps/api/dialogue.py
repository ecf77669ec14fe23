"""Asking the trader for what a line left out.

Only where somebody is there to answer: anywhere else a missing value is an error. Ctrl-C and the
end of input leave a dialogue as exceptions, so that neither can be taken for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.api.session import Session
from apps.domain.errors import InvalidInput

if TYPE_CHECKING:
    from apps.api.console import Console
    from apps.engine.previews import BracketPreview, BreakoutPreview

__all__ = ["Question", "agreed", "agreed_to_open", "agreed_to_trade", "ask", "need"]

_YES = frozenset({"", "y", "yes"})


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``default`` is what Enter answers; empty: an answer is needed."""

    label: str
    default: str = ""
    hint: str = ""

    @property
    def prompt(self) -> str:
        """The question as it is shown."""
        hint = f" ({self.hint})" if self.hint else ""
        default = f" [{self.default}]" if self.default else ""
        return f"{self.label}{hint}{default}: "


async def ask(console: Console, question: Question) -> str:
    """Ask until there is an answer. Raises EOFError, Interrupted."""
    while True:
        answer = await console.answer(question.prompt) or question.default
        if answer:
            return answer


async def agreed(session: Session, act: str, *, already: bool) -> bool:
    """Tell whether to go on: asked where somebody is there to answer, unless ``already`` said.

    Enter says yes. Raises EOFError, Interrupted: neither is a yes.
    """
    if already or not session.console.interactive:
        return True
    answer = await session.console.answer(f"{act} Enter = yes, n = no: ")
    return answer.lower() in _YES


async def agreed_to_trade(session: Session, act: str, *, already: bool) -> bool:
    """Tell whether something that may send orders is to be done; live, ``yes`` has to be typed.

    Raises as `agreed`, and InvalidInput live where nobody is there to type it.
    """
    if already or not session.settings.live:
        return await agreed(session, act, already=already)
    _need_terminal(session)
    where = f"LIVE {session.desk.account_name}."
    answer = await session.console.answer(f"{where} {act} Type yes, anything else is no: ")
    return answer.lower() == "yes"


async def agreed_to_open(
    session: Session, act: str, preview: BracketPreview | BreakoutPreview, *, already: bool
) -> bool:
    """Tell whether what was previewed is to be opened; live, ``yes`` has to be typed or said.

    Raises as `agreed`, and InvalidInput live where nobody is there to type it.
    """
    if already or not session.settings.live:
        return await agreed(session, act, already=already)
    _need_terminal(session)
    money, currency = preview.money_at_risk, preview.instrument.currency
    risk = "without a stop" if money is None else f"{money:,.2f} {currency} at risk"
    where = f"LIVE {session.desk.account_name}, {risk}."
    answer = await session.console.answer(f"{where} {act} Type yes, anything else is no: ")
    return answer.lower() == "yes"


def _need_terminal(session: Session) -> None:
    if not session.console.interactive:
        raise InvalidInput(
            "TRADING_MODE=live, and there is no terminal to ask at: what opens something needs "
            "--yes there. Nothing was sent."
        )


async def need(session: Session, name: str, given: str | None, default: str = "") -> str:
    """Give what was typed for ``name``, or ask for it.

    Raises InvalidInput where nobody is there to answer.
    """
    if given is not None:
        return given
    if not session.console.interactive:
        raise InvalidInput(f"{name} is missing, and there is no terminal to ask for it.")
    return await ask(session.console, Question(name.capitalize(), default))
