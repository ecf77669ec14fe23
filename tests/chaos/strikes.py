"""What strikes once its phase has come: faults, kills, and the trader's own hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Protocol

from apps.paper.faults.injection import Injection
from tests.chaos.fault_table import FAULTS, Act, ChaosFault
from tests.chaos.outcome import Crash, Victim
from tests.chaos.plan import Phase, Plan
from tests.chaos.processes import DeskProcess, GatewayProcess, Process
from tests.chaos.trader import Trader

__all__ = ["Scene", "Strikes"]

_SOON_S = 1.0
"""Who was to die with a write, and does not write, dies then."""


class Scene(Protocol):
    """The run, as what strikes sees it."""

    gateway_process: GatewayProcess | None
    desk_process: DeskProcess | None
    trader: Trader

    def say(self, line: str) -> None:
        """Add a line to the story."""

    def chore(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside everything else."""

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Do something later."""

    async def start_again(self, process: Process, pause_s: float) -> None:
        """Start what was killed again, after a pause."""

    async def quit_and_start_again(self) -> None:
        """Quit the desk, and start it again."""


class Strikes:
    """Strikes by a plan, or with the one ``crash``; ``cells`` and ``fired`` say what did."""

    def __init__(self, scene: Scene, plan: Plan, luck: Random, crash: Crash | None) -> None:
        self.cells: set[tuple[str, Phase]] = set()
        self.writes: Counter[Victim] = Counter()
        self._scene = scene
        self._plan = plan
        self._luck = luck
        self._crash = crash
        self._acted: set[str] = set()
        self._injections: list[tuple[str, Injection]] = []
        self._dying: dict[Process, int] = {}
        self._counts_writes = False

    @property
    def fired(self) -> set[str]:
        """The faults that had an effect."""
        return self._acted | {name for name, injection in self._injections if injection.count}

    def reached(self, phase: Phase) -> None:
        """Strike, if this is the phase for it."""
        self._scene.say(f"== {phase.value} ==")
        self._counts_writes = self._counts_writes or phase is Phase.RESERVING
        plan = self._plan
        if phase is not plan.phase or self._crash is not None:
            return
        if plan.by_hand_after_s is not None:
            enter = self._scene.trader.enter_by_hand
            by_hand_s = plan.late_s + plan.by_hand_after_s
            self._scene.later(by_hand_s, lambda: self._scene.chore(enter()))
        for number, name in enumerate(plan.faults):
            self._in(plan.late_s + number * plan.apart_s, FAULTS[name])

    def put_right(self) -> None:
        """End all that is still wrong."""
        self._counts_writes = False
        process = self._scene.gateway_process
        if process is not None and not process.is_killed:
            process.call(process.gateway.faults.clear)

    def wrote(self, owner: str) -> None:
        """Count a write, and kill who was to die with it."""
        for process, left in tuple(self._dying.items()):
            if process.name == owner:
                self._dying[process] = left - 1
                if left == 1:
                    self._kill(process)
        for victim, process in self._alive():
            if self._counts_writes and process.name == owner:
                self.writes[victim] += 1
                if self._crash == Crash(victim, self.writes[victim]):
                    self._kill(process)

    def _in(self, seconds: float, fault: ChaosFault) -> None:
        if seconds:
            self._scene.later(seconds, lambda: self._strike(fault))
        else:
            self._strike(fault)

    def _strike(self, fault: ChaosFault) -> None:
        self._scene.say(f"!! {fault.name}")
        self.cells.add((fault.name, self._plan.phase))
        process = self._scene.gateway_process
        if fault.act is not None:
            self._acted.add(fault.name)
            self._act(fault.act)
        elif process is not None and not process.is_killed:
            for line in fault.words(self._luck):
                injection = process.call(process.gateway.faults.inject, line)
                self._injections.append((fault.name, injection))

    def _act(self, act: Act) -> None:
        scene = self._scene
        match act:
            case Act.KILL_DESK:
                self._doom(scene.desk_process, self._luck.randrange(12))
            case Act.KILL_GATEWAY:
                self._doom(scene.gateway_process, self._luck.randrange(6))
            case Act.QUIT_DESK:
                scene.chore(scene.quit_and_start_again())
            case Act.HALT_TRADING:
                scene.chore(scene.trader.halt(flatten=False))
            case Act.FLATTEN:
                scene.chore(scene.trader.halt(flatten=True))

    def _doom(self, process: Process | None, writes: int) -> None:
        """Have a process die after so many writes more, or soon if it writes no more."""
        if process is None or process.is_killed:
            return
        if writes:
            self._dying[process] = writes
            self._scene.later(_SOON_S, lambda: self._kill(process))
        else:
            self._kill(process)

    def _kill(self, process: Process) -> None:
        self._dying.pop(process, None)
        if process.is_killed or process not in [each for _, each in self._alive()]:
            return
        self._scene.say(f"{process.name} is killed")
        process.kill()
        pause_s = self._luck.choice((0.5, 3.0, 15.0))
        self._scene.chore(self._scene.start_again(process, pause_s))

    def _alive(self) -> list[tuple[Victim, Process]]:
        scene = self._scene
        both = ((Victim.DESK, scene.desk_process), (Victim.GATEWAY, scene.gateway_process))
        return [(who, each) for who, each in both if each is not None and not each.is_killed]
