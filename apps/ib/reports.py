"""Where the adapter says what went wrong, and how a failing handler is kept to itself.

eventkit and ib_insync's decoder catch what a handler raises and only log it; so every handler
that is called from the socket goes through `Reporter.shielded`, and its error is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVarTuple

from apps.domain.orders import Fill, OrderState
from apps.engine.ports import BrokerListener, BrokerNotice, Link

__all__ = ["ErrorSink", "Fanout", "Reporter"]

Args = TypeVarTuple("Args")

ErrorSink = Callable[[str, Exception | None], None]
"""Takes a sentence for the trader and the exception behind it, if there is one."""

_DECODER_LOG = "ib_insync.Decoder"


class Reporter:
    """Tells the edge what no caller is there to hear."""

    def __init__(self, sink: ErrorSink) -> None:
        self._sink = sink
        self._decoder_log = _Forward(self)

    def say(self, text: str, error: Exception | None = None) -> None:
        """Tell one sentence."""
        self._sink(text, error)

    def shielded(self, what: str, handler: Callable[[*Args], None], *args: *Args) -> None:
        """Call ``handler``; what it raises is told and harms nobody else."""
        try:
            handler(*args)
        except Exception as error:  # noqa: BLE001 - ib_insync would log it and go on unseen
            self.say(f"{what} failed: {type(error).__name__}: {error}", error)

    def watch_decoder(self) -> None:
        """From here on, tell of messages that ib_insync could not decode (it only logs them)."""
        logging.getLogger(_DECODER_LOG).addHandler(self._decoder_log)

    def unwatch_decoder(self) -> None:
        """Stop telling of them."""
        logging.getLogger(_DECODER_LOG).removeHandler(self._decoder_log)


class _Forward(logging.Handler):
    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.ERROR)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._reporter.say(
            f"A message of the broker's could not be handled: {error or record.getMessage()}",
            error if isinstance(error, Exception) else None,
        )


class Fanout:
    """Passes everything on to all listeners; one that fails harms no other."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._listeners: list[BrokerListener] = []

    def listen(self, listener: BrokerListener) -> _Listening:
        """Send everything to ``listener`` until what this gives is closed."""
        self._listeners.append(listener)
        return _Listening(self._listeners, listener)

    def on_order(self, order: OrderState) -> None:
        """Pass on an order."""
        for listener in tuple(self._listeners):
            self._reporter.shielded("A listener to orders", listener.on_order, order)

    def on_fill(self, fill: Fill) -> None:
        """Pass on an execution."""
        for listener in tuple(self._listeners):
            self._reporter.shielded("A listener to executions", listener.on_fill, fill)

    def on_notice(self, notice: BrokerNotice) -> None:
        """Pass on a code with its text."""
        for listener in tuple(self._listeners):
            self._reporter.shielded("A listener to notices", listener.on_notice, notice)

    def on_link(self, link: Link) -> None:
        """Pass on the link's new state."""
        for listener in tuple(self._listeners):
            self._reporter.shielded("A listener to the link", listener.on_link, link)


class _Listening:
    def __init__(self, listeners: list[BrokerListener], listener: BrokerListener) -> None:
        self._listeners = listeners
        self._listener: BrokerListener | None = listener

    def close(self) -> None:
        if self._listener is not None:
            # by identity: a listener may well be a value that equals another
            self._listeners[:] = [one for one in self._listeners if one is not self._listener]
            self._listener = None
