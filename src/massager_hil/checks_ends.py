"""What holds after any end of a session: epoch, claim, challenge, current, heat (R4, R6, R16, R17)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.model import CannotMeasure, Need, Tier, check
from massager_hil.tables import (
    IDLE_AFTER_S,
    IDLE_MA,
    NOISE_SLOT_S,
    Cause,
    Feature,
    Flag,
    Result,
    State,
)

_LOW = (30, 30, 20, 20, 0, 0)
_HEAT = 370
End = Callable[[Bench], Awaitable[None]]


async def _by_stop(bench: Bench) -> None:
    await bench.client.stop(3)


async def _by_silence(bench: Bench) -> None:
    await bench.sleep(bench.dead_man_s + 0.2)


async def _by_link(bench: Bench) -> None:
    await bench.reopen()
    await bench.sleep(bench.dead_man_s + 0.3 if bench.slack_s else 0.2)


async def _by_limit(bench: Bench) -> None:
    await bench.client.drive(5.0, _LOW, heat=_heat(bench))


async def _by_noise(bench: Bench) -> None:
    client = bench.client
    bad = client.framed(b"\x02\x03noise")
    for _ in range(30):
        client.put(_LOW, heat=_heat(bench))
        for _ in range(4):
            client.raw(bad)
        await bench.sleep(0.1)
        if client.latest.epoch != client.epoch:
            return


async def _by_button(bench: Bench) -> None:
    async with bench.client.kept(_LOW, heat=_heat(bench)):
        await bench.operator.press(bench.client)
    await bench.sleep(0.3)
    await bench.operator.release(bench.client)


def _heat(bench: Bench) -> int:
    return _HEAT if bench.info.flags & Feature.HEAT else 0


async def _after(bench: Bench, name: str, end: End, cause: Cause) -> None:
    """Run with heat, end it, and look at everything that every end has in common."""
    client = bench.client
    bench.at(name)
    await client.next()
    arm = client.arm_message(limit_s=4 if cause is Cause.TIME_LIMIT else 2700)
    bench.refused(f"{name}: ARM", await client.try_arm(arm), Result.OK)
    await client.drive(1.4, _LOW, heat=_heat(bench))
    last = client.setpoint(_LOW)
    running = client.latest
    await end(bench)
    client = bench.client
    telemetry = await client.next()
    if telemetry.epoch == running.epoch:
        bench.never(f"{name}: the session is over")
        return
    bench.at_zero(name, telemetry)
    causes = (cause, Cause.DEAD_MAN) if cause is Cause.LINK_LOST and bench.slack_s else (cause,)
    bench.cause(telemetry, *causes)
    bench.true(f"{name}: heat is off", not telemetry.flags & Flag.HEAT, "R11")
    bench.true(f"{name}: another challenge", telemetry.challenge != running.challenge, "R16")
    latched = telemetry.state == State.LATCHED
    if latched:  # An ARM is refused for that: a RESET tells whether the challenge is good.
        answer = await client.reset(challenge=running.challenge)
    else:
        answer = await client.try_arm(
            msgspec.structs.replace(
                client.arm_message(), challenge=running.challenge, epoch=telemetry.epoch
            )
        )
    bench.refused(f"{name}: its challenge", answer, Result.STALE_CHALLENGE, "R16")
    before = await client.next()
    client.send(last)
    bench.ignored(f"{name}: a SETPOINT from before", before, await client.next(2))
    await bench.sleep(IDLE_AFTER_S + 0.1)
    rest = (await client.next()).current
    if bench.info.sensing & Feature.CURRENT:
        bench.at_most(f"{name}: current 400 ms after", rest, IDLE_MA, "mA", "R14")
    if latched:
        bench.refused(f"{name}: RESET", await client.reset(), Result.OK, "R7")
    await _claimed_again(bench, name)


async def _claimed_again(bench: Bench, name: str) -> None:
    """The claim is free: another owner takes the device, and starts from zero."""
    client = bench.client
    client.owner ^= 0x5A5A
    await client.next()
    result = await client.try_arm(client.arm_message())
    bench.refused(f"{name}: ARM of another owner", result, Result.OK, "R17")
    telemetry = await client.next()
    bench.at_most(
        f"{name}: running time of the new session", telemetry.running / 1000, 0.15, "s", "R2"
    )
    await client.stop()
    await client.settle()


_ENDS: dict[str, tuple[End, Cause]] = {
    "STOP": (_by_stop, Cause.PAIN),
    "dead-man": (_by_silence, Cause.DEAD_MAN),
    "link": (_by_link, Cause.LINK_LOST),
    "limit": (_by_limit, Cause.TIME_LIMIT),
    "noise": (_by_noise, Cause.FRAME_NOISE),
}


@check(
    "after-every-end",
    "After any end: new epoch, claim free, challenges void, heat off, current at rest",
    *("R6", "R4", "R8", "R15", "R16", "R17", "R11", "R14"),
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def after_every_end(bench: Bench) -> None:
    """STOP, dead-man, link, limit, noise."""
    for name, (end, cause) in _ENDS.items():
        await _after(bench, name, end, cause)


@check(
    "after-the-button",
    "After a press as after any other end",
    *("R7", "R6", "R16", "R17", "R11", "R14"),
    needs=(Need.MOTOR, Need.HAND),
)
async def after_the_button(bench: Bench) -> None:
    """The same, and the latch beside it."""
    await _after(bench, "button", _by_button, Cause.BUTTON)


async def _noisy(
    bench: Bench, slots: list[tuple[int, int]], *, question: bool = False, refused: bool = False
) -> bool:
    """A session with so many good and bad frames in each half second; whether it outlived them."""
    client = bench.client
    await client.arm()
    start = bench.now()
    bad = client.framed(b"\x02\x03noise")
    for number, (good, noise) in enumerate(slots):
        for step in range(5):
            due = start + number * NOISE_SLOT_S + 0.05 + step * 0.09
            await bench.sleep(max(0.0, due - bench.now()))
            if step < good:
                client.put()
            if step == 1:
                for _ in range(noise):
                    client.raw(bad)
                if refused:
                    for _ in range(noise):
                        client.send(msgspec.structs.replace(client.setpoint(), epoch=1))
                if question:
                    for _ in range(noise):
                        client.send(wire.GetInfo(client.next_token()))
    await bench.sleep(max(0.0, start + len(slots) * NOISE_SLOT_S + 0.1 - bench.now()))
    await client.next()
    return client.latest.epoch == client.epoch


@check(
    "noise-slots",
    "Only four noisy half seconds on end end a session, and only noisy ones count",
    "R16",
    tier=Tier.FULL,
)
async def noise_slots(bench: Bench) -> None:
    """Three and a clean one, as many good as bad, questions among them, four."""
    # Good frames keep the session alive on every link, T being half a second or more.
    cases: dict[str, tuple[list[tuple[int, int]], bool, bool]] = {
        "three noisy, one clean, three noisy": (
            [(3, 9)] * 3 + [(4, 0)] + [(3, 9)] * 3,
            False,
            True,
        ),
        "as many good ones as bad ones": ([(4, 4)] * 6, False, True),
        "questions count as good": ([(3, 8)] * 6, True, True),
        "refused SETPOINTs count as good": ([(3, 8)] * 6, False, True),
        "four noisy ones": ([(3, 5)] * 5, False, False),
    }
    for name, (slots, question, outlives) in cases.items():
        bench.at(name)
        refused = name.startswith("refused")
        alive = await _noisy(bench, slots, question=question, refused=refused)
        bench.same(f"{name}: the session goes on", alive, outlives)
        if not outlives:
            bench.cause(bench.client.latest, Cause.FRAME_NOISE)
        await bench.client.stop()
        await bench.client.settle()


@check("noise-before-arm", "Bad frames before the ARM count for nothing", "R16", tier=Tier.FULL)
async def noise_before_arm(bench: Bench) -> None:
    """Half bad for 2 s, then a session that hears one bad frame in its first slot."""
    client = bench.client
    bad = client.framed(b"\x02\x03noise")
    for _ in range(20):
        client.raw(bad * 3 if client.is_stream else bad)
        await bench.sleep(0.1)
    await client.arm()
    for _ in range(3):
        client.raw(bad)
    await client.drive(1.0)
    bench.true("the session goes on", client.is_open)


@check(
    "pause-and-fade",
    "A pause inside a fade stays a fade; a fade out of a pause ends the pause",
    "R3",
    "R8",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def pause_and_fade(bench: Bench) -> None:
    """Mode has no more say in a fade."""
    client = bench.client
    await client.running(30, 1.0)
    await client.drive(0.4, (20, 20, 0, 0, 0, 0), mode=2)
    client.put(mode=1)
    await client.next(2)
    bench.state(client.latest, State.FADING)
    await client.drive(0.4, (30, 30, 0, 0, 0, 0), mode=0)
    bench.state(client.latest, State.FADING)
    bench.at_most("highest level after it", max(client.latest.level) / 10, 0, "%")
    await client.stop()
    await client.settle()
    await client.running(30, 0.6)
    await client.drive(0.4, mode=1)
    bench.state(client.latest, State.PAUSED)
    await client.drive(0.4, mode=2)
    bench.state(client.latest, State.FADING)
    await client.drive(0.6, (30, 30, 0, 0, 0, 0))
    bench.state(client.latest, State.FADING)
    bench.at_most(
        "highest level after a fade out of a pause", max(client.latest.level) / 10, 0, "%"
    )


@check(
    "malformed-keeps",
    "A malformed SETPOINT keeps the mode, and the pause goes on being counted",
    "R19",
    "R8",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def malformed_keeps(bench: Bench) -> None:
    """In a pause and in a fade; then a pause of 300 s with a malformed one every minute."""
    client = bench.client
    for mode, state in ((1, State.PAUSED), (2, State.FADING)):
        bench.at(f"malformed while {state.name.lower()}")
        await client.running(20, 0.4)
        await client.drive(0.4, (10, 0, 0, 0, 0, 0) if mode == 2 else (0,) * 6, mode=mode)
        client.send(msgspec.structs.replace(client.setpoint(), mode=7))
        await client.next(2)
        bench.state(client.latest, state)
        bench.true("the session goes on", client.is_open)
        await client.stop()
        await client.settle()
    await client.arm()
    start = client.latest.uptime
    for _ in range(8):
        client.send(msgspec.structs.replace(client.setpoint(), period=7))
        await client.next()
        await client.drive(40.0, mode=1)
        if client.latest.epoch != client.epoch:
            break
    telemetry = await client.next()
    if telemetry.epoch == client.epoch:
        raise CannotMeasure("a pause with malformed SETPOINTs in it does not end on its own", "R8")
    end = next((t for t in client.since(0) if t.epoch == telemetry.epoch), telemetry)
    bench.within(
        "pause that ends the session", (end.uptime - start) / 1000, 269.5, 271.5, "s", "R8"
    )
    bench.cause(end, Cause.PAUSE_LIMIT, rule="R8")
