"""Settings of the way to the broker: where it is, as whom, what it sends."""

from __future__ import annotations

from apps.api.config.parsers import (
    command_words,
    gateway_wait,
    market_data_type,
    silence,
    text,
    whole,
)
from apps.api.config.setting import Setting
from apps.domain.market_data_type import MarketDataType
from apps.domain.restart_window import parse_restart_windows

__all__ = ["SETTINGS"]

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "IB_HOST",
        "",
        text,
        "Where TWS or IB Gateway listens. Empty: the embedded paper gateway.",
        "a host name or address, such as 127.0.0.1, or nothing",
    ),
    Setting(
        "IB_PORT",
        "7497",
        whole(1, 65_535),
        "Its API port: TWS paper 7497, Gateway paper 4002, TWS live 7496, Gateway live 4001.",
        "a port number, 1 to 65535",
    ),
    Setting(
        "IB_CLIENT_ID",
        "1",
        whole(1, 2_147_483_647),
        "The API client id; every program on one TWS needs its own. "
        "0 is not allowed: it adopts orders made by hand.",
        "a whole number, 1 to 2147483647",
    ),
    Setting(
        "IB_ACCOUNT",
        "",
        text,
        "The account that is traded. Empty: the only account there is.",
        "an account such as DU1234567, or nothing",
    ),
    Setting(
        "IB_CONNECT_ATTEMPTS",
        "1",
        whole(1, 1_000),
        "How often a start tries to connect where nobody answers, such as while a gateway is "
        "coming up; the pauses grow from half a second to half a minute. A client id that is in "
        "use is tried four times at least.",
        "a whole number, 1 to 1000",
    ),
    Setting(
        "IB_SILENCE_S",
        "8",
        silence,
        "How long the gateway may say nothing at all before its socket is taken for dead.",
        "a number of seconds, 2 to 300",
    ),
    Setting(
        "IB_RESTART_WINDOWS",
        "23:45-00:45,00:15-01:45",
        parse_restart_windows,
        "When the broker restarts each night, in New York's time: a loss of the link is then told "
        "quietly.",
        "spans such as 23:45-00:45, with commas between them, or nothing",
    ),
    Setting(
        "MARKET_DATA_TYPE",
        MarketDataType.LIVE.value,
        market_data_type,
        "The market data that is asked for. delayed is 10 to 15 minutes old, for those without a "
        "subscription: nothing is opened on it, and watchers get no bars. frozen is the last "
        "quote of a market that is closed.",
        "live, frozen, delayed or delayed-frozen",
    ),
    Setting(
        "GATEWAY_COMMAND",
        "",
        command_words,
        "What `gateway start` runs to have TWS or IB Gateway up, such as a script of IBC's or "
        "docker run. Not shown, logged or journalled: it may hold a password.",
        "a command with its words, quoted as for a shell, or nothing",
        secret=True,
    ),
    Setting(
        "GATEWAY_WAIT_S",
        "300",
        gateway_wait,
        "How long `gateway start` waits until the gateway takes API clients, login and second "
        "factor included.",
        "a number of seconds, 1 to 3600",
    ),
)
