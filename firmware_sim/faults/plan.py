"""When each fault begins and ends: at a time, or so long after something happened."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from firmware_sim.core import Core
from firmware_sim.outputs import NoRecorder, Recorder

if TYPE_CHECKING:
    from firmware_sim.device import SimulatedDevice

Undo = Callable[[], None]
Start = Callable[["SimulatedDevice"], Undo | None]
"""Brings a fault about; what it returns takes it away again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One fault in a script. Times in true seconds."""

    label: str
    start: Start
    at: float = 0.0
    """Seconds after power-on, or after `event`."""
    event: str | None = None
    """The trace event that it waits for, once."""
    lasts: float | None = None
    """Seconds; None is for good."""


class FaultPlan:
    """The steps of one device, by the time at which they are due."""

    __slots__ = ("_count", "_due", "_origin", "_rate", "_waiting")

    def __init__(
        self, steps: list[Step] | None = None, *, origin: float = 0.0, clock_rate: float = 1.0
    ) -> None:
        self._origin = origin
        self._rate = clock_rate
        self._count = 0
        self._due: list[tuple[float, int, str, Start]] = []
        self._waiting: list[Step] = []
        for step in steps or []:
            if step.event is None:
                self._push(origin + step.at, step.label, _whole(self, step))
            else:
                self._waiting.append(step)

    def _push(self, time: float, label: str, start: Start) -> None:
        self._count += 1
        heapq.heappush(self._due, (time, self._count, label, start))

    @property
    def next_time(self) -> float:
        """When the next one is due, on the loop's clock; infinity if none is."""
        return self._due[0][0] if self._due else inf

    def act(self, device: SimulatedDevice) -> None:
        """Do what is due first."""
        _, _, label, start = heapq.heappop(self._due)
        core = device.firmware.core
        core.recorder.event(core, "fault", label)
        start(device)

    def happened(self, event: str, core: Core) -> None:
        """An event of the trace: what waits for it is due, or will be."""
        now = self._origin + core.now / self._rate
        for step in [step for step in self._waiting if step.event == event]:
            self._waiting.remove(step)
            self._push(now + step.at, step.label, _whole(self, step))

    def end_after(self, seconds: float, label: str, undo: Undo, now: float) -> None:
        """Take a fault away again after `seconds`."""
        self._push(now + seconds, f"{label} ends", lambda _: undo())

    def listening(self, recorder: Recorder | None) -> Recorder:
        """`recorder`, with this plan listening to the same events."""
        inner = recorder or NoRecorder()
        return _Listener(self, inner) if self._waiting else inner


def _whole(plan: FaultPlan, step: Step) -> Start:
    def start(device: SimulatedDevice) -> None:
        undo = step.start(device)
        if step.lasts is not None and undo is not None:
            plan.end_after(step.lasts, step.label, undo, device.loop.time())

    return start


class _Listener:
    """A recorder that tells the plan what happens, and passes everything on."""

    def __init__(self, plan: FaultPlan, inner: Recorder) -> None:
        self._plan = plan
        self._inner = inner

    def event(self, core: Core, event: str, reason: str) -> None:
        """Pass on, then tell."""
        self._inner.event(core, event, reason)
        self._plan.happened(event, core)

    def frame(self, core: Core) -> None:
        """Pass on."""
        self._inner.frame(core)
