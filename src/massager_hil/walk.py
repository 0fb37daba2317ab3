"""Random walks over everything that a host and a hand may do: made from a seed, and shrunk where they fail."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.client import Client
from massager_hil.model import CannotMeasure, Need
from massager_hil.tables import DIRECTIONS, Feature, pattern

_PATTERNS: Final = tuple(
    pattern(motion, way) for motion, ways in DIRECTIONS.items() if motion for way in ways
)
_MOST_RUNS: Final = 60


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done, and for how long it goes on."""

    name: str
    seconds: float = 0.0
    level: tuple[int, ...] = (0,) * 6
    pattern: tuple[int, ...] = (1,) * 6
    mode: int = 0
    heat: int = 0
    period: int = 4000
    number: int = 0

    def __str__(self) -> str:
        words = [self.name]
        if self.name in ("drive", "malformed", "foreign"):
            modes = ("run", "pause", "fade")
            words += [modes[self.mode], "level " + "/".join(f"{x / 10:g}" for x in self.level)]
            words.append("pattern " + " ".join(f"{byte:02x}" for byte in self.pattern))
            words += [f"heat {self.heat / 10:g}"] * bool(self.heat)
            words.append(f"period {self.period / 1000:g} s")
        if self.number:
            words.append(str(self.number))
        if self.seconds:
            words.append(f"for {self.seconds:g} s")
        return " ".join(words)


def plan(seed: int, seconds: float, bench: Bench) -> list[Step]:
    """The steps of one walk, as long as asked for."""
    chance = random.Random(f"walk {seed}")
    kinds = [*_COMMON]
    if bench.has_second_link:
        kinds += [
            "other opens",
            "other stops",
            "other asks",
            "foreign",
            "other drops",
            "other arms",
        ]
    if Need.HAND in bench.operator.can and not bench.slack_s:
        kinds += ["press", "hold"]
    steps: list[Step] = []
    passed = 0.0
    while passed < seconds:
        step = _step(chance, chance.choice(kinds), bench)
        steps.append(step)
        passed += step.seconds + _OWN_TIME.get(step.name, 0.05)
    return steps


_COMMON: Final = (
    *("arm", "arm", "arm", "drive", "drive", "drive", "drive", "drive", "drive", "drive"),
    *("stop", "silence", "malformed", "question", "bad frame", "duplicate", "reset", "reopen"),
    *("old frame", "arm again", "arm wrong"),
)
_OWN_TIME: Final = {"hold": 2.8, "press": 0.5, "reopen": 0.3, "arm": 0.2, "stop": 0.1}


def _step(chance: random.Random, name: str, bench: Bench) -> Step:
    top = chance.choice((10, 30, 100, 1000))
    motion = chance.choice((0x01, chance.choice(_PATTERNS)))
    mixed = chance.random() < 0.3
    made = tuple(chance.choice(_PATTERNS) if mixed else motion for _ in range(6))
    mode = chance.choice((0, 0, 0, 0, 0, 0, 1, 2)) if name == "drive" else 0
    level = tuple(0 if mode == 1 else chance.choice((0, top, top)) for _ in range(6))
    heat = chance.choice((0, 0, 360)) if bench.info.flags & Feature.HEAT else 0
    seconds = round(chance.uniform(0.2, 3.0), 1) if name == "drive" else 0.0
    if name == "silence":
        seconds = round(bench.dead_man_s * chance.choice((0.3, 0.6, 1.4)), 2)
    period = chance.choice((1000, 4000, 4000, 12000))
    return Step(name, seconds, level, made, mode, heat, period, chance.choice((0, 0, 1, 2)))


