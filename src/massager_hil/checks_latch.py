"""Checks of the button, the latch, and what clears it (R6, R7). They need a hand."""

from __future__ import annotations

from massager_hil.bench import Bench
from massager_hil.model import Need, check
from massager_hil.tables import Cause, Result, State

_BUTTON_S = 0.05
_FRAME_S = 0.1
_CLEAR_S = 2.3
_ATTENDED = 32
_PRESSED = 1


async def _latched(bench: Bench) -> None:
    """Pressed and let go."""
    await bench.client.next()
    await bench.operator.press(bench.client)
    await bench.sleep(0.3)
    await bench.operator.release(bench.client)
    await bench.client.next()


@check(
    "button-running",
    "A press brings everything to zero and latches",
    "R7",
    "R6",
    needs=(Need.MOTOR, Need.HAND),
)
async def button_running(bench: Bench) -> None:
    """The time is taken where the device is simulated: a person's finger has no clock."""
    client = bench.client
    await client.running(20)
    async with client.kept((20, 20, 0, 0, 0, 0)):
        start, latch = bench.now(), client.latest.latch
        first = len(client.heard)
        await bench.operator.press(client)
        telemetry = await client.see(
            lambda t: t.state == State.LATCHED, _FRAME_S + bench.slack_s, first
        )
        if telemetry is None:
            bench.state(client.latest, State.LATCHED)
            return
        if not bench.slack_s:
            bench.at_most("press to zero", bench.now() - start, _BUTTON_S, "s")
    bench.at_zero("after it", telemetry)
    bench.cause(telemetry, Cause.BUTTON)
    bench.same("latch counter", telemetry.latch, (latch + 1) & 0xFFFF)
    await client.next()
    bench.refused("ARM while pressed", await client.try_arm(client.arm_message()), Result.LATCHED)
    await bench.operator.release(client)
    bench.state(await client.next(2), State.LATCHED)
    await client.next()
    bench.refused("ARM after it", await client.try_arm(client.arm_message()), Result.LATCHED)


@check("button-idle", "A press without a session latches as well", "R7", needs=(Need.HAND,))
async def button_idle(bench: Bench) -> None:
    """It may come before the session that it is meant for."""
    client = bench.client
    before = (await client.next()).epoch
    await bench.operator.press(client)
    telemetry = await client.next(2)
    bench.state(telemetry, State.LATCHED)
    bench.true("reported as pressed", bool(telemetry.flags & _PRESSED))
    bench.true("a new epoch", telemetry.epoch != before)
    await bench.operator.release(client)


@check("latch-held", "Letting go, STOP and time clear no latch", "R7", needs=(Need.HAND,))
async def latch_held(bench: Bench) -> None:
    """A short press, STOP twice, and two seconds."""
    client = bench.client
    await _latched(bench)
    bench.state(client.latest, State.LATCHED)
    for _ in range(2):
        ack = await client.stop()
        bench.same("STOP is acknowledged", ack.result, Result.OK.value, "R6")
        bench.state(await client.settle(), State.LATCHED)
    await bench.sleep(2.0)
    bench.state(await client.next(), State.LATCHED)
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.LATCHED)


@check(
    "reset",
    "RESET needs the latch counter, a fresh challenge, and the button up",
    "R7",
    needs=(Need.HAND,),
)
async def reset(bench: Bench) -> None:
    """Each wrong in turn, then all right: it clears the latch, and nothing else."""
    client = bench.client
    await client.next()
    bench.refused("nothing to clear", await client.reset(), Result.NOT_LATCHED)
    used = client.latest.challenge
    await bench.operator.press(client)
    await bench.sleep(0.2)
    bench.refused("button down", await client.reset(), Result.BUTTON)
    await bench.operator.release(client)
    wrong = (client.latest.latch - 1) & 0xFFFF
    bench.refused("an older latch counter", await client.reset(latch=wrong), Result.WRONG_LATCH)
    stale = Result.STALE_CHALLENGE
    bench.refused("a challenge from before", await client.reset(challenge=used), stale)
    bench.state(await client.next(), State.LATCHED)
    bench.refused("all right", await client.reset(), Result.OK)
    telemetry = await client.next(2)
    bench.state(telemetry, State.IDLE)
    bench.at_zero("after it", telemetry)


@check(
    "reset-voided",
    "A new press voids what would have cleared the one before",
    "R7",
    needs=(Need.HAND,),
)
async def reset_voided(bench: Bench) -> None:
    """A RESET that was made before the second press."""
    client = bench.client
    await _latched(bench)
    first = await client.next()
    await _latched(bench)
    telemetry = await client.next()
    bench.same("latch counter", telemetry.latch, (first.latch + 1) & 0xFFFF)
    result = await client.reset(latch=first.latch, challenge=first.challenge)
    bench.true("the older RESET is refused", result not in (Result.OK, None))
    bench.state(await client.next(), State.LATCHED)


@check("hold", "A hold of 2 s clears the latch once, and opens nothing", "R7", needs=(Need.HAND,))
async def hold(bench: Bench) -> None:
    """By hand, without a host."""
    client = bench.client
    await _latched(bench)
    await bench.operator.press(client)
    await bench.sleep(1.0)
    bench.state(await client.next(), State.LATCHED)
    await bench.sleep(_CLEAR_S - 1.0)
    bench.state(await client.next(), State.LATCHED)
    await bench.operator.release(client)
    telemetry = await client.next(2)
    bench.state(telemetry, State.IDLE)
    bench.at_zero("after it", telemetry)
    bench.true("reported as attended", bool(telemetry.flags & _ATTENDED))
    await client.arm()
    await client.drive(0.3)
    bench.true("ARM uses that up", not client.latest.flags & _ATTENDED)


@check("short-hold", "A press of less than 2 s clears nothing", "R7", needs=(Need.HAND,))
async def short_hold(bench: Bench) -> None:
    """One second."""
    client = bench.client
    await _latched(bench)
    await bench.operator.press(client)
    await bench.sleep(1.0)
    await bench.operator.release(client)
    bench.state(await client.next(2), State.LATCHED)
