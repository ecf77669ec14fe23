"""What must be true at the end, when all that was wrong is over and had its time to heal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.domain.orders import OrderStatus
from apps.domain.records import CommissionReported, Executed, OrderReserved, OrderSeen, Record
from apps.paper.exchange.orders import OrderSnapshot
from apps.paper.server import PaperGateway
from apps.store.journal.reading import JournalReader
from tests.chaos.bar_probe import BarProbe, HasBars
from tests.chaos.judge import Invariant, Judge
from tests.chaos.processes import CLIENT_ID, DeskProcess
from tests.chaos.virtual_loop import VirtualLoop

__all__ = ["judge_end", "judge_what_is_left"]

_FRESH = timedelta(seconds=12)

_ENDED = frozenset({OrderStatus.CANCELLED, OrderStatus.API_CANCELLED, OrderStatus.INACTIVE})


def judge_end(
    judge: Judge, desk: DeskProcess, gateway: PaperGateway, probe: BarProbe, has_bars: HasBars
) -> None:
    """Judge bars, journal and link at the end of a run."""
    if not desk.is_up:
        judge.rule(Invariant.ALIVE, f"the link is {desk.ib.broker.link} long after all was well")
        return
    for diet in probe.diets.values():
        for text in diet.faults(has_bars):
            judge.rule(Invariant.BARS, text)
    _judge_freshness(judge, desk, gateway, has_bars)
    _judge_journal(judge, desk, gateway)


def judge_what_is_left(
    judge: Judge, loop: VirtualLoop, desk: DeskProcess, gateway: PaperGateway
) -> None:
    """Judge what a desk that was quit has left behind, here and at the gateway."""
    tasks = [task.get_name() for task in loop.open_tasks(desk.name)]
    if tasks:
        judge.rule(Invariant.LEFT, f"tasks: {', '.join(sorted(tasks))}")
    ends, counts = loop.open_ends(desk.name), gateway.counts()
    if ends or counts.connections or counts.hub.sessions:
        judge.rule(Invariant.LEFT, f"{len(ends)} sockets, at the gateway {counts}")


def _judge_freshness(
    judge: Judge, desk: DeskProcess, gateway: PaperGateway, has_bars: HasBars
) -> None:
    """See that no watcher waits for bars that do not come, and says that it is ready."""
    now = datetime.fromtimestamp(gateway.hub.now / 1000, UTC)
    for view in desk.desk.watchers():
        if view.phase.is_over or view.end_reason or view.readiness.value != "ready":
            continue
        last = view.last_bar_at
        if last is None or (now - last > _FRESH and has_bars(view.symbol, last, now - _FRESH)):
            judge.rule(Invariant.BARS, f"{view.id} is ready, and its last bar is of {last}")


def _judge_journal(judge: Judge, desk: DeskProcess, gateway: PaperGateway) -> None:
    with JournalReader.open(desk.path) as reader:
        records: list[Record] = [entry.record for entry in reader.everything()]
    _judge_executions(judge, records, gateway)
    _judge_orders(judge, records, gateway)


def _judge_executions(judge: Judge, records: list[Record], gateway: PaperGateway) -> None:
    written = {each.exec_id: each for each in records if isinstance(each, Executed)}
    true = {each.exec_id: each for each in gateway.hub.exchange.executions()}
    for exec_id in sorted(true.keys() - written.keys()):
        missing = true[exec_id]
        judge.rule(
            Invariant.JOURNAL,
            f"execution {exec_id} ({missing.order_ref}, {missing.side.value} "
            f"{missing.quantity:f} at {missing.price}) is not in the journal",
        )
    for exec_id in sorted(written.keys() - true.keys()):
        judge.rule(Invariant.JOURNAL, f"execution {exec_id} is in the journal alone")
    for exec_id in sorted(written.keys() & true.keys()):
        ours, theirs = written[exec_id], true[exec_id]
        if (ours.quantity, ours.price, ours.side) != (theirs.quantity, theirs.price, theirs.side):
            judge.rule(Invariant.JOURNAL, f"execution {exec_id} is {ours}, and was {theirs}")
    costs = {each.exec_id for each in records if isinstance(each, CommissionReported)}
    for exec_id in sorted(true.keys() & written.keys() - costs):
        judge.rule(Invariant.JOURNAL, f"the commission of {exec_id} is not in the journal")


def _judge_orders(judge: Judge, records: list[Record], gateway: PaperGateway) -> None:
    reserved = {each.order_id for each in records if isinstance(each, OrderReserved)}
    seen = {each.order_id: each for each in records if isinstance(each, OrderSeen)}
    exchange = gateway.hub.exchange
    for true in (*exchange.working_orders(), *exchange.completed_orders()):
        if true.order.client_id != CLIENT_ID:
            continue
        order_id = true.order.order_id
        if order_id not in reserved:
            judge.rule(Invariant.JOURNAL, f"order {order_id} was never reserved")
        said = seen.get(order_id)
        if said is None:
            if true.filled or true.stage.is_alive:
                judge.rule(Invariant.JOURNAL, f"order {order_id} was never seen: {_of(true)}")
        elif not _agree(said, true):
            text = f"order {order_id} is {said.status.value} {said.filled:f}/{said.remaining:f}"
            judge.rule(Invariant.JOURNAL, f"{text} in the journal, and {_of(true)}")


def _agree(said: OrderSeen, true: OrderSnapshot) -> bool:
    """Tell whether the broker's last word in the journal is true.

    How much of an order that ended was filled is judged by its executions: where a last status
    was lost on its way, nobody says the number again.
    """
    if true.stage.is_alive:
        return said.status.is_working and said.filled == true.filled
    return said.status is true.status or {said.status, true.status} <= _ENDED


def _of(true: OrderSnapshot) -> str:
    return f"{true.status.value} {true.filled:f}/{true.remaining:f} at the gateway"
