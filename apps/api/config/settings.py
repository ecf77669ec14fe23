"""The settings in force, each validated, and where each came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from apps.domain.exits.session_end import Overnight
from apps.domain.market_data_type import MarketDataType
from apps.domain.restart_window import RestartWindow

__all__ = ["DEFAULT_SOURCE", "Settings"]

DEFAULT_SOURCE = "the default"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, validated.

    ``sources`` tells for each name where its value came from: the command line, the environment,
    a file, a table of one, the default. ``shown`` is what was written there, with secrets masked:
    what may be printed, logged and kept.
    """

    ib_host: str
    ib_port: int
    ib_client_id: int
    ib_account: str
    ib_connect_attempts: int
    ib_silence_s: float
    ib_restart_windows: tuple[RestartWindow, ...]
    market_data_type: MarketDataType
    gateway_command: tuple[str, ...] = field(repr=False)
    gateway_wait_s: float
    trading_mode: str
    trading_enabled: bool
    default_symbol: str
    default_qty: Decimal
    default_tp_pct: Decimal
    default_sl_pct: Decimal
    guard: bool
    guard_patience_s: float
    flat_before_close: timedelta | None
    overnight: Overnight
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
    http_host: str
    http_port: int
    http_trading: str
    http_allowed_hosts: frozenset[str]
    http_requests_per_s: Decimal
    http_max_body_kb: int
    bell: bool
    log_level: str
    log_file: str
    paper_seed: int
    paper_speed: float
    desk_home: str
    sources: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)

    @property
    def chosen(self) -> Mapping[str, str]:
        """What is not left at its default, as it may be shown."""
        return {
            name: text for name, text in self.shown.items() if self.sources[name] != DEFAULT_SOURCE
        }

    @property
    def embedded(self) -> bool:
        """The desk talks to the paper gateway that it brings along."""
        return not self.ib_host

    @property
    def endpoint(self) -> str:
        """Host and port of the broker's side; empty for the embedded gateway."""
        return "" if self.embedded else f"{self.ib_host}:{self.ib_port}"

    @property
    def live(self) -> bool:
        """Real money is behind the connection."""
        return self.trading_mode == "live"
