"""Invariant: whatever bytes a host sends, and whenever, the device alone keeps R1 to R4, R6 and R8."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim import wire
from firmware_sim.config import DeviceConfig, Limits, LinkKind
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Look, Peer, Watch
from massager_fw.states import Cause, Result, State

CAPS = (7_000, 7_000, 5_000, 5_000, 3_500, 3_500)
PATTERNS = (0x00, 0x01, 0x05, 0x12, 0x14, 0x22, 0x24, 0x32, 0x34, 0x43, 0x53)


def allowed(running: float, cap: int) -> float:
    """R2, written out once more."""
    if running >= 300.0:
        return cap
    return min(cap, 1_000) + (cap - min(cap, 1_000)) * max(0.0, running - 60.0) / 240.0


def check(looks: list[Look]) -> None:
    before = Look(0.0, 0.0, State.IDLE, (0,) * 6, (0,) * 6, (0,) * 12)
    for look in looks:
        assert sum(look.level) <= 20_000
        for i, cap in enumerate(CAPS):
            level = look.level[i]
            assert level <= allowed(look.running, cap) + 1e-6, (look, i)
            assert look.drive[i] <= level
            assert level - before.level[i] <= 200 * (look.t - before.t) + 1e-6, (before, look)
            assert look.drive[i] - before.drive[i] <= 1_000 * (look.t - before.t) + 1e-6
            assert sum(look.actuators[2 * i : 2 * i + 2]) == look.drive[i]
        for was, now in zip(before.actuators, look.actuators, strict=True):
            assert now - was <= 1_000 * (look.t - before.t) + 1e-6, (before, look)
        if any(look.level):
            assert look.state in (State.RUNNING, State.FADING)
        before = look


level = st.one_of(
    st.integers(0, 1000), st.sampled_from([0, 1, 100, 101, 350, 500, 700, 1000, 65535])
)
setpoints = st.fixed_dictionaries(
    {
        "level": st.tuples(*[level] * 6),
        "pattern": st.tuples(*[st.sampled_from(PATTERNS)] * 6),
        "mode": st.sampled_from([0, 0, 0, 0, 1, 2, 3]),
        "heat": st.sampled_from([0, 0, 380, 390, 391]),
        "period": st.sampled_from([1000, 4000, 60000]),
    }
)
moves = st.one_of(
    st.tuples(st.just("set"), setpoints),
    st.tuples(st.just("drive"), setpoints),
    st.tuples(st.just("long"), setpoints),
    st.tuples(st.just("wait"), st.floats(0.0, 1.2)),
    st.tuples(st.just("arm"), st.integers(1, 1000)),
    st.tuples(st.just("stop"), st.integers(0, 255)),
    st.tuples(st.just("replay"), st.integers(0, 50)),
    st.tuples(st.just("garbage"), st.binary(max_size=60)),
    st.tuples(st.just("press"), st.floats(0.001, 3.0)),
    st.tuples(st.just("reset"), st.none()),
    st.tuples(st.just("reboot"), st.none()),
    st.tuples(st.just("reconnect"), st.none()),
)


class Player:
    """Plays a script of moves on one device."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.sent: list[bytes] = []

    def at_zero(self) -> None:
        assert self.peer.firmware.core.levels.level == [0] * 6

    def set(self, value: dict[str, Any]) -> None:
        self.sent.append(self.peer.send(self.peer.setpoint(**value)))

    def drive(self, value: dict[str, Any]) -> None:
        for _ in range(10):
            self.set(value)
            self.peer.run(0.1)

    def long(self, value: dict[str, Any]) -> None:
        self.peer.drive(30.0, **value)

    def wait(self, value: float) -> None:
        self.peer.run(value)

    def arm(self, value: int) -> None:
        self.peer.arm(cap=value)

    def stop(self, value: int) -> None:
        self.peer.stop(value)
        self.at_zero()

    def replay(self, value: int) -> None:
        for data in self.sent[value : value + 5]:
            self.peer.raw(data)

    def garbage(self, value: bytes) -> None:
        self.peer.raw(value + b"\x00")

    def press(self, value: float) -> None:
        self.peer.firmware.press(self.peer.now)
        self.at_zero()
        self.peer.run(value)
        self.peer.firmware.release(self.peer.now)
        self.peer.run(0.2)

    def reset(self, _: None) -> None:
        self.peer.reset()

    def reboot(self, _: None) -> None:
        self.peer.firmware.core.restart(Cause.NONE)

    def reconnect(self, _: None) -> None:
        self.peer.firmware.disconnect(self.peer.link, self.peer.now)
        self.at_zero()
        self.peer.firmware.connect(self.peer.link, self.peer.kind, self.peer.now)


