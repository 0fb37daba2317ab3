"""Matrix of the challenge: used, used and then refused, 10 s old, one of a sequence, of another epoch (R16)."""

from __future__ import annotations

import msgspec

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.model import CannotMeasure, Need, Tier, check
from massager_hil.tables import CHALLENGE_RENEWED_S, Flag, Result, State


async def _arm(bench: Bench, what: str, due: Result, **changes: int) -> None:
    """An ARM with the newest epoch and challenge, but for `changes`; its result."""
    client = bench.client
    bench.at(what)
    arm = msgspec.structs.replace(client.arm_message(), **changes)
    bench.refused(what, await client.try_arm(arm), due)


async def _renewed(bench: Bench) -> int:
    """Wait until the device draws a new challenge on its own; that one."""
    client = bench.client
    before = client.latest.challenge
    seen = await client.see(lambda t: t.challenge != before, CHALLENGE_RENEWED_S + 0.5)
    if seen is None:
        raise CannotMeasure("the challenge stays the same for more than 5.5 s")
    return seen.challenge


@check("challenge-used", "A challenge that an ARM has used is never taken again", "R16")
async def challenge_used(bench: Bench) -> None:
    """The one that was sent: by an ARM that was taken, and by one that a later check refused."""
    client = bench.client
    for field, value in (("cap", 0), ("limit_s", 2701), ("owner", 0)):
        await client.next()
        used = client.latest.challenge
        await _arm(bench, f"ARM with {field} {value}", Result.MALFORMED, **{field: value})
        await _arm(bench, "its challenge again", Result.STALE_CHALLENGE, challenge=used)
        renewed = await client.see(lambda t: t.challenge != used, 0.2 + bench.slack_s)  # noqa: B023
        bench.true("a used challenge is renewed at once", renewed is not None)
        await _arm(bench, "and once more", Result.STALE_CHALLENGE, challenge=used)
    await client.next(2)
    before = client.latest.challenge
    epoch = client.latest.epoch
    await _arm(bench, "another epoch", Result.STALE_EPOCH, epoch=(epoch + 7) & 0xFFFFFFFF)
    await _arm(bench, "a refusal before the challenge uses nothing", Result.OK, challenge=before)
    await client.stop()
    await client.settle()


@check(
    "challenge-sequence",
    "The newest two challenges are taken, each for 10 s; older ones not",
    "R16",
    tier=Tier.FULL,
)
async def challenge_sequence(bench: Bench) -> None:
    """The second newest counts, the third newest does not, and neither does one that is off by one."""
    client = bench.client
    await client.next()
    await client.stop()
    first = (await client.settle()).challenge
    second = await _renewed(bench)
    third = await _renewed(bench)
    await _arm(bench, "one that was never announced", Result.STALE_CHALLENGE, challenge=third ^ 1)
    await _arm(bench, "challenge 0", Result.STALE_CHALLENGE, challenge=0)
    await _arm(bench, "the third newest, 10 s old", Result.STALE_CHALLENGE, challenge=first)
    await _arm(bench, "the second newest, 5 s old", Result.OK, challenge=second)
    await client.stop()
    await client.settle()


@check("challenge-ages", "A challenge is void 10 s after it was drawn", "R16", tier=Tier.FULL)
async def challenge_ages(bench: Bench) -> None:
    """The second newest, just before the third is due: 9.6 s old, and then more than 10 s."""
    client = bench.client
    await client.next()
    await client.stop()
    first = (await client.settle()).challenge
    await _renewed(bench)
    await bench.sleep(CHALLENGE_RENEWED_S - 0.6)
    held = client.latest.challenge
    await _renewed(bench)
    await _arm(bench, "one of 10 s ago", Result.STALE_CHALLENGE, challenge=first)
    await _arm(bench, "one of 5 s ago", Result.OK, challenge=held)
    await client.stop()
    await client.settle()


