"""A gateway as a program: a live one on its state file, or a recorded one, until it is ended.

What stands on stdout is the line that says where it listens; words for whoever started it go to
stderr. What the command line may be is not known here (`apps.paper.program.options`).
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from apps.paper.clock import time_at
from apps.paper.feed.replayed import ReplayedMarket
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.program.options import Launch
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.state.file import StateFile, clear
from apps.paper.state.opening import opening_on
from apps.paper.transcript.reading import read_transcript
from apps.paper.transcript.recorder import Recorder
from apps.paper.transcript.replay import ReplayGateway

__all__ = ["serve"]

_DONE = 0
_DIFFERED = 1


async def serve(launch: Launch) -> int:
    """Serve until SIGINT or SIGTERM; give the exit code.

    Raises DeskError with a sentence for whoever started it, and OSError when the address cannot
    be had.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: Ctrl-C then ends asyncio.run by KeyboardInterrupt
            break
    if launch.replay is not None:
        return await _replay(launch, launch.replay, stopped)
    async with AsyncExitStack() as stack:
        settings, file = _begun(launch, stack)
        market = _market_of(launch)
        if market is not None and settings.start is None:
            settings = replace(settings, start=time_at(market.start))
        gateway = await stack.enter_async_context(
            PaperGateway.open(
                settings, store=file, market=market, tap=_recorder(launch, settings, stack)
            )
        )
        _say_where(gateway.host, gateway.port)
        await _first_of(stopped, gateway.ended)
    return _DONE


async def _replay(launch: Launch, path: Path, stopped: asyncio.Event) -> int:
    """Serve a transcript; the exit code says whether the client was as it had been."""
    transcript = read_transcript(path)
    if transcript.is_cut_short:
        _say(f"{path} was cut short; it is replayed up to its last whole line")
    async with ReplayGateway.open(
        transcript,
        host=launch.settings.host,
        port=launch.settings.port,
        pace=launch.settings.speed if "--speed" in launch.given else None,
        on_difference=launch.on_difference,
    ) as gateway:
        _say_where(gateway.host, gateway.port)
        await stopped.wait()
    return _DIFFERED if gateway.findings else _DONE


def _market_of(launch: Launch) -> ReplayedMarket | None:
    """Give the market of the files that were named; what of them is missing is said."""
    if launch.bars is None:
        return None
    market = ReplayedMarket.of_files(
        launch.bars,
        catalogue=Catalogue.load(),
        otherwise=SyntheticMarket(seed=launch.settings.seed),
        gaps=launch.gaps,
    )
    for notice in market.notices:
        _say(notice)
    return market


def _recorder(launch: Launch, settings: GatewaySettings, stack: AsyncExitStack) -> Recorder | None:
    if launch.record is None:
        return None
    about = {"seed": settings.seed, "speed": settings.speed, "accounts": settings.accounts}
    return stack.enter_context(Recorder.to(launch.record, about))


def _say_where(host: str, port: int) -> None:
    # the line that scripts wait for
    print(f"paper gateway listening on {host}:{port}", flush=True)  # noqa: T201 - see above


async def _first_of(*events: asyncio.Event) -> None:
    waits = {asyncio.create_task(event.wait()) for event in events}
    _, waiting = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()


def _begun(launch: Launch, stack: AsyncExitStack) -> tuple[GatewaySettings, StateFile | None]:
    """Open the state file, if there is one, and give the settings that go with it."""
    if launch.state is None:
        return launch.settings, None
    if launch.clear_state:
        clear(launch.state)
    lease_ms = StateFile.lease_for(launch.settings.speed)
    file = stack.enter_context(StateFile.open(launch.state, lease_ms=lease_ms))
    opening = opening_on(
        file.kept(),
        launch.settings,
        names_accounts="--account" in launch.given,
        names_cash="--cash" in launch.given,
    )
    for notice in opening.notices:
        _say(notice)
    file.settle(accounts=opening.settings.accounts, cash=opening.settings.cash)
    return opening.settings, file


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201 - for whoever started the program