@given(st.lists(moves, min_size=3, max_size=25))
@settings(max_examples=40)
def test_no_sequence_of_requests_leaves_the_limits(script: list[tuple[str, object]]) -> None:
    watch = Watch()
    peer = Peer(Firmware(DeviceConfig(mains=True), MemoryNvm(), 7, recorder=watch))
    peer.arm()
    player = Player(peer)
    for name, value in script:
        getattr(player, name)(value)
    check(watch.looks)


@pytest.mark.slow
@given(setpoints)
@settings(max_examples=5)
def test_six_minutes_of_anything_stay_below_the_envelope(setpoint: dict[str, Any]) -> None:
    watch = Watch()
    peer = Peer(Firmware(DeviceConfig(mains=True), MemoryNvm(), 7, recorder=watch))
    peer.arm()
    peer.drive(360.0, **setpoint)
    check(watch.looks)


@given(
    st.sampled_from(list(LinkKind)),
    st.floats(0.0, 0.2),
    st.floats(0.05, 0.95),
    st.sampled_from([0.9, 1.0, 1.1]),
)
def test_the_deadman_goes_by_age(kind: LinkKind, phase: float, share: float, rate: float) -> None:
    peer = Peer(Firmware(DeviceConfig(clock_rate=rate), MemoryNvm(), 7), kind)
    t = (1.0 if kind in (LinkKind.TCP, LinkKind.BLE) else 0.5) / rate
    peer.arm()
    peer.run(phase)
    peer.send(peer.setpoint((50, 0, 0, 0, 0, 0)))
    peer.run(share * t)
    assert peer.firmware.core.session is not None
    peer.send(peer.setpoint((50, 0, 0, 0, 0, 0)))
    peer.run(0.999 * t)
    assert peer.firmware.core.session is not None
    peer.run(0.1)
    assert peer.firmware.core.session is None
    assert peer.firmware.core.levels.level == [0] * 6


@given(st.integers(0, 0xFFFFFFFF), st.integers(1, 0xFFFFFFFF))
def test_a_sequence_is_newer_by_less_than_half_a_turn(last: int, step: int) -> None:
    peer = Peer(Firmware(DeviceConfig(), MemoryNvm(), 7))
    peer.seq = last
    peer.arm()
    peer.seq = (last + step - 1) & 0xFFFFFFFF
    peer.send(peer.setpoint())
    session = peer.firmware.core.session
    assert session is not None
    assert (session.seq == peer.seq) == (step < 1 << 31)


@given(st.lists(st.tuples(st.floats(0.5, 20.0), st.booleans()), max_size=30))
@settings(max_examples=20)
def test_running_time_is_never_renewed(rounds: list[tuple[float, bool]]) -> None:
    nvm = MemoryNvm()
    config = DeviceConfig(mains=True, limits=replace(Limits(), allowance_s=40, window_s=4000))
    ran = 0.0
    peer = Peer(Firmware(config, nvm, 7))
    for seconds, reboot in rounds:
        if reboot:
            peer = Peer(Firmware(config, nvm, 7))
        if peer.arm().result != Result.OK:
            continue
        peer.drive(seconds, (50,) * 6)
        ran += peer.firmware.core.running * 0.02
        peer.stop()
    assert ran <= 40.0 + 1e-6


@given(st.binary(max_size=300), st.integers(0, 255))
def test_stop_is_zero_behind_any_bytes(garbage: bytes, reason: int) -> None:
    peer = Peer(Firmware(DeviceConfig(), MemoryNvm(), 7))
    peer.arm()
    peer.drive(1.0, (50,) * 6)
    peer.raw(garbage)
    peer.raw(b"\x00" + wire.frame(wire.pack(wire.Stop(0xABCD, reason))))
    assert peer.acks()[-1].token == 0xABCD
    assert peer.firmware.core.levels.level == [0] * 6
    assert peer.firmware.core.session is None
