"""Checks of the way out: STOP from anyone, in any state, at any time (R6)."""

from __future__ import annotations

from statistics import median

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.client import Client
from massager_hil.model import Need, check
from massager_hil.tables import CONFIRM_S, Cause, Result, State

_ZERO_S = 0.1
_ACK_AFTER_ZERO_S = 0.02
_STOPS = 10
_FLOOD = 60
_BAUD_S = 10 / 115_200
"""Seconds that a byte takes on a serial line (docs/protocol.md 2)."""
_LEVEL = (20, 20, 0, 0, 0, 0)


async def _stopped(bench: Bench, client: Client, what: str) -> None:
    """STOP by `client`, and everything that has to follow."""
    before = bench.client.latest.epoch
    ack = await client.stop()
    bench.same(f"{what}: result", ack.result, Result.OK.value)
    telemetry = await bench.client.settle()
    if client is not bench.client:
        telemetry = await bench.client.next(2)
    bench.at_zero(what, telemetry)
    bench.true(f"{what}: a new epoch", telemetry.epoch != before)
    bench.true(f"{what}: the ACK names the epoch that follows", ack.epoch == telemetry.epoch)


@check("stop-idle", "STOP without a session is acknowledged and changes the epoch", "R6")
async def stop_idle(bench: Bench) -> None:
    """Twice, as another controller may have armed in between."""
    for number in ("first STOP", "second STOP"):
        await bench.client.next()
        await _stopped(bench, bench.client, number)


@check("stop-twice", "A STOP that equals the last one is answered all the same", "R6")
async def stop_twice(bench: Bench) -> None:
    """The same bytes three times: each gets its ACK, none is taken for a repetition."""
    client = bench.client
    await client.next()
    token = client.next_token()
    for _ in range(3):
        client.send(wire.Stop(token, 1))
        await bench.sleep(0.05)
    await client.until(lambda: _answers(client, token) >= 3, 0.3 + bench.slack_s)
    bench.same("ACKs to three equal STOPs", _answers(client, token), 3)


def _answers(client: Client, token: int) -> int:
    return sum(ack.token == token for _, ack in client.acks)


@check("stop-armed", "STOP ends a session that is armed, or paused", "R6")
async def stop_armed(bench: Bench) -> None:
    """Nothing moves for it."""
    client = bench.client
    await client.arm()
    await client.drive(0.3)
    await _stopped(bench, client, "armed")
    await client.arm()
    await client.drive(0.3, mode=1)
    bench.state(await client.next(), State.PAUSED)
    await _stopped(bench, client, "paused")


@check("stop-running", "STOP ends a session that runs, or fades", "R6", needs=(Need.MOTOR,))
async def stop_running(bench: Bench) -> None:
    """And its reason becomes the cause."""
    client = bench.client
    await client.running(20)
    await _stopped(bench, client, "running")
    bench.cause(client.latest, Cause.PERSON)
    await client.running(20)
    await client.drive(0.3, _LEVEL, mode=2)
    await _stopped(bench, client, "fading")


@check("stop-reasons", "Any reason is a stop, and a host's own becomes the cause", "R6")
async def stop_reasons(bench: Bench) -> None:
    """2, 3 and 7 are known, 0, 40 and 255 are not a host's."""
    client = bench.client
    for reason, cause in ((2, 2), (3, 3), (7, 7), (0, 1), (40, 1), (255, 1)):
        await client.arm()
        ack = await client.stop(reason)
        bench.same(f"reason {reason}: result", ack.result, Result.OK.value)
        telemetry = await client.settle()
        bench.same(f"reason {reason}: cause", telemetry.cause, cause)


@check("stop-later-version", "STOP of a later version is obeyed", "R6", needs=(Need.MOTOR,))
async def stop_later_version(bench: Bench) -> None:
    """Another version byte, and more bytes behind the five that stay for ever."""
    client = bench.client
    await client.running(20)
    token = client.next_token()
    client.raw(
        client.framed(wire.seal(b"\x09\x04" + token.to_bytes(4, "little") + b"\x01\xaa\xbb"))
    )
    ack = await client.answer(token)
    bench.true("acknowledged", ack is not None)
    bench.at_zero("after it", await client.next(2))


@check(
    "stop-second-link",
    "STOP is taken from a link that does not own the session",
    "R6",
    "R17",
    needs=(Need.MOTOR, Need.SECOND_LINK),
)
async def stop_second_link(bench: Bench) -> None:
    """Another host, without a claim."""
    client = bench.client
    other = await bench.another()
    await client.running(20)
    await _stopped(bench, other, "running")


@check("stop-old-setpoint", "What was sent before a STOP cannot act after it", "R6", "R16")
async def stop_old_setpoint(bench: Bench) -> None:
    """A SETPOINT and an ARM with the epoch from before the stop."""
    client = bench.client
    await client.arm()
    await client.drive(0.3)
    late = client.setpoint((50,) * 6)
    arm = client.arm_message()
    await client.stop()
    before = await client.settle()
    client.send(late)
    after = await client.next(2)
    bench.ignored("SETPOINT of the old epoch", before, after)
    bench.refused("ARM of the old epoch", await client.try_arm(arm), Result.STALE_EPOCH)
    bench.at_zero("after both", await client.next(2))


@check("stop-flood", "STOP acts in time behind a flood of frames", "R6", needs=(Need.MOTOR,))
async def stop_flood(bench: Bench) -> None:
    """Sixty questions at once, then STOP; the line's own time for them is allowed for."""
    client = bench.client
    await client.running(20)
    flood = b"".join(client.framed(wire.pack(wire.GetInfo(90_000 + n))) for n in range(_FLOOD))
    answers = _FLOOD * 56
    line_s = (len(flood) + answers) * _BAUD_S if bench.kind == "serial" else 0.0
    sent = bench.now()
    if client.is_stream:
        client.raw(flood)
    else:
        for number in range(_FLOOD):
            client.send(wire.GetInfo(90_000 + number))
    token = client.next_token()
    client.mark("STOP")
    client.send(wire.Stop(token, 1))
    ack = await client.answer(token, 2.0)
    bound = CONFIRM_S[bench.kind] + line_s + bench.slack_s
    if ack is None:
        bench.never("a STOP behind a flood is answered", 2.0, bound)
    else:
        bench.at_most("flood to ACK", bench.now() - sent, bound, "s")
    bench.at_zero("after it", await client.next(2))


@check("stop-latency", "STOP is confirmed in time, again and again", "R6", needs=(Need.MOTOR,))
async def stop_latency(bench: Bench) -> None:
    """Ten stops out of running; the time from the write to the ACK on this computer's clock."""
    client = bench.client
    times: list[float] = []
    levels: list[int] = []
    for _ in range(_STOPS):
        await client.running(20, 0.1)
        sent = bench.now()
        await client.stop()
        times.append(client.acks[-1][0] - sent)
        levels.append(max((await client.settle()).level))
    bound = min(_ZERO_S + _ACK_AFTER_ZERO_S, CONFIRM_S[bench.kind])
    if bench.kind == "ble":
        bound = CONFIRM_S["ble"]
    bench.at_most("slowest of ten", max(times), bound + bench.slack_s, "s")
    bench.at_most("median", median(times), bound, "s")
    bench.at_most("highest level after an ACK", max(levels) / 10, 0, "%")
