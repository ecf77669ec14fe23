"""Settings of the desk over HTTP."""

from __future__ import annotations

from apps.api.config.parsers import choice, host, host_names, number, whole
from apps.api.config.setting import Setting

__all__ = ["SETTINGS"]

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "HTTP_HOST",
        "127.0.0.1",
        host,
        "The address that `http` serves on. Any other than a loopback one is told loudly: it is "
        "not encrypted, and whoever has the token can trade.",
        "an address of this machine or a name of one, such as 127.0.0.1",
    ),
    Setting(
        "HTTP_PORT",
        "8765",
        whole(0, 65_535),
        "The port that `http` serves on; 0 is any that is free.",
        "a port number, 0 to 65535",
    ),
    Setting(
        "HTTP_TRADING",
        "paper",
        choice("off", "paper", "live", fold=str.lower),
        "Whether calls over HTTP may trade: off lets them read and try only, paper lets them trade "
        "in paper mode, live in live mode too, on the account that was confirmed at the start.",
        "off, paper or live",
    ),
    Setting(
        "HTTP_ALLOWED_HOSTS",
        "",
        host_names,
        "Names, other than localhost, by which callers may call the desk, against pages that make "
        "a browser do so by a name of their own. Addresses are always allowed.",
        "names with commas between them, such as desk.example.org, or nothing",
    ),
    Setting(
        "HTTP_REQUESTS_PER_S",
        "100",
        number("0", "1000000"),
        "How many requests a second one address may make; bursts of two seconds' worth pass.",
        "a number above 0 and up to 1000000",
    ),
    Setting(
        "HTTP_MAX_BODY_KB",
        "256",
        whole(1, 65_536),
        "The largest body of a request, in units of 1024 bytes; a larger one is cut off.",
        "a whole number, 1 to 65536",
    ),
)
