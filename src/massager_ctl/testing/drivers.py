"""What every driver of another make must do: run these checks against yours, and against a peer that you wrote from the
device's documents.

They run in simulated time. `massager-ctl drivers check` runs them for an installed package.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.drivers.dialect import DriverSpec, check_spec
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import MassagerError
from massager_ctl.model.device import Cause, Setpoint, Telemetry
from massager_ctl.model.units import Levels
from massager_ctl.safety.assurance import DeadMan, OnDisconnect
from massager_ctl.safety.steps import Steps
from massager_ctl.testing.peers import MakePeer, PeerLink
from massager_ctl.transports.base import LinkKind

SETTLE_S: Final = 1.0
"""Seconds that a device may take to reach a level."""

STOP_S: Final = 0.1
"""Seconds from a stop on the wire to rest (R6)."""

HOLD_S: Final = 60.0
TICK_S: Final = 0.2


class Finding(Struct, frozen=True):
    """What one check came to; `problem` is empty if it passed."""

    name: str
    what: str
    problem: str = ""


class Bench:
    """A driver, opened, and its peer. Use it as a context."""

    def __init__(self, spec: DriverSpec, peer: MakePeer) -> None:
        self.spec = spec
        self.link = PeerLink(peer(), _kind(spec))
        self.driver = PlainDriver(self.link.host, spec)
        self.steps = Steps(spec.channels)

    async def __aenter__(self) -> Bench:
        await self.link.__aenter__()
        await self.driver.open(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.driver.close()
        await self.link.__aexit__()

    def telemetry_received(self, telemetry: Telemetry) -> None:
        """Nothing waits for it."""

    def driver_lost(self, error: MassagerError) -> None:
        """Nothing waits for it."""

    @property
    def off(self) -> tuple[int, ...]:
        """Every channel at rest."""
        return (0,) * len(self.spec.channels)

    def all_at(self, number: int) -> tuple[int, ...]:
        """Every channel at a step, or at its highest."""
        return tuple(min(number, len(channel.percents)) for channel in self.spec.channels)

    async def hold(self, steps: tuple[int, ...], seconds: float) -> None:
        """Send these steps as the control loop does, for so long."""
        levels: Levels = self.steps.levels(steps)
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            self.driver.send(Setpoint(levels))
            await asyncio.sleep(TICK_S)

    def expect(self, steps: tuple[int, ...], when: str) -> None:
        """The peer stands there, and has understood all that it was sent."""
        complaints = self.link.peer.complaints
        assert not complaints, f"{when} the peer says: {complaints[0]}"
        found = self.link.peer.steps
        assert found == steps, f"{when} the peer is at {found} and not at {steps}"


def _kind(spec: DriverSpec) -> LinkKind:
    return LinkKind.BLE if LinkKind.BLE in spec.links else LinkKind.SERIAL


async def opening_moves_nothing(bench: Bench) -> None:
    """To connect makes no motor move, and neither does time."""
    await asyncio.sleep(5.0)
    bench.expect(bench.off, "after connecting")
    assert all(steps == bench.off for _, steps in bench.link.history), "a motor moved"


async def every_level_is_what_it_says(bench: Bench) -> None:
    """Each step, up and down, and each channel alone."""
    await bench.driver.arm(100.0, 600)
    highest = max(len(channel.percents) for channel in bench.spec.channels)
    for number in (*range(1, highest + 1), *reversed(range(highest + 1))):
        await bench.hold(bench.all_at(number), SETTLE_S)
        bench.expect(bench.all_at(number), f"at step {number}")
    for index in range(len(bench.spec.channels)):
        steps = tuple(int(place == index) for place in range(len(bench.spec.channels)))
        await bench.hold(steps, SETTLE_S)
        bench.expect(steps, f"with channel {index} alone")


async def a_stop_stops(bench: Bench) -> None:
    """From any level, from rest, twice in a row, and before a session."""
    bench.driver.stop(Cause.PERSON)
    await asyncio.sleep(STOP_S)
    bench.expect(bench.off, "after a stop before any session")
    highest = max(len(channel.percents) for channel in bench.spec.channels)
    for number in {1, highest}:
        await bench.driver.arm(100.0, 600)
        await bench.hold(bench.all_at(number), SETTLE_S)
        for which in ("first", "second", "third"):
            bench.driver.stop(Cause.PERSON)
            await asyncio.sleep(STOP_S)
            bench.expect(bench.off, f"after the {which} stop from step {number}")
        await asyncio.sleep(5.0)
        bench.expect(bench.off, "some seconds after a stop")


async def a_stop_is_no_level(bench: Bench) -> None:
    """The frames of the stop set no level: a toggle is not a stop (R25)."""
    await bench.driver.arm(100.0, 600)
    await bench.hold(bench.off, TICK_S)
    stop = bench.driver.stop_frames()
    for number in range(1, max(len(channel.percents) for channel in bench.spec.channels) + 1):
        before = len(bench.link.heard)
        await bench.hold(bench.all_at(number), TICK_S)
        sent = b"".join(data for _, data in bench.link.heard[before:])
        assert sent != b"".join(stop), f"step {number} and the stop are the same: a toggle"


async def a_stop_passes_half_a_frame(bench: Bench) -> None:
    """On a stream: half of a level's frame is on the wire, and the stop is heard all the same (R6)."""
    if bench.link.host.kind.framed:
        return
    await bench.driver.arm(100.0, 600)
    await bench.hold(bench.all_at(1), SETTLE_S)
    sent = next(data for _, data in reversed(bench.link.heard) if len(data) > 1)
    bench.link.host.write(sent[: len(sent) // 2])
    bench.driver.stop(Cause.PERSON)
    await asyncio.sleep(0.5)
    if (
        bench.link.peer.steps != bench.off
    ):  # one that reads afresh only after a frame hears the next one
        bench.driver.stop(Cause.PERSON)
        await asyncio.sleep(STOP_S)
    assert bench.link.peer.steps == bench.off, (
        "a stop after half a frame was not heard, nor the next"
    )


async def looking_ahead_changes_nothing(bench: Bench) -> None:
    """What a stop would send can be asked at any time, and nothing is another for it."""
    await bench.driver.arm(100.0, 600)
    for number in (1, 2, 1):
        for _ in range(5):
            bench.driver.stop_frames()
        await bench.hold(bench.all_at(number), SETTLE_S)
        bench.expect(bench.all_at(number), "after a look ahead")


async def a_level_is_held(bench: Bench) -> None:
    """A minute at one level: keep-alives keep the device awake and change nothing."""
    await bench.driver.arm(100.0, 600)
    await bench.hold(bench.all_at(1), HOLD_S)
    bench.expect(bench.all_at(1), f"after {HOLD_S:g} s")


async def what_confirms_a_stop_is_what_was_reported(bench: Bench) -> None:
    """A stop is confirmed where the driver declares that the level is read back, and nowhere else (R25)."""
    await bench.driver.arm(100.0, 600)
    await bench.hold(bench.all_at(1), SETTLE_S)
    done = bench.driver.stop(Cause.PERSON)
    await asyncio.sleep(SETTLE_S)
    confirms = bench.spec.assurance.stop.confirms
    if confirms:
        assert done.done(), "it declares that a stop is read back, and none was"
    else:
        assert not done.done(), "it declares that nothing confirms a stop, and one was confirmed"


async def garbage_is_borne(bench: Bench) -> None:
    """Whatever comes from the device, in pieces of any size, raises nothing and moves nothing."""
    noise = bytes(range(256)) * 2
    for data in (noise, *(noise[at : at + 1] for at in range(len(noise))), b"\n", b"\0", b"="):
        bench.link.far.write(data)
    await asyncio.sleep(0.5)
    await bench.driver.arm(100.0, 600)  # raises what `feed` raised
    await bench.hold(bench.all_at(1), SETTLE_S)
    bench.expect(bench.all_at(1), "after garbage")


async def silence_and_leaving_do_what_is_declared(bench: Bench) -> None:
    """A dead-man of its own, and what happens on disconnect, as far as the peer plays them."""
    declared = bench.spec.assurance
    await bench.driver.arm(100.0, 600)
    await bench.hold(bench.all_at(1), SETTLE_S)
    if declared.dead_man is DeadMan.OWN:
        await asyncio.sleep(HOLD_S)
        bench.expect(bench.off, "after a minute of silence")
    elif declared.on_disconnect is OnDisconnect.STOPS:
        await bench.driver.close()
        await asyncio.sleep(SETTLE_S)
        bench.expect(bench.off, "after the link was closed")


async def the_timer_ends_it(bench: Bench) -> None:
    """Its own timer, set to the shortest time, ends it on its own."""
    if not bench.spec.timer_min:
        return
    minutes = min(bench.spec.timer_min)
    await bench.driver.arm(100.0, int(minutes * 60 / 0.9) + 11)
    await bench.hold(bench.all_at(1), SETTLE_S)
    await asyncio.sleep(minutes * 60 + 5)
    bench.expect(bench.off, f"after {minutes:g} minutes")


Check = Callable[[Bench], Awaitable[None]]

CHECKS: Final[tuple[Check, ...]] = (
    opening_moves_nothing,
    every_level_is_what_it_says,
    a_stop_stops,
    a_stop_is_no_level,
    a_stop_passes_half_a_frame,
    looking_ahead_changes_nothing,
    a_level_is_held,
    what_confirms_a_stop_is_what_was_reported,
    garbage_is_borne,
    silence_and_leaving_do_what_is_declared,
    the_timer_ends_it,
)
"""In the order in which trouble should be mended."""


def check_driver(spec: object, peer: MakePeer, source: str = "this driver") -> tuple[Finding, ...]:
    """Run every check, each with a peer of its own; nothing raises.

    `source`: the package, for messages. A spec that is refused is one finding.
    """
    try:
        sound = check_spec(spec, source)
    except MassagerError as error:
        return (Finding("spec", "The driver may be used at all.", error.message),)
    return tuple(_run(check, sound, peer) for check in CHECKS)


def _run(check: Check, spec: DriverSpec, peer: MakePeer) -> Finding:
    name = getattr(check, "__name__", "check").replace("_", " ")
    what = (check.__doc__ or "").strip()

    async def work() -> None:
        async with Bench(spec, peer) as bench:
            await check(bench)

    try:
        with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
            runner.run(work())
    except AssertionError as error:
        return Finding(name, what, str(error) or "it does not hold")
    except MassagerError as error:
        return Finding(name, what, error.message)
    except Exception as error:  # noqa: BLE001  the peer is foreign code as well
        return Finding(name, what, f"the peer failed: {type(error).__name__}: {error}")
    return Finding(name, what)
