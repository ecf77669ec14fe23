"""What the broker's side is asked over the doctor's own client: nothing there is changed by it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.api.config import Settings
from apps.api.doctor.findings import Finding, failed, ok, warning
from apps.api.doctor.link import READ_ONLY_REMEDY, is_read_only
from apps.api.outcomes import ExitCode
from apps.domain.bars import Bar
from apps.domain.errors import BrokerError, BrokerRejected, DeadlineExceeded, NotFound
from apps.domain.instruments import Instrument
from apps.domain.numerals import plain, priced
from apps.domain.orders import OrderType, Side, Ticket
from apps.domain.quotes import Quote
from apps.domain.trading_mode import TradingMode, check_account
from apps.ib.errors import meaning
from apps.ib.gateway import IBGateway

__all__ = ["account", "bars", "clock", "default_instrument", "order_path", "quote"]

_SKEW = timedelta(seconds=2)
_BARS_WITHIN_S = 6.5
_PERMISSION = (
    "Subscribe to the market data in IB's Client Portal, share it with the paper user, or set "
    "MARKET_DATA_TYPE=delayed to look at prices of a quarter of an hour ago."
)


async def account(settings: Settings, ib: IBGateway) -> Finding:
    """Tell whether the account is of the mode's kind, and what it has. Raises RiskRefused."""
    check_account(TradingMode(settings.trading_mode), ib.broker.account)
    summary = await ib.broker.account_summary()
    amounts = (
        ("net liquidation", summary.net_liquidation),
        ("cash", summary.cash),
        ("buying power", summary.buying_power),
    )
    told = [f"{name} {amount:,.2f} {summary.currency}" for name, amount in amounts if amount]
    text = f"{summary.account}, {settings.trading_mode} as configured; {', '.join(told)}"
    if not told:
        remedy = "The broker tells no balances: it may be in its nightly restart; ask again."
        return warning("Account", f"{summary.account}, {settings.trading_mode}", remedy)
    if summary.cash is None or summary.cash <= 0:
        return warning("Account", text, "There is no cash to open anything with.")
    return ok("Account", text)


async def clock(ib: IBGateway, *, simulated: bool) -> Finding:
    """Hold this machine's clock against the broker's, which tells whole seconds."""
    before = datetime.now(UTC)
    theirs = await ib.market_data.market_time()
    ours = before + (datetime.now(UTC) - before) / 2
    if simulated:
        return ok("Clock", f"the embedded market has its own time: {theirs:%Y-%m-%d %H:%M:%S} UTC")
    skew = theirs + timedelta(seconds=0.5) - ours
    words = f"the broker's is {theirs:%Y-%m-%d %H:%M:%S} UTC"
    if abs(skew) <= _SKEW:
        return ok("Clock", f"{words}, this machine's agrees within {_SKEW.seconds} s")
    ahead = "ahead of" if skew > timedelta() else "behind"
    text = f"{words}, {_span(abs(skew))} {ahead} this machine's"
    remedy = "Have this machine's clock set by NTP. (A paper gateway's market has its own time.)"
    return warning("Clock", text, remedy)


async def quote(ib: IBGateway, instrument: Instrument) -> tuple[Finding, Quote | None]:
    """Tell whether live prices are had."""
    topic, symbol = "Market data", instrument.symbol
    try:
        now = await ib.market_data.quote(instrument)
    except DeadlineExceeded as error:
        remedy = "Ask again; in a closed market a quote takes up to 11 s."
        return warning(topic, error.message, remedy), None
    except BrokerError as error:
        remedy = "" if meaning(error.code or 0).remedy in error.message else _PERMISSION
        return failed(topic, error.message, remedy or _PERMISSION), None
    text = f"{symbol}: bid {_priced(now.bid)}, ask {_priced(now.ask)}, last {_priced(now.last)}"
    if now.delayed or now.frozen:
        kind = "delayed" if now.delayed else "frozen"
        return warning(topic, f"{text}; {kind}", f"Nothing is opened on it. {_PERMISSION}"), now
    return ok(topic, f"{text}; live"), now


async def bars(settings: Settings, ib: IBGateway, instrument: Instrument) -> Finding:
    """Tell whether 5-second bars arrive, or until when the market is closed."""
    topic, symbol = "Bars", instrument.symbol
    came: asyncio.Queue[Bar] = asyncio.Queue()
    try:
        stream = await ib.market_data.subscribe_bars(instrument, came.put_nowait)
    except BrokerError as error:
        remedy = (
            "There are no bars of delayed data: watchers need a subscription."
            if settings.market_data_type.is_delayed
            else _PERMISSION
        )
        return failed(topic, error.message, remedy)
    try:
        async with asyncio.timeout(_BARS_WITHIN_S):
            bar = await came.get()
    except TimeoutError:
        return await _none_came(ib, instrument)
    finally:
        stream.close()
    text = f"{symbol}: the bar of {bar.start:%H:%M:%S} UTC arrived, closed at {bar.close:g}"
    return ok(topic, text)


async def _none_came(ib: IBGateway, instrument: Instrument) -> Finding:
    topic, symbol = "Bars", instrument.symbol
    now = await ib.market_data.market_time()
    is_open = instrument.hours.is_open(now)
    if is_open:
        text = f"no bar of {symbol} within {_BARS_WITHIN_S:g} s, and its market is open"
        remedy = "Restart TWS or IB Gateway; its market data connection may be dead."
        return failed(topic, text, remedy, exit_code=ExitCode.TIMEOUT)
    after = instrument.hours.next_regular(now)
    until = f"until {after.start:%a %Y-%m-%d %H:%M} UTC" if after is not None else "now"
    return ok(topic, f"none, as it should be: the market of {symbol} is closed {until}")


async def order_path(ib: IBGateway, instrument: Instrument, seen: Quote | None) -> Finding:
    """Ask what an order of one share would cost; nothing is sent to the market."""
    topic = "Order path"
    price = None if seen is None else seen.bid or seen.last or seen.close
    shares = max(instrument.size_increment, Decimal(1))
    ticket = Ticket(Side.BUY, shares, OrderType.MARKET)
    if price is not None:
        limit = instrument.ticks.nearest(price)
        ticket = Ticket(Side.BUY, shares, OrderType.LIMIT, limit_price=limit)
    try:
        answer = await ib.broker.what_if(instrument, ticket)
    except BrokerRejected as error:
        if is_read_only(error.message):
            return failed(topic, error.message, READ_ONLY_REMEDY, exit_code=ExitCode.REJECTED)
        remedy = "An order would be turned down like this what-if; the text names the reason."
        return failed(topic, error.message, remedy, exit_code=ExitCode.REJECTED)
    except DeadlineExceeded as error:
        remedy = "Ask again in a minute: IB answers one what-if a minute, and a desk asks too."
        return warning(topic, error.message, remedy)
    what = f"buy {plain(ticket.quantity)} {instrument.symbol}"
    margin = answer.initial_margin_change
    needs = "a margin that was not told" if margin is None else f"a margin of {margin:,.2f}"
    return ok(topic, f"the broker takes a what-if ({what}: {needs}); nothing was sent")


async def default_instrument(settings: Settings, ib: IBGateway) -> Instrument | Finding:
    """Look `DEFAULT_SYMBOL` up, by which the market is asked about."""
    try:
        return await ib.market_data.qualify(settings.default_symbol)
    except NotFound as error:
        remedy = "Set DEFAULT_SYMBOL to one that this account may see."
        return failed("Market data", error.message, remedy, exit_code=ExitCode.NOT_FOUND)


def _priced(price: Decimal | None) -> str:
    return "–" if price is None else priced(price)


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{seconds} s"
