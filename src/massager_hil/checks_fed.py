"""Matrices of the dead-man: whatever must not feed it, and silence out of every state (R4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.client import Client
from massager_hil.model import Need, Tier, check
from massager_hil.tables import TICK_S, Cause, Result, State

_LOW = (20, 20, 0, 0, 0, 0)
_EVERY_S = 0.05
_ALL_WITHIN_S = 0.4
_OVER_S = 0.1


async def dies(bench: Bench, what: str, last_up: int) -> wire.Telemetry | None:
    """The session ends by the dead-man, T after the SETPOINT that was reported at uptime `last_up`."""
    client = bench.client
    end = await client.see(lambda t: t.epoch != client.epoch, bench.dead_man_s + 1.0)
    if end is None:
        bench.never(f"{what}: the dead-man ends the session", bound=bench.dead_man_s + _OVER_S)
        return None
    age = (end.uptime - last_up) / 1000
    low, high = bench.dead_man_s - TICK_S, bench.dead_man_s + _OVER_S + TICK_S
    bench.within(f"{what}: silence that ends the session", age, low, high, "s")
    bench.cause(end, Cause.DEAD_MAN)
    bench.at_zero(what, end)
    return end


async def _last(client: Client, bench: Bench, period: int = 3500) -> int:
    """One SETPOINT that changes something; the uptime at which it was reported as taken."""
    client.put(_LOW, period=period)
    taken = await client.see(lambda t: t.seq == client.seq, 0.2 + bench.slack_s)
    return (taken or client.latest).uptime


Feeds = Callable[[Bench, Client], bytes]


def _changed(name: str, change: Callable[[int], int]) -> Feeds:
    def made(bench: Bench, client: Client) -> bytes:  # noqa: ARG001
        setpoint = client.setpoint(_LOW)
        value = change(getattr(setpoint, name)) & 0xFFFFFFFF
        return client.framed(wire.pack(msgspec.structs.replace(setpoint, **{name: value})))

    return made


def _damaged(bench: Bench, client: Client) -> bytes:  # noqa: ARG001
    body = bytearray(wire.pack(client.setpoint(_LOW)))
    body[-1] ^= 0x40
    return client.framed(bytes(body))


def _other_version(bench: Bench, client: Client) -> bytes:  # noqa: ARG001
    return client.framed(wire.seal(b"\x03" + wire.pack(client.setpoint(_LOW))[1:-2]))


def _longer(bench: Bench, client: Client) -> bytes:  # noqa: ARG001
    return client.framed(wire.seal(wire.pack(client.setpoint(_LOW))[:-2] + b"\x00"))


def _question(bench: Bench, client: Client) -> bytes:  # noqa: ARG001
    return client.framed(wire.pack(wire.GetInfo(client.next_token())))


def _reset(bench: Bench, client: Client) -> bytes:  # noqa: ARG001
    telemetry = client.latest
    return client.framed(
        wire.pack(wire.Reset(client.next_token(), telemetry.challenge, telemetry.latch))
    )


def _another_owner(bench: Bench, client: Client) -> bytes:  # noqa: ARG001
    arm = msgspec.structs.replace(client.arm_message(), owner=client.owner ^ 0xFF)
    return client.framed(wire.pack(arm))


def _empty(bench: Bench, client: Client) -> bytes:
    return b"\x00" if client.is_stream else _question(bench, client)


_FEEDS: dict[str, Feeds] = {
    "GET_INFO": _question,
    "empty runs": _empty,
    "RESET without a latch": _reset,
    "ARM of another owner": _another_owner,
    "SETPOINT with a wrong CRC": _damaged,
    "SETPOINT of another version": _other_version,
    "SETPOINT with a byte more": _longer,
    "SETPOINT of another owner": _changed("owner", lambda value: value ^ 1),
    "SETPOINT of the epoch before": _changed("epoch", lambda value: value - 1),
    "SETPOINT of the epoch to come": _changed("epoch", lambda value: value + 1),
    "SETPOINT with a seq that is not newer": _changed("seq", lambda value: value - 10_000),
    "SETPOINT that echoes what was never sent": _changed("echo", lambda value: value + 5000),
    "SETPOINT that echoes counter 0": _changed("echo", lambda _: 0),
}


@check(
    "deadman-fed-by",
    "Nothing but a fresh SETPOINT of the owner feeds the dead-man",
    "R4",
    "R16",
    "R17",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def deadman_fed_by(bench: Bench) -> None:
    """Each kind of frame every 50 ms, instead of SETPOINTs, until T is over."""
    client = bench.client
    for what, make in _FEEDS.items():
        bench.at(what)
        await client.running(20, 0.2)
        up = await _last(client, bench)

        async def feed(make: Feeds = make) -> None:
            while True:
                client.raw(make(bench, client))
                await bench.sleep(_EVERY_S)

        await _meanwhile(feed, dies(bench, what, up))
        await client.next()


async def _meanwhile(feed: Callable[[], Awaitable[None]], procedure: Awaitable[object]) -> None:
    task = asyncio.ensure_future(feed())
    try:
        await procedure
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@check(
    "deadman-fed-by-any",
    "Of all frames but a fresh SETPOINT of the owner none feeds the dead-man",
    "R4",
    "R16",
    "R17",
    needs=(Need.MOTOR,),
)
async def deadman_fed_by_any(bench: Bench) -> None:
    """The kinds of `deadman-fed-by`, and what was sent before, one after the other, all of them within T."""
    client = bench.client
    await client.next()
    arm = client.arm_message()
    bench.refused("ARM", await client.try_arm(arm), Result.OK)
    await client.drive(0.3, _LOW)
    again = client.put(_LOW, period=3500)
    taken = await client.see(lambda t: t.seq == client.seq, 0.2 + bench.slack_s)
    kinds: dict[str, Feeds] = {
        **_FEEDS,
        "the same ARM": lambda _, client: client.framed(wire.pack(arm)),
        "the same SETPOINT": lambda _, __: again,
    }

    async def feed() -> None:
        while True:
            for what, make in kinds.items():
                bench.at(what)
                client.raw(make(bench, client))
                await bench.sleep(_ALL_WITHIN_S / len(kinds))

    await _meanwhile(feed, dies(bench, "any frame", (taken or client.latest).uptime))


@check(
    "deadman-fed-by-link",
    "Nothing on another link feeds the dead-man",
    "R4",
    "R17",
    needs=(Need.MOTOR, Need.SECOND_LINK),
)
async def deadman_fed_by_link(bench: Bench) -> None:
    """The owner's own good SETPOINTs, questions, and ARMs, from a link that did not arm."""
    client, other = bench.client, await bench.another()

    def setpoint() -> bytes:
        return other.framed(wire.pack(client.setpoint(_LOW)))

    def arm() -> bytes:
        return other.framed(wire.pack(repeated))

    def question() -> bytes:
        return other.framed(wire.pack(wire.GetInfo(other.next_token())))

    for what, make in (
        ("the owner's SETPOINT on another link", setpoint),
        ("the same ARM on another link", arm),
        ("GET_INFO on another link", question),
    ):
        bench.at(what)
        await client.next()
        repeated = client.arm_message()
        bench.refused(f"{what}: ARM", await client.try_arm(repeated), Result.OK)
        await client.drive(0.3, _LOW)
        up = await _last(client, bench)

        async def feed(make: Callable[[], bytes] = make) -> None:
            while True:
                other.raw(make())
                await bench.sleep(_EVERY_S)

        await _meanwhile(feed, dies(bench, what, up))
        await client.next()


