"""Whether a command and the desk beside it mean the same: pure.

A command that goes through a desk is done under that desk's settings. So whatever is set for the
command (on its command line, in its environment, in a file) has to be so there, and so has what
says whom is talked to, set or not; else the command is refused, with what differs. What is only
about the program that gives it (its log, its bell) is its own, and so is a secret.
"""

from __future__ import annotations

from collections.abc import Mapping

from apps.api.config import SETTINGS, SETTINGS_BY_NAME, Settings
from apps.domain.errors import BadSetting

__all__ = ["Given", "check_agreement", "given_by"]

Given = Mapping[str, tuple[str, str]]
"""By name: the text that is set, and where that is from."""

_WHOM = ("TRADING_MODE", "IB_HOST", "IB_PORT")

_OWN = frozenset({"DESK_HOME", "BELL", "LOG_LEVEL", "LOG_FILE", "GATEWAY_WAIT_S"})

_OF_A_GATEWAY = frozenset({"IB_PORT", "IB_CLIENT_ID"})
_OF_THE_EMBEDDED = frozenset({"PAPER_SEED", "PAPER_SPEED"})

_BY_HAND, _DEFAULT = "the command line", "the default"


def given_by(settings: Settings, *, by_hand_alone: bool = False) -> Given:
    """Give what a command's settings have to have in common with the desk's.

    ``by_hand_alone`` is for what is never refused for a file: only whom it is about, and only
    where that stands on the command line.
    """
    idle = _OF_A_GATEWAY if settings.embedded else _OF_THE_EMBEDDED
    names = _WHOM if by_hand_alone else [each.name for each in SETTINGS if not each.secret]
    given = {
        name: (settings.shown[name], settings.sources[name])
        for name in names
        if name not in _OWN and name not in idle
    }
    return {
        name: (text, source)
        for name, (text, source) in given.items()
        if source == _BY_HAND or (not by_hand_alone and (source != _DEFAULT or name in _WHOM))
    }


def check_agreement(given: Given, settings: Settings, account: str) -> None:
    """Raise BadSetting that names the first of ``given`` that differs from the desk's.

    ``settings`` and ``account`` are the desk's.
    """
    for name, (text, source) in given.items():
        setting = SETTINGS_BY_NAME.get(name)
        if setting is None or setting.secret:
            raise BadSetting(f"{name} is no setting of the desk that runs; quit it, start it anew.")
        if name == "IB_ACCOUNT":
            agrees, there = text in ("", account), account
        else:
            agrees, there = _is_the_same(name, text, settings), settings.shown.get(name, "")
        if not agrees:
            raise BadSetting(
                f"{name} is {text!r} for this command (from {source}) and {there!r} in the desk "
                "that runs, under whose settings it would be done. Leave it out, start that desk "
                "anew with it, or give this one its own DESK_HOME."
            )


def _is_the_same(name: str, text: str, settings: Settings) -> bool:
    setting = SETTINGS_BY_NAME[name]
    try:
        return bool(setting.parse(text) == getattr(settings, setting.field))
    except (ValueError, ArithmeticError):
        return False
