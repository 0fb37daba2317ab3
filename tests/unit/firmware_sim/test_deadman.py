"""The dead-man: its age in true time, what feeds it, and links that go down."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.firmware_sim.lone_device import LOW, device

from firmware_sim import wire
from firmware_sim.config import LinkKind
from firmware_sim.peer import Peer
from massager_fw.states import Cause, State


@pytest.mark.parametrize(
    ("kind", "deadman"), [(LinkKind.MEMORY, 0.5), (LinkKind.SERIAL, 0.5), (LinkKind.TCP, 1.0)]
)
def test_the_deadman_is_not_early_and_not_late(kind: LinkKind, deadman: float) -> None:
    peer = Peer(device(), kind)
    peer.arm()
    peer.drive(2.0, LOW)
    for _ in range(3):
        peer.send(peer.setpoint(LOW))
        peer.run(0.9 * deadman)
        assert peer.firmware.core.state is State.RUNNING
    peer.send(peer.setpoint(LOW))
    peer.run(deadman - 0.001)
    assert peer.firmware.core.levels.level[0] == 500
    peer.run(0.101)
    assert peer.firmware.core.levels.level == [0] * 6
    assert peer.telemetry.cause == Cause.DEAD_MAN
    assert peer.telemetry.owner == 0


def test_an_arm_without_a_setpoint_dies_too(peer: Peer) -> None:
    peer.arm()
    peer.run(0.55)
    assert peer.telemetry.cause == Cause.DEAD_MAN


def test_r4_it_goes_by_age_in_a_pause_and_after_it_too(peer: Peer) -> None:
    for modes in ((1,), (1, 0)):
        peer.arm()
        peer.drive(1.0, LOW)
        for mode in modes:
            peer.send(peer.setpoint((0,) * 6 if mode else LOW, mode=mode))
        peer.run(0.49)
        assert peer.firmware.core.session is not None
        peer.run(0.04)
        assert peer.telemetry.cause == Cause.DEAD_MAN


def test_no_level_rises_once_the_age_is_over_half_of_t(peer: Peer) -> None:
    peer.arm()
    peer.drive(1.0, (100, 0, 0, 0, 0, 0))
    peer.send(peer.setpoint((100, 0, 0, 0, 0, 0)))
    peer.run(0.26)
    level = peer.firmware.core.levels.level[0]
    peer.run(0.2)
    assert peer.firmware.core.levels.level[0] == level < 1000
    peer.drive(0.4, (100, 0, 0, 0, 0, 0))
    assert peer.firmware.core.levels.level[0] > level


def test_the_owners_link_going_down_is_zero_at_once(peer: Peer) -> None:
    other = Peer(peer.firmware, link=2)
    peer.arm()
    peer.drive(1.0, LOW)
    told = peer.firmware.disconnect(1, peer.now)
    assert peer.firmware.core.levels.level == [0] * 6
    assert [each.link for each in told] == [2]
    other._take(told)
    assert other.telemetry.cause == Cause.LINK_LOST


@pytest.mark.parametrize(
    "act",
    [
        lambda peer: peer.send(peer.setpoint(LOW)),
        lambda peer: peer.firmware.disconnect(1, peer.now),
        lambda peer: peer.firmware.connect(3, LinkKind.MEMORY, peer.now),
        lambda peer: peer.firmware.read_info(1, peer.now),
        lambda peer: peer.firmware.read_telemetry(peer.now),
    ],
    ids=[
        "a SETPOINT",
        "its link goes down",
        "a link comes up",
        "INFO is read",
        "TELEMETRY is read",
    ],
)
def test_r4_what_comes_after_t_finds_the_session_over_also_where_nothing_woke_the_device(
    peer: Peer, act: Callable[[Peer], object]
) -> None:
    peer.arm()
    peer.drive(1.0, LOW)
    peer.now += 0.4
    act(peer)
    assert peer.firmware.core.cause is Cause.DEAD_MAN


def test_r8_what_ran_before_a_press_is_counted_also_where_nothing_woke_the_device(
    peer: Peer,
) -> None:
    peer.arm()
    peer.drive(1.0, LOW)
    before = peer.firmware.core.running
    peer.firmware.press(peer.now + 0.2)
    assert peer.firmware.core.running == peer.firmware.core.memory.life_ticks == before + 10


def test_another_link_going_down_changes_nothing(peer: Peer) -> None:
    Peer(peer.firmware, link=2)
    peer.arm()
    peer.drive(1.0, LOW)
    peer.firmware.disconnect(2, peer.now)
    peer.firmware.disconnect(7, peer.now)
    assert peer.firmware.core.state is State.RUNNING


def test_bytes_from_a_link_that_is_not_up_are_nothing(peer: Peer) -> None:
    assert peer.firmware.feed(9, wire.frame(wire.pack(wire.Stop(1, 1))), 0.0) == []


def test_r4_an_echo_older_than_the_newest_128_feeds_nothing_however_young(peer: Peer) -> None:
    peer = Peer(peer.firmware, LinkKind.TCP, link=2)
    peer.arm()
    echo = peer.telemetry.counter
    for k in range(200):
        peer.send(peer.setpoint(LOW, period=1000 + k))
    assert peer.telemetry.counter > echo + 128
    rejected = peer.firmware.rejected
    late = wire.Setpoint(
        peer.telemetry.epoch, peer.owner, peer.seq + 1, echo, 0, 0, 4000, LOW, (1,) * 6
    )
    peer.send(late)
    assert peer.firmware.rejected == rejected + 1
    assert peer.telemetry.seq == peer.seq
