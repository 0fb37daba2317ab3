"""The firmware on MicroPython's unix port, in lockstep with the simulated board of this process.

Rules and protocol run there, in a process of their own; motors, heat, battery, NVM and faults stay here. Time is
what the caller says, so that hours pass in minutes and every run is the same. firmware/boards/unix/lockstep.py is the
other end of the pipe.
"""

from __future__ import annotations

import subprocess
import weakref
from types import SimpleNamespace
from typing import Any, Final, cast

import msgspec

from firmware_sim.config import DeviceConfig, LinkKind, no_envelope
from firmware_sim.core import WATCHDOG_TICKS, Core
from firmware_sim.firmware import Firmware
from firmware_sim.names import cause_name, trace_event
from firmware_sim.nvm import Nvm
from firmware_sim.outputs import NoRecorder, Recorder, SendTo
from firmware_sim.physics.plant import Plant
from firmware_sim.unix_port import MicroPythonError, boards, command, environment
from massager_fw.board import ACTUATORS, RECORD_MAX
from massager_fw.config import TICK_MS, TICKS_PER_S
from massager_fw.links import NO_MTU
from massager_fw.states import Cause

_LIMITS: Final = (
    "caps",
    "sum_cap",
    "rise",
    "drive_rise",
    "session_s",
    "with_pauses_s",
    "pause_s",
    "allowance_s",
    "window_s",
)
_CLAIMS: Final = (
    "caps",
    "sum_cap",
    "rise",
    "session_s",
    "with_pauses_s",
    "allowance_s",
    "simulated",
)
_CONFIG: Final = (
    "serial",
    "firmware",
    "zones",
    "vibration",
    "kneading",
    "motions",
    "directions",
    "heat",
    "mains",
    "sensing",
    "start_duty",
    "locked_ma",
)


def _configuration(config: DeviceConfig) -> str:
    fields: dict[str, Any] = {name: getattr(config, name) for name in _CONFIG}
    fields["limits"] = {name: getattr(config.limits, name) for name in _LIMITS}
    fields["limits"]["enveloped"] = config.limits.envelope is not no_envelope
    fields["claims"] = {name: getattr(config.claims, name) for name in _CLAIMS}
    return msgspec.json.encode(fields).decode()


