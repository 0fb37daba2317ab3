"""How fast simulated time runs: one hour of sessions through the whole stack, beside bare command loops."""

from __future__ import annotations

import asyncio
import hashlib
import io
import time
from collections.abc import Callable

from bench import own
from bench.figures import Rounds, Row, Scale, at_least, at_most, ratio
from bench.peers import virtual_time
from firmware_sim.links.memory import Simulator, open_simulator
from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.errors import Refused
from massager_ctl.profile.format.load import load_profile
from massager_ctl.transports.in_process import SimTransport

NUMBER = 7
TITLE = "simulated time, one hour"

HOUR_S = 3600.0
BREAK_S = 600.0
"""Between two sessions, connected and idle (R9)."""
PEERS_PART = 0.03
"""Of the hour, for loops that are slower and have nothing to warm up."""
ROUNDS = 7
PROFILES = ("full-routine", "restorative", "gentle")


def measure(scale: Scale) -> Row:
    seconds = HOUR_S * scale.part
    ours = Rounds()
    bare = {name: Rounds() for name in virtual_time.installed()}
    logs: set[str] = set()
    for _ in range(min(ROUNDS, scale.rounds)):
        digest, took = _hour(seconds)
        logs.add(digest)
        ours.add([took / seconds])
        for name, rounds in bare.items():
            part = seconds * PEERS_PART
            rounds.add([virtual_time.run(name, part) / part])
    _, traced = _hour(min(seconds, 600.0), trace=io.StringIO())
    return Row(
        NUMBER,
        TITLE,
        (
            at_least("times life", 1 / ours.p(50), 600.0),
            at_least("over looptime's bare loop", ratio(bare.get("looptime"), ours), 5.0),
            at_most("different event logs", len(logs), 1, ""),
        ),
        {
            "ours_times_life": 1 / ours.p(50),
            "traced_times_life": min(seconds, 600.0) / traced,
            **{f"{name}_bare_times_life": 1 / rounds.p(50) for name, rounds in bare.items()},
        },
    )


def _hour(seconds: float, trace: io.StringIO | None = None) -> tuple[str, float]:
    """A digest of everything that happened, and the seconds that it took."""
    log = hashlib.sha256()
    loop = SimulatedTimeLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        began = time.perf_counter()
        runner.run(_sessions(loop, seconds, trace, lambda text: log.update(text.encode())))
        took = time.perf_counter() - began
    return log.hexdigest(), took


async def _sessions(
    loop: SimulatedTimeLoop, seconds: float, trace: io.StringIO | None, note: Callable[[str], None]
) -> None:
    """Play one profile after the other with breaks in between, as long as the device allows."""

    def open_traced(*_: object, **__: object) -> Simulator:
        return open_simulator(trace=trace, seed=1)

    transport = SimTransport(find=lambda: open_traced)
    controller = own.controller(transport, loop.clock)
    controller.add_event_listener(
        lambda event: note(f"{loop.time():.6f} {event.name} {event.text}")
    )
    controller.add_listener(lambda status: note(f"{loop.time():.6f} {status.sent.levels}"))
    await controller.connect()
    ends_at = loop.time() + seconds
    number = 0
    while loop.time() < ends_at:
        try:
            await controller.play(load_profile(PROFILES[number % len(PROFILES)]))
        except Refused as error:
            note(error.message)  # the device's own limit for an hour (R8)
        else:
            number += 1
            try:
                await asyncio.wait_for(controller.ended(), max(0.1, ends_at - loop.time()))
            except TimeoutError:
                await controller.stop()
        await asyncio.sleep(max(0.0, min(BREAK_S, ends_at - loop.time())))
    await controller.close()
    transport.end()