@check(
    "deadman-repeated-arm",
    "An ARM that is repeated amid a session feeds nothing",
    "R4",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def deadman_repeated_arm(bench: Bench) -> None:
    """The same ARM every 50 ms, after SETPOINTs were taken."""
    client = bench.client
    await client.next()
    arm = client.arm_message()
    bench.refused("ARM", await client.try_arm(arm), Result.OK)
    await client.drive(0.4, _LOW)
    up = await _last(client, bench)

    async def feed() -> None:
        while True:
            client.send(arm)
            await bench.sleep(_EVERY_S)

    await _meanwhile(feed, dies(bench, "repeated ARM", up))


@check(
    "silence-in-every-state",
    "Silence ends a session out of every state, T after the last SETPOINT",
    "R4",
    needs=(Need.MOTOR,),
)
async def silence_in_every_state(bench: Bench) -> None:
    """Armed, paused, running after a pause, fading, after a malformed SETPOINT; `deadman-running` is the first run."""
    client = bench.client
    states: dict[str, tuple[dict[str, object], State]] = {
        "armed": ({}, State.ARMED),
        "paused": ({"mode": 1}, State.PAUSED),
        "running after a pause": ({"level": _LOW}, State.RUNNING),
        "fading": ({"mode": 2, "level": (10, 10, 0, 0, 0, 0)}, State.FADING),
        "after a malformed SETPOINT": ({"mode": 9, "level": _LOW}, State.ARMED),
    }
    for what, (changes, state) in states.items():
        bench.at(what)
        await client.running(20, 0.1)
        if state is State.RUNNING:
            await client.drive(0.05, mode=1)
            await client.drive(0.05, _LOW)
        client.send(msgspec.structs.replace(client.setpoint(), period=3300, **changes))
        taken = await client.see(lambda t: t.seq == client.seq, 0.2 + bench.slack_s)
        if state is State.RUNNING:
            await client.next()
        bench.state(client.latest, state)
        await dies(bench, what, (taken or client.latest).uptime)


_ECHO_TRIES = 5


@check("echo-edges", "An echo counts for T after its TELEMETRY was sent, and no longer", "R4")
async def echo_edges(bench: Bench) -> None:
    """Echoes of 0.2 T, 0.7 T, 1.3 T and 2 T; each with a SETPOINT that would show."""
    client = bench.client
    await client.arm()
    end = bench.now() + 2.2 * bench.dead_man_s
    while bench.now() < end:
        await client.drive(0.1)
    for share, counts in ((0.2, True), (0.7, True), (1.3, False), (2.0, False)):
        for _ in range(_ECHO_TRIES):
            taken = await _echo_is_taken(bench, share, counts=counts)
            await client.drive(0.3)
            if taken is not None:
                bench.same(f"echo of about {share} T counts", taken, counts)
                break


async def _echo_is_taken(bench: Bench, share: float, *, counts: bool) -> bool | None:
    """Whether the device takes an echo of that share of T; None if its age there may be on the other side of T.

    The age counts from when the device sent TELEMETRY to when SETPOINT came, and a busy computer delays both. The
    device's own clock says what it was at least, in the newest TELEMETRY before, and at most, in the one that tells.
    """
    client = bench.client
    now = client.latest
    wanted = now.uptime - 1000 * share * bench.dead_man_s
    old = min(
        (telemetry for _, telemetry in client.heard),
        key=lambda telemetry: abs(telemetry.uptime - wanted),
    )
    youngest = (now.uptime - old.uptime) / 1000
    bench.at(f"echo at least {youngest:.2f} s old")
    client.send(msgspec.structs.replace(client.setpoint(period=2222), echo=old.counter))
    telemetry = await client.see(
        lambda t: t.seq == client.seq or t.rejected != now.rejected, 0.3 + bench.slack_s
    )
    if telemetry is not None and telemetry.seq == client.seq:
        return None if not counts and youngest <= bench.dead_man_s else True
    oldest = None if telemetry is None else (telemetry.uptime - old.uptime) / 1000
    return None if counts and (oldest is None or oldest > bench.dead_man_s) else False


@check("sequence-edges", "seq counts up to 2^31 - 1 ahead, and the same one never again", "R16")
async def sequence_edges(bench: Bench) -> None:
    """One ahead, the same again, 2^31 - 1 ahead, 2^31 ahead."""
    client = bench.client
    await client.arm()
    await client.settle()  # or what was reported before the ARM is the last seq
    for step, counts in ((1, True), (0, False), ((1 << 31) - 1, True), (1 << 31, False), (5, True)):
        bench.at(f"seq {step} ahead")
        last = client.latest.seq
        setpoint = client.setpoint(period=2000 + step % 977)
        client.seq = (last + step) & 0xFFFFFFFF
        client.send(msgspec.structs.replace(setpoint, seq=client.seq))
        await client.next(2)
        due = client.seq if counts else last
        bench.same(f"seq {step} ahead: seq reported", client.latest.seq, due)
        client.seq = client.latest.seq
