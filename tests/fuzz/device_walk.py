"""Any bytes and any hands: a random walk over one device, held to the rules in every tick (R1 to R8, R16)."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final

from firmware_sim import wire
from firmware_sim.config import DeviceConfig, LinkKind
from firmware_sim.core import Core
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer
from massager_fw.states import Cause, State

STEPS: Final = 1_000_000 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 20_000
"""Steps of a walk: the nightly profile goes further."""

LIFE: Final = 2_500
"""Steps after which another device is taken, so that each walk meets young and old ones."""

CAPS: Final = (7_000, 7_000, 5_000, 5_000, 3_500, 3_500)
SUM: Final = 20_000
"""R1, in hundredths of a percent, written out once more."""

RISE: Final = 200
DRIVE_RISE: Final = 1_000
"""R3: hundredths of a percent a second, of a level and of a drive."""

LATE_S: Final = 1.1
"""R4: the longest T, and the time to zero."""

ALLOWANCE_S: Final = 1_800.0
WINDOW_S: Final = 3_600.0
"""R8: seconds of running in any such window."""


def envelope(running: float, cap: int) -> float:
    """R2, written out once more."""
    if running >= 300.0:
        return cap
    soft = min(1_000, cap)
    return soft + (cap - soft) * max(0.0, running - 60.0) / 240.0


class Judge:
    """A recorder that holds each tick against the rules."""

    def __init__(self) -> None:
        self._t = 0.0
        self._level = [0] * 6
        self._drive: list[int] = []
        self._ran: deque[tuple[float, float]] = deque()
        """When levels went up, and when they came down again, in the last hour; and how long that is in all."""
        self._total = 0.0
        self.fed_at = -LATE_S
        """When a host last wrote anything that could be a setpoint."""
        self.may_run = False
        """An ARM was sent since the last end that the walk itself asked for."""
        self.moved = 0
        """Ticks in which something moved: a walk that moves nothing proves nothing."""

    def event(self, core: Core, event: str, reason: str) -> None:
        """An event ends nothing here: what counts is what the outputs do."""

    def frame(self, core: Core) -> None:
        """One tick."""
        t, levels = core.now, list(core.levels.level)
        passed = t - self._t
        drives = list(core.patterns.drive)
        if any(drives):
            for before, drive in zip(self._drive, drives, strict=bool(self._drive)):
                assert drive - before <= DRIVE_RISE * passed + 1e-6, "R3, drive"
        if any(levels):
            assert sum(levels) <= SUM, "R1"
            running = core.running * 0.02
            for zone, level in enumerate(levels):
                assert level <= envelope(running, CAPS[zone]) + 1e-6, "R1, R2"
                assert level - self._level[zone] <= RISE * passed + 1e-6, "R3"
            self.moved += 1
            assert core.state in (State.RUNNING, State.FADING), "R6, R7"
            assert self.may_run, "R6: it moves without an ARM"
            assert t - self.fed_at <= LATE_S + 1e-6, "R4"
            self._count(t, passed)
        self._t, self._level, self._drive = t, levels, drives

    def _count(self, t: float, passed: float) -> None:
        """R8: what ran in the last hour of powered time."""
        ran = self._ran
        if any(self._level):
            begun, _ = ran.pop() if ran and ran[-1][1] >= t - passed else (t - passed, t)
            ran.append((begun, t))
            self._total += passed
        while ran and ran[0][1] <= t - WINDOW_S:
            begun, end = ran.popleft()
            self._total -= end - begun
        before = max(0.0, t - WINDOW_S - ran[0][0]) if ran else 0.0
        assert self._total - before <= ALLOWANCE_S + 1.0, "R8"

    def stopped(self) -> None:
        """What was asked for ends everything at once: nothing moves until another ARM."""
        assert not any(self._level), "R6"
        self.may_run = False


class DeviceWalk:
    """One device, its NVM, two links and everything that hands and hosts may do to it."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.judge = Judge()
        self.log: deque[str] = deque(maxlen=40)
        kinds = list(LinkKind)
        self.config = DeviceConfig(mains=self.chance.random() < 0.5)
        self.firmware = Firmware(self.config, MemoryNvm(), seed & 0xFFFF, recorder=self.judge)
        self.peers = [
            Peer(self.firmware, self.chance.choice(kinds), link=1),
            Peer(self.firmware, self.chance.choice(kinds), link=2),
        ]
        self.peers[1].owner = 0x0D0C0B0A
        self.sent: deque[bytes] = deque(maxlen=60)
        self.now = 0.0
        self.pressed = False
        self.moves: list[tuple[int, Callable[[], None]]] = [
            (30, self.feed),
            (20, self.wait),
            (6, self.arm),
            (8, self.feed_long),
            (1, self.stop),
            (5, self.begin),
            (4, self.any_bytes),
            (6, self.spoilt),
            (4, self.replay),
            (1, self.press),
            (2, self.release),
            (2, self.reset),
            (1, self.reboot),
            (1, self.reconnect),
            (2, self.plant),
            (3, self.any_message),
            (1, self.hang),
        ]

    def step(self) -> None:
        """One move, and what must hold after it."""
        weights = [weight for weight, _ in self.moves]
        _, move = self.chance.choices(self.moves, weights)[0]
        self.log.append(f"{self.now:.3f} {move.__name__}")
        move()

    @property
    def peer(self) -> Peer:
        """The first host, nine times in ten."""
        peer = self.peers[self.chance.random() < 0.1]
        peer.now = self.now
        return peer

    def let_pass(self, seconds: float) -> None:
        """Both hosts hear what comes meanwhile."""
        peer = self.peers[0]
        peer.now = self.now
        peer.run(seconds)
        self.peers[1]._take([out for out in peer.others if out.link == 2])
        peer.others.clear()
        self.now = peer.now

    def level(self) -> int:
        return self.chance.choice(
            [0, 0, 10, 100, 350, 500, 700, 1000, 1001, 65535, self.chance.randrange(1000)]
        )

    def setpoint(self, peer: Peer) -> wire.Setpoint | None:
        if peer._telemetry is None:
            return None
        motions = (0x00, 0x01, 0x05, 0x12, 0x14, 0x22, 0x24, 0x32, 0x34, 0x43, 0x53, 0xFF)
        return peer.setpoint(
            [self.level() for _ in range(6)],
            pattern=[self.chance.choice(motions)] * 6,
            mode=self.chance.choice([0] * 12 + [1, 2, 3, 255]),
            heat=self.chance.choice([0, 0, 380, 390, 391, 65535]),
            period=self.chance.choice([0, 1000, 4000, 60000, 65535]),
        )

    def write(self, peer: Peer, data: bytes) -> None:
        """Anything that a host writes may be a fresh setpoint: the judge's clock is the most lenient one."""
        self.sent.append(data)
        self.judge.fed_at = self.firmware.device_ms(self.now) / 1000
        peer.raw(data)

    def framed(self, peer: Peer, message: wire.Message) -> bytes:
        body = wire.pack(message)
        return body if peer.kind is LinkKind.BLE else wire.frame(body)

    # Moves.

    def feed(self) -> None:
        peer = self.peer
        setpoint = self.setpoint(peer)
        if setpoint is not None:
            self.write(peer, self.framed(peer, setpoint))
        self.let_pass(0.02)

    def feed_long(self) -> None:
        """Some seconds in which a host does what it should."""
        peer = self.peers[0]
        peer.now = self.now
        levels = [self.chance.choice([0, 100, 350, 700]) for _ in range(6)]
        for _ in range(self.chance.choice([5, 20, 100])):
            if peer._telemetry is not None:
                self.write(peer, self.framed(peer, peer.setpoint(levels)))
            self.let_pass(0.2)

    def begin(self) -> None:
        """What a person does after a latch or an end: let go, clear it, start again, and let it climb."""
        self.release()
        peer = self.peers[0]
        peer.now = self.now
        core = self.firmware.core
        core.plant.battery.percent, core.plant.battery.charging = 80.0, False
        if peer._telemetry is None or core.session is not None:
            return
        telemetry = peer._telemetry
        self.write(peer, self.framed(peer, wire.Reset(1, telemetry.challenge, telemetry.latch)))
        self.let_pass(0.2)
        self.judge.may_run = True
        self.write(peer, self.framed(peer, peer.arm_message()))
        levels = [self.chance.choice([0, 100, 350, 700]) for _ in range(6)]
        for _ in range(self.chance.choice([5, 20, 100, 400])):
            self.write(peer, self.framed(peer, peer.setpoint(levels)))
            self.let_pass(0.2)

    def wait(self) -> None:
        self.let_pass(self.chance.choice([0.001, 0.02, 0.1, 0.19, 0.45, 0.6, 1.2]))

    def arm(self) -> None:
        peer = self.peer
        if peer._telemetry is None:
            return
        self.judge.may_run = True
        message = peer.arm_message(
            cap=self.chance.choice([0, 1, 100, 400, 1000, 1000, 1001]),
            limit_s=self.chance.choice([0, 1, 60, 1800, 2700, 65535]),
        )
        self.write(peer, self.framed(peer, message))

    def stop(self) -> None:
        peer = self.peer
        peer.token += 1
        stop = self.framed(peer, wire.Stop(peer.token, self.chance.randrange(256)))
        # A host begins a stop with a delimiter, so that half a frame before it cannot swallow it.
        self.write(peer, stop if peer.kind is LinkKind.BLE else b"\x00" + stop)
        if not self.firmware.core.hung:
            self.judge.stopped()

    def any_bytes(self) -> None:
        data = self.chance.randbytes(self.chance.choice([0, 1, 3, 20, 60, 300]))
        self.write(self.peer, data + self.chance.choice([b"", b"\x00"]))

    def spoilt(self) -> None:
        """A frame that was sound, with bits turned and, every other time, a CRC that fits again."""
        peer = self.peer
        setpoint = self.setpoint(peer)
        if setpoint is None:
            return
        body = bytearray(wire.pack(setpoint))
        for _ in range(self.chance.choice([1, 1, 2, 8])):
            body[self.chance.randrange(len(body))] ^= 1 << self.chance.randrange(8)
        raw = bytes(body)
        self.write(peer, raw if peer.kind is LinkKind.BLE else wire.frame(raw))

    def replay(self) -> None:
        for data in list(self.sent)[-self.chance.randrange(1, 20) :]:
            self.write(self.peer, data)

    def any_message(self) -> None:
        """A message with any numbers in any of its fields, and its CRC right."""
        peer = self.peer
        telemetry = peer._telemetry
        number = self.chance.choice([0, 1, 0xFFFF, self.chance.randrange(1 << 16)])
        known = 0 if telemetry is None else telemetry.epoch
        challenge = 0 if telemetry is None else telemetry.challenge
        epoch = self.chance.choice([known, known ^ 1, number])
        self.judge.may_run = True
        self.write(
            peer,
            self.framed(
                peer,
                wire.Arm(
                    number,
                    number,
                    epoch,
                    self.chance.choice([challenge, number]),
                    number,
                    number,
                    number,
                ),
            ),
        )

    def press(self) -> None:
        self.firmware.press(self.now)
        self.pressed = True
        if not self.firmware.core.hung:
            self.judge.stopped()

    def release(self) -> None:
        if self.pressed:
            self.firmware.release(self.now)
            self.pressed = False
            self.let_pass(0.1)

    def reset(self) -> None:
        peer = self.peer
        telemetry = peer._telemetry
        if telemetry is None:
            return
        peer.token += 1
        latch = self.chance.choice([telemetry.latch, telemetry.latch + 1 & 0xFFFF, 0])
        before = any(self.firmware.core.levels.level)
        self.write(peer, self.framed(peer, wire.Reset(peer.token, telemetry.challenge, latch)))
        assert before or not any(self.firmware.core.levels.level), "R7: a reset raised something"

    def reboot(self) -> None:
        self.firmware.core.restart(self.chance.choice([Cause.NONE, Cause.WATCHDOG]))
        self.judge.stopped()

    def hang(self) -> None:
        """The firmware stands still; its watchdog must have ended everything in time (R24)."""
        self.firmware.core.hang()
        self.let_pass(0.6)
        self.judge.stopped()

    def reconnect(self) -> None:
        peer = self.peer
        self.firmware.disconnect(peer.link, self.now)
        if peer is self.peers[0] and self.firmware.core.session is None:
            self.judge.stopped()
        number = self.peers.index(peer)
        kind = self.chance.choice(list(LinkKind))
        fresh = Peer(self.firmware, kind, link=peer.link, now=self.now)
        fresh.owner, fresh.seq = peer.owner, peer.seq
        self.peers[number] = fresh
        for one in self.peers:  # What was on its way went with the link.
            one.others = [out for out in one.others if out.link != fresh.link]

    def plant(self) -> None:
        """The world outside: charge, heat, a motor held fast."""
        plant = self.firmware.core.plant
        plant.battery.percent = self.chance.choice([4.0, 10.0, 60.0, 90.0, 100.0, 100.0])
        plant.battery.charging = self.chance.random() < 0.1


def walk(steps: int, seed: int) -> int:
    """So many steps over as many devices as it takes. Returns the ticks in which something moved."""
    moved = 0
    for number in range(0, steps, LIFE):
        life = DeviceWalk(seed * 1_000_003 + number)
        try:
            for _ in range(min(LIFE, steps - number)):
                life.step()
        except AssertionError as error:
            error.add_note(f"seed {seed}, device {number}: " + "; ".join(life.log))
            raise
        moved += life.judge.moved
    return moved
