"""Random sessions, one after the other: profiles and manual control, hands, faults and bad lines, in simulated time.

`MASSAGER_SOAK=1000` makes it a soak test; continuous integration does that every night.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from random import Random
from typing import Final

import pytest
from tests.e2e.harness import Bench, opened
from tests.support.marks import simulated_time

from firmware_sim.faults.catalog import apply_fault
from firmware_sim.trace_rules import Bounds, assert_rules
from massager_ctl.errors import MassagerError
from massager_ctl.model.requests import (
    Ease,
    Fade,
    PainKind,
    Pause,
    Presence,
    Resume,
    SetLevel,
    Undo,
)
from massager_ctl.model.status import LinkState
from massager_ctl.model.units import Zone
from massager_ctl.profile.format.load import load_profile
from massager_ctl.profile.library import shipped_folder

pytestmark = pytest.mark.unmeasured

SESSIONS: Final = int(os.environ.get("MASSAGER_SOAK", "60"))
BATCH: Final = 20
IN_A_ROW: Final = 2
"""Sessions on one device: what the first leaves behind is there in the second."""
PROFILES: Final = sorted(path.stem for path in shipped_folder().glob("*.yaml"))
LINE: Final = Bounds(step_s=1.0)
"""On a line that loses SETPOINTs the device climbs what the host had climbed meanwhile, by its own slew (R3)."""

FAULTS: Final = (
    *("drop=0.1@0:3", "corrupt=0.05@0:5", "duplicate=0.2@0:5", "reorder=0.1@0:5"),
    *("delay=0.08@0:4", "fragment=2@0:9", "ack_lost=2", "garbage", "flap", "silent@0:2"),
    *("telemetry_silent@0:3", "telemetry_freeze@0:3", "lie_level@0:3"),
    *("stall=neck_left", "over_current=trapezius_left", "pwm_stuck=neck_right@0:2"),
    *("sensor_open=pad", "overheat=60@0:20", "battery_sag@0:2", "brown_out@0:1", "charging@0:5"),
    *("hang", "reboot", "nvm_flip=latch", "button", "button_bounce", "button_open@0:3"),
)


def bring_about(bench: Bench, spec: str) -> None:
    """A fault, now; what it takes away comes back after its time."""
    device = bench.device
    for step in apply_fault(device.firmware.config, spec)[1]:
        undo = step.start(device)
        if undo is not None and step.lasts is not None:
            device.later(step.lasts, undo)


def acts(bench: Bench, chance: Random) -> list[Callable[[], None]]:
    """What someone may do at any moment."""
    request = bench.controller.request
    return [
        lambda: request(Pause()),
        lambda: request(Resume()),
        lambda: request(Ease(chance.uniform(0, 20))),
        lambda: request(Undo()),
        lambda: request(Presence()),
        lambda: request(SetLevel(chance.uniform(0, 60), chance.choice(list(Zone)))),
        lambda: request(Fade()),
        bench.device.press,
        bench.device.release,
        lambda: bring_about(bench, chance.choice(FAULTS)),
        lambda: bring_about(bench, chance.choice(FAULTS)),
    ]


async def session(bench: Bench, chance: Random) -> None:
    """One session with whatever happens to it; what a person would be shown is an answer like any other."""
    controller = bench.controller
    if controller.status.link is not LinkState.UP:
        await controller.connect()
    if chance.random() < 0.5:
        await controller.play(load_profile(chance.choice(PROFILES)))
    else:
        await controller.manual(chance.uniform(20, 300))
        controller.request(SetLevel(chance.uniform(1, 60)))
    for _ in range(chance.randrange(6)):
        await asyncio.sleep(chance.expovariate(1 / 15))
        try:
            chance.choice(acts(bench, chance))()
        except MassagerError:
            pass  # Refused, as a person may be.
    await asyncio.sleep(chance.expovariate(1 / 10))
    if chance.random() < 0.1:
        await controller.pain(chance.choice(list(PainKind)))
    else:
        await controller.stop()
    await controller.ended()


async def rest(bench: Bench) -> None:
    """The person looks after the device: lets go of the button, and clears what latched."""
    await asyncio.sleep(8.0)
    bench.device.release()
    await asyncio.sleep(0.5)
    if bench.device.plugged and bench.controller.status.link is LinkState.UP:
        await bench.controller.reset()


async def answered(work: asyncio.Future[None]) -> bool:
    """Whether it went without an error that a person would be shown."""
    try:
        await work
    except MassagerError:
        return False
    return True


@pytest.mark.parametrize("batch", range((SESSIONS + BATCH - 1) // BATCH))
@simulated_time
async def test_random_sessions_keep_every_rule(batch: int) -> None:
    whole = 0
    for seed in range(batch * BATCH, (batch + 1) * BATCH, IN_A_ROW):
        chance = Random(seed)
        async with opened(f"seed={seed}") as bench:
            for _ in range(IN_A_ROW):
                whole += await answered(asyncio.ensure_future(session(bench, chance)))
                await answered(asyncio.ensure_future(rest(bench)))
        try:
            assert_rules(bench.trace, LINE)
        except AssertionError as broken:
            raise AssertionError(f"session {seed}: {broken}") from None
        assert not any(bench.out.values()), f"session {seed} left a level above zero"
    assert whole >= BATCH / 2, "most sessions could not even be played"