class Pipe:
    """The process, and what the board answers it. One request after another."""

    def __init__(self, plant: Plant, core: MirroredCore, words: list[str]) -> None:
        self._plant = plant
        self._core = core
        self._child = subprocess.Popen(
            command(boards() / "unix" / "lockstep.py"),
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._to = self._child.stdin
        self._from = self._child.stdout
        self._record = bytearray(RECORD_MAX)
        self.read = b""
        self.close = weakref.finalize(self, _end, self._child)
        self.request(*words)

    def request(self, *words: object) -> None:
        """Send one request, serve what the board is asked meanwhile, and mirror what came of it."""
        self._say(" ".join(map(str, words)))
        while True:
            line = self._from.readline().split()
            if not line:
                raise MicroPythonError("the firmware ended on MicroPython: see what it wrote above")
            what = line[0]
            if what == b"=":
                self._core.mirror([int(word) for word in line[1:]])
                return
            if what.startswith(b"?"):
                self._say(self._answer(what, line))
            else:
                self._obey(what, line)

    def _say(self, line: str) -> None:
        self._to.write(line.encode() + b"\n")
        self._to.flush()

    def _answer(self, what: bytes, line: list[bytes]) -> str:
        plant = self._plant
        match what:
            case b"?s":
                plant.sense()
                values = [round(value) for value in (*plant.current_ma, *plant.speed)]
                return " ".join(map(str, (*values, int(plant.is_settled()))))
            case b"?S":
                if self._core.is_booted:
                    plant.sense_slow()
                sensors = (plant.pad_sensor, plant.motor_sensor)
                words = [str(word) for s in sensors for word in (s.hundredths, s.sample)]
                supply = f"{plant.supply_mv} {plant.battery_percent} {int(plant.charging)}"
                return f"{' '.join(words).replace('None', '-')} {supply}"
            case b"?t":
                return str(plant.total_ma())
            case b"?o":
                return str(int(plant.output_stuck()))
            case b"?l":
                size = plant.load(int(line[1]), self._record)
                return "-" if size < 0 else f"={self._record[:size].hex()}"
            case _:
                word = bytearray(4)
                plant.random(word)
                return word.hex()

    def _obey(self, what: bytes, line: list[bytes]) -> None:
        plant, core = self._plant, self._core
        match what:
            case b"d":
                plant.drive([int(word) for word in line[1:]])
            case b"p":
                plant.power(on=line[1] == b"1")
            case b"h":
                plant.heat(int(line[1]))
            case b"s":
                data = bytearray.fromhex(line[2].decode())
                plant.send(int(line[1]), data, len(data))
            case b"w":
                data = bytearray.fromhex(line[2].decode())
                plant.store(int(line[1]), data, len(data))
            case b"k":
                plant.keep(int(line[1]))
            case b"b":
                plant.booted(int(line[1]))
            case b"r":
                self.read = bytes.fromhex(line[1].decode()) if len(line) > 1 else b""
            case b"n":
                core.note(line[1].decode(), line[2].decode() if len(line) > 2 else "=")
            case _:
                core.frame([int(word) for word in line[1:]])


def _end(child: subprocess.Popen[bytes]) -> None:
    """Hang up, and wait for its end."""
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
    child.wait()


class MirroredCore:
    """What a recorder, a test or a fault sees of the core over there."""

    def __init__(self, plant: Plant, config: DeviceConfig, recorder: Recorder | None) -> None:
        self.plant = plant
        self.board = plant
        self.recorder: Recorder = recorder or NoRecorder()
        self.is_booted = False
        self.tick = self.next_tick = self.state = self.cause = self.latch = self.rejected = 0
        self.running = 0
        self.session: SimpleNamespace | None = None
        self.levels = SimpleNamespace(level=[0] * 6)
        self._turning = [0] * 6
        self.patterns = SimpleNamespace(
            actuators=[0] * ACTUATORS,
            drive=[0] * 6,
            motion=[0] * 6,
            turning=self._turns,
        )
        self.heat = SimpleNamespace(target=0)
        self._hung_at: int | None = None
        self._config = config
        self.memory = SimpleNamespace(add_life=self._add_life)
        traced = "plain" if isinstance(self.recorder, NoRecorder) else "traced"
        self.pipe = Pipe(plant, self, [traced, _configuration(config)])
        self.is_booted = True

    def _turns(self, zone: int) -> int:
        return self._turning[zone]

    def _add_life(self, seconds: int) -> None:
        self.pipe.request("L", seconds)

    @property
    def now(self) -> float:
        """Seconds of the device's clock since power-on."""
        return self.tick * TICK_MS / 1000

    @property
    def config(self) -> DeviceConfig:
        """What it was configured as; another one may be set."""
        return self._config

    @config.setter
    def config(self, config: DeviceConfig) -> None:
        self._config = config
        self.pipe.request("c", _configuration(config))

    def mirror(self, values: list[int]) -> None:
        """What the answer to a request says."""
        self.tick, self.next_tick, is_open, self.state, self.cause, self.latch = values[:6]
        self.rejected = values[6]
        self.session = self.session or SimpleNamespace() if is_open else None
        self.levels.level = values[7:]

    def note(self, event: str, reason: str) -> None:
        """An event over there; a reason that begins with `#` is a cause."""
        text = reason[1:]
        cause = int(text) if reason[0] == "#" else Cause.NONE
        word = trace_event(cause) if event == "end" else event
        said = cause_name(cause) if reason[0] == "#" else text
        self.recorder.event(cast("Core", self), word, said)

    def frame(self, values: list[int]) -> None:
        """The outputs after a tick over there."""
        self.tick, self.state, self.running, self.heat.target = values[:4]
        self.levels.level = values[4:10]
        actuators = values[10:22]
        self.patterns.actuators = actuators
        self.patterns.drive = [actuators[2 * z] + actuators[2 * z + 1] for z in range(6)]
        self.patterns.motion = values[22:28]
        self._turning = values[28:34]
        self.recorder.frame(cast("Core", self))

    # --- what faults do to a processor

    @property
    def hung(self) -> bool:
        """It does nothing at all until the watchdog resets it."""
        return self._hung_at is not None

    def hang(self) -> None:
        """It stops where it is, outputs and all (fault 46)."""
        if self._hung_at is None:
            self._hung_at = self.tick

    @property
    def hung_until(self) -> int:
        """The tick at which the watchdog resets it; 0 if it does not hang."""
        return 0 if self._hung_at is None else self._hung_at + WATCHDOG_TICKS

    def restart(self, cause: int) -> None:
        """A reset of the processor."""
        self._hung_at = None
        self.pipe.request("R", cause, self.tick)


class MicroPythonFirmware(Firmware):
    """`Firmware`, with the rules in another process."""

    def __init__(
        self,
        config: DeviceConfig,
        nvm: Nvm,
        seed: int,
        *,
        now: float = 0.0,
        recorder: Recorder | None = None,
    ) -> None:
        self.config = config
        self.plant = Plant(config, nvm, seed)
        self._origin = now
        self._rate = 1000 * config.clock_rate
        self._tick_rate = TICKS_PER_S * config.clock_rate
        self._links: set[int] = set()
        self._mirror = MirroredCore(self.plant, config, recorder)
        self.core = cast("Core", self._mirror)

    @property
    def rejected(self) -> int:
        """Frames that had no effect."""
        return self._mirror.rejected

    @rejected.setter
    def rejected(self, count: int) -> None:
        raise NotImplementedError

    @property
    def is_connected(self) -> bool:
        """Whether any link is up."""
        return bool(self._links)

    def close(self) -> None:
        """End the process."""
        self._mirror.pipe.close()

    def _catch_up(self, ms: int) -> bool:
        """Let a firmware that hangs hang until its watchdog bites; whether it is awake now."""
        core = self._mirror
        due = core.hung_until
        if due:
            core.tick = core.next_tick = min(ms // TICK_MS, due)
            if core.tick < due:
                core.next_tick = due
                return False
            core.restart(Cause.WATCHDOG)
        return True

    def _advance(self, ms: int) -> None:
        # A fault may have disturbed motors that had come to rest.
        self._mirror.pipe.request("A", ms, int(self.plant.is_settled()))

    def _do(self, what: str, now: float, *words: object) -> list[SendTo]:
        """A request of the firmware at that time, unless it hangs."""
        ms = self.device_ms(now)
        if self._catch_up(ms):
            self._advance(ms)
            self._mirror.pipe.request(what, *words)
        return self._drain()

    def advance(self, now: float) -> list[SendTo]:
        """Everything up to `now`, and what came of it."""
        ms = self.device_ms(now)
        if self._catch_up(ms):
            self._advance(ms)
        return self._drain()

    def connect(
        self, link: int, kind: LinkKind, now: float, *, bonded: bool = True, mtu: int | None = None
    ) -> list[SendTo]:
        """A link is up."""
        self._links.add(link)
        size = NO_MTU if mtu is None else mtu
        return self._do("C", now, link, self.device_ms(now), kind.value, int(bonded), size)

    def disconnect(self, link: int, now: float) -> list[SendTo]:
        """A link is down."""
        self._links.discard(link)
        return self._do("D", now, link, self.device_ms(now))

    def feed(self, link: int, data: bytes, now: float) -> list[SendTo]:
        """Bytes from a link."""
        return self._do("F", now, link, self.device_ms(now), data.hex()) if data else []

    def read_info(self, link: int, now: float) -> bytes:
        """INFO with token 0."""
        self._do("I", now, link, self.device_ms(now))
        return self._mirror.pipe.read

    def read_telemetry(self, now: float) -> bytes:
        """A new TELEMETRY body."""
        self._do("T", now, 0, self.device_ms(now))
        return self._mirror.pipe.read

    def _sense_button(self, now: float) -> list[SendTo]:
        ms = self.device_ms(now)
        awake = self._catch_up(ms)
        self._mirror.pipe.request("B" if awake else "b", self.plant.button, ms)
        return self._drain()
