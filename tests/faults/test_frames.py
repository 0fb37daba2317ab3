"""Faults 15 to 24: frames that are damaged, repeated, old, foreign or too many (R4, R6, R15 to R17)."""

from __future__ import annotations

import asyncio
from itertools import permutations
from unittest import mock

import pytest

from firmware_sim import wire
from firmware_sim.trace_rules import Bounds, violations
from massager_ctl.drivers import reference
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import SetLevel
from massager_ctl.testing.impairments import Corrupting, Duplicating, OneByteAtATime
from massager_ctl.transports.base import Transport
from tests.faults.aftermath import SERIAL_T, arrived, rejected, stopped
from tests.faults.by_hand import Hand, authentic, on_the_line
from tests.faults.ground import Ground, Recipe, pipe_to
from tests.support.marks import simulated_time

pytestmark = simulated_time


@pytest.mark.fault(15)
async def test_half_a_frame(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    before = rejected(g)
    g.tap.inner.write(on_the_line(authentic(g))[:20])
    await arrived(g)
    assert rejected(g) == before
    await g.goes_on(1.0)
    assert rejected(g) == before + 1, "it spoilt the frame behind it, and no other"
    assert max(g.out.values()) <= 3.2
    await stopped(g)


class Corrupted(Corrupting):
    """Bits flip in a fifth of what is said, once the session runs."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner, 0.0, seed=16)


@pytest.mark.fault(16)
@pytest.mark.laid(recipe=Recipe(wrap=Corrupted))
async def test_bit_flips(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    assert isinstance(g.transport, Corrupted)
    g.transport.rate = 0.2
    before = rejected(g)
    await asyncio.sleep(4.0)
    assert rejected(g) > before
    assert g.driver.bad_frames > 0
    g.transport.rate = 0.0
    assert violations(g.trace, Bounds(rise=2.0)) == []
    if g.state == "running":
        await stopped(g)
    assert not g.seen("latch")


@pytest.mark.fault(16)
async def test_noise_ends_it(g: Ground) -> None:
    """Over half of the frames are bad for 2 s: the session is over, though good ones still feed it."""
    await g.controller.connect()
    await g.run()
    g.strike()
    for _ in range(60):
        g.tap.inner.write(b"\x05rubbish\x00")
        await asyncio.sleep(0.05)
        if g.state != "running":
            break
    g.zero_by(2.1, cause="frame_noise")
    assert (await g.over()).cause is Cause.FRAME_NOISE
    await g.ledger()


@pytest.mark.fault(17)
async def test_wrong_length_or_version(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    head = wire.pack(authentic(g))[:-2]
    wrong = [
        bytes((1,)) + head[1:],
        bytes((3,)) + head[1:],
        bytes((0,)) + head[1:],
        head + b"\0",
        head[:-1],
        head[:1] + b"\x7f" + head[2:],
        head[:2],
        b"",
    ]
    before = rejected(g)
    for body in wrong:
        g.tap.inner.write(wire.frame(wire.seal(body)))
    await asyncio.sleep(0.1)
    assert rejected(g) == before + len(wrong)
    assert max(g.out.values()) <= 3.0
    await g.goes_on(0.5)
    await stopped(g)


@pytest.mark.fault(18)
@pytest.mark.laid(recipe=Recipe(wrap=lambda inner: Duplicating(inner, 1.0)))
async def test_duplicates(g: Ground) -> None:
    """All comes twice: nothing changes by it, and the last frame said again and again feeds nothing (R4)."""
    await g.controller.connect()
    await g.run()
    await g.goes_on(2.0)
    assert max(g.out.values()) <= 4.4
    last = g.tap.written[-1]
    g.strike()
    g.heartbeat.cancel()
    for _ in range(10):
        g.tap.inner.write(last)
        await asyncio.sleep(0.1)
    g.zero_by(SERIAL_T + 0.1, cause="dead_man")
    await g.over()
    await g.ledger()


@pytest.mark.fault(19)
async def test_swapped_in_flight(g: Ground) -> None:
    """ARM, setpoint and stop of one moment, in every order: zero, whichever came last."""
    await g.driver.open(Hand())
    for order in permutations(range(3)):
        core = g.device.firmware.core
        owner = 77
        frames = [
            wire.Arm(1, owner, core.epoch, core.challenge, 0, 500, 600),
            authentic(g, owner=owner, seq=1),
            wire.Stop(2, 1),
        ]
        for index in order:
            g.tap.inner.write(on_the_line(frames[index]))
        await asyncio.sleep(1.0)
        # A stop that came before its ARM ended nothing, but its epoch made the ARM an old one.
        assert g.state == "idle", order
        assert not g.is_up, order


@pytest.mark.fault(19)
async def test_stop_overtaken_by_old_setpoints(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    old = on_the_line(authentic(g))
    await stopped(g)
    for _ in range(5):
        g.tap.inner.write(old)
        await asyncio.sleep(0.1)
    assert not g.is_up


@pytest.mark.fault(20)
async def test_replay_after_reboot(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("reboot")
    await g.over()
    g.zero_by(0.1)
    await asyncio.sleep(0.3)
    before = rejected(g)
    said = [frame for frame in g.tap.written if len(frame) > 20]
    for frame in said:
        g.tap.inner.write(frame)
    await asyncio.sleep(0.5)
    assert rejected(g) == before + len(said), "every ARM and setpoint of the old boot"
    assert (g.state, g.is_up) == ("idle", False)
    await g.ledger()


@pytest.mark.fault(20)
async def test_replay_after_reset(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.strike()
    g.device.press()
    await asyncio.sleep(0.3)
    g.device.release()
    await g.over()
    g.zero_by(0.05, state="latched", cause="button")
    await asyncio.sleep(0.3)
    await g.controller.reset()
    assert g.state == "idle"
    before = rejected(g)
    said = [frame for frame in g.tap.written if len(frame) > 15 and frame[0]]
    for frame in said:
        g.tap.inner.write(frame)
    await asyncio.sleep(0.5)
    assert rejected(g) == before + len(said), (
        "every ARM and setpoint from before, and the used RESET"
    )
    assert (g.state, g.is_up) == ("idle", False)


@pytest.mark.fault(21)
async def test_sequence_wraps(g: Ground) -> None:
    await g.controller.connect()
    with mock.patch.object(reference.secrets, "randbits", lambda bits: 2**bits - 4):
        await g.controller.manual(600)
    g.controller.request(SetLevel(20.0))
    await asyncio.sleep(0.4)
    for _ in range(8):
        await g.goes_on(0.2)
    session = g.device.firmware.core.session
    assert session is not None
    assert session.seq < 100, "it has wrapped"
    await stopped(g)


@pytest.mark.fault(22)
async def test_foreign_sender(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    before = rejected(g)
    second = pipe_to(g.device)
    stranger = reference.ReferenceDriver(second)
    await stranger.open(Hand())
    for frame in (authentic(g), authentic(g, owner=5), authentic(g, ahead=7)):
        second.write(on_the_line(frame))  # another link, with the owner's name and without
    g.tap.inner.write(on_the_line(authentic(g, owner=5)))  # the owner's link, another name
    g.tap.inner.write(on_the_line(authentic(g, epoch=1)))
    await asyncio.sleep(0.1)
    assert rejected(g) == before + 5
    assert max(g.out.values()) <= 2.6
    await g.goes_on(1.0)
    g.strike()
    await stranger.stop(Cause.PERSON)  # but anyone may stop
    g.zero_by(0.1, cause="person")
    await g.over()
    await g.ledger()


@pytest.mark.fault(23)
async def test_frame_flood(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    second = pipe_to(g.device)
    await reference.ReferenceDriver(second).open(Hand())
    for n in range(2000):
        second.write(on_the_line(authentic(g, owner=n)))
        if n % 10 == 0:
            g.controller.request(SetLevel(10.0 + n / 200))
    for _ in range(100):
        g.tap.inner.write(on_the_line(authentic(g, epoch=1)))
    await g.goes_on()
    await stopped(g)


@pytest.mark.fault(24)
@pytest.mark.laid(recipe=Recipe(wrap=OneByteAtATime))
async def test_fragments(g: Ground) -> None:
    await g.controller.connect()
    g.inject("fragment=1")
    await g.run()
    await g.goes_on(1.0)
    assert rejected(g) == 0
    assert g.driver.bad_frames == 0
    # And at every boundary of one frame.
    whole = on_the_line(authentic(g, epoch=1))
    for cut in range(1, len(whole)):
        before = rejected(g)
        g.tap.inner.write(whole[:cut])
        g.tap.inner.write(whole[cut:])
        async with asyncio.timeout(4.0):  # a busy machine may be late
            while rejected(g) == before:
                await arrived(g)
        assert rejected(g) == before + 1
    await stopped(g)