class Walker:
    """Does steps on a bench, one after the other."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._other: Client | None = None
        self._old = b""
        self._arm: wire.Arm | None = None

    async def walk(self, steps: list[Step]) -> int | None:
        """Do all of them; the number of steps that it took for the oracle to find something, or None."""
        bench = self._bench
        for number, step in enumerate(steps):
            bench.at(f"step {number + 1}: {step}")
            try:
                await self._do(step)
            except CannotMeasure as problem:
                if bench.oracle is not None:
                    bench.oracle.sheet.breach(
                        problem.rule or "R16", problem.what, "it stops there", "it goes on"
                    )
            if bench.oracle is not None and bench.oracle.sheet.breaches:
                return number + 1
        return None

    async def _do(self, step: Step) -> None:
        client = self._bench.client
        acts: dict[str, Callable[[], Awaitable[object]]] = {
            "drive": lambda: self._drive(step),
            "arm": lambda: self._arms(step),
            "stop": lambda: client.stop(step.number),
            "silence": lambda: self._bench.sleep(step.seconds),
            "question": client.info,
            "reset": client.reset,
            "reopen": self._reopen,
            "press": lambda: self._press(0.2),
            "hold": lambda: self._press(2.3),
            "other opens": self._other_opens,
        }
        if step.name in acts:
            await acts[step.name]()
        else:
            self._send(step)
            await self._bench.sleep(0.03)

    async def _drive(self, step: Step) -> None:
        client = self._bench.client
        if not client.is_open:
            await self._arms(step)
        self._old = client.put(step.level, pattern=step.pattern, mode=step.mode, period=step.period)
        await client.drive(
            step.seconds,
            step.level,
            pattern=step.pattern,
            mode=step.mode,
            heat=step.heat,
            period=step.period,
        )

    async def _arms(self, step: Step) -> None:
        client = self._bench.client
        await client.next()
        cap, limit = ((1000, 2700), (50, 2700), (1000, 8))[step.number]
        self._arm = client.arm_message(cap=cap, limit_s=limit)
        await client.try_arm(self._arm)

    async def _reopen(self) -> None:
        client = await self._bench.reopen()
        await client.next()

    async def _press(self, seconds: float) -> None:
        bench = self._bench
        await bench.operator.press(bench.client)
        await self._bench.sleep(seconds)
        await bench.operator.release(bench.client)

    async def _other_opens(self) -> None:
        if self._other is None or self._other.pipe is None:
            self._other = await self._bench.another()

    def _send(self, step: Step) -> None:
        client = self._bench.client
        other = self._other if self._other is not None and self._other.pipe is not None else None
        setpoint = client.setpoint(step.level, pattern=step.pattern)
        match step.name:
            case "malformed":
                client.send(msgspec.structs.replace(setpoint, mode=9))
            case "bad frame":
                body = wire.pack(setpoint)
                client.raw(client.framed(body[:-1] + bytes((body[-1] ^ 1,))))
            case "duplicate" | "old frame":
                client.raw(self._old or client.framed(wire.pack(setpoint)))
            case "arm again" if self._arm is not None:
                client.send(msgspec.structs.replace(self._arm, cap=1000, limit_s=2700))
            case "arm wrong":
                client.send(msgspec.structs.replace(client.arm_message(), cap=0))
            case "foreign" if other is not None:
                other.send(setpoint)
            case "other stops" if other is not None:
                other.send(wire.Stop(other.next_token(), step.number))
            case "other asks" if other is not None:
                other.send(wire.GetInfo(other.next_token()))
            case "other arms" if other is not None:
                other.send(other.arm_message(cap=30))
            case "other drops" if other is not None:
                other.close()
            case _:
                pass


Try = Callable[[list[Step]], Awaitable[bool]]


async def shrunk(steps: list[Step], fails: Try, most_runs: int = _MOST_RUNS) -> list[Step]:
    """The shortest sequence found that still fails: pieces are left out, halves first, then single steps."""
    size = max(1, len(steps) // 2)
    runs = 0
    while size >= 1:
        at = 0
        while at < len(steps) and runs < most_runs:
            fewer = steps[:at] + steps[at + size :]
            runs += 1
            if fewer and await fails(fewer):
                steps = fewer
            else:
                at += size
        size = size // 2 if size > 1 else 0
    return steps
