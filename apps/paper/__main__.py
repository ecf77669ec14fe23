"""``python -m apps.paper``: the gateway alone, for any TWS client."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings

__all__ = ["main"]

_CANNOT_LISTEN = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; give the exit code."""
    options = _parser().parse_args(argv)
    logging.basicConfig(
        level=options.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    settings = GatewaySettings(
        host=options.host,
        port=options.port,
        seed=options.seed,
        speed=options.speed,
        start=options.start,
        accounts=tuple(options.account or GatewaySettings().accounts),
        cash=options.cash,
    )
    try:
        asyncio.run(_serve(settings))
    except OSError as error:
        reason = error.strerror or str(error)
        print(  # noqa: T201 - the one sentence for whoever started the program
            f"cannot listen on {settings.host}:{settings.port}: {reason}; choose another --port, "
            "or 0 for a free one",
            file=sys.stderr,
        )
        return _CANNOT_LISTEN
    return 0


async def _serve(settings: GatewaySettings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: Ctrl-C then ends asyncio.run by KeyboardInterrupt
            break
    async with PaperGateway.open(settings) as gateway:
        print(  # noqa: T201 - the line that scripts wait for
            f"paper gateway listening on {gateway.host}:{gateway.port}", flush=True
        )
        await stopped.wait()


def _parser() -> argparse.ArgumentParser:
    defaults = GatewaySettings()
    parser = argparse.ArgumentParser(
        prog="python -m apps.paper",
        description="A paper gateway: simulated markets behind the TWS API's wire protocol.",
    )
    parser.add_argument("--host", default=defaults.host, help="address to listen on (loopback)")
    parser.add_argument("--port", type=_port, default=4002, help="0 takes a free one (4002)")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="which market (1)")
    parser.add_argument(
        "--speed", type=_speed, default=defaults.speed, help="market seconds per second (1)"
    )
    parser.add_argument(
        "--start",
        type=_time,
        default=None,
        help="market time to begin at, ISO 8601, UTC unless it says otherwise "
        "(the open of the latest regular session)",
    )
    parser.add_argument(
        "--account", action="append", metavar="DU…", help="account number; may be repeated"
    )
    parser.add_argument(
        "--cash", type=_money, default=defaults.cash, help="USD per account (250000)"
    )
    parser.add_argument(
        "--log-level",
        default="WARNING",
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="what is said on stderr",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 100_000:
        raise argparse.ArgumentTypeError(f"a speed is above 0 and at most 100000, not {text!r}")
    return speed


def _money(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise argparse.ArgumentTypeError(f"cash is an amount above 0, not {text!r}")
    return amount


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a start is a time such as 2026-11-20T14:30:00Z, not {text!r}"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
