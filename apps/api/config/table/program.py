"""Settings of the program itself: its terminal, its log, its embedded gateway, its home."""

from __future__ import annotations

from apps.api.config.parsers import choice, speed, switch, text, whole
from apps.api.config.setting import Setting

__all__ = ["SETTINGS"]

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "BELL",
        "on",
        switch,
        "Whether the terminal's bell rings for triggers, fills, errors and a lost connection.",
        "on or off",
    ),
    Setting(
        "LOG_LEVEL",
        "INFO",
        choice("DEBUG", "INFO", "WARNING", "ERROR", fold=str.upper),
        "How much goes into the log file; nothing of it goes to the screen.",
        "DEBUG, INFO, WARNING or ERROR",
    ),
    Setting(
        "LOG_FILE",
        "",
        text,
        "Where the log goes. Empty: desk.log in the state folder.",
        "a path, or nothing",
    ),
    Setting(
        "PAPER_SEED",
        "1",
        whole(0, 2_147_483_647),
        "Which market the embedded gateway makes: the same seed is the same market.",
        "a whole number, 0 to 2147483647",
    ),
    Setting(
        "PAPER_SPEED",
        "1",
        speed,
        "How fast the embedded gateway's market runs: 60 makes a minute of market a second.",
        "a number above 0 and up to 10000",
    ),
    Setting(
        "DESK_HOME",
        "",
        text,
        "Where the desk keeps its state. Empty: the user's state folder of this system.",
        "a path, or nothing",
    ),
)
