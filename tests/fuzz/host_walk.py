"""Any requests, clocks, link faults and lying telemetry: a random walk over two hosts and one sound device.

What the hosts write is read off the wire and held to R1 to R4 and R6 as written out here. What the device then does,
and what the ledgers charge for it, is held to the rules of `tests.faults.world`.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec

from firmware_sim import wire
from massager_ctl.model.requests import (
    Change,
    Ease,
    Fade,
    PainKind,
    Pause,
    Presence,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    Undo,
)
from massager_ctl.model.units import ZONES, Direction, Motion
from tests.faults.world import Host, Weather, World

STEPS: Final = 1_000_000 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 20_000
"""Steps of a walk: the nightly profile goes further."""

LIFE: Final = 400
"""Steps after which everything is made again, so that each walk meets young and old ones."""

USER_CAP: Final = 400
BOUNDS: Final = (700, 700, 500, 500, 350, 350)
SUM: Final = 2_000
"""R1 as the host has it by default, in tenths of a percent, written out once more."""


def envelope(since_arm: float, cap: int) -> float:
    """R2 by hand: no profile names a ramp, so it is 300 s."""
    if since_arm >= 300.0:
        return cap
    soft = min(100, cap)
    return soft + (cap - soft) * max(0.0, since_arm - 60.0) / 240.0


class WireJudge:
    """Reads what one host writes, before any weather, and what it receives, which may be made a lie."""

    def __init__(self, host: Host, now: Callable[[], float], chance: Random) -> None:
        self._now, self._chance = now, chance
        self._out, self._in = wire.Splitter(), wire.Splitter()
        self._pass_out, self._pass_in = host.link.outgoing, host.link.incoming
        host.link.outgoing = self.outgoing
        host.link.incoming = self.incoming
        self.lies = 0.0
        """Share of the telemetry that is not true."""
        self.denies = False
        """Whether a lie is always the same one: nothing runs, and nothing ever ran."""
        self.may_send = False
        """A start was asked for since the last stop."""
        self.raised = 0
        """Setpoints above zero: a walk that asks for nothing proves nothing."""
        self._armed_at = 0.0
        self._last: tuple[float, tuple[int, ...]] = (0.0, (0,) * 6)
        self._times: deque[float] = deque()

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        for body in self._out.feed(data):
            assert not isinstance(body, wire.Bad), "R16: the host wrote a bad frame"
            self._written(wire.parse(body))
        self._pass_out(data, send)

    def _written(self, message: wire.Message) -> None:
        now = self._now()
        if isinstance(message, wire.Arm):
            assert self.may_send, "R6: an ARM after a stop"
            self._armed_at, self._last = now, (now, (0,) * 6)
        elif isinstance(message, wire.Setpoint):
            self._setpoint(message, now)

    def _setpoint(self, setpoint: wire.Setpoint, now: float) -> None:
        assert self.may_send, "R6: a setpoint after a stop"
        before, levels = self._last
        assert sum(setpoint.level) <= SUM, "R1"
        for bound, was, level in zip(BOUNDS, levels, setpoint.level, strict=True):
            cap = min(bound, USER_CAP)
            assert level <= cap, "R1"
            assert level <= envelope(now - self._armed_at, cap) + 1, "R2"
            assert level - was <= 10.0 * (now - before) + 1.5, "R3"
        self._last = (now, setpoint.level)
        self.raised += any(setpoint.level)
        self._times.append(now)
        while self._times[0] <= now - 1.0:
            self._times.popleft()
        assert len(self._times) <= 51, "R4: over 50 setpoints a second"

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        if self._chance.random() < self.lies:
            bodies = [body for body in self._in.feed(data) if not isinstance(body, wire.Bad)]
            if bodies:
                data = b"".join(wire.frame(self._lie(body)) for body in bodies)
        self._pass_in(data, receive)

    def _lie(self, body: bytes) -> bytes:
        """A telemetry frame with some of its fields anything; other frames as they are."""
        message = wire.parse(body)
        if not isinstance(message, wire.Telemetry):
            return body
        if self.denies:
            return wire.pack(msgspec.structs.replace(message, level=(0,) * 6, running=0))
        fields: dict[str, Any] = {}
        for name in self._chance.sample(message.__struct_fields__, self._chance.randrange(1, 4)):
            value: Any = getattr(message, name)
            fields[name] = self._other(value)
        try:
            return wire.pack(msgspec.structs.replace(message, **fields))
        except (ValueError, OverflowError, struct.error):
            return body

    def _other(self, value: Any) -> Any:
        chance = self._chance
        if isinstance(value, tuple):
            return tuple(chance.choice([0, each, 1000]) for each in value)
        return type(value)(chance.choice([0, int(value), int(value) ^ 1, chance.randrange(256)]))


class HostWalk:
    """A world, and everything that may be asked of it or done to it."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.world = World(seed & 0xFFFF)
        loop = self.world.loop
        self.judges = [WireJudge(host, loop.time, self.chance) for host in self.world.hosts]
        self.pressed = False
        self.log: deque[str] = deque(maxlen=40)
        self.moves: list[tuple[int, Callable[[], None]]] = [
            (40, self.wait),
            (12, self.change),
            (4, self.start),
            (3, self.begin),
            (2, self.stop),
            (1, self.pain),
            (1, self.press),
            (3, self.let_go),
            (3, self.weather),
            (2, self.lie),
            (1, self.all_is_well),
            (1, self.links_break),
            (1, self.connect_again),
            (1, self.reset),
            (1, self.loop_is_blocked),
            (1, self.machine_sleeps),
            (2, self.wall_clock_is_set),
        ]

    def step(self) -> None:
        """One move, and what must hold after it."""
        weights = [weight for weight, _ in self.moves]
        _, move = self.chance.choices(self.moves, weights)[0]
        self.log.append(f"{self.world.loop.time():.2f} {move.__name__}")
        move()
        self.world.check()

    @property
    def who(self) -> int:
        return int(self.chance.random() < 0.15)

    # Moves.

    def wait(self) -> None:
        self.world.wait(self.chance.choice([0.02, 0.02, 0.1, 0.2, 0.2, 0.5, 1.0, 3.0]))

    def change(self) -> None:
        controller = self.world.hosts[self.who].controller
        chance = self.chance
        change: Change = chance.choice(
            [
                SetLevel(chance.choice([0.0, 5.0, 40.0, 70.0, 100.0, -1.0, 1e308, float("nan")])),
                SetLevel(chance.choice([10.0, 40.0]), chance.choice(ZONES)),
                SetMotion(chance.choice(list(Motion)), chance.choice(list(Direction))),
                SetHeat(chance.choice([None, 30.0, 39.0, 45.0, float("inf")])),
                chance.choice([Pause(), Resume(), Resume(), Ease(), Undo(), Presence()]),
                chance.choice([Presence(), Presence(), Fade()]),
            ]
        )

        async def ask() -> None:
            for _ in range(chance.choice([1, 1, 1, 30])):
                controller.request(change)

        self.world.attempt(ask())

    def start(self) -> None:
        who = self.who
        self.judges[who].may_send = True
        controller = self.world.hosts[who].controller
        if self.world.attempt(controller.manual()) is None:

            async def climb() -> None:
                controller.request(SetLevel(self.chance.choice([20.0, 40.0, 100.0])))

            self.world.attempt(climb())

    def begin(self) -> None:
        """What a person does when something ended: look after the links, clear what is latched, start, let it climb."""
        self.all_is_well()
        self.let_go()
        self.connect_again()
        self.world.wait(6.0)
        if not self.world.run(self._in_session()):
            self.reset()
            self.start()
        self.world.wait(self.chance.choice([1.0, 5.0, 20.0]))

    async def _in_session(self) -> bool:
        return any(host.controller.status.phase.in_session for host in self.world.hosts)

    def stop(self) -> None:
        who = self.who
        self.judges[who].may_send = False
        if self.world.attempt(self.world.hosts[who].controller.stop()) is None:
            self.world.check()
            assert not any(self.world.out.values()), "R6: confirmed, and not at zero"

    def pain(self) -> None:
        who = self.who
        self.judges[who].may_send = False

        async def report() -> None:
            await self.world.hosts[who].controller.pain(self.chance.choice(list(PainKind)))

        self.world.attempt(report())

    def press(self) -> None:
        self.pressed = True
        self.world.device.press()

    def let_go(self) -> None:
        if self.pressed:
            self.world.wait(self.chance.choice([0.1, 2.5]))
            self.world.device.release()
            self.pressed = False

    def weather(self) -> None:
        share = self.chance.choice
        self.world.hosts[self.who].link.weather = Weather(
            share([0.0, 0.1, 0.4]),
            share([0.0, 0.1, 0.4]),
            share([0.0, 0.1, 0.4]),
            share([0.0, 0.1]),
            share([0.0, 0.0, 0.02, 0.2, 0.7, 5.0]),
        )

    def lie(self) -> None:
        judge = self.judges[self.who]
        judge.lies, judge.denies = self.chance.choice([0.05, 0.5, 1.0]), self.chance.random() < 0.3

    def all_is_well(self) -> None:
        for host, judge in zip(self.world.hosts, self.judges, strict=True):
            host.link.weather, judge.lies = Weather(), 0.0

    def links_break(self) -> None:
        self.world.device.drop_links("a step broke it")
        self.world.wait(0.1)

    def connect_again(self) -> None:
        for host in self.world.hosts:
            self.world.attempt(self._connect(host))

    async def _connect(self, host: Host) -> None:
        if not host.is_up:
            await host.controller.connect()

    def reset(self) -> None:
        self.world.attempt(self.world.hosts[self.who].controller.reset())

    def loop_is_blocked(self) -> None:
        self.world.loop.clock.advance(self.chance.choice([0.1, 0.3, 0.45, 2.0]))
        self.world.wait(0)

    def machine_sleeps(self) -> None:
        self.world.loop.clock.suspend(self.chance.choice([1.0, 3600.0]))

    def wall_clock_is_set(self) -> None:
        clock = self.world.loop.clock
        clock.set_wall(clock.wall() + self.chance.choice([-86_400.0, -2.0, 2.0, 172_800.0]))

    def close(self) -> None:
        for judge in self.judges:
            judge.lies = 0.0
        if self.pressed:
            self.world.device.release()
        self.world.close()


def walk(steps: int, seed: int) -> int:
    """So many steps over as many worlds as it takes. Returns the setpoints that asked for anything."""
    raised = 0
    for number in range(0, steps, LIFE):
        life = HostWalk(seed * 1_000_003 + number)
        try:
            for _ in range(min(LIFE, steps - number)):
                life.step()
            life.close()
        except Exception as error:
            error.add_note(f"seed {seed}, world {number}: " + "; ".join(life.log))
            raise
        raised += sum(judge.raised for judge in life.judges)
    return raised
