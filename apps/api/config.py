"""The settings: one table, of which validation, `.env.example` and the options are made.

A value comes from the first of: command line, environment, `.env`, `config.toml` in the desk's
home, default; `Settings.sources` remembers which. Everything is text until its row's parser has
made a value of it, so a bad one is told in the same words wherever it stood. Nothing here knows
what a setting does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from apps.api.state import state_root
from apps.domain.errors import BadSetting
from apps.domain.exits.session_end import Overnight, parse_before_close
from apps.domain.restart_window import RestartWindow, parse_restart_windows

__all__ = ["SETTINGS", "Setting", "Settings", "default_settings", "example", "load_settings"]

TOML_NAME = "config.toml"
ENV_NAME = ".env"

_DEFAULT = "the default"

_EXAMPLE_HEAD = """\
# Copy to .env and change what you need. The command line and the environment come first, then
# this file, then config.toml in the desk's home (same names), then the defaults, as they stand
# here."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: ``parse`` raises ValueError for what ``may_hold`` does not allow."""

    name: str
    default: str
    parse: Callable[[str], object]
    meaning: str
    may_hold: str

    @property
    def field(self) -> str:
        """Name of the attribute of `Settings`."""
        return self.name.lower()

    @property
    def option(self) -> str:
        """Name on the command line."""
        return "--" + self.field.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, validated. ``sources`` tells for each name where its value came from."""

    ib_host: str
    ib_port: int
    ib_client_id: int
    ib_account: str
    ib_silence_s: float
    ib_restart_windows: tuple[RestartWindow, ...]
    trading_mode: str
    default_symbol: str
    default_qty: Decimal
    default_tp_pct: Decimal
    default_sl_pct: Decimal
    max_order_qty: Decimal
    max_order_notional: Decimal
    max_position_notional: Decimal
    max_total_exposure: Decimal
    max_open_positions: int
    max_open_intents: int
    one_intent_per_symbol: bool
    refuse_duplicates: bool
    max_orders_per_minute: int
    max_daily_loss: Decimal
    max_price_age_s: float
    max_price_distance_pct: Decimal
    max_margin_pct: Decimal | None
    regular_hours_only: bool
    guard: bool
    guard_patience_s: float
    flat_before_close: timedelta | None
    overnight: Overnight
    bell: bool
    log_level: str
    log_file: str
    paper_seed: int
    paper_speed: float
    desk_home: str
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """The desk talks to the paper gateway that it brings along."""
        return not self.ib_host

    @property
    def live(self) -> bool:
        """Real money is behind the connection."""
        return self.trading_mode == "live"


def load_settings(
    command_line: Mapping[str, str],
    environment: Mapping[str, str],
    *,
    working_folder: Path,
    project_root: Path | None = None,
) -> Settings:
    """Give the settings in force. Raises BadSetting with one clear sentence.

    ``.env`` is read from the working folder, or else from ``project_root``.
    """
    layers = [
        ("the command line", command_line),
        ("the environment", environment),
        *_env_file(working_folder, project_root),
    ]
    home, _ = _look_up(SETTINGS_BY_NAME["DESK_HOME"], layers)
    layers.extend(_toml_file(state_root(home) / TOML_NAME))
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        text, source = _look_up(setting, layers)
        values[setting.field] = _parse(setting, text, source)
        sources[setting.name] = source
    return Settings(**values, sources=sources)


def default_settings() -> Settings:
    """Give every setting at its default, whatever was configured."""
    values: dict[str, Any] = {setting.field: setting.parse(setting.default) for setting in SETTINGS}
    return Settings(**values, sources={setting.name: _DEFAULT for setting in SETTINGS})


def example() -> str:
    """Give the text of `.env.example`: every setting with its meaning and default."""
    blocks = [_EXAMPLE_HEAD]
    blocks.extend(
        f"# {setting.meaning}\n# May hold {setting.may_hold}.\n{setting.name}={setting.default}"
        for setting in SETTINGS
    )
    return "\n\n".join(blocks) + "\n"


Layers = list[tuple[str, Mapping[str, str]]]


def _look_up(setting: Setting, layers: Layers) -> tuple[str, str]:
    for source, values in layers:
        if setting.name in values:
            return values[setting.name], source
    return setting.default, _DEFAULT


def _parse(setting: Setting, text: str, source: str) -> object:
    try:
        return setting.parse(text.strip())
    except (ValueError, InvalidOperation):
        raise BadSetting(
            f"{setting.name} is {text!r} (from {source}); it may hold {setting.may_hold}."
        ) from None


def _env_file(
    working_folder: Path, project_root: Path | None
) -> Iterator[tuple[str, dict[str, str]]]:
    from dotenv import dotenv_values  # noqa: PLC0415 - kept out of --help

    for folder in (working_folder, project_root):
        path = folder / ENV_NAME if folder else None
        if path is None or not path.is_file():
            continue
        try:
            values = dotenv_values(path, interpolate=False)
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(f"{path} cannot be read: {error}.") from error
        yield str(path), {name: value for name, value in values.items() if value is not None}
        return


def _toml_file(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"{path} cannot be read: {error}.") from error
    yield str(path), {name: _toml_text(path, name, value) for name, value in content.items()}


def _toml_text(path: Path, name: str, value: object) -> str:
    if name == "DESK_HOME":
        raise BadSetting(
            f"DESK_HOME stands in {path}, which is found by it; set it in the environment instead."
        )
    if name not in SETTINGS_BY_NAME:
        known = ", ".join(setting.name for setting in SETTINGS)
        raise BadSetting(f"{path} holds {name}, which is no setting; there are {known}.")
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        may_hold = SETTINGS_BY_NAME[name].may_hold
        raise BadSetting(f"{name} in {path} is neither text nor a number; it may hold {may_hold}.")
    return str(value)


def _text(text: str) -> str:
    return text


def _upper_word(text: str) -> str:
    if not text or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text.upper()


def _choice(*allowed: str, fold: Callable[[str], str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if fold(text) not in allowed:
            raise ValueError(text)
        return fold(text)

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        # int() would also take "1_000", which the file's reader may take for something else
        value = int(text) if text.lstrip("+-").isdecimal() else low - 1
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return parse


def _number(above: str, to: str) -> Callable[[str], Decimal]:
    def parse(text: str) -> Decimal:
        value = Decimal(text)
        if not value.is_finite() or not Decimal(above) < value <= Decimal(to):
            raise ValueError(text)
        return value

    return parse


def _switch(text: str) -> bool:
    return _choice("on", "off", fold=str.lower)(text) == "on"


def _shares(text: str) -> Decimal:
    return Decimal(_whole(1, 1_000_000)(text))


def _silence(text: str) -> float:
    seconds = float(_number("0", "300")(text))
    if seconds < _SHORTEST_SILENCE_S:
        raise ValueError(text)
    return seconds


def _patience(text: str) -> float:
    seconds = float(_number("0", "60")(text))
    if seconds < 1:
        raise ValueError(text)
    return seconds


def _overnight(text: str) -> Overnight:
    return Overnight(text.lower())


def _percent(below: str) -> Callable[[str], Decimal]:
    return lambda text: _number("0", below)(text.removesuffix("%"))


def _percent_or_off(to: str) -> Callable[[str], Decimal | None]:
    return lambda text: None if text.lower() == "off" else _percent(to)(text)


def _seconds(text: str) -> float:
    return float(_number("0", "3600")(text))


def _speed(text: str) -> float:
    return float(_number("0", "10000")(text))


_SHORTEST_SILENCE_S = 2.0

_MONEY = _number("0", "1000000000")

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "IB_HOST",
        "",
        _text,
        "Where TWS or IB Gateway listens. Empty: the embedded paper gateway.",
        "a host name or address, such as 127.0.0.1, or nothing",
    ),
    Setting(
        "IB_PORT",
        "7497",
        _whole(1, 65_535),
        "Its API port: TWS paper 7497, Gateway paper 4002, TWS live 7496, Gateway live 4001.",
        "a port number, 1 to 65535",
    ),
    Setting(
        "IB_CLIENT_ID",
        "1",
        _whole(1, 2_147_483_647),
        "The API client id; every program on one TWS needs its own. "
        "0 is not allowed: it adopts orders made by hand.",
        "a whole number, 1 to 2147483647",
    ),
    Setting(
        "IB_ACCOUNT",
        "",
        _text,
        "The account that is traded. Empty: the only account there is.",
        "an account such as DU1234567, or nothing",
    ),
    Setting(
        "IB_SILENCE_S",
        "8",
        _silence,
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
        "TRADING_MODE",
        "paper",
        _choice("paper", "live", fold=str.lower),
        "paper trades on a paper account only. live is real money: it needs IB_HOST, and at each "
        "start the account's number, typed or given by --confirm-live.",
        "paper or live",
    ),
    Setting(
        "DEFAULT_SYMBOL",
        "AAPL",
        _upper_word,
        "The symbol that is proposed when the desk asks for one.",
        "a symbol such as AAPL",
    ),
    Setting(
        "DEFAULT_QTY",
        "100",
        _shares,
        "Shares of a trade when none are given.",
        "a whole number of shares, 1 to 1000000",
    ),
    Setting(
        "DEFAULT_TP_PCT",
        "1.0",
        _percent("1000"),
        "Take-profit when none is given, in percent of the entry's reference price.",
        "a percentage above 0, such as 1.5",
    ),
    Setting(
        "DEFAULT_SL_PCT",
        "0.5",
        _percent("99"),
        "Stop-loss when none is given, in percent of the entry's reference price.",
        "a percentage above 0 and up to 99, such as 0.5",
    ),
    Setting(
        "MAX_ORDER_QTY",
        "10000",
        _shares,
        "The most shares of an opening order; a bigger one is refused.",
        "a whole number of shares, 1 to 1000000",
    ),
    Setting(
        "MAX_ORDER_NOTIONAL",
        "100000",
        _MONEY,
        "The largest opening order, in dollars; a bigger one is refused.",
        "an amount of dollars above 0, such as 25000",
    ),
    Setting(
        "MAX_POSITION_NOTIONAL",
        "200000",
        _MONEY,
        "The most that one symbol may be worth, held and being entered, in dollars.",
        "an amount of dollars above 0, such as 50000, and not below MAX_ORDER_NOTIONAL",
    ),
    Setting(
        "MAX_TOTAL_EXPOSURE",
        "1000000",
        _MONEY,
        "The most that all positions of the desk may be worth, held and being entered, in dollars.",
        "an amount of dollars above 0, such as 200000, and not below MAX_POSITION_NOTIONAL",
    ),
    Setting(
        "MAX_OPEN_POSITIONS",
        "10",
        _whole(1, 10_000),
        "Positions that may be open at once; an order that would open one more is refused.",
        "a whole number, 1 to 10000",
    ),
    Setting(
        "MAX_OPEN_INTENTS",
        "20",
        _whole(1, 10_000),
        "Brackets that may be alive at once, from the entry being sent to the last exit.",
        "a whole number, 1 to 10000",
    ),
    Setting(
        "ONE_INTENT_PER_SYMBOL",
        "on",
        _switch,
        "Whether a symbol may have one bracket alive at a time, and no second one.",
        "on or off",
    ),
    Setting(
        "REFUSE_DUPLICATES",
        "on",
        _switch,
        "Whether an opening order is refused while the very same one is under way.",
        "on or off",
    ),
    Setting(
        "MAX_ORDERS_PER_MINUTE",
        "30",
        _whole(1, 1_000),
        "Opening orders that may be sent within a minute.",
        "a whole number, 1 to 1000",
    ),
    Setting(
        "MAX_DAILY_LOSS",
        "2500",
        _MONEY,
        "The loss since the session began, realised and unrealised with fees, beyond which nothing "
        "new is opened.",
        "an amount of dollars above 0, such as 1000",
    ),
    Setting(
        "MAX_PRICE_AGE_S",
        "60",
        _seconds,
        "How old the newest price of a symbol may be when something is opened in it, in seconds.",
        "a number of seconds above 0 and up to 3600",
    ),
    Setting(
        "MAX_PRICE_DISTANCE_PCT",
        "10",
        _percent("100"),
        "How far from the market's price an opening order may fill, in percent.",
        "a percentage above 0 and up to 100, such as 5",
    ),
    Setting(
        "MAX_MARGIN_PCT",
        "100",
        _percent_or_off("100"),
        "How much of the account's available funds opening orders and armed watchers may take, in "
        "percent; what they take is asked of the broker when they are armed. A cash account's "
        "settled cash, and no short sales.",
        "a percentage above 0 and up to 100, or off",
    ),
    Setting(
        "REGULAR_HOURS_ONLY",
        "on",
        _switch,
        "Whether opening orders are refused while the regular session is not open.",
        "on or off",
    ),
    Setting(
        "GUARD",
        "on",
        _switch,
        "Whether a stop that does not work is replaced. Off, a position that loses its stop stays "
        "without one.",
        "on or off",
    ),
    Setting(
        "GUARD_PATIENCE_S",
        "3",
        _patience,
        "How long a position may be without a working stop before the guard sends one, in seconds.",
        "a number of seconds, 1 to 60",
    ),
    Setting(
        "FLAT_BEFORE_CLOSE",
        "off",
        parse_before_close,
        "How long before the close of the regular session everything of ours is closed, half days "
        "included. Nothing is entered after that.",
        "off, or a time up to 6 hours such as 5m or 90s",
    ),
    Setting(
        "OVERNIGHT",
        Overnight.HOLD.value,
        _overnight,
        "What becomes of positions at the close: hold leaves them with their exits and says so, "
        "flat closes them 5 minutes before, or as FLAT_BEFORE_CLOSE says.",
        "hold or flat",
    ),
    Setting(
        "BELL",
        "on",
        _switch,
        "Whether the terminal's bell rings for triggers, fills, errors and a lost connection.",
        "on or off",
    ),
    Setting(
        "LOG_LEVEL",
        "INFO",
        _choice("DEBUG", "INFO", "WARNING", "ERROR", fold=str.upper),
        "How much goes into the log file; nothing of it goes to the screen.",
        "DEBUG, INFO, WARNING or ERROR",
    ),
    Setting(
        "LOG_FILE",
        "",
        _text,
        "Where the log goes. Empty: desk.log in the state folder.",
        "a path, or nothing",
    ),
    Setting(
        "PAPER_SEED",
        "1",
        _whole(0, 2_147_483_647),
        "Which market the embedded gateway makes: the same seed is the same market.",
        "a whole number, 0 to 2147483647",
    ),
    Setting(
        "PAPER_SPEED",
        "1",
        _speed,
        "How fast the embedded gateway's market runs: 60 makes a minute of market a second.",
        "a number above 0 and up to 10000",
    ),
    Setting(
        "DESK_HOME",
        "",
        _text,
        "Where the desk keeps its state. Empty: the user's state folder of this system.",
        "a path, or nothing",
    ),
)

SETTINGS_BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}
