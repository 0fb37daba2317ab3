"""The firmware on a simulated board, by true seconds: what an event loop, a test or a fault acts on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from firmware_sim.config import DeviceConfig, LinkKind
from firmware_sim.core import Core
from firmware_sim.nvm import Nvm
from firmware_sim.outputs import Recorder, SendTo
from firmware_sim.physics.plant import Plant
from massager_fw import firmware, report
from massager_fw.codec import MAX_BODY
from massager_fw.codec_cpython import Buffer
from massager_fw.config import TICKS_PER_S
from massager_fw.links import NO_MTU

_EPS_MS: Final = 1e-4
"""A time that is a whole number of ticks but for rounding."""
_BACKLOG_TICKS: Final = TICKS_PER_S

Tell = Callable[[Core, int], bytes | None]


def telemetry(core: Core, rejected: int) -> bytes:
    """A TELEMETRY body, with the next counter."""
    out = bytearray(MAX_BODY)
    return bytes(out[: report.telemetry(core, rejected, out)])


class Rules(firmware.Firmware):
    """`massager_fw.firmware.Firmware` on a simulated board; a mutant is a subclass."""

    __slots__ = ("simulated", "tell")

    core_type: type[Core] = Core

    def __init__(self, plant: Plant, config: DeviceConfig, recorder: Recorder | None) -> None:
        self.simulated = self.core_type(plant, config, recorder)
        self.tell: Tell | None = None
        """Makes another TELEMETRY body, or none: a faulty device (faults 54, 55)."""
        super().__init__(plant, config)

    def _make_core(self) -> Core:
        return self.simulated

    def _announce(self, late: int) -> None:
        if self.simulated.hung:
            self.simulated.changed = False
        else:
            super()._announce(late)

    def _telemetry(self, out: bytearray) -> int:
        if self.tell is None:
            return super()._telemetry(out)
        body = self.tell(self.simulated, self.rejected) or b""
        out[: len(body)] = body
        return len(body)

    def disconnect(self, link: int, now: int) -> None:
        """A firmware that hangs does not see it."""
        self._catch_up(now)
        if self.simulated.hung:
            self._drop(link)
        else:
            super().disconnect(link, now)

    def feed(self, link: int, data: Buffer, size: int, now: int) -> None:
        """A firmware that hangs reads nothing."""
        self._catch_up(now)
        super().feed(link, data, 0 if self.simulated.hung else size, now)

    def sense_button(self, now: int) -> None:
        """A firmware that hangs sees it when it has been reset."""
        self._catch_up(now)
        if self.simulated.hung:
            self.simulated.button.sense(self.board.button, now)
        else:
            super().sense_button(now)


class Firmware:
    """The whole device. Every call says what time it is, in seconds of any one clock.

    Each call that can make the device say something returns what it said, in order.
    """

    __slots__ = ("_origin", "_rate", "_tick_rate", "config", "core", "plant", "rules")

    def __init__(
        self,
        config: DeviceConfig,
        nvm: Nvm,
        seed: int,
        *,
        now: float = 0.0,
        recorder: Recorder | None = None,
        rules: type[Rules] = Rules,
    ) -> None:
        self.config = config
        self.plant = Plant(config, nvm, seed)
        self.rules = rules(self.plant, config, recorder)
        self.core = self.rules.simulated
        self._origin = now
        self._rate = 1000 * config.clock_rate
        self._tick_rate = TICKS_PER_S * config.clock_rate

    @property
    def rejected(self) -> int:
        """Frames that had no effect."""
        return self.rules.rejected

    @rejected.setter
    def rejected(self, count: int) -> None:
        self.rules.rejected = count

    @property
    def is_connected(self) -> bool:
        """Whether any link is up."""
        return self.rules.is_connected

    def close(self) -> None:
        """The device is switched off."""

    # --- time

    def device_ms(self, now: float) -> int:
        """What the device's own clock says, in milliseconds."""
        return int((now - self._origin) * self._rate + _EPS_MS)

    def advance(self, now: float) -> list[SendTo]:
        """Everything up to `now`, and what came of it."""
        self.rules.advance(self.device_ms(now))
        return self._drain()

    def next_wake(self, now: float) -> float:
        """When to call `advance` next, unless something comes in before; never in the past."""
        core = self.core
        tick = core.next_tick
        if core.session is None and not self.is_connected:
            tick = max(tick, core.tick + _BACKLOG_TICKS)  # no one listens: once a second will do
        due = self._origin + tick / self._tick_rate
        return due if due > now else now

    def _drain(self) -> list[SendTo]:
        outputs = self.plant.outputs
        if outputs:
            self.plant.outputs = []
        return outputs

    # --- links

    def connect(
        self, link: int, kind: LinkKind, now: float, *, bonded: bool = True, mtu: int | None = None
    ) -> list[SendTo]:
        """A link is up. `bonded` and `mtu` matter on BLE alone."""
        self.rules.connect(link, kind, self.device_ms(now), bonded, NO_MTU if mtu is None else mtu)
        return self._drain()

    def disconnect(self, link: int, now: float) -> list[SendTo]:
        """A link is down; if it was the owner's, the session is over at once (R4)."""
        self.rules.disconnect(link, self.device_ms(now))
        return self._drain()

    def feed(self, link: int, data: bytes, now: float) -> list[SendTo]:
        """Bytes from a link: a piece of the stream, or on BLE one frame body."""
        self.rules.feed(link, data, len(data), self.device_ms(now))
        return self._drain()

    def read_info(self, link: int, now: float) -> bytes:
        """INFO with token 0, for a GATT read."""
        out = bytearray(MAX_BODY)
        return bytes(out[: self.rules.read_info(link, self.device_ms(now), out)])

    def read_telemetry(self, now: float) -> bytes:
        """A new TELEMETRY body, for a GATT read."""
        out = bytearray(MAX_BODY)
        return bytes(out[: self.rules.read_telemetry(self.device_ms(now), out)])

    # --- hands

    def press(self, now: float) -> list[SendTo]:
        """The button's contact closes."""
        self.plant.contact(closed=True)
        return self._sense_button(now)

    def release(self, now: float) -> list[SendTo]:
        """The button's contact opens; it counts once it has been quiet for 50 ms."""
        self.plant.contact(closed=False)
        return self._sense_button(now)

    def cable(self, is_open: bool, now: float) -> list[SendTo]:
        """The button's cable breaks, or is mended."""
        self.plant.cable(is_open=is_open)
        return self._sense_button(now)

    def _sense_button(self, now: float) -> list[SendTo]:
        self.rules.sense_button(self.device_ms(now))
        return self._drain()