@check("challenge-void", "Every change of the epoch voids every challenge", "R16")
async def challenge_void(bench: Bench) -> None:
    """A STOP without a session, a STOP, a dead-man: what was announced before does not arm."""
    client = bench.client
    await client.next()
    for what in ("STOP without a session", "STOP", "dead-man"):
        bench.at(what)
        before = await client.next()
        if what != "STOP without a session":
            await client.arm()
            await client.settle()
            before = client.latest
        if what == "dead-man":
            await client.see(lambda t: t.owner == 0, bench.dead_man_s + 0.5)
        else:
            await client.stop()
        await client.next()
        old = before.challenge
        await _arm(bench, f"a challenge from before {what}", Result.STALE_CHALLENGE, challenge=old)


@check(
    "challenge-reset",
    "RESET uses its challenge as ARM does",
    "R7",
    "R16",
    needs=(Need.HAND,),
)
async def challenge_reset(bench: Bench) -> None:
    """One that was refused for its latch counter, and one from before the latch."""
    client = bench.client
    before = (await client.next()).challenge
    await bench.operator.press(client)
    await bench.operator.release(client)
    telemetry = await client.next()
    result = await client.reset(challenge=before)
    bench.refused("a challenge from before the latch", result, Result.STALE_CHALLENGE)
    wrong = (telemetry.latch + 1) & 0xFFFF
    telemetry = await client.next()
    reset = wire.Reset(client.next_token(), telemetry.challenge, wrong)
    client.send(reset)
    await client.answer(reset.token)
    result = await client.reset(challenge=telemetry.challenge)
    bench.refused("one that a RESET has used", result, Result.STALE_CHALLENGE)
    bench.state(await client.next(), State.LATCHED)
    good = client.latest
    bench.refused("a fresh one", await client.reset(), Result.OK)
    result = await client.try_arm(
        msgspec.structs.replace(client.arm_message(), challenge=good.challenge)
    )
    bench.refused("ARM with the one that RESET used", result, Result.STALE_CHALLENGE)


@check(
    "arm-order", "ARM is refused for the first check that fails, in the page's order", "R16", "R17"
)
async def arm_order(bench: Bench) -> None:
    """Two things wrong at a time: epoch before challenge, challenge before fields, busy before all of them."""
    client = bench.client
    await client.next()
    epoch = client.latest.epoch
    wrong = {"epoch": (epoch - 1) & 0xFFFFFFFF, "challenge": 1, "cap": 0}
    await _arm(bench, "epoch, challenge and cap wrong", Result.STALE_EPOCH, **wrong)
    wrong.pop("epoch")
    await _arm(bench, "challenge and cap wrong", Result.STALE_CHALLENGE, **wrong)
    await client.arm()
    await client.settle()
    wrong = {"owner": client.owner ^ 3, "epoch": 5, "challenge": 1, "cap": 0}
    await _arm(bench, "amid a session of another", Result.BUSY, **wrong)
    await _arm(bench, "amid a session, of the same owner with another token", Result.BUSY)
    await client.stop()
    await client.settle()


@check(
    "arm-order-latched",
    "A latch and a pressed button take precedence over anything about the frame",
    "R7",
    needs=(Need.HAND,),
)
async def arm_order_latched(bench: Bench) -> None:
    """Pressed after a RESET was made impossible; latched with everything wrong."""
    client = bench.client
    await bench.operator.press(client)
    await client.next()
    wrong = {"epoch": 5, "challenge": 1, "cap": 0}
    await _arm(bench, "latched, button down, all fields wrong", Result.LATCHED, **wrong)
    bench.refused("RESET, button down", await client.reset(), Result.BUTTON)
    await bench.operator.release(client)
    await client.next()
    bench.refused(
        "RESET, all wrong", await client.reset(challenge=1, latch=9), Result.STALE_CHALLENGE
    )
    bench.refused("RESET", await client.reset(), Result.OK)
    await client.next()
    bench.refused("RESET again", await client.reset(), Result.NOT_LATCHED)
    bench.true("the button is reported as up", not client.latest.flags & Flag.BUTTON)
