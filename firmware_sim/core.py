"""The firmware's core with an observer, and with the one fault that only a processor has: it hangs."""

from __future__ import annotations

from typing import Final

from firmware_sim.config import DeviceConfig
from firmware_sim.names import cause_name, trace_event
from firmware_sim.outputs import NoRecorder, Recorder
from firmware_sim.physics.plant import Plant
from massager_fw import core
from massager_fw.announce import number
from massager_fw.config import TICK_MS
from massager_fw.states import Cause

WATCHDOG_TICKS: Final = 18
"""350 ms, in whole ticks (R24)."""


class Core(core.Core):
    """`massager_fw.core.Core` on a simulated board."""

    __slots__ = ("_hung_at", "plant", "recorder")

    def __init__(
        self, plant: Plant, config: DeviceConfig, recorder: Recorder | None = None
    ) -> None:
        self.plant = plant
        self.recorder: Recorder = recorder or NoRecorder()
        self._hung_at: int | None = None
        super().__init__(plant, config)

    def boot(self, cause: int) -> None:
        """As the firmware boots, awake."""
        self._hung_at = None
        super().boot(cause)

    @property
    def now(self) -> float:
        """Seconds of the device's clock since power-on."""
        return self.tick * TICK_MS / 1000

    @property
    def epoch(self) -> int:
        """The present epoch."""
        return number(self.announcer.epoch)

    @property
    def challenge(self) -> int:
        """The newest challenge."""
        return number(self.announcer.challenge)

    # --- the observer

    def note(self, event: str, reason: int | str) -> None:
        """Tell the recorder, in the words of the trace format."""
        word = trace_event(reason) if event == "end" and isinstance(reason, int) else event
        self.recorder.event(self, word, reason if isinstance(reason, str) else cause_name(reason))

    def outputs_changed(self) -> None:
        """Tell the recorder."""
        self.recorder.frame(self)

    # --- fault 46

    @property
    def hung(self) -> bool:
        """The firmware does nothing at all until the watchdog resets it."""
        return self._hung_at is not None

    def hang(self) -> None:
        """The firmware stops where it is, outputs and all (fault 46)."""
        if self._hung_at is None:
            self._hung_at = self.tick

    @property
    def next_tick(self) -> int:
        """The tick at which an observer may see something new."""
        return super().next_tick if self._hung_at is None else self._hung_at + WATCHDOG_TICKS

    def run(self, goal: int) -> bool:
        """Tick on towards `goal`, or hang until the watchdog bites."""
        while self._hung_at is not None and self.tick < goal:
            due = self._hung_at + WATCHDOG_TICKS
            self.tick = min(goal, due)
            if self.tick >= due:
                self.restart(Cause.WATCHDOG)
        return super().run(goal)
